"""Works a bill: its policies in the patient's order, each through its insurer's acts, until every one has a final word."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from time import perf_counter

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.consent import consent_gap
from gateway.claims.conversation.aftermath import Aftermath, errand_for
from gateway.claims.conversation.budget import Budget, budget_for
from gateway.claims.conversation.courier import Courier, Errand
from gateway.claims.conversation.judge import Judgement, Verdict, judge
from gateway.claims.conversation.mailbox import Mailbox
from gateway.claims.conversation.plan import Step, plan
from gateway.claims.conversation.states import BillEvent, BillState, ClaimEvent, ClaimState
from gateway.claims.conversation.unanswered import Unanswered
from gateway.claims.ledger import Ledger
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.replacing import replace
from gateway.claims.undo.worker import Undoing
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.kernel.errors import LianpeiError, MessageRefused, NotSent
from gateway.kernel.ids import new_claim_id, new_order_id
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics

_log = get_logger("lianpei.conversation")


@dataclass(slots=True)
class Engine:
    ledger: Ledger
    registry: Registry
    mailbox: Mailbox
    metrics: Metrics
    clock: Clock
    courier: Courier
    undoing: Undoing
    unanswered: Unanswered
    aftermath: Aftermath
    running: dict[str, "asyncio.Task[None]"]

    def new_bill(self, submission: Submission, encoded: bytes, hospital: str, idem_key: str, digest: str) -> Bill:
        """A bill in memory with one claim per policy, in the patient's order. Nothing is stored yet."""
        order_id, now = new_order_id(), self.clock.now()
        policies = sorted(submission.policies, key=lambda policy: policy.order_no)
        claims = [
            ClaimRun(new_claim_id(), order_id, seq, policy, submission.kind, now)
            for seq, policy in enumerate(policies, 1)
        ]
        return Bill(order_id, hospital, idem_key, digest, submission, now, claims, encoded)

    def start(self, bill: Bill, work: Work | None = None) -> "asyncio.Task[None]":
        """Work on ``bill`` in the background; one worker per bill at a time. ``work`` may hold rows to commit with it."""
        work = work or self.ledger.work()
        work.safe.belong_to(bill, work.add())
        return self._run(bill.order_id, self._work(bill, work))

    def _run(self, order_id: str, worker: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(worker)
        self.running[order_id] = task
        task.add_done_callback(lambda _: self.running.pop(order_id, None))
        return task

    async def alone(self, order_id: str, work: Coroutine[None, None, None]) -> None:
        """Do ``work`` for a stored bill while nobody else works on it here. The caller asked before whether it runs."""
        await self._run(order_id, work)

    def resume(self, order_id: str) -> None:
        """Take a stored bill up again, after a callback, a timer or a restart."""
        if order_id in self.running:
            self.running[order_id].add_done_callback(lambda _: self.resume(order_id))
            return
        self._run(order_id, self._take_up(order_id))

    async def look(self, order_id: str) -> None:
        """A bill's time has come. Who works on it here may wait for a result that another process was brought."""
        if order_id not in self.running:
            self.resume(order_id)
            return
        if self.ledger.leases is not None:
            await self._notice_undo(order_id)
            brought = await self.ledger.read(self.ledger.brought, order_id, self.mailbox.waiting())
            for act_id, result in brought.items():
                self.mailbox.bring(act_id, result)

    async def _notice_undo(self, order_id: str) -> None:
        row = await self.ledger.read(self.ledger.bill_row, order_id)
        if row is not None and row["undo_id"] and order_id not in self.courier.frozen:
            await self.freeze(order_id)

    async def wake_if_undoing(self, order_id: str) -> None:
        row = await self.ledger.read(self.ledger.bill_row, order_id)
        if row is not None and row["undo_id"]:
            await self.wake(order_id)

    async def freeze(self, order_id: str) -> None:
        """The bill has an undo on disk: whoever works on it takes no further step, then the undo is worked."""
        if order_id in self.running:
            self.courier.frozen.add(order_id)
        await self.wake(order_id)

    async def wake(self, order_id: str) -> None:
        """Something came for a stored bill: take it up, or tell the process that works on it."""
        if not await self.ledger.read(self.ledger.elsewhere, order_id):
            self.resume(order_id)
            return
        work = self.ledger.work()
        work.add().update("bill", {"order_id": order_id}, look_at=work.now())
        await work.flush()

    async def _take_up(self, order_id: str) -> None:
        work = self.ledger.work()
        try:
            bill = await self.ledger.read(self.ledger.load_bill, order_id)
            await work.safe.turn_to(order_id, self.ledger.read)
        except LianpeiError as bad:
            _log.event("bill-stopped", order_id=order_id, code=bad.error_code)
            return
        if bill is not None:
            work.audit("data-key-used", "gateway", "taken-up-again")
            await self._work(bill, work)

    async def _work(self, bill: Bill, work: Work) -> None:
        try:
            if bill.submission.replaces and not bill.stored:
                await replace(self.ledger, bill, work)
            if bill.undo_id:
                self.courier.frozen.discard(bill.order_id)
                await self.undoing.work(bill, work)
            if bill.state in (BillState.PENDING, BillState.DECIDED):
                await self._converse_all(bill, work)
                await self.aftermath.work(bill, work)
        except LianpeiError as bad:
            bill.refused = bad
            _log.event("bill-stopped", order_id=bill.order_id, code=bad.error_code)
        except Exception as bug:
            bill.refused = bug
            _log.event("bill-broke", order_id=bill.order_id, code=type(bug).__name__)
        finally:
            bill.acknowledged.set()
            bill.at_rest.set()

    async def _converse_all(self, bill: Bill, work: Work) -> None:
        visit = bill.submission.visit
        budget = budget_for(bill.submission.kind, visit.visit_kind, bill.created_at, self.clock)
        for claim in bill.claims:
            if bill.order_id in self.courier.frozen or (
                not claim.final and not await self._converse(bill, claim, work, budget)
            ):
                break
        if bill.state is BillState.PENDING and all(claim.final for claim in bill.claims):
            self._decide_bill(bill, work)
        started = perf_counter()
        await work.flush(bill)
        self.metrics.stage("commit", "other", perf_counter() - started)
        bill.at_rest.set()

    def _decide_bill(self, bill: Bill, work: Work) -> None:
        work.move_bill(bill, BillEvent.DECIDE, "all-claims-final")
        work.event(bill, "decided")
        work.outbox(bill, "decided")
        waited = (self.clock.now() - bill.created_at).total_seconds()
        self.metrics.stage("total", "other", waited)

    async def _converse(self, bill: Bill, claim: ClaimRun, work: Work, budget: Budget) -> bool:
        """One claim's conversation; True when it has its final word."""
        if claim.state is ClaimState.MANUAL and not await self.unanswered.came(bill, claim, work):
            return False
        if claim.state is ClaimState.REVERSING:
            return await self.unanswered.take_back(bill, claim, work, budget)
        partner = self.registry.get(claim.insurer)
        if claim.state is ClaimState.CREATED:
            claim.claimed = bill.remaining_for(claim)
            claim.prior_paid = bill.burden - claim.claimed
            gap = self._why_not(bill, claim, partner)
            if gap:
                self._close(bill, claim, work, gap)
                return True
        else:
            claim.prior_paid = bill.burden - bill.remaining_for(claim)
        if partner is None:
            return False
        return await self._take_steps(bill, claim, partner, work, budget)

    def _why_not(self, bill: Bill, claim: ClaimRun, partner: Partner | None) -> str:
        """The reason why this claim is never sent, or an empty text. Checked before anything leaves the house."""
        if partner is None:
            return "insurer-not-connected"
        if claim.kind not in partner.manifest.kinds:
            return "kind-not-offered"
        if claim.claimed <= 0:
            return "nothing-left-to-claim"
        submission = bill.submission
        return consent_gap(
            submission.consent,
            patient=submission.patient.patient_id,
            hospital=bill.hospital,
            insurer=claim.insurer,
            now=self.clock.now(),
        )

    async def _take_steps(self, bill: Bill, claim: ClaimRun, partner: Partner, work: Work, budget: Budget) -> bool:
        steps = plan(partner.manifest, claim.kind, bill.submission)
        while claim.step < len(steps):
            if bill.order_id in self.courier.frozen:
                return False
            step = steps[claim.step]
            errand = await errand_for(self.ledger, bill, claim, partner, step, work, budget)
            try:
                result = await self.courier.carry_out(errand)
            except NotSent as closed:
                return self._not_sent(errand, closed.error_code)
            except MessageRefused as bad:
                self._park(bill, claim, work, bad.error_code)
                return False
            if result is None:
                return False
            verdict = judge(step, result, claim.claimed, claim.quoted)
            if verdict.verdict is Verdict.ASK:
                ended = await self.unanswered.end(errand)
                if ended is None:
                    self._park(bill, claim, work, "outcome-unknown")
                return bool(ended)
            done = self._apply(bill, claim, work, step, verdict, result)
            if done is not None:
                if done and claim.approved and claim.step < len(steps):
                    claim.next_at = (
                        work.now() + 30_000
                    )  # should we die before the acts that follow, a timer takes them up
                return done
        self._park(bill, claim, work, "conversation-without-decision")
        return False

    def _apply(
        self, bill: Bill, claim: ClaimRun, work: Work, step: Step, verdict: Judgement, result: ActResult
    ) -> bool | None:
        """Move the claim on. None = next step, True = final, False = not now."""
        match verdict.verdict:
            case Verdict.GO_ON:
                claim.step += 1
                claim.dirty = True
                if step.rule.role == "quote":
                    claim.quoted = verdict.approved
                return None
            case Verdict.DECIDED:
                claim.outcome, claim.approved = verdict.outcome, verdict.approved
                claim.reason = self._reason(claim, verdict.reason)
                claim.step += 1
                claim.next_at = 0
                work.changed(bill, claim, "claim.approved", "0", str(verdict.approved), verdict.outcome)
                work.move_claim(bill, claim, ClaimEvent.DECIDE, verdict.outcome)
                self.metrics.claim(claim.insurer, claim.kind, claim.outcome)
                return True
            case _:
                reason = verdict.reason or result.peer_code or "outcome-unknown"
                self._park(bill, claim, work, reason if verdict.reason else "outcome-unknown")
                return False

    def _reason(self, claim: ClaimRun, peer_code: str) -> str:
        partner = self.registry.get(claim.insurer)
        fault = partner.faults.get(peer_code) if partner is not None else None
        return fault.code if fault is not None else ""

    def _not_sent(self, errand: Errand, code: str) -> bool:
        """Nothing left us. A counter that can't wait gets a clean end; a quick-claim is kept and sent later."""
        bill, claim, work = errand.bill, errand.claim, errand.work
        if claim.kind == "direct_pay" and claim.step == 0:
            claim.reason, claim.outcome, claim.next_at = "insurer-unreachable", "not_sent", 0
            work.move_claim(bill, claim, ClaimEvent.PARK, code)
            work.move_claim(bill, claim, ClaimEvent.CLOSE, code)
            self.metrics.claim(claim.insurer, claim.kind, claim.outcome)
            return True
        claim.next_at, claim.dirty = work.now() + 15_000, True
        return False

    def _close(self, bill: Bill, claim: ClaimRun, work: Work, reason: str) -> None:
        claim.reason, claim.outcome = reason, "not_sent"
        work.move_claim(bill, claim, ClaimEvent.CLOSE, reason)
        self.metrics.claim(claim.insurer, claim.kind, claim.outcome)

    def _park(self, bill: Bill, claim: ClaimRun, work: Work, reason: str) -> None:
        """Hand over to a person; the bill stays pending and visible."""
        claim.reason, claim.next_at = reason, 0
        if claim.state is ClaimState.CREATED:
            work.move_claim(bill, claim, ClaimEvent.SEND, reason)
        work.move_claim(bill, claim, ClaimEvent.PARK, reason)
        work.event(bill, "needs-a-person")
