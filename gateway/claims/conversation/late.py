"""Answers that come when a claim has its final word already: recorded, compared, and taken back where money moved."""

from dataclasses import dataclass

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.changes import Order
from gateway.claims.conversation.otherword import MONEY, Noted, OtherWord, amount_told, noted_of
from gateway.claims.conversation.states import ClaimState
from gateway.claims.ledger import Ledger
from gateway.claims.partners.partner import Partner
from gateway.claims.undo.book import read_undos
from gateway.claims.undo.states import LegState
from gateway.claims.work import Work
from gateway.kernel.ids import change_no, new_undo_id
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW
from gateway.telemetry.metrics import Metrics

_WORD_TO_COME = (ClaimState.CREATED, ClaimState.SENT, ClaimState.ACCEPTED, ClaimState.CONFIRMED, ClaimState.UNKNOWN)
_BY_US = {"scope": "counter", "reason": "lost-answer", "requested_by": "gateway"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim as it stands when a late answer comes."""

    bill: Row
    claim: Row
    reversed: bool
    countered: bool
    """A counter-reversal was begun before: a second late answer begins none."""
    noted: Noted
    later: tuple[str, ...] = ()
    """Claims behind it that are decided: they rested on what it took."""


@dataclass(slots=True)
class LateAnswers:
    ledger: Ledger
    metrics: Metrics

    async def heed(self, partner: Partner, act: Row, result: ActResult, work: Work) -> bool:
        """Rows about an answer to ``act``, into ``work``. What was decided is never overwritten (domain §3.6, 7 and 9).

        False when it speaks of money and the claim has no word yet that it could be compared with.
        """
        told = amount_told(result)
        if partner.manifest.rule(act["name"]).role not in MONEY or told is None:
            return True
        standing = await self.ledger.read(self._standing, act)
        claim, ours = standing.claim, standing.claim["approved"]
        order = Order(act["order_id"], standing.bill["hospital"])
        word = OtherWord(order, act["claim_id"], act["act_id"], act["insurer"])
        if claim["state"] == ClaimState.DECIDED and not standing.reversed:
            if told != ours and word.differs(told, ours, standing.noted, work, self.metrics) and told < ours:
                self._advise_again(standing, word, work)
        elif told and (claim["state"] == ClaimState.CLOSED or standing.reversed):
            self._take_back(standing, word, told, work)
        elif told and claim["state"] == ClaimState.REVERSING:
            self._crossed(word, told, work)
        elif claim["state"] == ClaimState.MANUAL:  # it goes on by itself, should we die now too
            work.unit.update("bill", {"order_id": act["order_id"]}, look_at=DUE_NOW)
        return claim["state"] not in _WORD_TO_COME

    def _standing(self, act: Row) -> Standing:
        ledger, order_id, claim_id = self.ledger, act["order_id"], act["claim_id"]
        bill = ledger.bill_row(order_id)
        assert bill is not None
        claims = ledger.claim_rows(order_id)
        claim = next(row for row in claims if row["claim_id"] == claim_id)
        behind = [row for row in claims if row["seq"] > claim["seq"] and row["state"] == ClaimState.DECIDED]
        undos = read_undos(ledger.store, order_id)
        legs = [leg for undo in undos for leg in undo.legs if leg.claim_id == claim_id]
        return Standing(
            bill,
            claim,
            any(leg.state is LegState.UNDONE for leg in legs),
            any(undo.counter for undo in undos if any(leg.claim_id == claim_id for leg in undo.legs)),
            noted_of(ledger.store, order_id, act["act_id"]),
            tuple(row["claim_id"] for row in behind),
        )

    def _advise_again(self, standing: Standing, word: OtherWord, work: Work) -> None:
        """Later policies decided on what this one took: they are marked for a new run, never changed silently (§3.9 E4)."""
        for claim_id in standing.later:
            work.unit.insert(
                "change",
                order_id=word.order.order_id,
                change_no=change_no(),
                claim_id=claim_id,
                act_id=word.act_id,
                field="claim.run-again",
                old="",
                new="advised",
                cause="earlier-policy-differs",
                at=work.now(),
            )
            work.event(word.order, "claim-run-again")

    def _crossed(self, word: OtherWord, told: int, work: Work) -> None:
        """An approval meets our undo on the way: nobody here knows which of them the insurer did last, so a person looks."""
        word.note("answer-late", "", str(told), work)
        word.put_on_list("approved-while-reversing", told, work)
        self.metrics.answer_late(word.insurer)

    def _take_back(self, standing: Standing, word: OtherWord, told: int, work: Work) -> None:
        """The insurer settled what was closed or reversed here: it is asked to take it back, once."""
        word.note("answer-late", "", str(told), work)
        self.metrics.answer_late(word.insurer)
        if standing.countered or standing.bill["undo_id"]:
            word.put_on_list("approved-after-reversal", told, work)
            return
        order_id, claim_id, undo_id, now = word.order.order_id, word.claim_id, new_undo_id(), work.now()
        common: dict[str, str | int] = {"undo_id": undo_id, "order_id": order_id, "amount": told, "updated_at": now}
        work.unit.insert(
            "undo",
            **common,
            **_BY_US,
            hospital=standing.bill["hospital"],
            idem_key=undo_id,
            state="undoing",
            was="",
            version=0,
            created_at=now,
        )
        work.unit.insert(
            "undo_leg", **common, leg=f"claim:{claim_id}", kind="claim", state="waiting", cause="", act_id=""
        )
        work.unit.update("bill", {"order_id": order_id}, expect={"undo_id": None}, undo_id=undo_id, look_at=DUE_NOW)
