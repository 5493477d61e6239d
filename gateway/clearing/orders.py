"""What a decision owes whom: pure arithmetic from a decided bill's totals to payment orders. Nothing medical here."""

from dataclasses import dataclass

from msgspec import UNSET

from gateway.clearing.plan import Wish
from gateway.kernel.ids import OrderId, SettlementId
from gateway.payment.model import OWN, Leg, LegKind, OrderKind, PaymentOrder, Timing


@dataclass(frozen=True, slots=True)
class Paid:
    """Money of the patient that a channel holds for this bill: ``left`` of it (分) may still go back."""

    settlement_id: str
    name: str
    """The deposit's id, or the settlement's kind."""
    kind: OrderKind
    channel: str
    left: int


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
    timing: Timing = Timing.PRE_PRE
    brought_at: int = 0
    """Epoch milliseconds."""
    wish: Wish | None = None
    prepaid: tuple[Paid, ...] = ()
    """Deposits that the bill is settled against, oldest first."""


@dataclass(frozen=True, slots=True)
class Due:
    """One payment that a decision asks for; ``amount`` may be 0, then nothing has to move."""

    kind: OrderKind
    amount: int
    legs: tuple[Leg, ...]
    account_token: str | None = None
    timing: Timing = Timing.PRE_PRE
    row_kind: str = ""
    """Its settlement row's kind; empty: as ``kind``."""
    original: str = ""
    channel: str = ""
    reason: str = ""
    """Why it is not what was wished, as a stable code."""

    @property
    def row(self) -> str:
        return self.row_kind or self.kind.value


def dues(bill: DecidedBill) -> tuple[Due, ...]:
    """The payments of a bill. Raises ValueError when insurers approved more than the patient bears."""
    if bill.direct_approved < 0 or bill.quick_approved < 0 or bill.direct_approved + bill.quick_approved > bill.cash:
        raise ValueError("approved amounts pass the patient's burden")
    found = [_self_pay(bill)] if bill.direct_pay or bill.prepaid else []
    found += _rests(bill)
    if bill.quick_approved + bill.fixed_approved and bill.account_token is not None:
        found.append(_payout(bill, bill.account_token))
    return tuple(found)


def _used(bill: DecidedBill) -> int:
    """How much of the deposits the bill takes."""
    return min(bill.cash - bill.direct_approved, sum(one.left for one in bill.prepaid))


def _self_pay(bill: DecidedBill) -> Due:
    used = _used(bill)
    amount = bill.cash - bill.direct_approved - used
    parts = (
        (LegKind.FUND, bill.fund),
        (LegKind.ACCOUNT, bill.account),
        (LegKind.HOSPITAL, bill.hospital_bear),
        (LegKind.COMMERCIAL, bill.direct_approved),
        (LegKind.DEPOSIT, used),
        (LegKind.SELF_PAY, amount),
    )
    legs = tuple(Leg(kind=kind, amount=part) for kind, part in parts if part)
    return Due(OrderKind.SELF_PAY, amount, legs, timing=bill.timing)


def _rests(bill: DecidedBill) -> list[Due]:
    """What is left of the deposits goes back, of the newest first: 20 + 80 + 100 paid, 50 owed, 100 and 50 go back."""
    rest = sum(one.left for one in bill.prepaid) - _used(bill)
    return [
        Due(
            OrderKind.REFUND,
            amount,
            (Leg(kind=LegKind.DEPOSIT, amount=amount),),
            timing=bill.timing,
            row_kind=f"back:{one.name}",
            original=one.settlement_id,
            channel=one.channel,
        )
        for one, amount in allocate(tuple(reversed(bill.prepaid)), rest)
    ]


def allocate(paid: tuple[Paid, ...], amount: int) -> list[tuple[Paid, int]]:
    """Spread what goes back (分) over what was paid, in the order given, never more than is left of each.

    Raises ValueError when less is left than shall go back.
    """
    found: list[tuple[Paid, int]] = []
    for one in paid:
        part = min(one.left, amount)
        amount -= part
        if part:
            found.append((one, part))
    if amount:
        raise ValueError("more shall go back than was paid")
    return found


def refund(paid: Paid, amount: int, row_kind: str, timing: Timing) -> Due:
    legs = (Leg(kind=OWN[paid.kind][0], amount=amount),)
    return Due(
        OrderKind.REFUND,
        amount,
        legs,
        timing=timing,
        row_kind=row_kind,
        original=paid.settlement_id,
        channel=paid.channel,
    )


def _payout(bill: DecidedBill, account_token: str) -> Due:
    amount = bill.quick_approved + bill.fixed_approved
    legs = (Leg(kind=LegKind.COMMERCIAL, amount=amount),)
    return Due(OrderKind.PAYOUT, amount, legs, account_token, timing=bill.timing)


def on_credit(due: Due) -> Due:
    """The same debt, collected after treatment by the pay-later schedule."""
    legs = tuple(
        Leg(kind=LegKind.CREDIT if leg.kind is LegKind.SELF_PAY else leg.kind, amount=leg.amount) for leg in due.legs
    )
    return Due(OrderKind.CREDIT, due.amount, legs, timing=due.timing)


def payment_order(
    due: Due, settlement_id: SettlementId, source: str, wish: Wish | None = None, beside: str = ""
) -> PaymentOrder:
    """The order as the payment room sees it: a random number, totals, and nothing of who, what, where or when."""
    payer = wish if wish is not None and due.kind not in (OrderKind.PAYOUT, OrderKind.REFUND) else Wish()
    return PaymentOrder(
        settlement_id=settlement_id,
        kind=due.kind,
        amount=due.amount,
        legs=due.legs,
        source=source,
        account_token=UNSET if due.account_token is None else due.account_token,
        timing=due.timing,
        channel=due.channel or UNSET,
        original=due.original or UNSET,
        beside=beside or UNSET,
        payer_token=payer.payer_token or UNSET,
        per_act=payer.per_act or UNSET,
        per_day=payer.per_day or UNSET,
    )
