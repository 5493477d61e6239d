"""Bugs planted on purpose: each is a line of the product changed, and the promise that must notice it."""

import __future__

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple


class Change(NamedTuple):
    """``place`` is ``module:Class.method``; there ``old`` (exactly once, the method's own indent left out) becomes ``new``."""

    place: str
    old: str
    new: str

    @contextmanager
    def made(self) -> Iterator[None]:
        module, _, path = self.place.partition(":")
        home: Any = importlib.import_module(f"gateway.{module}")
        *owners, method = path.split(".")
        for owner in owners:
            home = getattr(home, owner)
        sound = home.__dict__[method]
        setattr(home, method, self._bent(sound))
        try:
            yield
        finally:
            setattr(home, method, sound)

    def _bent(self, sound: FunctionType) -> FunctionType:
        source = textwrap.dedent(inspect.getsource(sound))
        if source.count(self.old) != 1:
            raise LookupError(f"the line to change is not in {self.place} exactly once")
        made: dict[str, Any] = {}
        code = compile(source.replace(self.old, self.new), self.place, "exec", __future__.annotations.compiler_flag)
        exec(code, sound.__globals__, made)
        bent: FunctionType = made[sound.__name__]
        return bent


@dataclass(frozen=True)
class Mutant:
    name: str
    changes: tuple[Change, ...]
    caught_by: frozenset[str]
    """Promises of which at least one must break."""

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for change in self.changes:
                stack.enter_context(change.made())
            yield


def _one(name: str, place: str, old: str, new: str, caught_by: tuple[str, ...]) -> Mutant:
    return Mutant(name, (Change(place, old, new),), frozenset(caught_by))


