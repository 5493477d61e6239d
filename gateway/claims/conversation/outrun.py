"""Several gateways, one act, two answers: whatever the moment and whoever dies, each word about money is held against the
one that stands.

A commit fences a bill's worker, not what a call of the insurer brings to another process. So a result that is brought has
its bill taken up in the same commit; a worker that found a word by enquiry leaves the bill's alarm on until it looked for
a brought one; and whoever takes a bill up looks first. A worker whose commit was refused, for another has its bill, brings
what it was told as a call would. Nothing of this is asked where one process has the database.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.changes import Order
from gateway.claims.conversation.falling import TO_QUICK_CLAIM
from gateway.claims.conversation.late import LateAnswers
from gateway.claims.conversation.otherword import MONEY, OtherWord, amount_told, keep_word, noted_of
from gateway.claims.conversation.states import FINAL, ClaimState
from gateway.claims.conversation.unanswered import WITHOUT_ANSWER
from gateway.claims.ledger import Ledger
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.book import read_undos
from gateway.claims.work import Work
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.unit import Step

_BY_HAND = "corrected-by-hand"


class _Word(NamedTuple):
    claim: ClaimRun
    partner: Partner
    act: Row
    result: ActResult


@dataclass(slots=True)
class Comparing:
    ledger: Ledger
    registry: Registry
    late: LateAnswers

    async def owed(self, bill: Bill) -> bool:
        """Hold each claim's end against what calls of the insurer brought; what was compared before changes nothing.

        True when the bill is to be taken up again: a claim that a person has got its answer, or money is to be taken back.
        """
        ended = [claim for claim in bill.claims if claim.final or claim.state is ClaimState.MANUAL]
        if not ended or bill.undo_id:
            return False
        again, work = False, self.ledger.work(bill.order_id)
        for claim, partner, act, result in await self.ledger.read(self._brought, bill.order_id, ended):
            again = again or claim.state is not ClaimState.DECIDED
            if claim.final:
                await self.late.heed(partner, act, result, work)
        await work.flush()
        return again

    def _brought(self, order_id: str, ended: list[ClaimRun]) -> list[_Word]:
        """Stored results about money of claims that ended without them, as far as anybody knows."""
        words: list[_Word] = []
        for claim in ended:
            partner = self.registry.get(claim.insurer)
            if partner is None or not _may_be_told_otherwise(claim):
                continue
            for act in self.ledger.act_rows(claim.claim_id):
                of_money = partner.manifest.rule(act["name"]).role in MONEY
                result = self.ledger.result_of(act["act_id"]) if of_money else None
                if result is not None and _differs(claim, result):
                    words.append(_Word(claim, partner, act, result))
        return [word for word in words if not self._settled_otherwise(order_id, word.claim)] if words else words

    def _settled_otherwise(self, order_id: str, claim: ClaimRun) -> bool:
        """An undo dealt with its money, or persons who had seen the answer."""
        store = self.ledger.store
        if any(leg.claim_id == claim.claim_id for undo in read_undos(store, order_id) for leg in undo.legs):
            return True
        about: Row = {"order_id": order_id, "claim_id": claim.claim_id, "field": "claim.state", "new": "manual"}
        parked = store.find("change", about, limit=1000) if claim.reason == _BY_HAND else []
        return bool(parked) and parked[-1]["cause"] not in WITHOUT_ANSWER

    async def bring(self, bill: Bill, work: Work) -> None:
        """After a commit of ``work`` was refused: its messages from insurers are kept, and what they told about money is
        compared, or given to who has the bill now. May be repeated. Raises ``Duplicate`` or ``StaleWrite`` when somebody
        else told something at the same moment.
        """
        ledger, order_id = self.ledger, bill.order_id
        kept = ledger.work(order_id)
        await kept.safe.turn_to(order_id, ledger.read)
        kept.unit.steps.extend(await ledger.read(self._evidence, work))
        for act_id, (claim, result) in work.told.items():
            partner = self.registry.get(claim.insurer)
            key = {"claim_id": claim.claim_id, "act_id": act_id}
            act = await ledger.read(ledger.store.get, "act", **key)
            if partner is not None and act is not None:
                await self._bring(kept, bill, _Word(claim, partner, act, result))
        await kept.flush()

    def _evidence(self, work: Work) -> list[Step]:
        """Rows of messages that came in, sealed as they were gathered; those that are on the disk after all are left out."""
        found: list[Step] = []
        for step in work.refused.steps if work.refused is not None else ():
            row = dict(zip(step.columns, step.values, strict=False)) if step.table == "message" else {}
            about = {name: row[name] for name in ("owner_id", "direction", "digest")} if row else {}
            if row.get("direction") == "in" and not self.ledger.store.find("message", about, limit=1):
                found.append(step)
        return found

    async def _bring(self, kept: Work, bill: Bill, word: _Word) -> None:
        """As a call of the insurer: compared with the claim's word, else with a result that came first, else kept for it."""
        claim, partner, act, result = word
        act_id, order_id = act["act_id"], bill.order_id
        stored, before = await self.ledger.read(self._stands, order_id, claim.claim_id, act_id)
        if stored in FINAL or stored == ClaimState.REVERSING:
            await self.late.heed(partner, act, result, kept)
            return
        kept.unit.update("bill", {"order_id": order_id}, look_at=DUE_NOW)
        if before is None:
            keep_word(kept, claim.claim_id, act_id, result)
            return
        ours, told = amount_told(before), amount_told(result)
        if ours is not None and told is not None and told != ours:
            store = self.ledger.store
            noted = await store.read(noted_of, store, order_id, act_id)
            other = OtherWord(Order(order_id, bill.hospital), claim.claim_id, act_id, claim.insurer)
            other.differs(told, ours, noted, kept, self.late.metrics)

    def _stands(self, order_id: str, claim_id: str, act_id: str) -> tuple[str, ActResult | None]:
        state = next(row["state"] for row in self.ledger.claim_rows(order_id) if row["claim_id"] == claim_id)
        return state, self.ledger.result_of(act_id)


def _may_be_told_otherwise(claim: ClaimRun) -> bool:
    match claim.state:
        case ClaimState.DECIDED:
            return True
        case ClaimState.CLOSED:  # given up because the insurer knew nothing of it
            return claim.outcome == TO_QUICK_CLAIM
        case _:
            return claim.reason in WITHOUT_ANSWER


def _differs(claim: ClaimRun, result: ActResult) -> bool:
    told = amount_told(result)
    return told is not None and (claim.state is ClaimState.MANUAL or told != claim.approved)
