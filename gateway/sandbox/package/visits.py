"""What the insurer remembers of a visit between calls: the person, the policy and the fee lines."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gateway.kernel.money import Fen, line_amount
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.package.envelope import pick
from gateway.sandbox.package.shapes import INPATIENT_TYPES, money, number
from gateway.sandbox.terms import UNKNOWN_POLICY, Product, product

OWN_PAY_GRADE = "3"


@dataclass(frozen=True, slots=True)
class Line:
    serial: str
    grade: str
    price: Decimal
    quantity: Decimal
    money: Fen
    original: str | None


@dataclass(slots=True)
class Visit:
    medical_num: str
    policy_no: str
    terms: Product
    lines: dict[str, Line] = field(default_factory=dict)
    prior_paid: int = 0
    """What the last S290 said that earlier commercial payers took, in 分."""
    trials: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By policy, what its last S290 was told of earlier payers and what it found payable, in 分, while not settled."""
    stumbled: bool = False
    """A batch of its lines was refused once (policy ``BATCH…``)."""

    def tried(self, payable: int) -> None:
        self.trials[self.policy_no] = (self.prior_paid, payable)

    def turn_to_trial(self, confirmed: int) -> None:
        """S291 names no policy: it is about the trial whose amount it confirms, of the policy that came last if it can be."""
        for policy_no in sorted(self.trials, key=lambda number: number != self.policy_no):
            prior_paid, payable = self.trials[policy_no]
            if payable == confirmed:
                self.policy_no, self.prior_paid = policy_no, prior_paid
                return

    def total(self) -> int:
        return sum(line.money for line in self.lines.values())

    def own_pay(self) -> int:
        return sum(line.money for line in self.lines.values() if line.grade == OWN_PAY_GRADE)


@dataclass(slots=True)
class Visits:
    _policies: dict[str, list[str]] = field(default_factory=dict)
    """Policy numbers per person, the one asked for last at the end."""
    _visits: dict[str, Visit] = field(default_factory=dict)
    _fresh: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def policies_of(self, record: dict[str, Any]) -> list[str]:
        """The person's policies, the one that the record names among them if there is one; everybody has at least one."""
        known = self._policies.setdefault(_person(record), [])
        asked = pick(record, "commercialBillNum")
        if asked and not asked.startswith(UNKNOWN_POLICY):
            known[:] = [number for number in known if number != asked] + [asked]
        if not known:
            known.append(f"TESTP{next(self._fresh):010d}")
        return list(known)

    def open(self, record: dict[str, Any]) -> Visit:
        """S210 may come again for the same visit: the lines stay."""
        number = pick(record, "medicalNum")
        terms = product(inpatient=pick(record, "medicalType") in INPATIENT_TYPES)
        visit = self._visits.setdefault(number, Visit(number, "", terms))
        visit.policy_no, visit.terms = self.policies_of({**record, "commercialBillNum": None})[-1], terms
        return visit

    def find(self, record: dict[str, Any]) -> Visit:
        visit = self._visits.get(pick(record, "medicalNum"))
        if visit is None:
            raise Violation("1000001", "未找到就诊档案")
        return visit

    def withdraw(self, visit: Visit) -> None:
        del self._visits[visit.medical_num]


def _person(record: dict[str, Any]) -> str:
    return f"{pick(record, 'credentialType')}:{pick(record, 'credentialNum')}"


def read_line(record: dict[str, Any]) -> Line:
    """One fee line whose amount follows from price and quantity; a refund names the line it takes back."""
    line = Line(
        pick(record, "recipeSerialNum"),
        pick(record, "feesGrade"),
        number(record, "price"),
        number(record, "quantity"),
        money(record, "money"),
        pick(record, "relationNum"),
    )
    if line_amount(line.price, line.quantity) != line.money:
        raise Violation("1000006", "money与price×quantity不符")
    if line.quantity < 0 and line.original is None:
        raise Violation("1000007", "退费明细的relationNum不能为空")
    return line


def check_refunds(lines: dict[str, Line]) -> None:
    """A refund keeps the price of its line, and no line gives back more than it had."""
    for refund in lines.values():
        if refund.quantity >= 0:
            continue
        original = lines.get(refund.original or "")
        if original is None or original.quantity <= 0 or original.price != refund.price:
            raise Violation("1000007", "退费明细与原明细不符")
        if _returned(original, lines.values()) > original.quantity:
            raise Violation("1000007", "退费数量大于原数量")


def _returned(original: Line, lines: Iterable[Line]) -> Decimal:
    return sum((-line.quantity for line in lines if line.quantity < 0 and line.original == original.serial), Decimal(0))
