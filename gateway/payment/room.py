"""The payment room as one running thing: its store, its door, its channel and its loops."""

import asyncio
from collections.abc import Mapping
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
from gateway.payment.capabilities import load_capabilities
from gateway.payment.channel import ACTS, Channel
from gateway.payment.collector import Collector
from gateway.payment.desk import Desk
from gateway.payment.endings import Endings
from gateway.payment.intake import Intake
from gateway.payment.ledger import Ledger
from gateway.payment.metrics import Metrics
from gateway.payment.model import ChannelAnswer, ChannelOrder, OrderKind
from gateway.payment.pace import Pace
from gateway.payment.paylater import PayLater
from gateway.payment.settings import ChannelPlace, PaymentRoomSettings
from gateway.payment.statement import STATEMENT_FOLDER, Statements
from gateway.payment.teller import Teller
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
    _channels: Mapping[str, Channel]
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
        for channel in self._channels.values():
            await channel.close()
        await self.store.close()


def load_channel(folder: Path, schemas: Path) -> Mapping[str, CompiledAct]:
    """The channel's acts. Raises ``MappingRefused``; a mapping that could carry anything but amounts and operational
    codes does not load."""
    acts = load_folder(folder, schemas, VOCABULARY, {}, frozenset())
    capabilities = load_capabilities(folder)
    needed = set(ACTS[:2])
    if OrderKind.REFUND in capabilities.kinds and capabilities.refund == "online":
        needed |= set(ACTS[2:4])
    missing = sorted(needed - set(acts))
    if missing:
        raise ConfigRefused(
            f"the payment channel {folder.name} lacks {', '.join(missing)}",
            hint="Add the files to the channel's folder.",
        )
    return acts


def _channels(settings: PaymentRoomSettings) -> dict[str, Channel]:
    own = ChannelPlace(settings.channel_endpoint, settings.mappings, settings.channel_tls)
    channels: dict[str, Channel] = {}
    for code, place in ({settings.channel: own} | dict(settings.others)).items():
        acts = load_channel(place.mappings, settings.schemas)
        names = AllowList(settings.schemas / "allowlist.json", code)
        client = PartnerClient(place.endpoint, tls=place.tls)
        channels[code] = Channel(acts, load_capabilities(place.mappings), names, client, settings.channel_timeout)
    return channels


def _teller(settings: PaymentRoomSettings, ledger: Ledger, channels: Mapping[str, Channel], metrics: Metrics) -> Teller:
    pace = Pace(settings.first_retry, settings.longest_retry, settings.settling_time)
    endings = Endings(ledger, metrics, settings.schedule, settings.return_watch)
    return Teller(ledger, channels, pace, metrics, endings, PayLater(ledger, endings, settings.schedule))


def _statements(settings: PaymentRoomSettings) -> dict[str, Statements]:
    own = ChannelPlace(settings.channel_endpoint, settings.mappings, settings.channel_tls)
    return {
        code: Statements(
            place.mappings.parent / f"{code}{STATEMENT_FOLDER}", settings.schemas, place.endpoint, place.tls
        )
        for code, place in ({settings.channel: own} | dict(settings.others)).items()
    }


async def start_payment(settings: PaymentRoomSettings, clock: Clock | None = None) -> RunningPayment:
    """Start the room. Raises ``ConfigRefused`` when a part of it is wrong; then nothing is left running."""
    clock = clock or SystemClock()
    channels = _channels(settings)
    store = Store.open(settings.database, PAYMENT)
    ledger, metrics = Ledger(store, clock), Metrics(store, settings.certificates, clock)
    teller = _teller(settings, ledger, channels, metrics)
    collector = Collector(ledger, teller, metrics, settings.poll, settings.concurrency)
    window = timedelta(seconds=settings.replay_window)
    desk = Desk(ledger, {code: one.capabilities for code, one in channels.items()}, settings.channel, settings.schedule)
    intake = Intake(desk, settings.secret, clock, window, metrics, collector.wake)
    intake.statements = _statements(settings)
    runner = web.AppRunner(intake.app(), access_log=None)
    loops = [asyncio.create_task(collector.run()), asyncio.create_task(_forget_nonces(ledger, settings.replay_window))]
    running = RunningPayment(0, store, runner, channels, loops)
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
