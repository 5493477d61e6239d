"""The whole conversation in one process with an insurer of the test's own: what it answers to each act is said beforehand."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec

from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.conversation.aftermath import Aftermath
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.counter import Counter
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.mailbox import Mailbox
from gateway.claims.conversation.material import Material
from gateway.claims.conversation.offers import Offers
from gateway.claims.conversation.talk import Talk
from gateway.claims.conversation.unanswered import Unanswered
from gateway.claims.intake import canonical_bytes
from gateway.claims.partners.manifest import Fault, Manifest
from gateway.claims.partners.partner import Partner, Prepared, Reply
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.book import Undo, read_undo
from gateway.claims.undo.reversal import Reverser
from gateway.claims.undo.service import UndoDesk
from gateway.claims.undo.wish import UndoWish
from gateway.claims.undo.worker import Undoing
from gateway.kernel.errors import OutcomeUnknown
from gateway.mapping.api import Outgoing, Pin
from gateway.store.api import Row
from gateway.store.unit import Unit
from gateway.telemetry.metrics import Metrics
from gateway.wire.seals.base import Sealed
from support.bills import SampleBill, sample_bill
from support.room import Room, open_room

LOST = "lost"
Answer = ActResult | str | Callable[[], ActResult]
MANIFEST: dict[str, Any] = {
    "insurer": "package",
    "names": {"zh": "测试", "en": "Test"},
    "protocol": "json",
    "seal": {},
    "kinds": {"direct_pay": ["settle"]},
    "acts": {
        "settle": {"role": "settle", "status": "status", "undo": "cancel"},
        "status": {"role": "status"},
        "cancel": {"role": "undo", "status": "status"},
    },
    "settling_time": "0s",
    "enquiries": 1,
}
_FAULTS = {
    "P1": Fault(code="already-paid", who="insurer", retry="no", zh="已打款", en="Paid out"),
    "P2": Fault(code="wrong-order", who="gateway", retry="no", zh="不可", en="No"),
}


@dataclass
class InsurerDouble:
    """Says what it was told to say; without a word left for an act it says accepted."""

    code: str = "package"
    manifest: Manifest = field(default_factory=lambda: msgspec.convert(MANIFEST, Manifest))
    faults: dict[str, Fault] = field(default_factory=lambda: _FAULTS)
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    metrics: Metrics = field(default_factory=lambda: Metrics.for_codes(["package"]))
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Act name and act id of each message, in order."""

    def prepare(self, dispatch: Dispatch) -> Prepared:
        act = dispatch.act
        told = Outgoing(b"{}", "application/json", "POST", "/", correlation=act.act_id, pin=Pin(act.name, 1, "d"))
        return Prepared(told, Sealed(act.act_id.encode(), "application/json"), self.manifest.rule(act.name))

    def admit(self, role: str, kind: str) -> None:
        """Its lane is always open."""

    async def exchange(self, prepared: Prepared, dispatch: Dispatch) -> Reply:
        act = dispatch.act
        self.heard.append((act.name, act.act_id))
        left = self.answers[act.name]
        answer = left.pop(0) if left else ActResult(state="accepted")
        if answer == LOST:
            raise OutcomeUnknown("lost", code="answer-broken")
        result = answer() if callable(answer) else answer
        assert isinstance(result, ActResult)
        return Reply(b"answer", 200, result)

    def times(self, act: str) -> int:
        return len([name for name, _ in self.heard if name == act])

    def ids(self, act: str) -> set[str]:
        return {act_id for name, act_id in self.heard if name == act}


