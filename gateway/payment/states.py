"""How a payment order may change: one table, from which the ledger, docs/states.md and the property tests come."""

from enum import StrEnum

from gateway.kernel.errors import Conflict
from gateway.kernel.states import Machine, Words
from gateway.payment.model import OWN, LegKind, OrderKind


class State(StrEnum):
    """Where an order stands with its channel."""

    ACCEPTED = "accepted"
    """Nothing was sent, or what was sent is proven never to have arrived."""
    SENDING = "sending"
    """The act row is durable; bytes may be out. Found at a start, it means unknown."""
    UNKNOWN = "unknown"
    PENDING = "pending"
    """The channel has it and is not done."""
    PAID = "paid"
    CREDITED = "credited"
    """A payout that is paid and may still come back; watched for some days."""
    FAILED = "failed"
    DISPUTED = "disputed"
    REFUSED = "refused"
    """Never sent: a limit or a rule of the channel forbids it."""
    ACCOUNT = "account"
    """A payout whose account is wrong: it waits for another one."""
    RETURNED = "returned"
    """A payout that came back after it had been paid: it waits for another account."""
    SCHEDULED = "scheduled"
    """A pay-later order before its next push."""
    PUSHED = "pushed"
    """The patient was told of today's deduction."""
    WARNED = "warned"
    """Told for the last time: unpaid at the deadline it becomes a default."""
    DEFAULTED = "defaulted"
    DOUBLE = "double"
    """Paid, but another order had paid the same debt: refunded by itself."""
    CLOSED = "closed"


class LegState(StrEnum):
    STATED = "stated"
    """Borne by somebody else, settled elsewhere."""
    OPEN = "open"
    UNKNOWN = "unknown"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"


class Event(StrEnum):
    PLAN = "plan"
    SEND = "send"
    LOSE = "lose"
    NOT_SENT = "not_sent"
    HOLD = "hold"
    PAY = "pay"
    PAY_OUT = "pay_out"
    PAY_TWICE = "pay_twice"
    FAIL = "fail"
    DIFFER = "differ"
    WRONG_ACCOUNT = "wrong_account"
    TRY_NEXT_DAY = "try_next_day"
    LAST_FAILED = "last_failed"
    FORBID = "forbid"
    CLOSE = "close"
    TELL = "tell"
    WARN = "warn"
    DEFAULT = "default"
    RETURN = "return"
    KEEP = "keep"
    REBIND = "rebind"


