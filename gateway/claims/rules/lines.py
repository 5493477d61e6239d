"""Rules 1, 2, 7 and 14: each fee line in itself, the lines against the total, and refunds against what they undo."""

from collections.abc import Iterator
from decimal import Decimal, DecimalException

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET, ClassLevel
from gateway.claims.canonical.visit import FeeLine
from gateway.claims.rules.finding import Finding, flag, refuse
from gateway.claims.rules.numbers import is_plain
from gateway.kernel.money import MAX_FEN, line_amount

ROUNDING_FEN = 1
"""How far a line's amount may miss price × quantity as the hospital's own rounding; beyond, it is a mistake."""

_HUNDRED = Decimal(100)
_LEAST, _MOST = Decimal("0.000001"), Decimal(1_000_000)
"""Between them a number is plain, which two comparisons find sooner than ``is_plain``: bills have hundreds of lines."""
_CLASS_A, _CLASS_C = ClassLevel.A, ClassLevel.C


def line_amounts(s: Submission) -> Iterator[Finding]:
    """Rule 1: amount = price × quantity, half up to the 分. The hospital's amount stands when it misses by one 分."""
    for index, line in enumerate(s.lines):
        try:
            agrees = (
                line.price * line.qty * _HUNDRED == line.amount
                and (_LEAST <= line.price <= _MOST or is_plain(line.price))
                and (_LEAST <= line.qty <= _MOST or is_plain(line.qty))
            )
        except DecimalException:
            agrees = False
        if not agrees:
            yield from _rounded_amount(index, line)


def _rounded_amount(index: int, line: FeeLine) -> Iterator[Finding]:
    fields = (f"lines.{index}.amount", f"lines.{index}.price", f"lines.{index}.qty")
    if not (is_plain(line.price) and is_plain(line.qty)):
        yield refuse(
            "money-1", fields, "单价或数量不是可计算的数", "price or quantity is no number that can be multiplied"
        )
        return
    difference = line.amount - line_amount(line.price, line.qty)
    if abs(difference) > MAX_FEN:
        yield refuse("money-1", fields, "单价乘数量超出金额上限", "price × quantity is beyond any amount")
    elif abs(difference) > ROUNDING_FEN:
        yield refuse("money-1", fields, "明细金额不等于单价乘数量", "line amount is not price × quantity", difference)
    elif difference:
        yield flag("money-1", fields, "明细金额与单价乘数量差一分", "line amount is rounded otherwise", difference)


def lines_make_total(s: Submission) -> Iterator[Finding]:
    """Rule 2: the lines' amounts, refunds negative, add up to the total; no line counts twice."""
    difference = sum([line.amount for line in s.lines]) - s.split.total
    if difference:
        yield refuse(
            "money-2",
            ("lines.amount", "split.total"),
            "明细合计不等于总额",
            "the lines do not add up to the total",
            difference,
        )
    if len({line.line_no for line in s.lines}) != len(s.lines):
        yield refuse("money-2", ("lines.line_no",), "明细流水号重复", "a line number occurs twice")


def line_parts(s: Submission) -> Iterator[Finding]:
    """Rule 7: own + over limit + pre + in scope = amount where a line states all four.

    What the class alone should say (C wholly own-pay, A without co-pay) is only flagged: provinces differ.
    """
    for index, line in enumerate(s.lines):
        own = line.own_amount
        if own is UNSET:
            continue
        amount, over, pre, scope = line.amount, line.over_limit, line.pre_self, line.in_scope
        if over is UNSET or pre is UNSET or scope is UNSET:
            continue
        if difference := own + over + pre + scope - amount:
            fields = tuple(
                f"lines.{index}.{name}" for name in ("own_amount", "over_limit", "pre_self", "in_scope", "amount")
            )
            yield refuse(
                "money-7", fields, "明细分担之和不等于金额", "the parts of a line do not make its amount", difference
            )
        elif own != amount and line.class_level is _CLASS_C:
            yield flag(
                "money-7",
                _of(index, "class_level", "own_amount"),
                "丙类明细未全自费",
                "a class C line is not wholly own-pay",
            )
        elif pre and line.class_level is _CLASS_A:
            yield flag(
                "money-7",
                _of(index, "class_level", "pre_self"),
                "甲类明细有先行自付",
                "a class A line carries a co-pay",
            )


def refunds(s: Submission) -> Iterator[Finding]:
    """Rule 14: what is refunded never passes the line that it undoes, neither in money nor in quantity."""
    backs = [(index, line) for index, line in enumerate(s.lines) if line.amount < 0 or line.qty.is_signed()]
    if not backs:
        return
    # Rule 1 tells of quantities that are no numbers; nothing can be compared with them.
    backs = [(index, line) for index, line in backs if is_plain(line.qty)]
    originals = {line.line_no: line for line in s.lines if is_plain(line.qty)}
    money: dict[str, int] = {}
    quantity: dict[str, Decimal] = {}
    for index, line in backs:
        original = originals.get(line.refund_of) if line.refund_of is not UNSET else None
        if original is None:
            yield flag(
                "money-14", _of(index, "refund_of"), "退费明细未指明本单原明细", "a refund names no line of this bill"
            )
            continue
        money[original.line_no] = money.get(original.line_no, original.amount) + line.amount
        quantity[original.line_no] = quantity.get(original.line_no, original.qty) + line.qty
        yield from _beyond(index, money[original.line_no], quantity[original.line_no])


def _beyond(index: int, money_left: int, quantity_left: Decimal) -> Iterator[Finding]:
    if money_left < 0:
        fields = _of(index, "amount", "refund_of")
        yield refuse("money-14", fields, "退费金额超过原明细", "refunds pass the line they undo", -money_left)
    elif quantity_left < 0:
        fields = _of(index, "qty", "refund_of")
        yield refuse("money-14", fields, "退费数量超过原明细", "a refunded quantity passes the line it undoes")


def _of(index: int, *names: str) -> tuple[str, ...]:
    return tuple(f"lines.{index}.{name}" for name in names)
