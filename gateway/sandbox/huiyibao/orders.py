"""The direct-pay order (4.1 to 4.6) and its states: 0 待理赔, 1 已理赔, 2 已退款, 3 已取消, 4 失败."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.huiyibao.visits import Fee, Visit, Visits
from gateway.sandbox.terms import Bill, assess, product, refuses

_SPLITS = ("totalMedins", "accountPayAmnt", "additionalPayAmnt", "cisPayAmnt", "otherSplitAmnt")
_INPATIENT = 1


class Status(IntEnum):
    PENDING = 0
    PAID = 1
    REFUNDED = 2
    CANCELLED = 3
    FAILED = 4


@dataclass(slots=True)
class Order:
    number: str
    request: dict[str, Any]
    settlement: Settlement
    quoted: int
    status: Status = Status.PENDING
    announced: bool = False
    """4.2 was sent: from here on 4.3 is allowed."""
    acknowledged: bool = False
    """The hospital answered 4.2."""
    qr_code: str = ""

    def as_json(self) -> dict[str, Any]:
        amount = self.quoted if self.announced else 0
        return {"directPayNo": self.number, "insuranceAmount": amount, "status": int(self.status)}


@dataclass(slots=True)
class Orders:
    ledger: Ledger
    visits: Visits
    _orders: dict[str, Order] = field(default_factory=dict)
    _by_hospital: dict[str, Order] = field(default_factory=dict)
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1_900_000_000_000_000_101))

    def advance(self, record: dict[str, Any]) -> Order:
        """4.1; the same ``hospitalPayNo`` gives the same order."""
        known = self._by_hospital.get(record["hospitalPayNo"])
        if known is not None:
            if known.request != record:
                raise Violation("2006", "hospitalPayNo已用于其他订单")
            return known
        visit = self.visits.find(record["visitSerialNumber"])
        if not (self.visits.is_complete(visit) and visit.declared):
            raise Violation("2004", "就医申报未成功")
        self._check_bill(record, visit)
        return self._enter(record)

    def confirm(self, record: dict[str, Any]) -> Order:
        """4.3 moves the money, once; the amount announced is never exceeded."""
        order = self.find(record)
        if order.status is Status.PAID and order.qr_code == record["qrCode"]:
            return order
        if order.status is not Status.PENDING or not order.announced:
            raise Violation("2004", "订单状态不允许确认")
        settlement = order.settlement
        order.quoted = min(order.quoted, self.ledger.residuals.left(settlement.policy_no, settlement.terms))
        self.ledger.apply(settlement, order.quoted)
        order.status, order.qr_code = Status.PAID, record["qrCode"]
        return order

    def cancel(self, record: dict[str, Any]) -> Order:
        """4.5, only before 4.3."""
        order = self._move(record, Status.PENDING, Status.CANCELLED)
        order.settlement.state = "cancelled"
        return order

    def refund(self, record: dict[str, Any]) -> Order:
        """4.6, the whole order, only after 4.3."""
        if self.find(record).settlement.paid_out:
            raise Violation("2007", "已打款，不能退款")
        order = self._move(record, Status.PAID, Status.REFUNDED)
        if order.settlement.state == "settled":
            self.ledger.undo(order.settlement, "refunded")
        return order

    def find(self, record: dict[str, Any]) -> Order:
        order = self._orders.get(record["directPayNo"])
        if order is None:
            raise Violation("2005", "未找到订单")
        return order

    def announce(self, order: Order) -> dict[str, Any]:
        """The business data of 4.2; sending it is what makes 4.3 possible, or the order fail."""
        refused = refuses(order.request["requireCode"])
        order.announced = not refused
        if refused and order.status is Status.PENDING:
            order.status, order.settlement.state = Status.FAILED, "refused"
        return {
            "directPayNo": order.number,
            "insuranceAmount": 0 if refused else order.quoted,
            "status": 1 if refused else 0,
            "msg": "不在保险责任内" if refused else "",
        }

    def check_invoices(self, record: dict[str, Any]) -> None:
        """3.9: only after the direct pay, and Σ invoices = the order's amounts."""
        listed = record["invoiceList"]
        orders = {one["hospitalPayNo"]: self._by_hospital.get(one["hospitalPayNo"]) for one in listed}
        for number, order in orders.items():
            if order is None:
                raise Violation("2005", "未找到hospitalPayNo的订单")
            if order.status is not Status.PAID:
                raise Violation("2004", "订单尚未理赔")
            _check_invoice_sums(order.request, [one for one in listed if one["hospitalPayNo"] == number])

    def _move(self, record: dict[str, Any], before: Status, after: Status) -> Order:
        order = self.find(record)
        if order.status not in (before, after):
            raise Violation("2004", "订单状态不允许该操作")
        order.status = after
        return order

    def _check_bill(self, record: dict[str, Any], visit: Visit) -> None:
        if record["certNo"] != self.visits.cert_no(visit) or record["visitNo"] != visit.visit_no:
            raise Violation("2006", "患者或就诊与推送不符")
        if (record["visitType"] == _INPATIENT) != (visit.visit_type == _INPATIENT):
            raise Violation("2002", "visitType与推送不符")
        fee = visit.fees.get(record["feeRecordNumber"])
        if fee is None:
            raise Violation("2005", "未找到feeRecordNumber")
        if Fee(record["totalAmount"], record["selfBAmount"], record["selfCAmount"]) != fee:
            raise Violation("2003", "金额与费用明细不符")
        if record["totalMedins"] < 0 or _cash(record) < 0:
            raise Violation("2003", "各方支付合计大于totalAmount")

    def _enter(self, record: dict[str, Any]) -> Order:
        number = str(next(self._serial))
        person, terms = record["certNo"], product(inpatient=record["visitType"] == _INPATIENT)
        bill = "/".join((person, record["visitNo"], record["feeRecordNumber"]))
        refs = {name: record[name] for name in ("hospitalPayNo", "visitSerialNumber", "feeRecordNumber")}
        settlement = self.ledger.open(Settlement(number, bill, person, terms, refs))
        left = self.ledger.residuals.left(person, terms)
        quoted = assess(Bill(_cash(record), record["selfCAmount"]), terms, left).payable
        order = Order(number, record, settlement, quoted)
        self._orders[number] = self._by_hospital[record["hospitalPayNo"]] = order
        return order


def _check_invoice_sums(bill: dict[str, Any], invoices: list[dict[str, Any]]) -> None:
    """An invoice may count the serious-illness fund into 医保报销, which the order names apart."""
    for name in ("totalAmount", "totalMedins", "selfBAmount", "selfCAmount"):
        allowed = {bill[name], bill[name] + bill.get("cisPayAmnt", 0)} if name == "totalMedins" else {bill[name]}
        if sum(one[name] for one in invoices) not in allowed:
            raise Violation("2003", f"发票{name}与订单不符")


def _cash(record: dict[str, Any]) -> int:
    """What the patient bears after every split of the request; ``otherSplitAmnt`` holds earlier commercial payers."""
    return int(record["totalAmount"]) - sum(int(record.get(name, 0)) for name in _SPLITS)
