"""States of a claim, a bill and an act: tables from which the code, docs/states.md and the tests come."""

from enum import StrEnum

from gateway.kernel.states import Machine, Words


class ClaimState(StrEnum):
    CREATED = "created"
    SENT = "sent"
    ACCEPTED = "accepted"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"
    NEED_MORE = "need_more"
    SUPPLIED = "supplied"
    UNKNOWN = "unknown"
    REVERSING = "reversing"
    MANUAL = "manual"
    DECIDED = "decided"
    CLOSED = "closed"


class ClaimEvent(StrEnum):
    SEND = "send"
    PEND = "pend"
    QUOTE = "quote"
    CONFIRM = "confirm"
    ASK_MORE = "ask_more"
    SUPPLY = "supply"
    LOSE = "lose"
    REVERSE = "reverse"
    DECIDE = "decide"
    PARK = "park"
    CLOSE = "close"
    FALL = "fall"
    RELEASE = "release"


_S, _E = ClaimState, ClaimEvent
CLAIM = Machine(
    "claim",
    Words("赔案", "claim: one policy's share of a bill"),
    _S.CREATED,
    {
        (_S.CREATED, _E.SEND): _S.SENT,
        (_S.CREATED, _E.CLOSE): _S.CLOSED,
        (_S.CREATED, _E.QUOTE): _S.QUOTED,
        (_S.CREATED, _E.FALL): _S.CLOSED,
        (_S.SENT, _E.SEND): _S.SENT,
        (_S.SENT, _E.PEND): _S.ACCEPTED,
        (_S.SENT, _E.LOSE): _S.UNKNOWN,
        (_S.SENT, _E.REVERSE): _S.REVERSING,
        (_S.SENT, _E.DECIDE): _S.DECIDED,
        (_S.SENT, _E.PARK): _S.MANUAL,
        (_S.SENT, _E.QUOTE): _S.QUOTED,
        (_S.SENT, _E.ASK_MORE): _S.NEED_MORE,
        (_S.SENT, _E.FALL): _S.CLOSED,
        (_S.ACCEPTED, _E.SEND): _S.SENT,
        (_S.ACCEPTED, _E.PEND): _S.ACCEPTED,
        (_S.ACCEPTED, _E.ASK_MORE): _S.NEED_MORE,
        (_S.ACCEPTED, _E.LOSE): _S.UNKNOWN,
        (_S.ACCEPTED, _E.REVERSE): _S.REVERSING,
        (_S.ACCEPTED, _E.DECIDE): _S.DECIDED,
        (_S.ACCEPTED, _E.PARK): _S.MANUAL,
        (_S.ACCEPTED, _E.QUOTE): _S.QUOTED,
        (_S.ACCEPTED, _E.FALL): _S.CLOSED,
        (_S.QUOTED, _E.CONFIRM): _S.CONFIRMED,
        (_S.QUOTED, _E.DECIDE): _S.DECIDED,  # the insurer settled another amount, and the patient agrees to that
        (_S.QUOTED, _E.PARK): _S.MANUAL,
        (_S.QUOTED, _E.CLOSE): _S.CLOSED,
        (_S.QUOTED, _E.FALL): _S.CLOSED,
        (_S.QUOTED, _E.REVERSE): _S.REVERSING,
        (_S.CONFIRMED, _E.REVERSE): _S.REVERSING,
        (_S.SUPPLIED, _E.REVERSE): _S.REVERSING,
        (_S.CONFIRMED, _E.SEND): _S.SENT,
        (_S.CONFIRMED, _E.PARK): _S.MANUAL,
        (
            _S.CONFIRMED,
            _E.QUOTE,
        ): _S.QUOTED,  # an earlier policy settled another amount: the patient is asked about all again
        (_S.CONFIRMED, _E.CLOSE): _S.CLOSED,  # earlier policies settled more than they had offered, and nothing is left
        (_S.NEED_MORE, _E.ASK_MORE): _S.NEED_MORE,
        (_S.NEED_MORE, _E.SUPPLY): _S.SUPPLIED,
        (_S.NEED_MORE, _E.PEND): _S.ACCEPTED,
        (_S.NEED_MORE, _E.REVERSE): _S.REVERSING,
        (_S.NEED_MORE, _E.DECIDE): _S.DECIDED,
        (_S.NEED_MORE, _E.PARK): _S.MANUAL,
        (_S.SUPPLIED, _E.SEND): _S.SENT,
        (_S.SUPPLIED, _E.PEND): _S.ACCEPTED,
        (_S.SUPPLIED, _E.DECIDE): _S.DECIDED,
        (_S.SUPPLIED, _E.PARK): _S.MANUAL,
        (_S.UNKNOWN, _E.QUOTE): _S.QUOTED,
        (_S.UNKNOWN, _E.ASK_MORE): _S.NEED_MORE,
        (_S.UNKNOWN, _E.FALL): _S.CLOSED,  # the insurer never had it: proven by an enquiry after its settling time
        (_S.UNKNOWN, _E.SEND): _S.SENT,
        (_S.UNKNOWN, _E.PEND): _S.ACCEPTED,
        (_S.UNKNOWN, _E.LOSE): _S.UNKNOWN,
        (_S.UNKNOWN, _E.REVERSE): _S.REVERSING,
        (_S.UNKNOWN, _E.DECIDE): _S.DECIDED,
        (_S.UNKNOWN, _E.PARK): _S.MANUAL,
        (_S.REVERSING, _E.DECIDE): _S.DECIDED,  # the insurer refuses the reversal: it stands as settled
        (_S.REVERSING, _E.PARK): _S.MANUAL,
        (_S.REVERSING, _E.CLOSE): _S.CLOSED,
        (_S.MANUAL, _E.SEND): _S.SENT,  # a person has it sent: its message could not be made before
        (_S.MANUAL, _E.LOSE): _S.UNKNOWN,  # a person has the insurer asked again
        (_S.MANUAL, _E.REVERSE): _S.REVERSING,  # a person has it reversed
        (_S.MANUAL, _E.DECIDE): _S.DECIDED,
        (_S.MANUAL, _E.CLOSE): _S.CLOSED,
        (_S.MANUAL, _E.RELEASE): _S.CREATED,  # it was stopped before anything was sent
    },
    {
        _S.CREATED: Words("已登记，未发送", "known and durable; nothing was sent"),
        _S.SENT: Words("与保险公司交互中", "the conversation with the insurer is under way"),
        _S.ACCEPTED: Words("保险公司已受理，稍后答复", "the insurer has it and answers later (callback or poll)"),
        _S.QUOTED: Words("已试算，等待患者确认", "the insurer's amount is shown; the patient has not agreed yet"),
        _S.CONFIRMED: Words("患者已确认，待结算", "the patient agreed to the amount; the settling act goes next"),
        _S.NEED_MORE: Words("保险公司要求补充材料", "the insurer asks for more material"),
        _S.SUPPLIED: Words("已补充材料，待发送", "the material is here and goes to the insurer next"),
        _S.UNKNOWN: Words(
            "结果未知，只查询，不重发",
            "a byte may have reached the insurer and no usable answer came: we ask, we never send again as new",
        ),
        _S.REVERSING: Words("正在冲正", "what was sent is being undone at the insurer, under an act of its own"),
        _S.MANUAL: Words("转人工", "a person must look: enquiries are used up or the answer can't be right"),
        _S.DECIDED: Words("已有最终结论", "the insurer's final word is on our disk"),
        _S.CLOSED: Words(
            "已结束，无结论", "ended without a decision: nothing was left to claim, never sent, or reversed"
        ),
    },
    {
        _E.SEND: Words("发送", "an act is sent"),
        _E.PEND: Words("受理", "the insurer took it and answers later"),
        _E.QUOTE: Words("试算", "the insurer quotes, or settled another amount than it quoted"),
        _E.CONFIRM: Words("患者确认", "the patient agrees to the amount"),
        _E.SUPPLY: Words("补件", "the hospital brings the material"),
        _E.ASK_MORE: Words("要求补件", "the insurer asks for material"),
        _E.LOSE: Words("答复丢失", "the answer is lost, or a person has the insurer asked again"),
        _E.REVERSE: Words("冲正", "enquiries are used up, the hospital cancels, or a person orders it"),
        _E.DECIDE: Words("作出结论", "the insurer's final word came, or two persons put it down with evidence"),
        _E.PARK: Words("转人工", "a person must look"),
        _E.CLOSE: Words("关闭", "it ends without a decision"),
        _E.RELEASE: Words("放行", "two persons let go what was stopped before anything was sent (a used invoice)"),
        _E.FALL: Words(
            "直赔到此为止", "direct-pay is proven dead: a quick-claim follows under the same order where it is allowed"
        ),
    },
)
WAITING = frozenset({_S.ACCEPTED, _S.QUOTED, _S.NEED_MORE, _S.UNKNOWN, _S.REVERSING, _S.MANUAL})
"""Somebody else must act: the insurer, an enquiry or a person."""
HELD_UP = frozenset({_S.SENT, _S.CONFIRMED})
"""Amid its conversation: such a claim waits once an answer was lost or nothing could be sent, so that an alarm is set."""
MAY_WAIT = WAITING | HELD_UP
FINAL = CLAIM.final
move = CLAIM.after


