"""The road of money in one process: claims rows, the window, the payment room, and both payment channels on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from gateway.clearing.carrier import Carrier
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.ids import new_claim_id, new_deposit_id, new_order_id
from gateway.kernel.secret import Secret
from gateway.payment.capabilities import load_all
from gateway.payment.room import RunningPayment, start_payment
from gateway.payment.settings import ChannelPlace, PaymentRoomSettings
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.server import Running, serve_all
from gateway.store.api import AnyStore
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

ROOT = Path(__file__).parents[2]
SECRET = Secret("a secret between clearing and payment")
HOSPITAL = "H99990100001"


@dataclass
class SteppedClock:
    """Stands still until it is set; ``monotonic`` runs on, because deadlines of sockets must."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def epoch_ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def to(self, day: int, hour: int, minute: int = 0) -> None:
        """A time of Shanghai in March 2025; hour 24 is the next day's start."""
        self.at = datetime(2025, 3, day, tzinfo=SHANGHAI) + timedelta(hours=hour, minutes=minute)

    def on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Ticking(SteppedClock):
    """The system's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


@dataclass
class Street:
    store: AnyStore
    room: RunningPayment
    window: Carrier
    channels: Running
    clock: SteppedClock
    session: aiohttp.ClientSession

    async def bill(
        self, cash: int, approved: int = 0, *, kind: str = "direct_pay", timing: str = "PRE_PRE", **wish: Any
    ) -> str:
        """A decided bill of a patient who bears ``cash`` (分); ``wish`` are columns of ``pay_wish``."""
        order_id, unit = new_order_id(), Unit()
        unit.insert(
            "bill",
            order_id=order_id,
            hospital=HOSPITAL,
            idem_key=order_id,
            kind=kind,
            state="decided",
            created_at=self.clock.epoch_ms(),
            total=cash,
            fund_total=0,
            account_pay=0,
            cash_pay=cash,
            order_kind=timing,
            payout_token=wish.pop("account", ""),
            **({"wishes": 1} if wish else {}),
        )
        if wish:
            put_wish(unit, order_id, **wish)
        claim = {"claim_id": new_claim_id(), "order_id": order_id, "seq": 1, "created_at": self.clock.epoch_ms()}
        unit.insert("claim", kind=kind, approved=approved, **claim)
        self._errand(unit, "decided", order_id)
        await self.store.commit(unit)
        return order_id

    async def deposit(self, amount: int, **wish: Any) -> str:
        deposit_id, unit = new_deposit_id(), Unit()
        row = {"deposit_id": deposit_id, "hospital": HOSPITAL, "idem_key": deposit_id, "body_digest": "d"}
        unit.insert("deposit", amount=amount, created_at=self.clock.epoch_ms() + len(self.rows()), **row)
        put_wish(unit, deposit_id, **wish)
        self._errand(unit, "deposit", deposit_id)
        await self.store.commit(unit)
        await until(lambda: self.state(deposit_id, "DEPOSIT") not in ("", "created", "ordered"))
        return deposit_id

    async def undo(self, order_id: str, amount: int) -> str:
        """What the claims room writes when only the cash leg of an undo is left."""
        undo_id, unit = f"und_{self.store.count('undo_leg', {})}", Unit()
        leg = {"undo_id": undo_id, "leg": "cash", "order_id": order_id, "kind": "cash", "state": "asked"}
        unit.insert("undo_leg", amount=amount, updated_at=1, **leg)
        self._errand(unit, "refund", order_id)
        await self.store.commit(unit)
        return undo_id

    async def errand(self, kind: str, order_id: str) -> None:
        unit = Unit()
        self._errand(unit, kind, order_id)
        await self.store.commit(unit)

    def _errand(self, unit: Unit, kind: str, order_id: str) -> None:
        unit.insert("outbox", kind=kind, order_id=order_id, at=1, attempts=0, next_at=0)

    def rows(self, order_id: str = "") -> list[dict[str, Any]]:
        return self.store.find("settlement", {"order_id": order_id} if order_id else {}, limit=1000)

    def state(self, order_id: str, kind: str = "SELF_PAY") -> str:
        row = self.store.get("settlement", order_id=order_id, kind=kind)
        return "" if row is None else str(row["state"])

    def reason(self, order_id: str, kind: str = "SELF_PAY") -> str:
        row = self.store.get("settlement", order_id=order_id, kind=kind)
        return "" if row is None else str(row["reason"] or "")

    def leg(self, undo_id: str) -> tuple[str, str]:
        row = self.store.get("undo_leg", undo_id=undo_id, leg="cash")
        assert row is not None
        return row["state"], row["cause"] or ""

    def events(self, order_id: str) -> list[str]:
        return [row["kind"] for row in self.store.find("event", {"order_id": order_id}, order_by="seq")]

    def orders(self, **where: Any) -> list[dict[str, Any]]:
        return self.room.store.find("payment_order", where, limit=1000)

    async def ends(self, order_id: str, state: str, kind: str = "SELF_PAY") -> None:
        await until(lambda: self.state(order_id, kind) == state, told=lambda: str(self.rows(order_id)))

    async def books(self, channel: str = "pay") -> list[dict[str, Any]]:
        async with self.session.get(f"{self.channels.urls[channel]}/_ledger") as answer:
            found: list[dict[str, Any]] = (await answer.json())["settlements"]
            return found

    async def seen(self, channel: str = "pay") -> list[dict[str, Any]]:
        async with self.session.get(f"{self.channels.urls[channel]}/_received?last=1000") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def script(self, op: str, do: str, *, channel: str = "pay", times: int = 1, seconds: float = 0) -> None:
        wish = {"match": {"op": op}, "do": do, "times": times, "seconds": seconds}
        async with self.session.post(f"{self.channels.urls[channel]}/_script", data=json.dumps(wish)) as answer:
            assert answer.status == 200


def put_wish(unit: Unit, order_id: str, **wish: Any) -> None:
    plain = {"channels": "", "place": "counter", "payer_token": "", "deposits": ""}
    flags = {"real_name": 0, "local_insured": 0, "score_passed": 0}
    unit.insert("pay_wish", order_id=order_id, **(plain | flags | wish))


async def until(condition: Callable[[], Any], seconds: float = 5.0, told: Callable[[], str] = str) -> None:
    """Wait for something observable; fails loudly when it does not come."""
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    while not condition():
        if clock.time() > end:
            raise AssertionError(f"it did not come in time {told()}")
        await asyncio.sleep(0.005)


def room_settings(home: Path, urls: dict[str, str], **changes: Any) -> PaymentRoomSettings:
    folders = ROOT / "mappings" / "payment"
    made: dict[str, Any] = {
        "database": home / "payment.db",
        "host": "127.0.0.1",
        "port": 0,
        "secret": SECRET,
        "channel_endpoint": urls["pay"],
        "mappings": folders / "pay",
        "others": {"deduct": ChannelPlace(urls["deduct"], folders / "deduct")},
        "schemas": ROOT / "schemas" / "payment",
        "channel_timeout": 0.5,
        "settling_time": 0.1,
        "first_retry": 0.02,
        "longest_retry": 0.1,
        "poll": 0.02,
    }
    return PaymentRoomSettings(**(made | changes))


@asynccontextmanager
async def street(
    home: Path, clock: SteppedClock | None = None, store: AnyStore | None = None, **changes: Any
) -> AsyncIterator[Street]:
    """``store``: the claims room's, if it is not to be a file of its own."""
    clock = clock or Ticking()
    async with AsyncExitStack() as stack:
        simulators = SimulatorSettings(home, "http://127.0.0.1:9", slow_s=0.2)
        channels = await serve_all(simulators, {"pay": 0, "deduct": 0})
        stack.push_async_callback(channels.stop)
        store = store or Store.open(home / "claims.db", CLAIMS)
        stack.push_async_callback(store.close)
        room = await start_payment(room_settings(home, channels.urls, **changes), clock)
        stack.push_async_callback(room.stop)
        known = load_all(ROOT / "mappings")
        url, order = f"http://127.0.0.1:{room.port}", [known["pay"], known["deduct"]]
        window = Carrier(store, clock, url, SECRET, None, 0.02, order)
        stack.push_async_callback(window.close)
        running = asyncio.create_task(window.run())
        stack.push_async_callback(_stop, running)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Street(store, room, window, channels, clock, session)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
