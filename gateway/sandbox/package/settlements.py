"""S290 to S310: the trial, the settlement that moves money, its cancellation and the claim that follows."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.money import yuan
from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import is_playing
from gateway.sandbox.common.trouble import Do
from gateway.sandbox.package.bill import PackageBill, read_bill
from gateway.sandbox.package.envelope import pick
from gateway.sandbox.package.visits import Visit
from gateway.sandbox.terms import INPATIENT, Assessment, Bill, Product, assess, refuses

EXPIRED, REFUSED = "1000010", "1000011"
UNDER_REVIEW, PAID, DECLINED, MATERIAL_WANTED = "0", "1", "2", "3"
MATERIAL = "MATERIAL"
"""The review of a policy whose number starts so asks for the record once more before it decides."""


@dataclass(slots=True)
class Case:
    """One S291 and what became of it."""

    settlement: Settlement
    bill: PackageBill
    assessed: Assessment
    own_pay: int
    first_answer: dict[str, Any]
    asked: int = 0
    """How often S300 asked for it."""
    accepted: str | None = None
    """``acceptFlag`` of S310."""
    lacks_material: bool = False


def refuse_policy(policy_no: str) -> None:
    if refuses(policy_no):
        expired = policy_no.startswith("EXPIRED")
        raise Violation(EXPIRED if expired else REFUSED, "保单已失效" if expired else "不在保险责任内")


@dataclass(slots=True)
class Settlements:
    ledger: Ledger
    _cases: dict[str, Case] = field(default_factory=dict)
    """By the insurer's number and by our bill number."""
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def quote(self, record: dict[str, Any], visit: Visit, now: datetime) -> dict[str, Any]:
        """S290."""
        refuse_policy(visit.policy_no)
        bill = read_bill(record, visit)
        visit.prior_paid = bill.commercial
        assessed = self._assess(bill, visit)
        visit.tried(assessed.payable)
        reference = f"TESTTRIAL{next(self._serial):07d}"
        used = self.ledger.residuals.used(visit.policy_no, visit.terms) + assessed.payable
        return _answer(bill, visit, assessed, reference, now, paid=assessed.payable, used=used)

    def settle(self, record: dict[str, Any], visit: Visit, now: datetime) -> dict[str, Any]:
        """S291: the same bill number gives the first answer again and moves nothing."""
        bill = read_bill(record, visit)
        if pick(record, "businessSerialNum") != bill.number:
            raise Violation("1000004", "businessSerialNum应与billNum一致")
        known = self._cases.get(bill.number)
        if known is not None:
            return self._again(known, bill, visit)
        if bill.commercial:
            visit.turn_to_trial(bill.commercial)
            refuse_policy(visit.policy_no)
        assessed = self._assess(bill, visit)
        if bill.commercial not in (0, assessed.payable):
            raise Violation("1000009", "commercialInsurancePayment与试算结果不符")
        visit.trials.pop(visit.policy_no, None)
        return self._enter(bill, visit, assessed, now)

    def cancel(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """S270; cancelling twice is cancelling once."""
        case = self._find(record, "settleSerialNum")
        for name, expected in case.settlement.our_refs.items():
            if pick(record, name) not in (None, expected):
                raise Violation("1000409", f"{name}与结算不符")
        if case.settlement.paid_out:
            raise Violation("1000012", "已打款，不能取消结算")
        self._undo(case)
        if is_playing(Do.APPROVE_AFTER_REVERSE):
            self.ledger.apply(case.settlement, case.settlement.amount_fen)
        return []

    def policy_of(self, record: dict[str, Any]) -> str:
        """Empty where there is no such case."""
        case = self._cases.get(pick(record, "settleSerialNum"))
        return case.settlement.policy_no if case is not None else ""

    def claim(self, record: dict[str, Any]) -> dict[str, Any]:
        """S300: the first call for a registered bill starts the review, a later one brings the decision."""
        case = self._find(record, "settleSerialNum")
        if case.settlement.state == "cancelled":
            raise Violation("1000404", "未找到结算记录")
        case.asked += 1
        if case.asked == 1:
            case.lacks_material = case.settlement.policy_no.startswith(MATERIAL) or is_playing(Do.NEED_MORE)
        elif case.settlement.state == "open" and not case.lacks_material:
            self._decide(case)
        waits = MATERIAL_WANTED if case.lacks_material else UNDER_REVIEW
        status = {"open": waits, "settled": PAID}.get(case.settlement.state, DECLINED)
        return {
            "mngFinalPay": yuan(case.settlement.amount_fen),
            "caseEndDate": pick(case.first_answer, "settleDate") if status != waits else "",
            "caseStatus": status,
            "confirmation": f"CONFIRM-{case.settlement.reference}" if status == PAID else "",
            "settleSerialNum": case.settlement.reference,
        }

    def brought(self, visit: Visit) -> None:
        """The record came (again): whatever the review wanted for this visit is there."""
        for case in self._cases.values():
            if case.settlement.our_refs["medicalNum"] == visit.medical_num:
                case.lacks_material = False

    def accept(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """S310: the customer takes the result (1) or not (0), once."""
        case = self._find(record, "settleSerialNum")
        flag = str(pick(record, "acceptFlag"))
        if case.settlement.state == "open":
            raise Violation("1000008", "案件尚未结案")
        if case.accepted not in (None, flag):
            raise Violation("1000409", "客户已确认过理赔结果")
        case.accepted = flag
        if flag == "0":
            self._undo(case)
        return []

    def is_live(self, visit: Visit) -> bool:
        return any(
            case.settlement.our_refs["medicalNum"] == visit.medical_num and case.settlement.state in ("open", "settled")
            for case in self._cases.values()
        )

    def _assess(self, bill: PackageBill, visit: Visit) -> Assessment:
        left = self.ledger.residuals.left(visit.policy_no, visit.terms)
        return assess(Bill(bill.cash, visit.own_pay(), visit.prior_paid), visit.terms, left)

    def _again(self, case: Case, bill: PackageBill, visit: Visit) -> dict[str, Any]:
        same_visit = case.settlement.our_refs["medicalNum"] == visit.medical_num
        if case.bill != bill or not same_visit or case.settlement.policy_no != visit.policy_no:
            raise Violation("1000409", "单据号已用于其他结算")
        if case.settlement.state == "cancelled":
            raise Violation("1000008", "结算已取消")
        return case.first_answer

    def _enter(self, bill: PackageBill, visit: Visit, assessed: Assessment, now: datetime) -> dict[str, Any]:
        reference = f"TESTSETL{next(self._serial):08d}"
        paid_for = f"{visit.policy_no}/{visit.medical_num}" + (f"/{bill.number}" if bill.interim else "")
        refs = {"billNum": bill.number, "medicalNum": visit.medical_num}
        settlement = self.ledger.open(Settlement(reference, paid_for, visit.policy_no, visit.terms, refs))
        if bill.commercial:
            self.ledger.apply(settlement, assessed.payable)
        used = self.ledger.residuals.used(visit.policy_no, visit.terms)
        answer = _answer(bill, visit, assessed, reference, now, paid=settlement.amount_fen, used=used)
        case = Case(settlement, bill, assessed, visit.own_pay(), answer)
        self._cases[reference] = self._cases[bill.number] = case
        return answer

    def _decide(self, case: Case) -> None:
        settlement = case.settlement
        if refuses(settlement.policy_no):
            settlement.state = "refused"
            return
        left = self.ledger.residuals.left(settlement.policy_no, settlement.terms)
        self.ledger.apply(settlement, min(case.assessed.payable, left))

    def _undo(self, case: Case) -> None:
        if case.settlement.state == "settled":
            self.ledger.undo(case.settlement, "cancelled")
        elif case.settlement.state == "open":
            case.settlement.state = "cancelled"

    def _find(self, record: dict[str, Any], name: str) -> Case:
        case = self._cases.get(pick(record, name))
        if case is None:
            raise Violation("1000404", "未找到结算记录")
        return case


def _answer(
    bill: PackageBill, visit: Visit, assessed: Assessment, reference: str, now: datetime, *, paid: int, used: int
) -> dict[str, Any]:
    """``used`` is what the policy has paid in all; a trial counts its own amount in, as the published one does."""
    return {
        "medicalNum": visit.medical_num,
        "billNum": bill.number,
        "settleSerialNum": reference,
        "settleDate": f"{now.astimezone(SHANGHAI):%Y%m%d%H%M%S}",
        "medicalCost": _yuan(bill.total),
        "commercialInsuranceCost": _yuan(assessed.base),
        "sbFundPay": _yuan(paid),
        "personalAmount": _yuan(bill.cash - visit.prior_paid - paid),
        "accumCompAmount": _yuan(used),
        "insuranceHospitalAccumulatePayment": _yuan(used if visit.terms is INPATIENT else 0),
        "insuranceOutpatient": _yuan(0 if visit.terms is INPATIENT else used),
        "residualAmount": _yuan(visit.terms.limit - used),
        "indemnitySign": "1" if paid else "0",
        "nonImmediateReason": "" if paid else "转快赔处理",
        "waiverSign": "0",
        "waiverReason": "",
        "calculateInformation": _sum_up(bill, visit, assessed.product, paid),
        "remark": "",
        "promptInformation": "",
        "policyFileName": "",
    }


def _sum_up(bill: PackageBill, visit: Visit, terms: Product, paid: int) -> str:
    prior = f"-先赔{yuan(visit.prior_paid)}" if visit.prior_paid else ""
    return f"(现金{yuan(bill.cash)}-自费{yuan(visit.own_pay())}{prior})×{terms.ratio}={yuan(paid)}"


def _yuan(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-2)
