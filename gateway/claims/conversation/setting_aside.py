"""Bills that fail again and again are set aside, so that they stop nothing but themselves (faults G1).

What a process left open when it died is counted before anybody takes it up, so that a bill which kills its worker is
known by the number of deaths. Who was there at a death is tried alone the next time: the innocent are told apart.
A set-aside bill is not touched by any timer or callback. A person looks, mends what is wrong and has it tried again.
"""

import hashlib
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from gateway.claims.ledger import Ledger
from gateway.claims.work import Work
from gateway.claims.worklist import open_item
from gateway.kernel.errors import LianpeiError
from gateway.kernel.ids import new_event_id
from gateway.store.errors import Duplicate, StaleWrite, StoreFailed
from gateway.store.unit import Unit
from gateway.telemetry.logs import get_logger

MOST_TRIES = 3
INTERRUPTED = "work-interrupted"
_NOT_ITS_FAULT = (StoreFailed, StaleWrite, Duplicate)
_FIRST_PAUSE_MS = 10_000
_log = get_logger("lianpei.conversation")


@dataclass(slots=True)
class SetAside:
    ledger: Ledger
    orders: set[str] = field(default_factory=set)
    """Those set aside, as far as this process knows; refreshed by ``learn``."""
    counted: set[str] = field(default_factory=set)
    """Those whose try was counted here before it was made."""
    failing: set[str] = field(default_factory=set)
    """Those that broke off here, and will be tried again."""

    async def learn(self) -> None:
        store = self.ledger.store
        rows = await store.read(store.find, "set_aside", {"aside": 1}, limit=1000)
        self.orders = {row["order_id"] for row in rows}

    async def tries_of(self, order_ids: Iterable[str]) -> dict[str, int]:
        """How often each was begun without a good end; those never are not in it."""
        store, wanted = self.ledger.store, list(order_ids)
        if not wanted:
            return {}
        rows = await store.read(store.find, "set_aside", {"order_id": ("in", wanted)}, limit=len(wanted))
        return {row["order_id"]: row["tries"] for row in rows}

    async def begin(self, order_ids: Iterable[str]) -> None:
        """Count a try of each before it is made, in one commit."""
        wanted = list(order_ids)
        tries, unit, now = await self.tries_of(wanted), Unit(), self.ledger.clock.epoch_ms()
        self.counted.update(wanted)
        for order_id in wanted:
            made = tries.get(order_id, 0) + 1
            unit.upsert("set_aside", order_id=order_id, code=INTERRUPTED, tries=made, at=now, aside=0)
        if len(unit):
            await self.ledger.store.commit(unit)

    async def survived(self, order_ids: Iterable[str]) -> None:
        """Their try did no harm, however long it goes on."""
        harmless = [one for one in order_ids if one in self.counted and one not in self.failing]
        self.counted.difference_update(harmless)
        if harmless:
            await self.ledger.store.commit(Unit().delete("set_aside", {"order_id": ("in", harmless), "aside": 0}))

    def has_row(self, order_id: str) -> bool:
        """Whether a good end has something to remove, as far as this process knows."""
        return order_id in self.counted or order_id in self.failing

    async def ended_well(self, order_id: str) -> None:
        self.counted.discard(order_id)
        self.failing.discard(order_id)
        await self.ledger.store.commit(Unit().delete("set_aside", {"order_id": order_id}))

    async def failed(self, order_id: str, wrong: Exception) -> None:
        """Work on a stored bill broke off. Tried again after a pause that grows, ``MOST_TRIES`` times in all."""
        if isinstance(wrong, _NOT_ITS_FAULT):
            return
        code = wrong.error_code if isinstance(wrong, LianpeiError) else type(wrong).__name__
        before = (await self.tries_of([order_id])).get(order_id, 0)
        tries = before if before and order_id in self.counted else before + 1
        self.counted.discard(order_id)
        if tries >= MOST_TRIES:
            await self.set_aside(order_id, code, _context(wrong, tries=tries))
            return
        self.failing.add(order_id)
        now = self.ledger.clock.epoch_ms()
        unit = Unit().upsert("set_aside", order_id=order_id, code=code, tries=tries, at=now, aside=0)
        unit.update("bill", {"order_id": order_id}, look_at=now + (_FIRST_PAUSE_MS << tries))
        await self.ledger.store.commit(unit)

    async def set_aside(self, order_id: str, code: str, context: bytes = b"") -> None:
        """From here on nobody touches it but a person. Only rows are written: its content may be what breaks."""
        row = await self.ledger.read(self.ledger.bill_row, order_id)
        if row is None:
            return
        claims = await self.ledger.read(self.ledger.claim_rows, order_id)
        work = self.ledger.work(order_id)
        now = work.now()
        work.unit.upsert("set_aside", order_id=order_id, code=code, tries=MOST_TRIES, at=now, aside=1)
        work.unit.update("bill", {"order_id": order_id}, look_at=None)
        first = next((claim for claim in claims if not claim["outcome"]), None)
        insurer, amount = (first["insurer"], first["claimed"]) if first is not None else ("", 0)
        item = f"aside:{order_id}"
        open_item(work, item, order_id, "", insurer=insurer, kind="set-aside", why=code, amount=amount)
        work.unit.insert(
            "event", event_id=new_event_id(), hospital=row["hospital"], order_id=order_id, kind="needs-a-person", at=now
        )
        work.audit("bill-set-aside", "gateway", code)
        if context:
            try:
                await work.safe.turn_to(order_id, self.ledger.read)
                work.message(order_id, "context", context, hashlib.sha256(context).hexdigest(), "", 0)
            except LianpeiError as sealed:  # its key is what is broken: the item stands without
                _log.event("context-not-kept", order_id=order_id, code=sealed.error_code)
        await work.flush()
        self.failing.discard(order_id)
        self.orders.add(order_id)
        _log.event("bill-set-aside", order_id=order_id, code=code)


def keep_context(work: Work, order_id: str, claim_id: str, act: str, wrong: LianpeiError) -> None:
    """Beside the bill's messages: why ``act`` could not be made, for whoever mends the mapping."""
    context = _context(wrong, claim_id=claim_id, act=act)
    work.message(order_id, "context", context, hashlib.sha256(context).hexdigest(), "", 0)


def _context(wrong: Exception, **also: str | int) -> bytes:
    """What broke and where in the program; a mapping's or message's words name rules and fields. For the vault only."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(wrong.__traceback__)]
    fields = wrong.fields if isinstance(wrong, LianpeiError) else ()
    told = {"error": type(wrong).__name__, "text": str(wrong), "fields": fields, "frames": frames[-20:]}
    return msgspec.json.encode(told | also)