class BillState(StrEnum):
    PENDING = "pending"
    QUOTED = "quoted"
    DECIDED = "decided"
    REVERSING = "reversing"
    REVERSED = "reversed"
    REPLACED = "replaced"


class BillEvent(StrEnum):
    QUOTE = "quote"
    GO_ON = "go_on"
    DECIDE = "decide"
    FREEZE = "freeze"
    RESTORE = "restore"
    THAW = "thaw"
    UNDO = "undo"
    REPLACE = "replace"


_B, _V = BillState, BillEvent
BILL = Machine(
    "bill",
    Words("账单", "bill: what a hospital brought, the order"),
    _B.PENDING,
    {
        (_B.PENDING, _V.QUOTE): _B.QUOTED,
        (_B.QUOTED, _V.GO_ON): _B.PENDING,
        (_B.QUOTED, _V.FREEZE): _B.REVERSING,
        (_B.PENDING, _V.DECIDE): _B.DECIDED,
        (_B.PENDING, _V.FREEZE): _B.REVERSING,
        (_B.DECIDED, _V.FREEZE): _B.REVERSING,
        (_B.REVERSING, _V.RESTORE): _B.DECIDED,
        (_B.REVERSING, _V.THAW): _B.PENDING,
        (_B.REVERSING, _V.UNDO): _B.REVERSED,
        (_B.REVERSED, _V.REPLACE): _B.REPLACED,
    },
    {
        _B.PENDING: Words("至少一份保单未有结论", "at least one policy has no final word yet"),
        _B.QUOTED: Words("已试算，等待患者确认", "every policy that quotes has quoted; the patient has not answered"),
        _B.DECIDED: Words(
            "全部保单已有结论，结算已登记", "every policy has its final word; the settlement order is a row"
        ),
        _B.REVERSING: Words(
            "撤销中：冻结，各方逐一撤销，不会自行关闭",
            "frozen while its legs are undone one after another; it never closes by itself",
        ),
        _B.REVERSED: Words("已全部撤销", "every leg is undone"),
        _B.REPLACED: Words("已撤销并由新账单代替", "undone, and a new bill stands in its place"),
    },
    {
        _V.QUOTE: Words("试算完成", "the quotes are there"),
        _V.GO_ON: Words("患者答复或过期", "the patient answered, or the quotes expired"),
        _V.DECIDE: Words("全部有结论", "the last policy decided"),
        _V.FREEZE: Words("医院要求撤销", "the hospital asks for an undo"),
        _V.RESTORE: Words("部分退费完成或撤销取消", "a part was refunded, or the undo was called off"),
        _V.THAW: Words("撤销取消，继续理赔", "the undo of an undecided bill was called off"),
        _V.UNDO: Words("各方已撤销", "the last leg is undone"),
        _V.REPLACE: Words("重新结算", "the hospital settles again what remains"),
    },
)


