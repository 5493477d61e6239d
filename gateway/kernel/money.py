"""Money is whole 分 (``Fen``); prices and quantities are exact ``Decimal``. A float never carries money."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NewType

from gateway.kernel.errors import BadMoney

Fen = NewType("Fen", int)
"""An amount in 分 (1/100 元), signed: a refund is negative."""

MAX_FEN = 10**15
"""Upper bound of any amount; larger numbers are a mistake or an attack, never a bill."""

_YUAN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")


def fen_from_yuan(text: str | int | Decimal) -> Fen:
    """Read an amount in 元 with at most two decimals. Raises ``BadMoney`` for anything else (exponents, NaN, 3 decimals)."""
    if isinstance(text, float):
        raise BadMoney("an amount came as a binary float")
    spelt = format(text, "f") if isinstance(text, Decimal) else str(text).strip()
    if isinstance(text, Decimal) and "." in spelt:
        spelt = spelt.rstrip("0").rstrip(".")
    if not _YUAN.fullmatch(spelt):
        raise BadMoney("an amount in 元 must be plain digits with at most two decimals")
    sign = -1 if spelt.startswith("-") else 1
    whole, _, cents = spelt.lstrip("-").partition(".")
    return Fen(sign * (int(whole) * 100 + int(cents.ljust(2, "0"))))


def yuan(amount: int) -> str:
    """``12345`` -> ``"123.45"``: 元 with exactly two decimals."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def line_amount(price: Decimal, qty: Decimal) -> Fen:
    """price (元) × quantity, rounded half up to the 分: rule 1 of the money identities."""
    return Fen(int((price * qty * 100).quantize(Decimal(1), ROUND_HALF_UP)))
