"""One status enquiry about an act: a look, with no effect on money. Both of its messages are on record."""

import hashlib

from gateway.claims.bill import ActRecord
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.otherword import heed_unlisted
from gateway.claims.conversation.states import ActState
from gateway.claims.partners.dispatching import claim_dispatch, claim_view, next_serial
from gateway.claims.partners.partner import UNLISTED, AnswerUnread
from gateway.claims.work import millis
from gateway.kernel.clock import Clock
from gateway.kernel.errors import NotNow, NotSent, OutcomeUnknown
from gateway.kernel.ids import new_act_id
from gateway.kernel.spans import seconds

_UNKNOWN = ActResult(state="unknown")
UNREAD = ActResult(state="unknown", peer_code="answer-unread")
"""The insurer answers, and we can't read it: asking on would not help, a mapping or a key must be mended."""
MOST_UNREAD = 3
"""So many unread answers in a row to enquiries about one act: then a person looks."""


async def ask_if_open(errand: Errand, act: ActRecord, clock: Clock) -> ActResult:
    """As ``ask``; while the insurer can't be called, the outcome stays unknown."""
    try:
        return await ask(errand, act, clock)
    except NotNow:
        return _UNKNOWN


async def ask(errand: Errand, act: ActRecord, clock: Clock, *, alone: bool = False) -> ActResult:
    """What became of ``act``, or ``unknown``. Raises ``NotNow`` when no enquiry was made.

    ``alone``: the bill is somebody else's to write, so only the enquiry's own rows are.
    """
    claim, partner = errand.claim, errand.partner
    name = errand.step.rule.status
    partner.admit(partner.manifest.rule(name).role, claim.kind)
    view = ActView(act_id=new_act_id(), name=name, sent_at=clock.now(), serial=next_serial())
    bill = errand.bill
    seen = claim_view(bill, claim)
    dispatch = claim_dispatch(view, seen, bill.submission, claim.policy, claim.refs, target=act.seen)
    prepared = partner.prepare(dispatch)
    digest = hashlib.sha256(prepared.sealed.body).hexdigest()
    deadline = millis(view.sent_at) + int(seconds(prepared.rule.timeout) * 1000)
    errand.work.intent(claim, view, prepared, digest, deadline)
    await errand.work.flush(None if alone else errand.bill)
    try:
        reply = await partner.exchange(prepared, dispatch)
    except NotNow:
        errand.work.act_became(claim.claim_id, view.act_id, ActState.NOT_SENT, "not_sent")
        raise
    except (NotSent, OutcomeUnknown) as lost:
        keep_unread(errand, view.act_id, lost)
        errand.work.act_became(claim.claim_id, view.act_id, ActState.UNKNOWN, "unknown")
        return UNREAD if isinstance(lost, AnswerUnread) else _UNKNOWN
    answered = hashlib.sha256(reply.raw).hexdigest()
    errand.work.message(view.act_id, "in", reply.raw, answered, "", reply.http_status)
    errand.work.act_became(claim.claim_id, view.act_id, ActState.ANSWERED, reply.result.state)
    errand.work.refs(claim, reply.result.refs)
    heed_unlisted(errand, act.act_id, reply.result)
    return reply.result


def keep_unread(errand: Errand, act_id: str, lost: Exception) -> None:
    """What can't be read is on record all the same: whoever mends the mapping needs it."""
    if isinstance(lost, AnswerUnread):
        raw = lost.answer.body
        errand.lost = errand.lost if errand.lost == UNLISTED else lost.error_code
        errand.work.message(act_id, "in", raw, hashlib.sha256(raw).hexdigest(), "", lost.answer.status)
