"""The payment room as one running thing: its store, its door, its channel and its loops."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from gateway.kernel.clock import Clock, SystemClock
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.kernel.labels import PAYMENT_MAY_SEE
from gateway.mapping import load_folder
from gateway.mapping.api import CompiledAct, Vocabulary
from gateway.payment.allowlist import AllowList
from gateway.payment.channel import Channel
from gateway.payment.collector import Collector, Pace
from gateway.payment.intake import Intake
from gateway.payment.ledger import Ledger
from gateway.payment.metrics import Metrics
from gateway.payment.model import ChannelAnswer, ChannelOrder
from gateway.payment.settings import PaymentRoomSettings
from gateway.payment.statement import STATEMENT_FOLDER, Statements
from gateway.store.payment_tables import PAYMENT
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from gateway.wire.http import PartnerClient
from gateway.wire.listen import listen

VOCABULARY = Vocabulary(
    source=ChannelOrder, result=ChannelAnswer, may_carry=frozenset(label.value for label in PAYMENT_MAY_SEE)
)


@dataclass(slots=True)
class RunningPayment:
    """A started payment room. ``stop`` may be called twice."""

    port: int
    store: Store
    _runner: web.AppRunner
    _client: PartnerClient
    _loops: list["asyncio.Task[None]"]

    @property
    def ports(self) -> dict[str, int]:
        return {"payment": self.port}

    async def stop(self) -> None:
        """Stop taking orders, stop sending, then let the database go. What is unfinished goes on at the next start."""
        await self._runner.cleanup()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._client.close()
        await self.store.close()


def load_channel(folder: Path, schemas: Path) -> CompiledAct:
    """The channel's ``order`` mapping. Raises ``MappingRefused``; a mapping that could carry anything but amounts and
    operational codes does not load."""
    acts = load_folder(folder, schemas, VOCABULARY, {}, frozenset())
    if "order" not in acts:
        raise ConfigRefused("the payment channel has no order mapping", hint="Add order.yaml to the channel's folder.")
    return acts["order"]


def _statements(settings: PaymentRoomSettings) -> Statements:
    folder = settings.mappings.parent / f"{settings.channel}{STATEMENT_FOLDER}"
    return Statements(folder, settings.schemas, settings.channel_endpoint, settings.channel_tls)


async def start_payment(settings: PaymentRoomSettings, clock: Clock | None = None) -> RunningPayment:
    """Start the room. Raises ``ConfigRefused`` when a part of it is wrong; then nothing is left running."""
    clock = clock or SystemClock()
    mapping = load_channel(settings.mappings, settings.schemas)
    names = AllowList(settings.schemas / "allowlist.json", settings.channel)
    store = Store.open(settings.database, PAYMENT)
    try:
        client = PartnerClient(settings.channel_endpoint, tls=settings.channel_tls)
    except BaseException:
        await store.close()
        raise
    ledger, metrics = Ledger(store, clock, settings.channel), Metrics(store, settings.certificates)
    channel = Channel(mapping, names, client, settings.channel_timeout)
    pace = Pace(settings.first_retry, settings.longest_retry, settings.settling_time)
    collector = Collector(ledger, channel, pace, metrics, settings.poll, settings.concurrency)
    window = timedelta(seconds=settings.replay_window)
    intake = Intake(ledger, settings.secret, clock, window, metrics, collector.wake)
    intake.statements = {settings.channel: _statements(settings)}
    runner = web.AppRunner(intake.app(), access_log=None)
    loops = [asyncio.create_task(collector.run()), asyncio.create_task(_forget_nonces(ledger, settings.replay_window))]
    running = RunningPayment(0, store, runner, client, loops)
    try:
        running.port = await listen(runner, settings.host, settings.port, settings.tls, settings.limits)
    except BaseException:
        await running.stop()
        raise
    return running


async def _forget_nonces(ledger: Ledger, window: float) -> None:
    """Expired nonces can't pass the time check any more, so they are dropped."""
    while True:
        await asyncio.sleep(window)
        unit = Unit()
        ledger.forget_nonces(unit)
        try:
            await ledger.store.commit(unit)
        except LianpeiError:
            continue
