"""Works a bill: its policies in the patient's order, each through its insurer's acts, until every one has a final word."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.conversation.aftermath import Aftermath
from gateway.claims.conversation.counter import Counter
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.invoices import free_unpaid
from gateway.claims.conversation.late import LateAnswers
from gateway.claims.conversation.mailbox import Mailbox
from gateway.claims.conversation.outrun import Comparing
from gateway.claims.conversation.plan import in_turn
from gateway.claims.conversation.setting_aside import SetAside
from gateway.claims.conversation.states import BillEvent, BillState, ClaimState
from gateway.claims.conversation.talk import Talk
from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.replacing import replace
from gateway.claims.undo.worker import Undoing
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.kernel.errors import LianpeiError
from gateway.kernel.ids import new_claim_id, new_order_id
from gateway.store.claims_tables import DUE_NOW
from gateway.store.errors import Duplicate, StaleWrite, StoreFailed
from gateway.store.unit import Unit
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_BILL_QUOTED = BillState.QUOTED
_BILL_PENDING = BillState.PENDING
_BILL_DECIDED = BillState.DECIDED
_CLAIM_QUOTED = ClaimState.QUOTED

_log = get_logger("lianpei.conversation")


_DISK_AGAIN_S = 2.0
"""After a commit that failed amid a conversation: what was not kept is asked for anew, and until then nothing is sent."""
_MOST_TRIES = 15
_WORKED_ON = (_BILL_PENDING, _BILL_QUOTED, _BILL_DECIDED)


@dataclass(slots=True)
class Engine:
    ledger: Ledger
    registry: Registry
    mailbox: Mailbox
    metrics: Metrics
    clock: Clock
    courier: Courier
    undoing: Undoing
    counter: Counter
    talk: Talk
    aftermath: Aftermath
    running: dict[str, "asyncio.Task[None]"]
    aside: SetAside = field(init=False)
    late: LateAnswers = field(init=False)
    comparing: Comparing = field(init=False)

    def __post_init__(self) -> None:
        self.late = LateAnswers(self.ledger, self.metrics)
        self.comparing = Comparing(self.ledger, self.registry, self.late)
        self.aside = SetAside(self.ledger)

    def new_bill(
        self, submission: Submission, encoded: bytes, hospital: str, idem_key: str, digest: str, held: str = ""
    ) -> Bill:
        """A bill in memory with one claim per policy, in the patient's order. Nothing is stored yet."""
        order_id, now = new_order_id(), self.clock.now()
        claims = [
            ClaimRun(new_claim_id(), order_id, seq, policy, kind, now, policy_no=place)
            for seq, (policy, kind, place) in enumerate(in_turn(submission), 1)
        ]
        return Bill(order_id, hospital, idem_key, digest, submission, now, claims, encoded, held=held)

    def start(self, bill: Bill, work: Work | None = None) -> "asyncio.Task[None]":
        """Work on ``bill`` in the background; one worker per bill at a time. ``work`` may hold rows to commit with it."""
        work = work or self.ledger.work()
        work.safe.belong_to(bill)
        for claim in bill.claims:
            if claim.insurer in bill.guaranteed:
                work.refs(claim, bill.guaranteed[claim.insurer][1])
        return self._run(bill.order_id, self._work(bill, work))

    def _run(self, order_id: str, worker: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(worker)
        self.running[order_id] = task
        task.add_done_callback(lambda _: self.running.pop(order_id, None))
        return task

    async def alone(self, order_id: str, work: Coroutine[None, None, None]) -> None:
        """Do ``work`` for a stored bill while nobody else works on it here. The caller asked before whether it runs."""
        await self._run(order_id, work)

    def resume(self, order_id: str) -> None:
        """Take a stored bill up again, after a callback, a timer or a restart."""
        if order_id in self.aside.orders:
            return
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
        if await self.go_on(order_id):
            return
        work = self.ledger.work()
        work.unit.update("bill", {"order_id": order_id}, look_at=DUE_NOW)
        await work.flush()

    async def go_on(self, order_id: str) -> bool:
        """Take a bill up again that is due by its row; False when that is for another process."""
        elsewhere = await self.ledger.read(self.ledger.elsewhere, order_id)
        if not elsewhere:
            self.resume(order_id)
        return not elsewhere

    async def _take_up(self, order_id: str) -> None:
        work = self.ledger.work()
        try:
            bill = await self.ledger.read(self.ledger.load_bill, order_id)
            await work.safe.turn_to(order_id, self.ledger.read)
        except LianpeiError as bad:
            _log.event("bill-stopped", order_id=order_id, code=bad.error_code)
            await self._failed(order_id, bad)
            return
        if bill is not None:
            work.audit("data-key-used", "gateway", "taken-up-again")
            await self._work(bill, work)

    async def _work(self, bill: Bill, work: Work) -> None:
        try:
            if bill.submission.replaces and not bill.stored:
                await replace(self.ledger, bill, work)
            if bill.resumed and self.ledger.leases is not None:
                await self.comparing.owed(bill)
            if bill.undo_id:
                self.courier.frozen.discard(bill.order_id)
                await self.undoing.work(bill, work)
            if bill.state in _WORKED_ON:
                await self._converse_all(bill, work)
                if due := self.aftermath.due(bill):
                    await self.aftermath.work(bill, due, work)
                if bill.owes_a_look:
                    await self._look_around(bill)
        except LianpeiError as bad:
            bill.refused = bad
            _log.event("bill-stopped", order_id=bill.order_id, code=bad.error_code)
            if isinstance(bad, StaleWrite) and self.ledger.leases is not None:
                await self._outrun(bill, work)
        except Exception as bug:
            bill.refused = bug
            _log.event("bill-broke", order_id=bill.order_id, code=type(bug).__name__)
        finally:
            bill.acknowledged.set()
            bill.at_rest.set()
        if bill.committed and isinstance(bill.refused, StoreFailed):
            await self._again(bill, work)
        elif bill.refused is not None and bill.stored:
            await self._failed(bill.order_id, bill.refused)
        elif self.aside.has_row(bill.order_id):
            await self._ended_well(bill.order_id)

    async def _failed(self, order_id: str, wrong: Exception) -> None:
        with suppress(LianpeiError):  # a database that is away: the bill's alarm stays what it was
            await self.aside.failed(order_id, wrong)

    async def _look_around(self, bill: Bill) -> None:
        """What was asked for is on the disk with an alarm: should we die here, or a call come, who takes the bill up looks."""
        if await self.comparing.owed(bill):
            self.resume(bill.order_id)
            return
        bill.owes_a_look = False
        if bill.look_at and not bill.next_look(self.clock.epoch_ms()):
            stands = {"version": bill.version, "look_at": bill.look_at}
            with suppress(StaleWrite):
                unit = Unit().update("bill", {"order_id": bill.order_id}, expect=stands, look_at=None)
                await self.ledger.store.commit(unit)

    async def _outrun(self, bill: Bill, work: Work) -> None:
        """Another process has the bill; what we were told is kept for it, also when the database is away for a while."""
        for _ in range(_MOST_TRIES):
            try:
                await self.comparing.bring(bill, work)
                return
            except (Duplicate, StaleWrite):  # somebody else told something at the same moment: look again
                continue
            except StoreFailed:
                await asyncio.sleep(_DISK_AGAIN_S)
            except LianpeiError as bad:
                _log.event("outrun-not-kept", order_id=bill.order_id, code=bad.error_code)
                return

    async def _again(self, bill: Bill, work: Work) -> None:
        """The disk failed: take the bill up anew after a while, unless another process did meanwhile."""
        await asyncio.sleep(_DISK_AGAIN_S)
        with suppress(LianpeiError):
            if await self.ledger.read(self.ledger.elsewhere, bill.order_id):
                await self._outrun(bill, work)
                return
        self.resume(bill.order_id)

    async def _ended_well(self, order_id: str) -> None:
        with suppress(LianpeiError):
            await self.aside.ended_well(order_id)

    async def _converse_all(self, bill: Bill, work: Work) -> None:
        if bill.state is _BILL_QUOTED and not self.counter.expired(bill, work):
            await work.flush(bill)
            bill.at_rest.set()
            return
        if bill.held and not bill.stored:
            self.counter.hold(bill, work)
        await self._in_turn(bill, bill.at_counter, work)
        waits = self.counter.at_rest(bill, work)
        if bill.state is _BILL_PENDING and not waits:
            self._decide_bill(bill, work)
        started = perf_counter()
        await work.flush(bill)
        self.metrics.stage("commit", "other", perf_counter() - started)
        bill.at_rest.set()
        if bill.state is _BILL_DECIDED and bill.open_followers:
            await self._follow(bill, work)

    async def _in_turn(self, bill: Bill, claims: list[ClaimRun], work: Work) -> None:
        """Each policy sees what the earlier ones took, so one without a word holds up the later ones."""
        for claim in claims:
            if bill.order_id in self.courier.frozen:
                return
            if claim.final:
                continue
            if await self.talk.converse(bill, claim, work):
                self.counter.ended(bill, claim, work)
            elif claim.state is not _CLAIM_QUOTED and not claim.fixed:
                return

    async def _follow(self, bill: Bill, work: Work) -> None:
        """The patient has left the counter: quick-claims that followed under the same order, fixed benefits."""
        await self._in_turn(bill, bill.followers, work)
        if not bill.open_followers:
            work.event(bill, "quick-claim-decided")
            work.outbox(bill, "decided")
            free_unpaid(work, bill)
        await work.flush(bill)

    def _decide_bill(self, bill: Bill, work: Work) -> None:
        work.move_bill(bill, BillEvent.DECIDE, "all-claims-final")
        work.event(bill, "decided")
        if bill.is_claim:
            work.outbox(bill, "decided")
            free_unpaid(work, bill)
        for insurer, (quota, _) in bill.guaranteed.items():
            if sum(claim.approved for claim in bill.claims if claim.insurer == insurer) > quota:
                work.event(bill, "guarantee-short")
        waited = (self.clock.now() - bill.created_at).total_seconds()
        self.metrics.stage("total", "other", waited)
