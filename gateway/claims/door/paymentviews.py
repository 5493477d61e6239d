"""What a hospital is told about money: each payment, each share of the bill with its own state, amounts in 分."""

from typing import Any

import msgspec

from gateway.claims.conversation.clocks import DayRule
from gateway.claims.work import moment
from gateway.kernel.settlements import SETTLEMENT, State
from gateway.store.api import AnyStore, Row

_REASONS: dict[str, tuple[str, str]] = {
    "refund-at-window": ("该渠道只能在窗口退款", "This channel gives money back over the counter only."),
    "limit-per-act": (
        "超过单笔限额，请换渠道或在窗口支付",
        "Above the limit per payment: use another channel or the counter.",
    ),
    "limit-per-day": (
        "超过当日限额，请换渠道或在窗口支付",
        "Above the limit per day: use another channel or the counter.",
    ),
    "real-name-only": ("该渠道只支持实名就诊", "This channel takes real-name visits only."),
    "local-insured-only": ("该渠道只支持本地参保人", "This channel takes locally insured patients only."),
    "channel-place": ("该渠道不在此处收款", "This channel does not collect here."),
    "channel-kind": ("该渠道不做此类业务", "This channel does not take this kind of order."),
    "channel-timing": ("该渠道不支持此结算支付顺序", "This channel does not take this order of settling and paying."),
    "payer-token-missing": ("缺少付款账户令牌", "The account to debit is not named."),
    "credit-score": ("信用评估未通过，请先付费", "The credit check was not passed: pay now."),
    "credit-too-late": ("已过先诊后付截止时间，请先付费", "Too late in the day for pay-later: pay now."),
    "credit-default": ("此前有逾期未付，请先付费", "An earlier bill was never paid: pay first."),
}


def _payment(row: Row, rule: DayRule) -> dict[str, Any]:
    words = SETTLEMENT.states[State(row["state"])]
    zh, en = _REASONS.get(row["reason"] or "", (words.zh, words.en))
    view = {
        "settlement_id": row["settlement_id"],
        "kind": row["kind"].partition(":")[0],
        "name": row["kind"],
        "channel": row["channel"] or None,
        "amount_fen": row["amount"],
        "state": row["state"],
        "reason": row["reason"] or None,
        "original": row["original"] or None,
        "message": {"zh": zh, "en": en},
    }
    if view["kind"] == "PAYOUT":
        view["due_at"] = int(rule.due(moment(row["created_at"])).timestamp() * 1000)
    return view


def _leg(name: str, amount: int, state: str, refunded: int = 0) -> dict[str, Any]:
    return {"leg": name, "amount_fen": amount, "state": state, "refunded_fen": refunded}


def _legs(store: AnyStore, bill: Row, rows: list[Row]) -> list[dict[str, Any]]:
    """医保 and the account are settled by the hospital itself; each policy and each payment has its own state."""
    legs = [_leg("fund", bill["fund_total"], "stated"), _leg("account", bill["account_pay"], "stated")]
    claims = store.find("claim", {"order_id": bill["order_id"]}, order_by="seq", limit=100)
    legs += [_leg(f"commercial:{claim['seq']}", claim["approved"], claim["state"]) for claim in claims]
    back: dict[str, int] = {}
    for row in rows:
        if row["original"] and row["state"] == State.PAID:
            back[row["original"]] = back.get(row["original"], 0) + row["amount"]
    for row in rows:
        kind = row["kind"].partition(":")[0]
        if kind in ("SELF_PAY", "CREDIT"):
            given = back.get(row["settlement_id"], 0)
            legs.append(_leg(kind.lower(), row["amount"], _state(row, given), given))
    for deposit in store.find("deposit", {"used_by": bill["order_id"]}, limit=1000):
        own = [row for row in _settlements(store, deposit["deposit_id"]) if not row["original"]]
        legs += [_deposit_leg(deposit, row, back.get(row["settlement_id"], 0)) for row in own]
    return [leg for leg in legs if leg["amount_fen"] or leg["leg"] in ("self_pay", "credit")]


def _deposit_leg(deposit: Row, row: Row, given: int) -> dict[str, Any]:
    return _leg(f"deposit:{deposit['deposit_id']}", row["amount"], _state(row, given), given)


def _state(row: Row, given: int) -> str:
    if row["state"] != State.PAID or not given:
        return str(row["state"])
    return "refunded" if given >= row["amount"] else "part_refunded"


def _settlements(store: AnyStore, order_id: str) -> list[Row]:
    rows = store.find("settlement", {"order_id": order_id}, limit=1000)
    return sorted(rows, key=lambda row: row["created_at"])


def payment_views(store: AnyStore, order_id: str) -> list[dict[str, Any]]:
    """Every payment under this id, oldest first."""
    return [_payment(row, DayRule()) for row in _settlements(store, order_id)]


def payments_view(store: AnyStore, bill: Row, rule: DayRule) -> bytes:
    """``rule``: how the contract counts the days until a payout is credited."""
    rows = _settlements(store, bill["order_id"])
    view = {
        "order_id": bill["order_id"],
        "order_kind": bill["order_kind"],
        "legs": _legs(store, bill, rows),
        "payments": [_payment(row, rule) for row in rows],
    }
    return msgspec.json.encode(view)


def deposit_view(store: AnyStore, deposit: Row) -> bytes:
    """A deposit without a settlement yet is ``created``: it is durable and on its way."""
    rows = _settlements(store, deposit["deposit_id"])
    taken = next((row for row in rows if not row["original"]), None)
    view = {
        "deposit_id": deposit["deposit_id"],
        "amount_fen": deposit["amount"],
        "state": taken["state"] if taken is not None else State.CREATED.value,
        "used_by": deposit["used_by"] if deposit["used_by"] != deposit["deposit_id"] else None,
        "payments": [_payment(row, DayRule()) for row in rows],
    }
    return msgspec.json.encode(view)
