"""Exact numbers: 分 and 元, decimals with stated rounding (half up)."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import MAX_FEN, fen_from_yuan
from gateway.kernel.money import yuan as kernel_yuan
from gateway.mapping.runtime.base import RefusalError

_EXACT = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])
_WHOLE = re.compile(r"-?\d{1,18}")
CENTS = tuple(f".{cents:02d}" for cents in range(100))
"""``12 // 100`` and ``CENTS[12 % 100]`` spell an amount without a function call."""


_SHORTEST, _LONGEST = len("0.00"), len("9999999999999.99")


def yuan(fen: int) -> str:
    return kernel_yuan(fen)


def fen(value: Any) -> int:
    """元 as text, whole number or Decimal to 分. Raises ``RefusalError`` for more than two decimals or no amount."""
    if type(value) is str and _SHORTEST <= len(value) <= _LONGEST and value[-3] == "." and value.isascii():
        # Nearly every amount is spelt with two decimals: its digits are the 分.
        digits = value.replace(".", "", 1)
        if digits.isdecimal():
            return int(digits)
    try:
        return int(fen_from_yuan(_plain_yuan(value)))
    except (BadMoney, InvalidOperation):
        pass
    raise RefusalError("an amount in 元 with at most two decimals was expected")


def _plain_yuan(value: Any) -> Any:
    """Zeros after the second decimal say nothing (``12.5000``); anything else there does, and is refused."""
    if isinstance(value, bool):
        raise BadMoney("true/false is no amount")
    if isinstance(value, str) and len(value) < 32 and _POINTED.fullmatch(value):
        return Decimal(value.strip())
    return value


_POINTED = re.compile(r"\s*[+-]?[0-9]*\.[0-9]*\s*")
"""Python reads more as a number: digits of other scripts, underscores, exponents."""


def fen_int(value: Any) -> int:
    """分 as text or whole number. Raises ``RefusalError`` for anything else."""
    number = whole(value)
    if abs(number) > MAX_FEN:
        raise RefusalError("the amount is out of range")
    return number


def whole(value: Any) -> int:
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    if type(value) is int:
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise RefusalError("a whole number was expected")


def decimal(value: Any) -> Decimal:
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise RefusalError("a number was expected")
    return number


def decimal_text(value: Decimal) -> str:
    """All digits, no exponent."""
    spelt = str(value)
    if spelt == spelt.lower():  # an exponent is an E, and NaN and Infinity have capitals too
        return spelt
    if not value.is_finite():
        raise RefusalError("the number is not finite")
    return format(value, "f")


def rounded(value: Decimal | int, places: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)


def fixed_writer(places: int) -> Callable[[Decimal | int], str]:
    """A function that spells a number with exactly ``places`` decimals; padding needs no arithmetic, only rounding does."""
    zeros = tuple("0" * (places - given) for given in range(places + 1))
    whole_tail = "." + "0" * places if places else ""

    def write(value: Decimal | int) -> str:
        spelt = str(value)
        point = spelt.find(".")
        given = len(spelt) - point - 1
        if point > 0 and given <= places and "E" not in spelt:
            return spelt + zeros[given]
        if point < 0 and spelt.lstrip("-").isdigit():
            return spelt + whole_tail
        return format(rounded(decimal(value), places), "f")

    return write


def divided(value: Decimal | int, by: Decimal | int, places: int) -> Decimal:
    if by == 0:
        raise RefusalError("division by zero")
    return rounded(_EXACT.divide(Decimal(value), Decimal(by)), places)


HELPERS: Mapping[str, Any] = {
    "ZERO": Decimal(0),
    "STR": str,
    "CENTS": CENTS,
    **{f.__name__: f for f in (yuan, fen, fen_int, whole, decimal, decimal_text, rounded, divided)},
}
