"""What the window takes from the claims room: a decided bill's ids and totals, from its rows. The vault stays shut."""

from gateway.clearing.orders import DecidedBill, Paid
from gateway.clearing.plan import Wish
from gateway.kernel.ids import OrderId
from gateway.kernel.settlements import OPEN, State
from gateway.payment.model import COLLECTING, OrderKind, Timing
from gateway.store.api import AnyStore, Row

MOST_CLAIMS = 100
MOST_ROWS = 1000
NOTHING_WENT = frozenset({State.FAILED, State.REFUSED, State.CLOSED})


class NotYet(Exception):
    """Money that the question rests on is still on its way: ask again later."""


def decided_bill(store: AnyStore, order_id: str) -> DecidedBill | None:
    """Totals of one bill in 分; None when there is no such bill. Raises ``NotYet`` while a deposit's outcome is open.

    What the hospital bears is not a column: it is what the total leaves over (identity 3).
    """
    row = store.get("bill", order_id=order_id)
    if row is None:
        return None
    claims = store.find("claim", {"order_id": order_id}, limit=MOST_CLAIMS)
    wish = wish_of(store, order_id) if row["wishes"] else None
    return DecidedBill(
        order_id=OrderId(order_id),
        hospital=row["hospital"],
        direct_pay=row["kind"] == "direct_pay",
        fund=row["fund_total"],
        account=row["account_pay"],
        hospital_bear=row["total"] - row["fund_total"] - row["account_pay"] - row["cash_pay"],
        cash=row["cash_pay"],
        direct_approved=sum(claim["approved"] for claim in claims if claim["kind"] == "direct_pay"),
        quick_approved=sum(
            claim["approved"] for claim in claims if claim["kind"] != "direct_pay" and not claim["fixed"]
        ),
        fixed_approved=sum(claim["approved"] for claim in claims if claim["fixed"]),
        account_token=row["payout_token"] or None,
        timing=Timing(row["order_kind"] or Timing.PRE_PRE),
        brought_at=row["created_at"] or 0,
        wish=wish,
        prepaid=deposits_of(store, order_id) if wish is not None and wish.deposits else (),
    )


def hospital_of(store: AnyStore, order_id: str) -> str:
    """Whose bill, deposit or recovery this is; empty when there is none."""
    places = (("bill", "order_id"), ("deposit", "deposit_id"), ("recovery", "recovery_id"))
    rows = (store.get(table, **{key: order_id}) for table, key in places)
    found = next((row for row in rows if row is not None), None)
    return "" if found is None else str(found["hospital"])


def wish_of(store: AnyStore, order_id: str) -> Wish | None:
    row = store.get("pay_wish", order_id=order_id)
    if row is None:
        return None
    return Wish(
        channels=tuple(row["channels"].split()),
        place=row["place"],
        payer_token=row["payer_token"],
        deposits=tuple(row["deposits"].split()),
        real_name=bool(row["real_name"]),
        local_insured=bool(row["local_insured"]),
        score_passed=bool(row["score_passed"]),
        per_act=row["per_act"] or 0,
        per_day=row["per_day"] or 0,
    )


def deposits_of(store: AnyStore, order_id: str) -> tuple[Paid, ...]:
    """The paid deposits that this bill is settled against, oldest first, each with its whole amount."""
    held = sorted(store.find("deposit", {"used_by": order_id}, limit=MOST_ROWS), key=lambda row: row["created_at"])
    found: list[Paid] = []
    for deposit in held:
        paid = _deposit(store, deposit)
        if paid is not None:
            found.append(paid)
    return tuple(found)


def _deposit(store: AnyStore, deposit: Row) -> Paid | None:
    """What was taken; its own way back may be under way meanwhile."""
    rows = store.find("settlement", {"order_id": deposit["deposit_id"]}, limit=MOST_ROWS)
    rows = [row for row in rows if not row["original"]]
    if not rows or any(State(row["state"]) in OPEN for row in rows):
        raise NotYet
    taken = [row for row in rows if row["state"] == State.PAID]
    if not taken:
        return None
    kind = OrderKind.DEPOSIT
    return Paid(taken[0]["settlement_id"], deposit["deposit_id"], kind, taken[0]["channel"] or "", taken[0]["amount"])


def taken_for(store: AnyStore, order_id: str) -> tuple[Paid, ...]:
    """What channels still hold of a bill's money: its own payments and its deposits, newest payment first."""
    rows = store.find("settlement", {"order_id": order_id}, limit=MOST_ROWS)
    back: dict[str, int] = {}
    for row in rows:
        if row["original"] and State(row["state"]) not in NOTHING_WENT:
            back[row["original"]] = back.get(row["original"], 0) + row["amount"]
    own = [_paid(row) for row in rows if row["state"] == State.PAID and row["amount"] and collects(row)]
    own += reversed(deposits_of(store, order_id))
    left = [(paid, paid.left - back.get(paid.settlement_id, 0)) for paid in own]
    return tuple(Paid(paid.settlement_id, paid.name, paid.kind, paid.channel, rest) for paid, rest in left if rest > 0)


def open_payments(store: AnyStore, order_id: str) -> list[Row]:
    """Payments of a bill that may still be collected."""
    rows = store.find("settlement", {"order_id": order_id}, limit=MOST_ROWS)
    return [row for row in rows if collects(row) and State(row["state"]) in OPEN]


def collects(row: Row) -> bool:
    """Whether a settlement of a bill is a payment of the patient's, not a payout or a refund."""
    return row["kind"].partition(":")[0] in COLLECTING


def _paid(row: Row) -> Paid:
    kind = OrderKind(row["kind"].partition(":")[0])
    return Paid(row["settlement_id"], row["kind"], kind, row["channel"] or "", row["amount"])