@dataclass
class Parlour:
    """Engine, ledger and one insurer."""

    room: Room
    insurer: InsurerDouble
    engine: Engine
    desk: UndoDesk

    async def bring(self, bill: SampleBill | None = None, **changed: Any) -> Bill:
        """A new bill, worked on until it rests. ``changed``: members of the submission."""
        made = bill or sample_bill("package")
        submission = msgspec.convert(made.submission | changed, Submission, str_keys=True, strict=False)
        encoded, digest = canonical_bytes(submission)
        one = self.engine.new_bill(submission, encoded, "H99990100001", made.key, digest)
        await self.engine.start(one)
        if one.refused is not None:
            raise one.refused
        return one

    async def decided(self, approved: int = 1000) -> Bill:
        self.insurer.answers["settle"].append(ActResult(state="accepted", verdict="paid", approved=approved))
        return await self.bring()

    async def undo(self, bill: Bill, **wish: Any) -> Undo:
        told = {"scope": "whole", "reason": "other", "requested_by": "c1"} | wish
        asked = msgspec.convert(told, UndoWish)
        work = self.engine.ledger.work()
        row = await self.desk.ask(bill.hospital, bill.order_id, f"k{len(self.rows('undo'))}", asked, work)
        return await self.rest(row["undo_id"])

    async def rest(self, undo_id: str) -> Undo:
        await self.quiet()
        found = read_undo(self.room.store, undo_id)
        assert found is not None
        return found

    async def quiet(self) -> None:
        """Until nobody works on anything."""
        while self.engine.running:
            for task in list(self.engine.running.values()):
                await task

    async def hospital_says(self, undo: Undo, outcome: str = "undone", kind: str = "yibao") -> Undo:
        from gateway.claims.undo.wish import LegWord

        word = msgspec.convert({"outcome": outcome, "reference": "r1"}, LegWord)
        await self.desk.told("H99990100001", undo.undo_id, kind, word, self.engine.ledger.work())
        return await self.rest(undo.undo_id)

    async def window_says(self, undo: Undo, state: str = "undone") -> Undo:
        """As the window writes a refund's receipt: the leg and the bill's alarm in one commit."""
        unit = Unit()
        key = {"undo_id": undo.undo_id, "leg": "cash"}
        unit.update("undo_leg", key, expect={"state": "asked"}, state=state, cause="refund")
        unit.update("bill", {"order_id": undo.order_id}, look_at=1)
        await self.room.store.commit(unit)
        await self.engine.look(undo.order_id)
        return await self.rest(undo.undo_id)

    async def told_late(self, bill: Bill, result: ActResult, act: str = "settle") -> None:
        """A call of the insurer about the settling act, after everything."""
        await self.told(bill, result, act)
        await self.quiet()

    async def told(self, bill: Bill, result: ActResult, act: str = "settle") -> None:
        """A call of the insurer about an act, whatever happens here."""
        claim = bill.claims[0]
        row = next(one for one in self.engine.ledger.act_rows(claim.claim_id) if one["name"] == act)
        work = self.engine.ledger.work()
        await Callbacks(self.engine).settle(cast(Partner, self.insurer), row["act_id"], result, b"late", work)

    def rows(self, table: str, **where: Any) -> list[Row]:
        return self.room.store.find(table, where, limit=1000)

    def bill_row(self, bill: Bill) -> Row:
        return self.rows("bill", order_id=bill.order_id)[0]

    def states(self, undo: Undo) -> dict[str, str]:
        return {leg.kind: leg.state.value for leg in undo.legs}


def parlour(
    path: Path, insurer: InsurerDouble | None = None, room: Room | None = None, *others: InsurerDouble
) -> Parlour:
    """A fresh house, or the house that starts again on ``room``'s rows. ``others``: further insurers."""
    room = room or open_room(path)
    insurer = insurer or InsurerDouble()
    ledger, clock = room.ledger, room.clock
    registry = Registry({one.code: cast(Partner, one) for one in (insurer, *others)})
    mailbox, metrics = Mailbox(), Metrics.for_codes(registry.codes)
    courier = Courier(ledger, mailbox, clock)
    reverser = Reverser(ledger, registry, courier, clock)
    after = Aftermath(ledger, registry, courier, clock)
    counter = Counter(registry, metrics, clock, False, 300_000, Offers(clock))
    talk = Talk(ledger, registry, clock, courier, counter, Material(ledger, courier), Unanswered(reverser))
    engine = Engine(ledger, registry, mailbox, metrics, clock, courier, Undoing(reverser), counter, talk, after, {})
    return Parlour(room, insurer, engine, UndoDesk(engine))