class ActState(StrEnum):
    PREPARED = "prepared"
    PENDING = "pending"
    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class ActEvent(StrEnum):
    SEND = "send"
    TAKE = "take"
    ANSWER = "answer"
    FAIL = "fail"
    LOSE = "lose"


_A, _W = ActState, ActEvent
ACT = Machine(
    "act",
    Words("动作", "act: one message to an insurer, under its own id"),
    _A.PREPARED,
    {
        (_A.PREPARED, _W.SEND): _A.PREPARED,
        (_A.PREPARED, _W.TAKE): _A.PENDING,
        (_A.PREPARED, _W.ANSWER): _A.ANSWERED,
        (_A.PREPARED, _W.FAIL): _A.NOT_SENT,
        (_A.PREPARED, _W.LOSE): _A.UNKNOWN,
        (_A.PENDING, _W.SEND): _A.PREPARED,
        (_A.PENDING, _W.TAKE): _A.PENDING,
        (_A.PENDING, _W.ANSWER): _A.ANSWERED,
        (_A.PENDING, _W.LOSE): _A.UNKNOWN,
        (_A.NOT_SENT, _W.SEND): _A.PREPARED,
        (_A.NOT_SENT, _W.LOSE): _A.UNKNOWN,  # a repeat did not leave; what became of the first is not known
        (_A.UNKNOWN, _W.SEND): _A.PREPARED,
        (_A.UNKNOWN, _W.TAKE): _A.PENDING,
        (_A.UNKNOWN, _W.ANSWER): _A.ANSWERED,
        (_A.UNKNOWN, _W.LOSE): _A.UNKNOWN,
    },
    {
        _A.PREPARED: Words(
            "已落盘，可能已发出", "the intent is committed; whether bytes left is not known after a crash"
        ),
        _A.PENDING: Words("已受理，等待结果", "answered “taken”; the result comes later"),
        _A.ANSWERED: Words("已答复", "its answer is on our disk and never changes"),
        _A.NOT_SENT: Words("未发出", "no byte left: the same act may be sent again"),
        _A.UNKNOWN: Words("结果未知", "the answer is lost: we ask by the act's own id"),
    },
    {
        _W.SEND: Words("发送（同一编号）", "it goes (again) under its own id"),
        _W.TAKE: Words("受理", "the insurer took it"),
        _W.ANSWER: Words("答复", "its answer came, by itself, by callback or by enquiry"),
        _W.FAIL: Words("未连上", "no byte left us"),
        _W.LOSE: Words("丢失", "no usable answer came"),
    },
)
