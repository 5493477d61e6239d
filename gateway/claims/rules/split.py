"""Rules 3 to 6, 8, 10, 11, 18: the settlement split, the commercial share, the invoice. In 分, tolerance 0."""

from collections.abc import Iterator

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET, BenefitType, InvoiceKind
from gateway.claims.rules.finding import Finding, refuse

_FUND_PARTS = ("fund_pool", "fund_civil", "fund_enterprise", "fund_serious", "fund_resident", "fund_aid", "fund_other")
_SCOPE_PARTS = ("own_total", "over_total", "pre_total", "scope_total")


def total_is_paid(s: Submission) -> Iterator[Finding]:
    """Rule 3: total = fund + account + cash (+ what the hospital bears); no payer's share is negative or passes it.

    The hospital's part alone may be negative: where 医保 pays by case, it is the difference to the case price.
    """
    split = s.split
    bear = 0 if split.hospital_bear is UNSET else split.hospital_bear
    difference = split.fund_total + split.account_pay + split.cash_pay + bear - split.total
    fields = ("split.total", "split.fund_total", "split.account_pay", "split.cash_pay", "split.hospital_bear")
    if difference:
        yield refuse("money-3", fields, "支付合计不等于总额", "the payers' shares do not make the total", difference)
    if min(split.fund_total, split.account_pay, split.cash_pay) < 0 or split.account_pay + split.cash_pay > split.total:
        yield refuse("money-3", fields, "支付份额为负或超过总额", "a payer's share is negative or passes the total")


def scope_parts(s: Submission) -> Iterator[Finding]:
    """Rule 4: total = own + over limit + pre + in scope, where the bill states all four."""
    split = s.split
    own, over, pre, scope = split.own_total, split.over_total, split.pre_total, split.scope_total
    if own is UNSET or over is UNSET or pre is UNSET or scope is UNSET:
        return
    if difference := own + over + pre + scope - split.total:
        fields = ("split.total", *(f"split.{name}" for name in _SCOPE_PARTS))
        yield refuse(
            "money-4",
            fields,
            "范围分项合计不等于总额",
            "the parts by scope do not make the total",
            difference,
        )


def fund_parts(s: Submission) -> Iterator[Finding]:
    """Rule 5: the fund total is the sum of the fund parts stated; the family account is a part of the account."""
    split = s.split
    stated = (
        split.fund_pool,
        split.fund_civil,
        split.fund_enterprise,
        split.fund_serious,
        split.fund_resident,
        split.fund_aid,
        split.fund_other,
    )
    parts = [part for part in stated if part is not UNSET]
    if parts and sum(parts) != split.fund_total:
        fields = ("split.fund_total", *(f"split.{name}" for name in _FUND_PARTS))
        difference = sum(parts) - split.fund_total
        yield refuse(
            "money-5", fields, "基金分项合计不等于基金支付总额", "the fund parts do not make the fund total", difference
        )
    family = split.family_account
    if family is not UNSET and not 0 <= family <= split.account_pay:
        inside = ("split.family_account", "split.account_pay")
        yield refuse("money-5", inside, "共济账户不在个人账户之内", "the family account is not a part of the account")


def personal_part(s: Submission) -> Iterator[Finding]:
    """Rule 6: what the person bears (psn_part_amt) = account + cash."""
    split = s.split
    if split.personal_total is not UNSET:
        difference = split.account_pay + split.cash_pay - split.personal_total
        if difference:
            fields = ("split.personal_total", "split.account_pay", "split.cash_pay")
            yield refuse(
                "money-6",
                fields,
                "个人负担不等于账户加现金",
                "account and cash do not make the personal part",
                difference,
            )


def categories(s: Submission) -> Iterator[Finding]:
    """Rule 8: the fee categories, where stated, add up to the total."""
    if s.split.categories:
        difference = sum([item.amount for item in s.split.categories]) - s.split.total
        if difference:
            fields = ("split.categories.amount", "split.total")
            yield refuse(
                "money-8", fields, "费用分类合计不等于总额", "the categories do not make the total", difference
            )


def patient_burden(s: Submission) -> int:
    """Rule 10: what the patient bears after 医保 and before commercial insurance, in 分: the cash part."""
    return s.split.cash_pay


def remaining(burden: int, paid: int) -> int:
    """What is left of a burden after ``paid`` 分 came off it. Raises ValueError when more was paid than was borne."""
    if not 0 <= paid <= burden:
        raise ValueError("paid amounts pass the patient's burden")
    return burden - paid


def commercial_share(s: Submission) -> Iterator[Finding]:
    """Rules 10 and 11: commercial payers together never pass what the patient bears, each stays inside its residual.

    A fixed benefit goes to the patient and lowers nothing at the counter, so only expense-type policies count.
    """
    split = s.split
    if not split.commercial_pay and split.self_pay_due is UNSET:
        return
    policies = {policy.policy_no: policy for policy in s.policies}
    paid = 0
    for index, pay in enumerate(split.commercial_pay):
        policy = policies.get(pay.policy_no)
        if policy is None or policy.benefit_type is BenefitType.EXPENSE:
            paid += pay.amount
        residual = UNSET if policy is None else policy.residual
        if pay.amount < 0 or (residual is not UNSET and pay.amount > residual):
            fields = (f"split.commercial_pay.{index}.amount", "policies.residual")
            yield refuse(
                "money-11",
                fields,
                "商保支付为负或超过剩余额度",
                "a commercial share is negative or passes its residual",
            )
    yield from _due(s, paid)


def _due(s: Submission, paid: int) -> Iterator[Finding]:
    left = patient_burden(s) - paid
    if left < 0:
        fields = ("split.commercial_pay.amount", "split.cash_pay")
        yield refuse(
            "money-11", fields, "商保支付合计超过患者负担", "commercial shares pass what the patient bears", -left
        )
    elif s.split.self_pay_due is not UNSET and s.split.self_pay_due != left:
        tied = ("split.self_pay_due", "split.cash_pay", "split.commercial_pay.amount")
        yield refuse(
            "money-10",
            tied,
            "患者应付不等于现金减商保",
            "self-pay due is not cash less commercial shares",
            s.split.self_pay_due - left,
        )


def invoice(s: Submission) -> Iterator[Finding]:
    """Rule 18: the invoice is for the total or a part of it, and no red one; ``invoice_uses`` guards its single use."""
    note = s.invoice
    if note is UNSET:
        return
    if note.kind is InvoiceKind.RED:
        yield refuse("money-18", ("invoice.kind",), "红票不能用于理赔", "a red invoice can't support a claim")
    elif note.amount > s.split.total:
        difference = note.amount - s.split.total
        yield refuse(
            "money-18",
            ("invoice.amount", "split.total"),
            "票据金额超过总额",
            "the invoice passes the total",
            difference,
        )
    elif note.amount <= 0:
        yield refuse("money-18", ("invoice.amount",), "票据金额不为正", "the invoice has no positive amount")


def invoice_uses(s: Submission) -> tuple[tuple[str, str, str], ...]:
    """(insurer, invoice code, invoice number) per expense-type policy: each may be used once (rule 18)."""
    note = s.invoice
    if note is UNSET:
        return ()
    expense = {policy.insurer_code for policy in s.policies if policy.benefit_type is BenefitType.EXPENSE}
    return tuple((insurer, note.bill_code, note.bill_no) for insurer in sorted(expense))
