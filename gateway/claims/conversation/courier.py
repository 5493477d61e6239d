"""Takes one step of one claim to its insurer: intent row, send, and what is known afterwards. Never sends again as new."""

import hashlib
import math

from gateway.claims.bill import ActRecord
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.conversation.budget import enquiry_delay
from gateway.claims.conversation.enquiry import MOST_UNREAD, UNREAD, ask, ask_if_open, keep_unread
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.mailbox import Mailbox, Slot
from gateway.claims.conversation.otherword import heard, owes_a_look, the_first
from gateway.claims.conversation.pacing import Sightings, is_given_up, may_repeat, nap, told_again_s
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.ledger import Ledger
from gateway.claims.partners.dispatching import claim_dispatch, claim_view, next_serial
from gateway.claims.work import millis
from gateway.kernel.clock import Clock
from gateway.kernel.errors import NotNow, NotSent, OutcomeUnknown
from gateway.kernel.ids import ActId, new_act_id
from gateway.kernel.spans import seconds

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_ACT_NOT_SENT, _ACT_ANSWERED, _ACT_PENDING = ActState.NOT_SENT, ActState.ANSWERED, ActState.PENDING
_UNKNOWN = ActResult(state="unknown")
_NOT_YET = ActResult(state="unknown", peer_code="not-found-yet")
"""The insurer knows nothing of the act, and it may still be under way: this enquiry does not count as one without an answer."""
_OPEN = (ActState.PREPARED, _ACT_PENDING, ActState.UNKNOWN)
_LATER = ("pending", "unknown")


