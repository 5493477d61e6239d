"""What a hospital may ask: take an order back, whole or in part."""

from decimal import Decimal
from typing import Annotated as A
from typing import Literal

import msgspec

from gateway.claims.canonical.types import ID
from gateway.kernel.errors import BadRequest

MOST_QTY = Decimal(10**12)
Reason = Literal["treatment-cancelled", "drug-returned", "wrong-price", "lost-answer", "own-pay-failed", "other"]


class RefundLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the bill given back, in the form of the national interface: same price, negative quantity and amount."""

    refund_of: A[str, msgspec.Meta(max_length=64)]
    """The bill's ``line_no``."""
    qty: Decimal
    amount: A[int, msgspec.Meta(le=0, ge=-(10**15))]
    """分."""


class UndoWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: Literal["whole", "part"]
    reason: Reason
    requested_by: A[str, msgspec.Meta(pattern=ID)]
    """The cashier's or the system's id at the hospital: no name."""
    lines: A[tuple[RefundLine, ...], msgspec.Meta(max_length=10_000)] = ()


class LegWord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a leg that the hospital itself undoes: 医保 (2208, 2305 or 2601), or cash that its window gave back."""

    outcome: Literal["undone", "refused"]
    reference: A[str, msgspec.Meta(pattern=ID)]
    """The number of that undo, or of the refusal."""


def require_form(wish: UndoWish) -> None:
    """Raises ``BadRequest`` (``undo-form``) for what the types can't say."""
    if (wish.scope == "part") != bool(wish.lines):
        raise BadRequest(
            "a part names its lines, the whole names none",
            code="undo-form",
            hint="See docs/undo.md.",
            fields=("lines",),
        )
    odd = [place for place, line in enumerate(wish.lines) if not (line.qty.is_finite() and -MOST_QTY < line.qty < 0)]
    if odd:
        raise BadRequest(
            "a refund line has a negative quantity",
            code="undo-form",
            hint="See docs/undo.md.",
            fields=tuple(f"lines.{place}.qty" for place in odd[:20]),
        )
