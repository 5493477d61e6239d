"""Writes down how a patient wishes to pay, for the window to read."""

from gateway.claims.canonical.payment import PaymentWish
from gateway.store.unit import Unit


def put_wish(unit: Unit, order_id: str, wish: PaymentWish) -> None:
    """``order_id`` is a bill's or a deposit's."""
    unit.insert(
        "pay_wish",
        order_id=order_id,
        channels=" ".join(wish.channels),
        place=wish.place.value,
        payer_token=wish.payer_token or "",
        deposits=" ".join(dict.fromkeys(wish.deposits)),
        real_name=int(wish.real_name),
        local_insured=int(wish.local_insured),
        score_passed=int(wish.score_passed),
        per_act=wish.per_act or None,
        per_day=wish.per_day or None,
    )
