"""How far a settlement is: one table, which the window writes by and the hospital reads the words of."""

from enum import StrEnum

from gateway.kernel.states import Machine, Words


class State(StrEnum):
    CREATED = "created"
    """The number is given; the payment room may or may not have the order."""
    ORDERED = "ordered"
    SCHEDULED = "scheduled"
    """The payment room has a pay-later order: nothing is asked about it for hours."""
    PAID = "paid"
    FAILED = "failed"
    DISPUTED = "disputed"
    REFUSED = "refused"
    """A rule forbids it, so that nothing was sent: the next channel is tried, or a person looks."""
    OFFLINE = "offline"
    """No channel takes it: the hospital collects, or gives back, over its counter."""
    ACCOUNT = "account"
    RETURNED = "returned"
    DOUBLE = "double"
    CLOSED = "closed"
    WARNED = "warned"
    DEFAULTED = "defaulted"


class Event(StrEnum):
    HAND_OVER = "hand_over"
    PLAN = "plan"
    PAY = "pay"
    FAIL = "fail"
    DIFFER = "differ"
    REFUSE = "refuse"
    LEAVE = "leave"
    WRONG_ACCOUNT = "wrong_account"
    RETURN = "return"
    PAY_TWICE = "pay_twice"
    CLOSE = "close"
    WARN = "warn"
    DEFAULT = "default"
    REBIND = "rebind"


_S, _E = State, Event
_ENDS = {
    _E.PAY: _S.PAID,
    _E.FAIL: _S.FAILED,
    _E.DIFFER: _S.DISPUTED,
    _E.REFUSE: _S.REFUSED,
    _E.WRONG_ACCOUNT: _S.ACCOUNT,
    _E.PAY_TWICE: _S.DOUBLE,
    _E.CLOSE: _S.CLOSED,
    _E.WARN: _S.WARNED,
    _E.DEFAULT: _S.DEFAULTED,
}
OPEN = (_S.CREATED, _S.ORDERED, _S.SCHEDULED, _S.WARNED)
"""The payment room may still move money for it."""
SETTLEMENT = Machine(
    "settlement",
    Words("结算", "settlement: the window's link between a bill and one payment order"),
    _S.CREATED,
    {
        (_S.CREATED, _E.HAND_OVER): _S.ORDERED,
        (_S.CREATED, _E.PLAN): _S.SCHEDULED,
        (_S.CREATED, _E.LEAVE): _S.OFFLINE,
        **{(held, event): after for held in OPEN for event, after in _ENDS.items() if held is not after},
        (_S.PAID, _E.RETURN): _S.RETURNED,
        (_S.REFUSED, _E.LEAVE): _S.OFFLINE,
        (_S.ACCOUNT, _E.REBIND): _S.ORDERED,
        (_S.RETURNED, _E.REBIND): _S.ORDERED,
        # The receipt of the new attempt may be here before its acknowledgement is.
        **{(held, event): _ENDS[event] for held in (_S.ACCOUNT, _S.RETURNED) for event in (_E.PAY, _E.FAIL, _E.DIFFER)},
        (_S.RETURNED, _E.WRONG_ACCOUNT): _S.ACCOUNT,
    },
    {
        _S.CREATED: Words("支付处理中，请勿重复收款", "on its way: collect nothing again until it says how it ended"),
        _S.ORDERED: Words("支付中", "the payment room has the order"),
        _S.SCHEDULED: Words("先诊后付，待扣款", "a pay-later order waits for its time"),
        _S.PAID: Words("已完成", "the money moved, or nothing had to"),
        _S.FAILED: Words("失败，未动账", "the channel said no: no money moved"),
        _S.DISPUTED: Words(
            "金额不符，请勿再收", "the channel's amount is not ours: a person looks, collect nothing again"
        ),
        _S.REFUSED: Words("规则不允许，未发出", "a rule forbids it: nothing was sent"),
        _S.OFFLINE: Words("请在窗口办理", "no channel takes it: collect, or give back, over the counter"),
        _S.ACCOUNT: Words("收款账户有误，请患者换卡", "the payee's account is wrong: ask the patient for another one"),
        _S.RETURNED: Words("退票，请患者换卡", "the payout came back: ask the patient for another account"),
        _S.DOUBLE: Words("重复支付，自动退回", "paid a second time: it goes back by itself"),
        _S.CLOSED: Words("已关闭，未动账", "paid another way, or owed no more: nothing moved"),
        _S.WARNED: Words("最后提醒，当日24:00截止", "unpaid at the end of this day it becomes a default"),
        _S.DEFAULTED: Words("逾期未付，已记录", "not paid in time; the next registration asks to pay first"),
    },
    {
        _E.HAND_OVER: Words("已交支付室", "the payment room acknowledged the order"),
        _E.PLAN: Words("已排期", "the payment room acknowledged a pay-later order"),
        _E.PAY: Words("成功", "a receipt says paid, with our amount"),
        _E.FAIL: Words("失败", "a receipt says failed"),
        _E.DIFFER: Words("金额不同", "a receipt says another amount"),
        _E.REFUSE: Words("规则拒绝", "the payment room never sends it"),
        _E.LEAVE: Words("转窗口", "no further channel takes it"),
        _E.WRONG_ACCOUNT: Words("账户不对", "a receipt says that the account does not take it"),
        _E.RETURN: Words("退票", "a receipt says that the bank sent it back"),
        _E.PAY_TWICE: Words("重复成功", "a receipt says that the debt was paid before"),
        _E.CLOSE: Words("关闭", "a receipt says that nothing moved and nothing will"),
        _E.WARN: Words("最后提醒", "a receipt says that the patient was told for the last time"),
        _E.DEFAULT: Words("逾期", "a receipt says that the deadline passed"),
        _E.REBIND: Words("换卡", "the patient named another account"),
    },
)


def may_become(old: State, new: State) -> bool:
    return (old, new) in SETTLEMENT.steps


def made_of(cause: str, kind: str, amount: int) -> str:
    """The cause of a settlement's first change: it binds kind and amount (分), which its own row could be made to deny."""
    return f"{cause}:{kind}:{amount}"
