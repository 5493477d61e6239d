"""Works an undo: insurers in reverse policy order, then 医保, then cash. What is stuck stays visible and never closes by itself."""

from dataclasses import dataclass

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.budget import RESUMED_S, Budget
from gateway.claims.conversation.states import FINAL, BillEvent, BillState, ClaimEvent, ClaimState
from gateway.claims.undo.book import CASH, YIBAO, Leg, Undo, UndoBook, cash_back, read_undo
from gateway.claims.undo.planning import legs_of, money_of
from gateway.claims.undo.reversal import End, Ending, Reversal, Reverser, Way
from gateway.claims.undo.states import LegEvent, LegState, UndoEvent, UndoState
from gateway.claims.work import Work
from gateway.kernel.ids import new_act_id

_LEG_EVENTS = {
    End.DONE: LegEvent.UNDO,
    End.PAID: LegEvent.RECOVER,
    End.REFUSED: LegEvent.REFUSE,
    End.LOST: LegEvent.PARK,
}


@dataclass(slots=True)
class Undoing:
    reverser: Reverser

    async def work(self, bill: Bill, work: Work) -> None:
        """Go on with the bill's undo as far as it goes now; what it waits for wakes the bill again."""
        ledger = self.reverser.ledger
        undo = await ledger.read(read_undo, ledger.store, bill.undo_id)
        assert undo is not None
        book = UndoBook(bill, undo, work)
        bill.undoing = bill.dirty = True
        if not undo.legs:
            self._freeze(book, await ledger.read(cash_back, ledger.store, bill.order_id))
            await work.flush(bill)
        if undo.state is UndoState.STUCK and not any(leg.stuck for leg in undo.legs):
            book.move_undo(UndoEvent.GO_ON, "leg-settled")
        if undo.called_off:
            for leg in undo.legs:
                if leg.state is LegState.WAITING:
                    book.move_leg(leg, LegEvent.GIVE_UP, "called-off")
        budget = Budget(self.reverser.clock.monotonic() + RESUMED_S, self.reverser.clock)
        for leg in undo.in_order(bill):
            if not leg.ended and (leg.stuck or not await self._leg(book, leg, budget)):
                break
        self._conclude(book)
        bill.undoing, bill.dirty = False, True  # its alarm is set anew
        await work.flush(bill)

    def _freeze(self, book: UndoBook, given_back: int) -> None:
        """Legs are planned from the bill as it stands in the commit that freezes it."""
        bill, undo = book.bill, book.undo
        split = bill.submission.split
        ordered = bill.state is BillState.DECIDED and bill.submission.kind == "direct_pay"
        money = money_of(bill.claims, split.fund_total, split.account_pay, bill.self_pay_due if ordered else 0)
        for leg, amount in legs_of(undo.scope, money, undo.amount, given_back):
            book.add_leg(leg, amount)
        undo.was = bill.state.value
        book.update(was=undo.was)
        book.work.move_bill(bill, BillEvent.FREEZE, undo.undo_id)

    async def _leg(self, book: UndoBook, leg: Leg, budget: Budget) -> bool:
        """True when the leg has ended and the next one may go."""
        if leg.kind == "claim":
            return await self._claim_leg(book, leg, budget)
        if leg.amount == 0:
            book.move_leg(leg, LegEvent.SKIP, "nothing-to-undo")
        elif leg.state is LegState.WAITING:
            book.move_leg(leg, LegEvent.ASK, "insurers-undone" if leg.kind == YIBAO else "all-others-undone")
            if leg.kind == YIBAO:
                book.work.event(book.bill, "undo-yibao")
            else:
                book.work.outbox(book.bill, "refund")
        return leg.ended

    async def _claim_leg(self, book: UndoBook, leg: Leg, budget: Budget) -> bool:
        claim = book.claim(leg)
        assert claim is not None
        way = await self.reverser.way(claim)
        if not leg.act_id and self._without_asking(book, leg, claim, way):
            return leg.ended
        assert way is not None
        reversal = Reversal(book.bill, claim, book.work, budget, way, leg.act_id)
        if claim.state not in FINAL and claim.state is not ClaimState.REVERSING:
            book.work.move_claim(book.bill, claim, ClaimEvent.REVERSE, book.undo.undo_id)
        if not leg.act_id:
            reversal.new_id = new_act_id()
            book.move_leg(leg, LegEvent.ASK, book.undo.reason, reversal.new_id)
        ending = await self.reverser.go(reversal)
        self._settle(book, leg, claim, ending)
        return leg.ended

    def _without_asking(self, book: UndoBook, leg: Leg, claim: ClaimRun, way: Way | None) -> bool:
        """Whether the leg is where it belongs without a word to the insurer."""
        counter = book.undo.counter
        if claim.state is ClaimState.CREATED:
            claim.outcome, claim.reason = "not_sent", "cancelled"
            book.work.move_claim(book.bill, claim, ClaimEvent.CLOSE, "cancelled")
        no_money = claim.state is ClaimState.CLOSED or (claim.state is ClaimState.DECIDED and not claim.approved)
        if no_money and not counter:
            book.move_leg(leg, LegEvent.SKIP, "nothing-to-undo")
        elif claim.state is ClaimState.DECIDED and claim.kind != "direct_pay" and not counter:
            book.move_leg(leg, LegEvent.RECOVER, "patient-was-paid")
        elif way is None:
            book.move_leg(leg, LegEvent.PARK, "insurer-not-connected")
        elif way.target is None and (way.money or counter):
            book.move_leg(leg, LegEvent.PARK, "no-undo-act")
        elif way.target is None:
            book.work.move_claim(book.bill, claim, ClaimEvent.REVERSE, "cancelled")
            close_reversed(book.bill, claim, book.work, "nothing-was-settled")
            book.move_leg(leg, LegEvent.SKIP, "nothing-was-settled")
        else:
            return False
        return True

    def _settle(self, book: UndoBook, leg: Leg, claim: ClaimRun, ending: Ending) -> None:
        if ending.end is End.LATER:
            if ending.cause == "answer-lost" and leg.state is LegState.ASKED:
                book.move_leg(leg, LegEvent.LOSE, ending.cause)
            elif ending.cause == "not-found":
                book.move_leg(leg, LegEvent.ASK, ending.cause, "")
            return
        book.move_leg(leg, _LEG_EVENTS[ending.end], ending.cause)
        settle_claim(book.bill, claim, book.work, ending)
        if ending.end is End.DONE:
            book.advise_again(claim)

    def _conclude(self, book: UndoBook) -> None:
        undo = book.undo
        if any(leg.stuck for leg in undo.legs):
            if undo.state is UndoState.UNDOING:
                book.move_undo(UndoEvent.STICK, next(leg.cause or leg.leg for leg in undo.legs if leg.stuck))
                book.work.event(book.bill, "undo-stuck")
                for leg in undo.legs:
                    if leg.stuck and leg.kind == CASH:
                        book.put_on_list(leg)
        elif all(leg.ended for leg in undo.legs):
            self._finish(book)

    def _finish(self, book: UndoBook) -> None:
        bill, undo, work = book.bill, book.undo, book.work
        called_off = undo.called_off
        if called_off:
            book.move_undo(UndoEvent.CALL_OFF, "given-up")
        else:
            book.move_undo(UndoEvent.FINISH, "every-leg-ended")
        work.event(bill, "undo-called-off" if called_off else "undo-done")
        if not undo.counter:
            event = _bill_event(undo, called_off)
            work.move_bill(bill, event, undo.undo_id)
            if event is BillEvent.UNDO:
                work.free_invoice(bill)
        bill.undo_id = ""
        work.unit.update("bill", {"order_id": bill.order_id}, undo_id=None)


def _bill_event(undo: Undo, called_off: bool) -> BillEvent:
    if called_off:
        return BillEvent.RESTORE if undo.was == BillState.DECIDED else BillEvent.THAW
    only_cash = all(leg.state is LegState.NOTHING for leg in undo.legs if leg.kind != CASH)
    return BillEvent.RESTORE if undo.scope == "part" and only_cash else BillEvent.UNDO


def settle_claim(bill: Bill, claim: ClaimRun, work: Work, ending: Ending) -> None:
    """What the end of a reversal means for a claim that had no final word; a decided one stays as it was decided."""
    if claim.state is not ClaimState.REVERSING or ending.end is End.LATER:
        return
    if ending.end is End.DONE:
        close_reversed(bill, claim, work, ending.cause)
        return
    claim.reason, claim.next_at = ending.cause, 0
    work.move_claim(bill, claim, ClaimEvent.PARK, ending.cause)
    work.event(bill, "needs-a-person")


def close_reversed(bill: Bill, claim: ClaimRun, work: Work, cause: str) -> None:
    claim.outcome, claim.reason, claim.next_at = "reversed", cause, 0
    work.move_claim(bill, claim, ClaimEvent.CLOSE, cause)
    work.event(bill, "claim-reversed")
