"""What a decision owes whom: pure arithmetic from a decided bill's totals to payment orders. Nothing medical here."""

from dataclasses import dataclass

from msgspec import UNSET

from gateway.kernel.ids import OrderId, SettlementId
from gateway.payment.model import Leg, LegKind, OrderKind, PaymentOrder


@dataclass(frozen=True, slots=True)
class DecidedBill:
    """A bill's ids and totals in 分, after every policy has decided: all that the window takes from the claims room."""

    order_id: OrderId
    hospital: str
    direct_pay: bool
    """True when the patient pays at the counter what is left; a pure quick-claim was paid there before."""
    fund: int
    account: int
    hospital_bear: int
    cash: int
    """What the patient bears before commercial insurance."""
    direct_approved: int
    quick_approved: int
    fixed_approved: int = 0
    """Fixed benefits: paid to the patient whatever the bill was, so outside what it bears."""
    account_token: str | None = None
    """Where a quick-claim is paid out to; without it the insurer pays the patient itself."""


@dataclass(frozen=True, slots=True)
class Due:
    """One payment that a decision asks for; ``amount`` may be 0, then nothing has to move."""

    kind: OrderKind
    amount: int
    legs: tuple[Leg, ...]
    account_token: str | None = None


def dues(bill: DecidedBill) -> tuple[Due, ...]:
    """The payments of a bill. Raises ValueError when insurers approved more than the patient bears."""
    if bill.direct_approved < 0 or bill.quick_approved < 0 or bill.direct_approved + bill.quick_approved > bill.cash:
        raise ValueError("approved amounts pass the patient's burden")
    found = [_self_pay(bill)] if bill.direct_pay else []
    if bill.quick_approved + bill.fixed_approved and bill.account_token is not None:
        found.append(_payout(bill, bill.account_token))
    return tuple(found)


def _self_pay(bill: DecidedBill) -> Due:
    amount = bill.cash - bill.direct_approved
    parts = (
        (LegKind.FUND, bill.fund),
        (LegKind.ACCOUNT, bill.account),
        (LegKind.HOSPITAL, bill.hospital_bear),
        (LegKind.COMMERCIAL, bill.direct_approved),
        (LegKind.SELF_PAY, amount),
    )
    legs = tuple(Leg(kind=kind, amount=part) for kind, part in parts if part)
    return Due(OrderKind.SELF_PAY, amount, legs)


def _payout(bill: DecidedBill, account_token: str) -> Due:
    amount = bill.quick_approved + bill.fixed_approved
    return Due(OrderKind.PAYOUT, amount, (Leg(kind=LegKind.COMMERCIAL, amount=amount),), account_token)


def payment_order(due: Due, settlement_id: SettlementId, source: str) -> PaymentOrder:
    """The order as the payment room sees it: a random number, totals, and nothing of who, what, where or when."""
    return PaymentOrder(
        settlement_id=settlement_id,
        kind=due.kind,
        amount=due.amount,
        legs=due.legs,
        source=source,
        account_token=UNSET if due.account_token is None else due.account_token,
    )