MUTANTS = (
    _one(
        "lost intent: the act is sent before its row is on the disk",
        "claims.conversation.courier:Courier._send",
        "await work.flush(errand.bill)\n        if self._ledger",
        "if self._ledger",
        ("intent-before-send",),
    ),
    _one(
        "resend after unknown: a lost answer is taken for a lost message",
        "claims.conversation.courier:Courier._take_up",
        "else:\n        result = _UNKNOWN",
        "else:\n        result = await self._send(errand, new_act_id())",
        ("a-claim-is-settled-once", "our-word-is-the-truth"),
    ),
    _one(
        "impatient resend: “not found” is believed before the settling time is over",
        "claims.conversation.pacing:Sightings.unsettled_s",
        "if age < 0:",
        "return 0.0\n    if age < 0:",
        ("an-act-is-done-once", "a-claim-is-settled-once", "our-word-is-the-truth"),
    ),
    _one(
        "double webhook effect: a repeat of an event goes out under a new event id",
        "claims.delivery.endpoint:Endpoint.bring",
        'self.signer.headers(delivery["event_id"], body, now)',
        'self.signer.headers(delivery["event_id"] + "x" * delivery["attempts"], body, now)',
        ("an-event-acts-once", "the-hospitals-books-agree"),
    ),
    _one(
        "early reversal: “nothing to undo” is final while the first message may still arrive",
        "claims.undo.reversal:Reverser._missing",
        "if never_arrived:",
        "if True:",
        ("our-word-is-the-truth",),
    ),
    _one(
        "counter-reversal missed: a late approval of what was reversed is only noted",
        "claims.conversation.late:LateAnswers._take_back",
        "order_id, claim_id, undo_id, now =",
        "return\n    order_id, claim_id, undo_id, now =",
        ("our-word-is-the-truth",),
    ),
    _one(
        "callback applied twice: what comes again is added to what was decided",
        "claims.conversation.late:LateAnswers.heed",
        "if told != ours and word.differs(told, ours, standing.noted, work, self.metrics) and told < ours:\n"
        "            self._advise_again(standing, word, work)",
        'key = {"order_id": act["order_id"], "seq": claim["seq"]}\n'
        '        work.unit.update("claim", key, approved=ours + told)',
        ("history-is-whole", "our-word-is-the-truth", "never-above-the-burden"),
    ),
    _one(
        "late money wins: an answer that differs replaces what was decided",
        "claims.conversation.late:LateAnswers.heed",
        "if told != ours and word.differs(told, ours, standing.noted, work, self.metrics) and told < ours:\n"
        "            self._advise_again(standing, word, work)",
        "if told != ours:\n"
        '            key = {"order_id": act["order_id"], "seq": claim["seq"]}\n'
        '            work.unit.update("claim", key, approved=told)',
        ("history-is-whole", "our-word-is-the-truth"),
    ),
    Mutant(
        "stale lease write: a node that lost the bill still writes it",
        (
            Change("claims.work:Work._update_bill", 'changes, {"version": bill.version})', "changes, {})"),
            Change("claims.work:Work._put_claim", ', {"version": claim.version})', ", {})"),
        ),
        frozenset(("an-act-is-done-once", "a-claim-is-settled-once", "history-is-a-walk", "history-is-whole")),
    ),
    _one(
        "second policy while the first is unknown",
        "claims.conversation.engine:Engine._in_turn",
        "and not claim.fixed:\n            return",
        "and not claim.fixed:\n            continue",
        ("one-policy-after-the-other",),
    ),
    _one(
        "fall to quick-claim while unknown: an act that settles is given up when the counter's time is over",
        "claims.conversation.turn:stage_of",
        "return ",
        'return Stage.PREPARE if role in ("settle", "claim") else ',
        ("one-policy-after-the-other", "our-word-is-the-truth", "never-paid-above-the-burden"),
    ),
    _one(
        "told twice: a decision is written for the payment side with each look",
        "claims.conversation.engine:Engine._converse_all",
        "if bill.state is _BILL_PENDING and not waits",
        "if bill.state is _BILL_DECIDED and bill.resumed:\n"
        '        work.event(bill, "decided")\n        work.outbox(bill, "decided")\n'
        "    if bill.state is _BILL_PENDING and not waits",
        ("an-event-is-told-once", "payment-is-told-once"),
    ),
    _one(
        "acknowledged too early: the hospital hears of a bill that is not on the disk",
        "claims.work:Work.flush",
        "await self._store.commit(unit)",
        "bill and (setattr(bill, 'committed', True), bill.acknowledged.set(), bill.at_rest.set())\n"
        "        await self._store.commit(unit)",
        ("acknowledged-is-kept",),
    ),
    _one(
        "forgotten: a bill without a timer is never taken up again",
        "claims.work:Work._set_alarm",
        "at = bill.next_look(now)",
        "at = 0",
        ("everything-ends-or-has-a-person",),
    ),
    _one(
        "parked in silence: a claim for a person stands in no work list",
        "claims.changes:Changes._hand_over",
        "claim_id, order_id = ",
        "return\n    claim_id, order_id = ",
        ("parked-is-listed",),
    ),
    _one(
        "any answer will do: an event counts as delivered although its receiver failed",
        "claims.delivery.lane:Lane._bring",
        "if told.taken:",
        "if told.status:",
        ("every-event-is-brought",),
    ),
    _one(
        "overtaken: a bill's later event goes out before the earlier one was taken",
        "claims.delivery.rows:Rows.waiting",
        'first.setdefault(row["order_id"], row)',
        'first.setdefault(row["event_id"], row)',
        ("events-of-a-bill-in-order",),
    ),
    _one(
        "ahead of itself: which events were looked at is written before their deliveries are",
        "claims.delivery.rows:Rows.fan_out",
        'if after is None:\n        unit.insert("setting", name=CURSOR, value=newest)\n    else:\n        '
        'unit.update("setting", {"name": CURSOR}, expect={"value": str(after)}, value=newest)',
        'await self.store.commit(Unit().upsert("setting", name=CURSOR, value=newest))',
        ("every-event-is-brought",),
    ),
    _one(
        "resend after unknown at the channel: a lost answer is taken for a payment that was never sent",
        "payment.teller:Teller._told",
        'State.UNKNOWN, ledger.now() + self._pace.wait(1), "outcome-unknown"',
        'State.ACCEPTED, ledger.now() + self._pace.wait(1), "outcome-unknown"',
        ("money-moves-once",),
    ),
    _one(
        "begun anew: a payment that a restart finds half sent goes out again without a question",
        "payment.teller:Teller.step",
        "elif standing.state is State.ACCEPTED:",
        "elif standing.state in (State.ACCEPTED, State.SENDING):",
        ("money-moves-once",),
    ),
    _one(
        "came back unseen: a payout that its bank sends back stays paid",
        "payment.teller:Teller._watched",
        "if answer.state is ChannelState.RETURNED:",
        "if False:",
        ("what-we-say-was-paid-was",),
    ),
    _one(
        "the same number again: a payout to another account goes out under the number of the first",
        "payment.teller:Teller._sent",
        "standing.number, original.number",
        "standing.settlement_id, original.number",
        ("money-moves-once", "every-payment-ends", "what-we-say-was-not-paid-was-not"),
    ),
    _one(
        "kept: what is left of a deposit does not go back",
        "clearing.orders:_rests",
        "allocate(tuple(reversed(bill.prepaid)), rest)",
        "allocate(tuple(reversed(bill.prepaid)), 0)",
        ("what-was-owed-is-held", "money-of-a-bill-moves-once"),
    ),
    _one(
        "spent twice: a bill takes a deposit that is on its way back",
        "clearing.errands:Errands._hold_deposits",
        """or row["used_by"]:
            continue
        unit = Unit()
        unit.update("deposit", {"deposit_id": deposit_id}, expect={"used_by": None}, used_by=order_id)""",
        """:
            continue
        unit = Unit()
        unit.update("deposit", {"deposit_id": deposit_id}, used_by=order_id)""",
        ("a-deposit-has-one-use", "never-back-above-what-was-taken", "what-was-owed-is-held"),
    ),
    _one(
        "deducted again: a deduction that the channel still works on counts as failed",
        "payment.teller:Teller._answered",
        "elif answer.state is ChannelState.PROCESSING:",
        "elif answer.state is ChannelState.PROCESSING and standing.order.kind is not OrderKind.CREDIT:",
        ("money-moves-once", "what-we-say-was-not-paid-was-not"),
    ),
    _one(
        "asked in silence: the hospital is not told that the insurer asks for material",
        "claims.conversation.material:ask",
        "work.event(bill, EVENT)",
        "pass",
        ("asked-material-is-told",),
    ),
    _one(
        "brought in vain: material that the hospital brought does not reach the insurer",
        "claims.conversation.material:Material.goes_on",
        "result = await self.courier.carry_out(brought)",
        "result = None",
        ("brought-material-arrives",),
    ),
)
