"""Has one insurer take back what one claim moved: by the act that the manifest names for it, under an id of its own."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.conversation.budget import Budget
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.states import ActState, ClaimState
from gateway.claims.conversation.storing import again_at
from gateway.claims.ledger import Ledger, act_view, record_of
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.kernel.errors import MessageRefused, NotSent
from gateway.kernel.ids import ActId
from gateway.kernel.spans import seconds
from gateway.store.api import Row

ALREADY_PAID = "already-paid"
"""What ``faults.yaml`` calls a partner's code for: the money has left us, it is not taken back by an act."""
NOT_FOUND = "not-found"
_MONEY = ("settle", "claim")
_HAS_IT = ("accepted", "pending", "need_more")
_LONGEST_PAUSE_S = 600.0


class End(StrEnum):
    DONE = "done"
    """The insurer took it back, or never had it."""
    PAID = "paid"
    """The insurer's money is with somebody already."""
    REFUSED = "refused"
    LOST = "lost"
    """No answer after all enquiries."""
    LATER = "later"
    """Not known yet; a timer goes on."""


@dataclass(frozen=True, slots=True)
class Ending:
    end: End
    cause: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a claim can be taken back at its insurer."""

    partner: Partner
    target: ActView | None
    """The act to undo; None: nothing was sent that has an undo."""
    money: bool
    """Whether an act that moves money was ever sent."""
    acts: list[Row]

    @property
    def undo(self) -> str:
        """The undoing act's name, or an empty text."""
        return "" if self.target is None else self.partner.manifest.rule(self.target.name).undo


@dataclass(slots=True)
class Reversal:
    """One claim to be taken back, with what is needed for it."""

    bill: Bill
    claim: ClaimRun
    work: Work
    budget: Budget
    way: Way
    act_id: str = ""
    """The undo's act, where there is one already."""
    new_id: ActId | None = None


@dataclass(slots=True)
class Reverser:
    ledger: Ledger
    registry: Registry
    courier: Courier
    clock: Clock

    async def way(self, claim: ClaimRun) -> Way | None:
        """None when the insurer is not connected."""
        partner = self.registry.get(claim.insurer)
        if partner is None:
            return None
        acts = await self.ledger.read(self.ledger.act_rows, claim.claim_id)
        sent = [act for act in acts if act["state"] != ActState.NOT_SENT]
        manifest = partner.manifest
        order = {name: place for place, name in enumerate(manifest.kinds.get(claim.kind, ()))}
        undoable = [act for act in sent if manifest.rule(act["name"]).undo and act["name"] in order]
        last = max(undoable, key=lambda act: (order[act["name"]], _is_known(act), act["prepared_at"]), default=None)
        money = any(manifest.rule(act["name"]).role in _MONEY for act in sent)
        return Way(partner, None if last is None else act_view(last), money, acts)

    async def can(self, claim: ClaimRun) -> bool:
        way = await self.way(claim)
        return way is not None and way.target is not None

    async def again(self, bill: Bill, claim: ClaimRun, work: Work, budget: Budget) -> Ending:
        """Begin or go on with the reversal of a claim without a final word, outside any undo."""
        way = await self.way(claim)
        if way is None or way.target is None:
            return Ending(End.REFUSED, "no-undo-act")
        return await self.go(Reversal(bill, claim, work, budget, way, self._act_of(way)))

    def _act_of(self, way: Way) -> str:
        """The undo's act that is open or has a stored answer, for a claim whose reversal has no row of its own."""
        mine = [act for act in way.acts if act["name"] == way.undo]
        if not mine:
            return ""
        newest = mine[-1]
        return "" if newest["state"] == ActState.ANSWERED else str(newest["act_id"])

    async def go(self, reversal: Reversal) -> Ending:
        """Send the undo, or find out what became of it. Nothing is ever undone under two ids at a time."""
        way, claim, work = reversal.way, reversal.claim, reversal.work
        step = Step(way.undo, way.partner.manifest.rule(way.undo))
        row = next((act for act in way.acts if act["act_id"] == reversal.act_id), None)
        act = None if row is None else record_of(row)
        settling = seconds(way.partner.manifest.settling_time)
        never_arrived = (
            act is None and way.target is not None and self.courier.sightings.is_settled(way.target, settling)
        )
        errand = Errand(
            reversal.bill, claim, way.partner, step, work, reversal.budget, act, reversal.new_id, way.target
        )
        try:
            result = await self.courier.carry_out(errand)
        except NotSent as closed:
            claim.next_at, claim.dirty = (
                again_at(closed, work.now(), errand.act.attempts if errand.act is not None else 1),
                True,
            )
            return Ending(End.LATER, closed.error_code)
        except MessageRefused as bad:
            return Ending(End.REFUSED if way.money else End.DONE, bad.error_code)
        if result is None:
            return Ending(End.LATER, "answer-lost")
        return self._judged(reversal, result, never_arrived)

    def _judged(self, reversal: Reversal, result: ActResult, never_arrived: bool) -> Ending:
        claim, way = reversal.claim, reversal.way
        claim.next_at, claim.dirty = 0, True
        fault = way.partner.faults.get(result.peer_code)
        word = fault.code if fault is not None else result.peer_code or "refused"
        match result.state:
            case "accepted":
                return Ending(End.DONE, "undone-at-insurer")
            case "refused" if word == ALREADY_PAID:
                return Ending(End.PAID, word)
            case "refused" if word == NOT_FOUND and claim.state is not ClaimState.DECIDED:
                return self._missing(reversal, never_arrived)
            case "refused":
                return Ending(End.REFUSED if way.money else End.DONE, word)
            case _:
                return Ending(End.LOST, "enquiries-used-up")

    def _missing(self, reversal: Reversal, never_arrived: bool) -> Ending:
        """The insurer has nothing to undo: final if it was asked when our first message couldn't arrive any more.

        Domain §3.6, 6. An answer that was lost and found later still speaks of the moment of asking.
        """
        if never_arrived:
            return Ending(End.DONE, NOT_FOUND)
        pause = min(seconds(reversal.way.partner.manifest.settling_time), _LONGEST_PAUSE_S)
        reversal.claim.next_at = self.clock.epoch_ms() + int(pause * 1000)
        return Ending(End.LATER, NOT_FOUND)


def _is_known(act: Row) -> bool:
    """Whether the insurer showed that it has the act: of one that may never have left, it would say that there is none."""
    return act["outcome"] in _HAS_IT
