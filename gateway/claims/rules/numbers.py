"""Rule 21: numbers without limits of their own. The decoder takes NaN, infinities and any exponent; no message should."""

from collections.abc import Iterator
from decimal import Decimal

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET, UnsetType
from gateway.claims.rules.finding import Finding, refuse

_LARGEST, _SMALLEST = 13, -20
"""Powers of ten of the first digit: beyond them a number is a mistake or an attack, never a price, quantity or share."""


def is_plain(number: Decimal) -> bool:
    """Whether it can be written out as digits: finite, below 10**14, and not smaller than any double's noise."""
    return number.is_finite() and _SMALLEST <= number.adjusted() <= _LARGEST


def plain_numbers(s: Submission) -> Iterator[Finding]:
    """Rule 21: ratios and price limits are finite numbers that can be written out; so are price and quantity (rule 1)."""
    for index, line in enumerate(s.lines):
        if line.self_ratio is not UNSET:
            yield from _held(line.self_ratio, f"lines.{index}.self_ratio")
        if line.price_limit is not UNSET:
            yield from _held(line.price_limit, f"lines.{index}.price_limit")
    for place, policy in enumerate(s.policies):
        for index, liability in enumerate(policy.liabilities):
            yield from _held(liability.ratio, f"policies.{place}.liabilities.{index}.ratio")


def _held(number: Decimal | UnsetType, field: str) -> Iterator[Finding]:
    if number is not UNSET and not is_plain(number):
        yield refuse("money-21", (field,), "不是可写出的数", "no number that can be written out")
