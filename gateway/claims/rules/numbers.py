"""Rule 21: numbers without limits of their own. The decoder takes NaN, infinities and any exponent; no message should."""

from collections.abc import Iterator
from decimal import Decimal

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.types import UNSET
from gateway.claims.rules.finding import Finding, refuse

_LARGEST, _SMALLEST = 13, -20
"""Powers of ten of the first digit: beyond them a number is a mistake or an attack, never a price, quantity or share."""

_NONE, _WHOLE = Decimal(0), Decimal(1)


def is_plain(number: Decimal) -> bool:
    """Whether it can be written out as digits: finite, below 10**14, and not smaller than any double's noise."""
    return number.is_finite() and _SMALLEST <= number.adjusted() <= _LARGEST


def plain_numbers(s: Submission) -> Iterator[Finding]:
    """Rule 21: a ratio is a number from 0 to 1, a limit and what is left of one not negative; all can be written out.

    Price and quantity are held to the same by rule 1.
    """
    for index, line in enumerate(s.lines):
        ratio, limit = line.self_ratio, line.price_limit
        if ratio is not UNSET and not (is_plain(ratio) and _NONE <= ratio <= _WHOLE):
            yield _no_share(f"lines.{index}.self_ratio")
        if limit is not UNSET and not (is_plain(limit) and limit >= _NONE):
            yield _no_limit(f"lines.{index}.price_limit")
    for place, policy in enumerate(s.policies):
        yield from _cover(policy, f"policies.{place}")


def _cover(policy: Policy, at: str) -> Iterator[Finding]:
    if policy.residual is not UNSET and policy.residual < 0:
        yield _no_limit(f"{at}.residual")
    if policy.deductible_left is not UNSET and policy.deductible_left < 0:
        yield _no_limit(f"{at}.deductible_left")
    for index, liability in enumerate(policy.liabilities):
        ratio, limit = liability.ratio, liability.limit
        if ratio is not UNSET and not (is_plain(ratio) and _NONE <= ratio <= _WHOLE):
            yield _no_share(f"{at}.liabilities.{index}.ratio")
        if limit is not UNSET and limit < 0:
            yield _no_limit(f"{at}.liabilities.{index}.limit")


def _no_share(field: str) -> Finding:
    return refuse(
        "money-21", (field,), "比例不是 0 到 1 之间可写出的数", "no ratio from 0 to 1 that can be written out"
    )


def _no_limit(field: str) -> Finding:
    return refuse("money-21", (field,), "限额或余额不是可写出的非负数", "no limit from 0 on that can be written out")
