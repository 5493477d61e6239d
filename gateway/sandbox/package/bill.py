"""A bill as S290 and S291 carry it: its sums must tie before anything is paid for it."""

from dataclasses import dataclass
from typing import Any

from gateway.sandbox.common.rules import Violation
from gateway.sandbox.package.envelope import pick
from gateway.sandbox.package.shapes import fee_value, money
from gateway.sandbox.package.visits import Visit, check_refunds

NAMED_FUNDS = ("fundMoney", "civilServantFundMoney", "seriousFundMoney", "civilSubsidy", "otherFundMoney")
BY_PAYER = ("medicareFundCost", "accountFundMoney", "cashMoney", "hosBearMoney")
BY_CLASS = ("selfCareAmount", "selfAmount", "inInsureMoney")
INTERIM = "10"


@dataclass(frozen=True, slots=True)
class PackageBill:
    number: str
    total: int
    cash: int
    commercial: int
    """``commercialInsurancePayment`` in 分: earlier payers at S290, the confirmed share at S291."""
    interim: bool


def read_bill(record: dict[str, Any], visit: Visit) -> PackageBill:
    """Raises ``Violation`` 1000001, 1000006 or 1000007."""
    if not visit.lines:
        raise Violation("1000001", "该就诊没有费用明细")
    check_refunds(visit.lines)
    bill = PackageBill(
        pick(record, "billNum") or "",
        money(record, "sumMoney"),
        money(record, "cashMoney"),
        money(record, "commercialInsurancePayment"),
        pick(record, "dischCause") == INTERIM,
    )
    _tie("费用明细", visit.total(), bill.total)
    _tie("分支付方金额", _sum(record, BY_PAYER), bill.total)
    _tie("分类别金额", _sum(record, BY_CLASS), bill.total)
    _tie("基金分项", _sum(record, NAMED_FUNDS), money(record, "medicareFundCost"))
    for name in ("medFeeList", "invoiceFeeList"):
        listed = pick(record, name)
        if listed:
            _tie(name, sum(fee_value(one) for one in listed), bill.total)
    return bill


def _sum(record: dict[str, Any], names: tuple[str, ...]) -> int:
    return sum(money(record, name) for name in names)


def _tie(what: str, left: int, right: int) -> None:
    if left != right:
        raise Violation("1000006", f"{what}合计不符")
