"""Builds what a mapping reads."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.dispatch import ActView, ClaimView, Dispatch
from gateway.claims.canonical.types import UNSET
from gateway.claims.conversation.states import ClaimState
from gateway.kernel.ids import new_act_id

_serial = count(1)


def next_serial() -> int:
    """A number for partners whose message id ends in a serial; with the time in seconds it is unique per node."""
    return next(_serial) % 1_000_000


def operational_dispatch(act: str, now: datetime, refs: Mapping[str, str] | None = None) -> Dispatch:
    """The dispatch of an act that belongs to no claim (token, polling): it carries no patient at all."""
    nothing: Any = UNSET
    return Dispatch(
        act=ActView(act_id=new_act_id(), name=act, sent_at=now, serial=next_serial()),
        claim=nothing,
        patient=nothing,
        visit=nothing,
        diagnoses=(),
        procedures=(),
        lines=(),
        split=nothing,
        policy=nothing,
        consent=nothing,
        refs=dict(refs or {}),
    )


def claim_dispatch(
    act: ActView,
    claim: ClaimView,
    submission: Submission,
    policy: Policy,
    refs: Mapping[str, str],
    batch_size: int = 0,
    target: ActView | None = None,
) -> Dispatch:
    """The dispatch of one act of one claim. With ``batch_size``, only the lines of the act's batch are in it."""
    lines = submission.lines
    if batch_size:
        lines = lines[(act.batch_no - 1) * batch_size : act.batch_no * batch_size]
    return Dispatch(
        act=act,
        claim=claim,
        patient=submission.patient,
        visit=submission.visit,
        diagnoses=submission.diagnoses,
        procedures=submission.procedures,
        lines=lines,
        split=submission.split,
        policy=policy,
        consent=submission.consent,
        invoice=submission.invoice,
        report=submission.report,
        confirmation=submission.confirmation,
        payout_account=submission.payout_account,
        attachments=submission.attachments,
        target=UNSET if target is None else target,
        refs=dict(refs),
    )


def claim_view(bill: Bill, claim: ClaimRun) -> ClaimView:
    """A claim as mappings see it."""
    return ClaimView(
        claim_id=claim.claim_id,
        kind=claim.kind,
        insurer_seq=bill.insurer_seq(claim),
        claimed=claim.claimed,
        prior_paid=claim.prior_paid,
        quoted=UNSET if claim.quoted is None else claim.quoted,
        approved=claim.approved if claim.state is ClaimState.DECIDED else UNSET,
        created_at=claim.created_at,
    )