class Courier:
    def __init__(self, ledger: Ledger, mailbox: Mailbox, clock: Clock) -> None:
        self._ledger = ledger
        self._mailbox = mailbox
        self._clock = clock
        self.sightings = Sightings(clock)
        self.frozen: set[str] = set()
        """Orders that are to be undone: their workers wait for no answer and take no further step."""

    async def carry_out(self, errand: Errand) -> ActResult | None:
        """The step's result; None: it is left for later (callback, timer). Raises ``NotSent`` when no byte ever left."""
        try:
            if errand.act is not None:
                return await self._take_up(errand, errand.act)
            result = await self._send(errand, errand.new_id or new_act_id())
            return result if result.state not in _LATER else await self._follow(errand, result)
        except BaseException:  # nobody waits here any longer: what comes for the act is for who works on it next
            if errand.act is not None:
                self._mailbox.close(errand.act.act_id)
            raise

    async def _take_up(self, errand: Errand, before: ActRecord) -> ActResult | None:
        if before.state in _OPEN and (brought := await self._brought(errand, before)):
            return brought
        if before.state == _ACT_NOT_SENT:
            result = await self._send(errand, before.act_id, before.attempts + 1)
        elif before.state == _ACT_ANSWERED:
            kept = await self._ledger.read(self._ledger.result_of, before.act_id)
            if kept is not None or errand.step.rule.role not in ("step", "quote"):
                return kept or _UNKNOWN
            result = await self._send(errand, new_act_id())  # the claim went back to it, and it moves no money
        elif before.state == _ACT_PENDING and may_repeat(errand.step.rule, before):
            result = await self._repeat(errand, before.act_id, before.attempts + 1, _ACT_PENDING)
        elif before.state == _ACT_PENDING and is_given_up(errand.step.rule, before, self._clock.now()):
            owes_a_look(errand)
            return ActResult(state="unknown", peer_code="enquiries-used-up")
        elif before.state == _ACT_PENDING:
            return await self._wait(errand, before)
        else:
            result = _UNKNOWN
        return await self._follow(errand, result)

    async def _follow(self, errand: Errand, result: ActResult) -> ActResult | None:
        if result.state == "pending":
            return await self._wait(errand, errand.known())
        return await self._enquire(errand, errand.known()) if result.state == "unknown" else result

    async def _repeat(self, errand: Errand, act_id: ActId, attempt: int, stands: ActState) -> ActResult:
        """Send an act that was sent before. If no byte leaves now, it is as pending or unknown as it was: not “not sent”.

        Raises ``NotNow`` about an unknown act: no enquiry was made, so none is counted.
        """
        try:
            errand.partner.admit(errand.step.rule.role, errand.claim.kind)
            self.sightings.sent(act_id)
            return await self._send(errand, act_id, attempt, stands)
        except NotSent as closed:
            if isinstance(closed, NotNow) and stands is ActState.UNKNOWN:
                raise
            return ActResult(state="pending" if stands is _ACT_PENDING else "unknown")

    async def _send(
        self, errand: Errand, act_id: ActId, attempt: int = 1, stands: ActState = _ACT_NOT_SENT
    ) -> ActResult:
        """Prepare, commit the intent, send. With ``attempt`` > 1 the same act goes again under its own id.

        Raises ``NotSent`` when no byte leaves; then the act ``stands`` as it did.
        """
        claim, step, partner, work = errand.claim, errand.step, errand.partner, errand.work
        partner.admit(step.rule.role, claim.kind)
        now = self._clock.now()
        view = ActView(
            act_id=act_id,
            name=step.act,
            sent_at=now,
            serial=next_serial(),
            attempt=attempt,
            batch_no=step.batch_no,
            batch_count=step.batch_count,
        )
        seen, submission = claim_view(errand.bill, claim), errand.bill.submission
        dispatch = claim_dispatch(view, seen, submission, claim.policy, claim.refs, step.batch_size, errand.target)
        prepared = partner.prepare(dispatch)
        self._move(errand, ClaimEvent.SEND, step.act, act_id)
        digest = hashlib.sha256(prepared.sealed.body).hexdigest()
        if attempt == 1:
            deadline = millis(now) + int(seconds(step.rule.timeout) * 1000)
            work.intent(claim, view, prepared, digest, deadline)
        else:
            work.act_became(claim.claim_id, act_id, ActState.PREPARED, "", attempts=attempt, request_digest=digest)
            work.message(act_id, "out", prepared.sealed.body, digest, ",".join(prepared.sealed.key_ids), 0)
        correlation = prepared.outgoing.correlation
        errand.act = ActRecord(
            act_id, step.act, step.batch_no, step.batch_count, view.serial, "", now, attempt, correlation
        )
        slot = self._mailbox.open(act_id, partner.code, correlation)
        begun = self._clock.monotonic()
        try:
            await work.flush(errand.bill)
            if self._ledger.leases is not None:
                self._ledger.leases.require_awake(begun)
            reply = await partner.exchange(prepared, dispatch)
        except NotSent:
            work.act_became(claim.claim_id, act_id, stands, "not_sent")
            raise
        except OutcomeUnknown as lost:
            return await self._lost(errand, slot, lost)
        result = reply.result
        work.message(act_id, "in", reply.raw, hashlib.sha256(reply.raw).hexdigest(), "", reply.http_status)
        work.refs(claim, result.refs)
        heard(errand, act_id, result)
        if slot.arrived and (brought := await self._from_slot(slot)):
            return await the_first(self._ledger.store, errand, act_id, brought, result)
        return self._answered(errand, slot, result)

    def _answered(self, errand: Errand, slot: Slot, result: ActResult) -> ActResult:
        work, claim = errand.work, errand.claim
        if result.state in ("pending", "need_more"):
            given = result.correlation if isinstance(result.correlation, str) else ""
            self._mailbox.known_as(slot.act_id, errand.partner.code, given)
            work.act_became(claim.claim_id, slot.act_id, _ACT_PENDING, "pending")
            work.known_as(errand.partner.code, given, claim.claim_id, slot.act_id)
            if result.state == "need_more":
                self._mailbox.close(slot.act_id)
            return result
        self._mailbox.close(slot.act_id)
        state = ActState.UNKNOWN if result.state == "unknown" else _ACT_ANSWERED
        # The result itself needs no row of its own: the claim moves on in the same commit as the act.
        work.act_became(claim.claim_id, slot.act_id, state, result.state)
        return result

    async def _lost(self, errand: Errand, slot: Slot, lost: OutcomeUnknown) -> ActResult:
        keep_unread(errand, slot.act_id, lost)
        if slot.arrived and (brought := await self._from_slot(slot)):
            return brought
        errand.work.act_became(errand.claim.claim_id, slot.act_id, ActState.UNKNOWN, lost.error_code)
        return _UNKNOWN

    async def _from_slot(self, slot: Slot) -> ActResult | None:
        """What a callback brings, once it is kept; None when it could not be kept and will be brought again."""
        result = await slot.result
        if result is not None:
            self._mailbox.close(slot.act_id)
        return result

    async def _wait(self, errand: Errand, act: ActRecord) -> ActResult | None:
        """Wait for the callback as long as the budget lasts, asking in between where the partner can be asked."""
        step, partner = errand.step, errand.partner
        slot = self._mailbox.open(act.act_id, partner.code, act.correlation)
        self._move(errand, ClaimEvent.PEND, "taken", act.act_id)
        self._sleep_until(errand, nap(errand, act))
        await errand.work.flush(errand.bill)
        if self._ledger.leases is not None and (brought := await self._brought(errand, act)):
            return brought
        again_at = self._clock.monotonic() + told_again_s(errand, act)
        while not self._over(errand):
            pause = min(errand.budget.left(), seconds(partner.manifest.poll_every))
            if await slot.came(pause) and (brought := await self._from_slot(slot)):
                return brought
            if self._clock.monotonic() >= again_at:
                told = await self._repeat(errand, act.act_id, act.attempts + 1, _ACT_PENDING)
                return await self._follow(errand, told)
            if step.rule.status:
                result = await ask_if_open(errand, act, self._clock)
                if errand.ends_with(result):
                    return await self._conclude(errand, act, result)
        self._mailbox.close(act.act_id)
        return None

    def _over(self, errand: Errand) -> bool:
        return errand.budget.spent or errand.bill.order_id in self.frozen

    async def _enquire(self, errand: Errand, act: ActRecord) -> ActResult | None:
        """Find out what became of an act whose answer was lost: a callback, an enquiry, or a repeat under the same id."""
        rule = errand.step.rule
        if not rule.status and rule.retry == "never":
            self._mailbox.close(act.act_id)  # nobody waits here any longer: a callback wakes the bill
            return ActResult(state="unknown", peer_code="no-enquiry")
        slot = self._mailbox.open(act.act_id, errand.partner.code, act.correlation)
        self.sightings.since(act.act_id)
        owes_a_look(errand)
        if rule.role not in ("step", "quote", "after", "extra", "material"):
            self._move(errand, ClaimEvent.LOSE, errand.lost, act.act_id)
        attempt, unread = act.attempts, 0
        asked_for = errand.bill.resumed  # by its timer, a restart or a person: the pause is over
        most, soonest_final = errand.partner.manifest.enquiries, math.inf
        while attempt <= most:
            delay = min(enquiry_delay(attempt), soonest_final)
            self._sleep_until(errand, delay)
            errand.work.act_became(errand.claim.claim_id, act.act_id, ActState.UNKNOWN, "unknown", attempts=attempt)
            await errand.work.flush(errand.bill)
            if self._ledger.leases is not None and (brought := await self._brought(errand, act)):
                return brought
            pause = 0.0 if asked_for else min(errand.budget.left(), delay)
            asked_for = False
            if await slot.came(pause) and (brought := await self._from_slot(slot)):
                return brought
            if self._over(errand):
                self._mailbox.close(act.act_id)
                return None
            try:
                result = await self._ask_or_repeat(errand, act, attempt + 1)
            except NotNow as closed:  # no enquiry was made, so none is counted
                self._mailbox.close(act.act_id)
                errand.work.act_became(errand.claim.claim_id, act.act_id, ActState.UNKNOWN, closed.error_code)
                errand.claim.next_at, errand.claim.dirty = closed.again_at, True
                return None
            attempt, soonest_final = attempt + 1, math.inf
            if result is _NOT_YET:
                attempt, soonest_final = min(attempt, most - 1), max(0.1, self._unsettled_s(errand, act))
            elif result.state == "pending":
                return await self._wait(errand, act)
            elif result.state != "unknown":
                return await self._conclude(errand, act, result)
            unread = unread + 1 if result is UNREAD else 0
            if unread == MOST_UNREAD:
                self._mailbox.close(act.act_id)
                return UNREAD
        self._mailbox.close(act.act_id)
        return ActResult(state="unknown", peer_code="enquiries-used-up")

    async def _ask_or_repeat(self, errand: Errand, act: ActRecord, attempt: int) -> ActResult:
        if not errand.step.rule.status:
            return await self._repeat(errand, act.act_id, attempt, ActState.UNKNOWN)
        result = await ask(errand, act, self._clock)
        if result.state != "not_found":
            return result
        if self._unsettled_s(errand, act) > 0:
            return _NOT_YET
        if self._clock.monotonic() >= errand.sent_until:
            return result
        # The partner had its settling time and knows nothing of the act: it never happened, so it may go (again).
        return await self._repeat(errand, act.act_id, attempt, ActState.UNKNOWN)

    def _unsettled_s(self, errand: Errand, act: ActRecord) -> float:
        return self.sightings.unsettled_s(act.seen, seconds(errand.partner.manifest.settling_time))

    async def _brought(self, errand: Errand, act: ActRecord) -> ActResult | None:
        """What a callback at another process brought: a commit of ours may have written over its mark and its alarm."""
        result = await self._ledger.read(self._ledger.result_of, act.act_id)
        if result is None or result.state in ("pending", "unknown", "need_more"):
            return None
        return await self._conclude(errand, act, result)

    async def _conclude(self, errand: Errand, act: ActRecord, result: ActResult) -> ActResult:
        """An enquiry or a repeat told what became of the act: that is its answer, or it stays open for more material."""
        slot = self._mailbox.held(act.act_id)
        heard(errand, act.act_id, result)
        owes_a_look(errand)
        if slot is not None and slot.arrived and (brought := await self._from_slot(slot)):
            return await the_first(self._ledger.store, errand, act.act_id, brought, result)
        self._mailbox.close(act.act_id)
        self.sightings.forget(act.act_id)
        state = _ACT_PENDING if result.state == "need_more" else _ACT_ANSWERED
        errand.work.act_became(errand.claim.claim_id, act.act_id, state, result.state)
        return result

    def _move(self, errand: Errand, event: ClaimEvent, cause: str, act_id: str) -> None:
        if errand.step.rule.role in ("after", "undo", "extra", "material") or errand.claim.state is ClaimState.DECIDED:
            return
        errand.work.move_claim(errand.bill, errand.claim, event, cause, act_id)

    def _sleep_until(self, errand: Errand, delay: float) -> None:
        errand.claim.next_at = errand.work.now() + int(delay * 1000)
        errand.claim.dirty = True
