"""What the window takes from the claims room: a decided bill's ids and totals, from its rows. The vault stays shut."""

from gateway.clearing.orders import DecidedBill
from gateway.kernel.ids import OrderId
from gateway.store.api import AnyStore

MOST_CLAIMS = 100


def decided_bill(store: AnyStore, order_id: str) -> DecidedBill | None:
    """Totals of one bill in 分; None when there is no such bill.

    What the hospital bears is not a column: it is what the total leaves over (identity 3).
    """
    row = store.get("bill", order_id=order_id)
    if row is None:
        return None
    claims = store.find("claim", {"order_id": order_id}, limit=MOST_CLAIMS)
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
    )
