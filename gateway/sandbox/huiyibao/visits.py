"""What the hospital pushed about a visit (3.2 to 3.9), and when that is enough to declare it."""

from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox.common.rules import Violation

NEEDED = frozenset({"3.3", "3.4", "3.5"})


@dataclass(frozen=True, slots=True)
class Fee:
    total: int
    self_b: int
    self_c: int


@dataclass(slots=True)
class Visit:
    visit_no: str
    serial: str
    pushed: set[str] = field(default_factory=set)
    visit_type: int = 0
    fees: dict[str, Fee] = field(default_factory=dict)
    declared: bool = False
    """3.10 was sent: from here on 4.1 is allowed."""
    acknowledged: bool = False
    """The hospital answered 3.10."""


@dataclass(slots=True)
class Visits:
    _patients: dict[str, dict[str, Any]] = field(default_factory=dict)
    """3.2 by visitNo: it alone carries no visitSerialNumber."""
    _visits: dict[str, Visit] = field(default_factory=dict)

    def push(self, op: str, record: dict[str, Any]) -> list[Visit]:
        """Take a push; the answer lists the visits that are complete by it."""
        if op == "3.2":
            self._patients[record["visitNo"]] = record
            touched = [visit for visit in self._visits.values() if visit.visit_no == record["visitNo"]]
            return [visit for visit in touched if self.is_complete(visit)]
        serial = record["visitSerialNumber"]
        visit = self._visits.setdefault(serial, Visit(record["visitNo"], serial))
        if visit.visit_no != record["visitNo"]:
            raise Violation("2006", "visitSerialNumber已用于其他就诊")
        if op == "3.3":
            visit.visit_type = record["visitType"]
        if op == "3.5":
            visit.fees = read_fees(record)
        visit.pushed.add(op)
        return [visit] if self.is_complete(visit) else []

    def is_complete(self, visit: Visit) -> bool:
        return visit.pushed >= NEEDED and visit.visit_no in self._patients

    def find(self, serial: str) -> Visit:
        visit = self._visits.get(serial)
        if visit is None:
            raise Violation("2005", "未找到就诊")
        return visit

    def cert_no(self, visit: Visit) -> str:
        return str(self._patients[visit.visit_no]["certNo"])


def read_fees(record: dict[str, Any]) -> dict[str, Fee]:
    """A full push: every fee record ties with its details, and no detail number comes twice."""
    fees: dict[str, Fee] = {}
    seen: set[str] = set()
    for fee in record["feeList"]:
        details = fee["feeDetailsList"]
        numbers = [one["feeDetailsRecordNumber"] for one in details]
        if len(set(numbers)) != len(numbers) or seen & set(numbers) or fee["feeRecordNumber"] in fees:
            raise Violation("2001", "费用记录编号重复")
        seen |= set(numbers)
        if sum(one["x_amount"] for one in details) != fee["totalAmount"]:
            raise Violation("2003", "费用明细合计与totalAmount不符")
        self_b, self_c = (sum(one[name] for one in details) for name in ("x_selfBAmount", "x_selfCAmount"))
        fees[fee["feeRecordNumber"]] = Fee(fee["totalAmount"], self_b, self_c)
    return fees