_S, _E = State, Event
_ANSWERS = {
    _E.LOSE: _S.UNKNOWN,
    _E.NOT_SENT: _S.ACCEPTED,
    _E.HOLD: _S.PENDING,
    _E.PAY: _S.PAID,
    _E.PAY_OUT: _S.CREDITED,
    _E.PAY_TWICE: _S.DOUBLE,
    _E.FAIL: _S.FAILED,
    _E.DIFFER: _S.DISPUTED,
    _E.WRONG_ACCOUNT: _S.ACCOUNT,
    _E.TRY_NEXT_DAY: _S.SCHEDULED,
    _E.LAST_FAILED: _S.WARNED,
}
"""What an attempt or an enquiry can come to."""
ORDER = Machine(
    "payment order",
    Words("支付单", "payment order: one thing to collect, pay out or give back through a channel"),
    _S.ACCEPTED,
    {
        (_S.ACCEPTED, _E.PLAN): _S.SCHEDULED,
        (_S.ACCEPTED, _E.SEND): _S.SENDING,
        (_S.ACCEPTED, _E.FORBID): _S.REFUSED,
        (_S.ACCEPTED, _E.CLOSE): _S.CLOSED,
        **{(held, event): after for held in (_S.SENDING, _S.UNKNOWN, _S.PENDING) for event, after in _ANSWERS.items()},
        (_S.CREDITED, _E.KEEP): _S.PAID,
        (_S.CREDITED, _E.RETURN): _S.RETURNED,
        (_S.ACCOUNT, _E.REBIND): _S.ACCEPTED,
        (_S.RETURNED, _E.REBIND): _S.ACCEPTED,
        (_S.SCHEDULED, _E.TELL): _S.PUSHED,
        (_S.SCHEDULED, _E.WARN): _S.WARNED,
        (_S.SCHEDULED, _E.CLOSE): _S.CLOSED,
        (_S.PUSHED, _E.SEND): _S.SENDING,
        (_S.PUSHED, _E.FORBID): _S.REFUSED,
        (_S.PUSHED, _E.CLOSE): _S.CLOSED,
        (_S.WARNED, _E.SEND): _S.SENDING,
        (_S.WARNED, _E.FORBID): _S.REFUSED,
        (_S.WARNED, _E.CLOSE): _S.CLOSED,
        (_S.WARNED, _E.DEFAULT): _S.DEFAULTED,
    },
    {
        _S.ACCEPTED: Words("已收下，未发出", "taken; nothing is out, or what was sent is proven never to have arrived"),
        _S.SENDING: Words("发送中", "the intent is on disk; bytes may be out"),
        _S.UNKNOWN: Words(
            "结果未知，只查询", "bytes were out and no answer came: the channel is asked, nothing is sent"
        ),
        _S.PENDING: Words("渠道处理中", "the channel has it and is not done"),
        _S.PAID: Words("已支付", "the money moved"),
        _S.CREDITED: Words("已打款，观察退票", "a payout was paid and is watched for some days"),
        _S.FAILED: Words("失败，未动账", "the channel said no: no money moved"),
        _S.DISPUTED: Words("金额不符，需人工", "the channel's amount is not ours: a person looks"),
        _S.REFUSED: Words("渠道规则不允许，未发出", "a rule or limit of the channel forbids it: never sent"),
        _S.ACCOUNT: Words("账户有误，等换卡", "a payout's account is wrong or closed: it waits for another one"),
        _S.RETURNED: Words("退票，等换卡", "a payout came back after it was paid: it waits for another account"),
        _S.SCHEDULED: Words("等推送", "a pay-later order before its next push"),
        _S.PUSHED: Words("已推送，等扣款", "the patient was told of today's deduction"),
        _S.WARNED: Words("最后提醒，当日截止", "told for the last time: unpaid at the deadline it becomes a default"),
        _S.DEFAULTED: Words("违约已记录", "not paid in time; the next registration asks to pay first"),
        _S.DOUBLE: Words("重复支付，自动退回", "another order had paid the debt first: this one is refunded by itself"),
        _S.CLOSED: Words("已关闭，未动账", "paid another way, or called off before anything was sent"),
    },
    {
        _E.PLAN: Words("排期", "it is a pay-later order"),
        _E.SEND: Words("发出", "the intent is committed, then the first byte leaves"),
        _E.LOSE: Words("应答丢失", "no answer, or none that can be read; or found after a restart"),
        _E.NOT_SENT: Words("未到达", "nothing left, or the channel has never had it after its settling time"),
        _E.HOLD: Words("处理中", "the channel works on it"),
        _E.PAY: Words("成功", "paid with our amount"),
        _E.PAY_OUT: Words("打款成功", "a payout is paid"),
        _E.PAY_TWICE: Words("重复成功", "paid, after another order for the same debt"),
        _E.FAIL: Words("失败", "refused or failed"),
        _E.DIFFER: Words("金额不同", "paid with another amount"),
        _E.WRONG_ACCOUNT: Words("账户不对", "the payee's account does not take it"),
        _E.TRY_NEXT_DAY: Words("次日再扣", "a deduction failed and another day is left"),
        _E.LAST_FAILED: Words("末次扣款失败", "the last deduction failed; the patient has until the deadline"),
        _E.FORBID: Words("规则拒绝", "the gate before the first byte says no"),
        _E.CLOSE: Words("关闭", "the debt was paid another way, or is owed no more"),
        _E.TELL: Words("推送", "the push of the day"),
        _E.WARN: Words("最后推送", "the push of the last day"),
        _E.DEFAULT: Words("逾期", "the deadline passed"),
        _E.RETURN: Words("退票", "the bank sent the money back"),
        _E.KEEP: Words("观察期满", "it was not sent back"),
        _E.REBIND: Words("换卡", "another account: a new attempt under the same id"),
    },
)
"""The one table: ``Ledger.move`` writes nothing that is not in it."""

DUE = (_S.ACCEPTED, _S.SENDING, _S.UNKNOWN, _S.PENDING, _S.CREDITED, _S.SCHEDULED, _S.PUSHED, _S.WARNED)
"""States in which the room acts by itself when the order's time comes."""
UNDER_WAY = DUE[:4]
"""States in which no wait is long."""
OPEN = (*UNDER_WAY, *DUE[5:], _S.ACCOUNT, _S.RETURNED, _S.DISPUTED)
"""States that somebody or something must still end; a paid payout that is only watched is not among them."""
HOLDS = (_S.SENDING, _S.UNKNOWN, _S.PENDING, _S.PAID, _S.CREDITED, _S.DISPUTED, _S.DOUBLE)
"""Money moved or may have moved: what counts against a limit and against what an order may give back."""
TOOK = frozenset({_S.PAID, _S.CREDITED, _S.DOUBLE})

_LEG: dict[State, LegState] = {
    _S.UNKNOWN: LegState.UNKNOWN,
    _S.SENDING: LegState.UNKNOWN,
    _S.PAID: LegState.PAID,
    _S.CREDITED: LegState.PAID,
    _S.DOUBLE: LegState.PAID,
    _S.DISPUTED: LegState.UNKNOWN,
    _S.FAILED: LegState.FAILED,
    _S.REFUSED: LegState.FAILED,
    _S.DEFAULTED: LegState.FAILED,
    _S.CLOSED: LegState.FAILED,
}


def require_step(old: State, new: State) -> None:
    """Staying is always allowed. Raises ``Conflict`` for a change that the table does not have."""
    if old is not new and (old, new) not in ORDER.steps:
        raise Conflict(f"an order that is {old} can't become {new}", code="illegal-transition")


def leg_state(leg: LegKind, kind: OrderKind, state: State, amount: int, refunded: int) -> LegState:
    """A leg's own state: its order's for the leg that it moves, ``stated`` for every other. Amounts in 分."""
    if leg not in OWN[kind]:
        return LegState.STATED
    if state in TOOK and refunded:
        return LegState.REFUNDED if refunded >= amount else LegState.PART_REFUNDED
    return _LEG.get(state, LegState.OPEN)
