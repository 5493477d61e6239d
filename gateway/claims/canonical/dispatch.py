"""What an insurer mapping may read and what it must answer: the two ends of every partner folder."""

from typing import Annotated as A

import msgspec

from gateway.claims.canonical.claim import Attachment
from gateway.claims.canonical.cover import Confirmation, Consent, PayoutAccount, Policy, Report
from gateway.claims.canonical.money import Invoice, SettlementSplit
from gateway.claims.canonical.types import FEN, ID, UNSET, ClaimKind, Instant, Model, UnsetType
from gateway.claims.canonical.visit import Diagnosis, FeeLine, Patient, Procedure, Visit
from gateway.kernel.fields import F, I, M, O, leaf


class ActView(Model, frozen=True, kw_only=True):
    """The act being sent. Time and numbers are inputs, so that a replay is byte-identical."""

    act_id: A[str, leaf("动作号", O, pattern=ID)]
    name: A[str, leaf("动作", O, pattern=ID)]
    sent_at: A[Instant, leaf("发送时间", O, tz=True)]
    serial: A[int, leaf("流水序号", O, ge=0)]
    attempt: A[int, leaf("尝试次数", O, ge=1)] = 1
    batch_no: A[int, leaf("批次", O, ge=1)] = 1
    batch_count: A[int, leaf("批次总数", O, ge=1)] = 1


class ClaimView(Model, frozen=True, kw_only=True):
    claim_id: A[str, leaf("网关赔案", O, pattern=ID)]
    kind: A[ClaimKind, leaf("理赔方式", O)]
    insurer_seq: A[int, leaf("同一保险公司内序号", O, ge=1)] = 1
    """Which of the bill's claims at its insurer this is: each needs a number of its own there."""
    claimed: A[int, leaf("申请金额", F, **FEN)]
    prior_paid: A[int, leaf("先行商保已赔", F, **FEN)]
    quoted: A[int, leaf("试算赔付", F, **FEN)] | UnsetType = UNSET
    approved: A[int, leaf("赔付金额", F, **FEN)] | UnsetType = UNSET
    """Once the insurer has decided."""
    created_at: A[Instant, leaf("受理时间", O, tz=True)]


class Dispatch(Model, frozen=True, kw_only=True):
    """Source of every insurer mapping. ``refs`` holds what earlier answers of this insurer gave us to keep."""

    act: ActView
    claim: ClaimView
    patient: Patient
    visit: Visit
    diagnoses: tuple[Diagnosis, ...]
    procedures: tuple[Procedure, ...]
    lines: tuple[FeeLine, ...]
    split: SettlementSplit
    policy: Policy
    consent: Consent
    invoice: Invoice | UnsetType = UNSET
    report: Report | UnsetType = UNSET
    confirmation: Confirmation | UnsetType = UNSET
    payout_account: PayoutAccount | UnsetType = UNSET
    attachments: tuple[Attachment, ...] = ()
    target: ActView | UnsetType = UNSET
    """For an enquiry or an undo: the act it is about."""
    refs: A[dict[str, str], leaf("对方单号", O)] = {}


class PolicyFound(Model, frozen=True, kw_only=True):
    """One policy that an insurer says the patient has."""

    policy_no: A[str, leaf("保单号", F, max_length=64)]
    residual: A[int, leaf("剩余额度", F, **FEN)] | UnsetType = UNSET


class ActResult(Model, frozen=True, kw_only=True):
    """What an answer or a callback means. ``state`` is the only required word, and unlisted codes mean ``unknown``."""

    state: A[str, leaf("结果", O, pattern="^(accepted|pending|refused|not_found|unknown|need_more)$")]
    verdict: (
        A[str, leaf("理赔结论", O, pattern="^(paid|partial|refused|zero|withdrawn|to_quick_claim)$")] | UnsetType
    ) = UNSET
    approved: A[int, leaf("赔付金额", F, **FEN)] | UnsetType = UNSET
    residual: A[int, leaf("剩余额度", F, **FEN)] | UnsetType = UNSET
    peer_code: A[str, leaf("对方代码", O, max_length=64)] = ""
    peer_text: A[str, leaf("对方说明", M, max_length=4000)] = ""
    insurer_ref: A[str, leaf("保险公司流水", O, max_length=64)] | UnsetType = UNSET
    correlation: A[str, leaf("关联键", O, max_length=128)] | UnsetType = UNSET
    refs: A[dict[str, str], leaf("对方单号", O)] = {}
    policies: tuple[PolicyFound, ...] = ()
    expires_in: A[int, leaf("有效秒数", O, ge=0)] | UnsetType = UNSET
    items: A[tuple[str, ...], leaf("待取清单", O)] = ()
    results: tuple["CorrelatedResult", ...] = ()
    statement: tuple["StatementLine", ...] = ()


class StatementLine(Model, frozen=True, kw_only=True):
    """One act in a partner's daily statement. ``our_id`` is whichever number of ours it repeats."""

    our_id: A[str, leaf("我方单号", O, max_length=128)] = ""
    peer_ref: A[str, leaf("对方流水", O, max_length=128)] = ""
    hospital: A[str, leaf("医院代码", O, max_length=64)] = ""
    kind: A[str, leaf("动作类型", O, pattern="^(pay|refund)$")] = "pay"
    state: A[str, leaf("结果", O, pattern="^(done|refused|unknown)$")] = "done"
    amount: A[int, leaf("金额", F, **FEN)]
    at: A[Instant, leaf("时间", O, tz=True)] | UnsetType = UNSET
    cert_no: A[str, leaf("证件号码", I, max_length=30)] = ""
    """Compared as a blind index and never kept."""


class CorrelatedResult(Model, frozen=True, kw_only=True):
    """One claim's result inside a message that answers several (a remittance file)."""

    correlation: A[str, leaf("关联键", O, max_length=128)]
    state: A[str, leaf("结果", O, pattern="^(accepted|pending|refused|not_found|unknown|need_more)$")]
    verdict: A[str, leaf("理赔结论", O)] | UnsetType = UNSET
    approved: A[int, leaf("赔付金额", F, **FEN)] | UnsetType = UNSET
    peer_code: A[str, leaf("对方代码", O, max_length=64)] = ""
    insurer_ref: A[str, leaf("保险公司流水", O, max_length=64)] | UnsetType = UNSET
    refs: A[dict[str, str], leaf("对方单号", O)] = {}


def read_result(data: object) -> ActResult:
    """Check what an answer mapping produced."""
    return msgspec.convert(data, ActResult)
