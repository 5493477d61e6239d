"""The demo: fourteen bills over five insurers, each with the outcome and the 分 that must come back.

What is expected is worked out here from the bills themselves and docs/partners.md, not from any simulator, so that a demo
whose sums agree has been calculated twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.visits import SAMPLE_DAY, Wish, submission
from gateway.sandbox.hospital.yibao import yibao_body

_OUTPATIENT_RATIO, _INPATIENT_RATIO = Decimal("0.80"), Decimal("0.90")
_RESIDUAL_FEN = {False: 5_000_000, True: 200_000_000}
_REFUSED = ("EXPIRED", "REFUSE")
SEEDS_PER_RUN = 100


@dataclass(frozen=True, slots=True)
class Expected:
    """What one policy must answer."""

    insurer: str
    outcome: str
    """paid | refused"""
    approved_fen: int


@dataclass(frozen=True, slots=True)
class DemoClaim:
    number: int
    zh: str
    en: str
    form: str
    """canonical | yibao-2207 | fhir-r4"""
    idempotency_key: str
    submission: Mapping[str, Any]
    body: bytes
    expected: tuple[Expected, ...]

    @property
    def approved_fen(self) -> int:
        return sum(one.approved_fen for one in self.expected)


@dataclass(frozen=True, slots=True)
class _Plan:
    zh: str
    en: str
    story: str
    insurers: tuple[str, ...]
    kind: str = "direct_pay"
    form: str = "canonical"
    refused: str = ""
    """Start of the policy number that makes the insurer refuse."""


_QUICK = "quick_claim"
_PLANS = (
    _Plan("门诊直赔·医保报文", "outpatient direct-pay, 医保 body", "outpatient", ("package",), form="yibao-2207"),
    _Plan("住院直赔·42行", "inpatient direct-pay, 42 lines", "inpatient", ("package",)),
    _Plan("住院直赔·230行分三批", "inpatient direct-pay, 230 lines in 3 batches", "inpatient-long", ("package",)),
    _Plan("门诊直赔·惠医保", "outpatient direct-pay, SM2", "outpatient", ("huiyibao",)),
    _Plan("一单两保", "one bill, two policies in order", "outpatient", ("package", "hcx")),
    _Plan("门诊直赔·FHIR", "outpatient direct-pay, FHIR bundle", "outpatient", ("hcx",), form="fhir-r4"),
    _Plan("门诊快赔·XML", "outpatient quick-claim, XML", "self-pay", ("ant",), _QUICK),
    _Plan("自费快赔·理赔邮局", "self-pay quick-claim, claim post office", "self-pay", ("eclaimlink",), _QUICK),
    _Plan("门诊快赔·协议包", "outpatient quick-claim, package", "outpatient", ("package",), _QUICK),
    _Plan("保单已过期", "refused: the policy has expired", "outpatient", ("hcx",), refused="EXPIRED"),
    _Plan("快赔拒赔", "refused quick-claim", "self-pay", ("ant",), _QUICK, refused="REFUSE"),
    _Plan("住院直赔·惠医保", "inpatient direct-pay, SM2", "inpatient", ("huiyibao",)),
    _Plan("药店快赔", "pharmacy quick-claim", "pharmacy", ("ant",), _QUICK),
    _Plan("住院直赔·医保报文", "inpatient direct-pay, 医保 body", "inpatient", ("hcx",), form="yibao-2207"),
)


def demo(run: int = 1, day: date = SAMPLE_DAY, *, marks: bool = False) -> tuple[DemoClaim, ...]:
    """The list of one run. Another ``run`` (1 to 9,999) brings other patients, visits, bills and keys."""
    if not 1 <= run <= 9_999:
        raise ValueError("run must be between 1 and 9,999")
    return tuple(_claim(plan, number, run, day, marks) for number, plan in enumerate(_PLANS, 1))


def _claim(plan: _Plan, number: int, run: int, day: date, marks: bool) -> DemoClaim:
    seed = run * SEEDS_PER_RUN + number
    policy_nos = (f"{plan.refused}{seed:08d}",) if plan.refused else ()
    bill = submission(Wish(plan.story, seed, plan.kind, plan.insurers, policy_nos, day, marks))
    return DemoClaim(
        number, plan.zh, plan.en, plan.form, f"demo-{run}-{number}", bill, _body(bill, plan.form), expected_of(bill)
    )


def _body(bill: dict[str, Any], form: str) -> bytes:
    match form:
        case "yibao-2207":
            return to_json(yibao_body(bill))
        case "fhir-r4":
            return to_json(fhir_bundle(bill))
        case _:
            return to_json(bill)


def expected_of(bill: Mapping[str, Any]) -> tuple[Expected, ...]:
    """Run the policies in order: each starts from what the patient bears and the payers before it left."""
    answers: list[Expected] = []
    for policy in sorted(bill["policies"], key=lambda one: int(one["order_no"])):
        prior = sum(one.approved_fen for one in answers)
        refused = policy["policy_no"].startswith(_REFUSED)
        approved = 0 if refused else _approved(bill, policy["insurer_code"], prior)
        answers.append(Expected(policy["insurer_code"], "refused" if refused else "paid", approved))
    return tuple(answers)


def _approved(bill: Mapping[str, Any], insurer: str, prior: int) -> int:
    inpatient = bill["visit"]["visit_kind"] == "inpatient"
    ratio = _INPATIENT_RATIO if inpatient else _OUTPATIENT_RATIO
    share = _by_line if insurer == "eclaimlink" else _by_bill
    return min(share(bill, ratio, prior), _RESIDUAL_FEN[inpatient])


def _by_bill(bill: Mapping[str, Any], ratio: Decimal, prior: int) -> int:
    """(cash - class C - prior payers) × ratio, half up."""
    own_pay = sum(line["amount"] for line in bill["lines"] if line.get("class_level") == "C")
    return _half_up(max(0, bill["split"]["cash_pay"] - own_pay - prior) * ratio)


def _by_line(bill: Mapping[str, Any], ratio: Decimal, prior: int) -> int:
    """The post office pays line by line and takes off what others bear in full."""
    others: int = bill["split"]["total"] - (bill["split"]["cash_pay"] - prior)
    return max(0, sum(_half_up(line["amount"] * ratio) for line in bill["lines"]) - others)


def _half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
