"""States of an undo and of each of its legs: tables from which the code, docs/states.md and the tests come."""

from enum import StrEnum

from gateway.kernel.states import Machine, Words


class UndoState(StrEnum):
    UNDOING = "undoing"
    STUCK = "stuck"
    DONE = "done"
    CALLED_OFF = "called_off"


class UndoEvent(StrEnum):
    STICK = "stick"
    GO_ON = "go_on"
    FINISH = "finish"
    CALL_OFF = "call_off"


_U, _E = UndoState, UndoEvent
UNDO_MACHINE = Machine(
    "undo",
    Words("撤销", "undo: a hospital's wish to take an order back, whole or in part"),
    _U.UNDOING,
    {
        (_U.UNDOING, _E.STICK): _U.STUCK,
        (_U.UNDOING, _E.FINISH): _U.DONE,
        (_U.UNDOING, _E.CALL_OFF): _U.CALLED_OFF,
        (_U.STUCK, _E.GO_ON): _U.UNDOING,
    },
    {
        _U.UNDOING: Words("逐一撤销中", "its legs are undone one after another"),
        _U.STUCK: Words("有一方未能撤销，需人工", "a leg can't be undone without a person; the alarm is on"),
        _U.DONE: Words("完成", "every leg is undone, had nothing to undo, or was given up by two persons"),
        _U.CALLED_OFF: Words("取消撤销", "nothing had been undone, and persons called it off"),
    },
    {
        _E.STICK: Words("卡住", "a leg was refused, is to be recovered, or waits for a person"),
        _E.GO_ON: Words("继续", "a person had the leg asked again or settled it"),
        _E.FINISH: Words("完成", "the last leg ended"),
        _E.CALL_OFF: Words("取消", "two persons give up the first leg before any is undone"),
    },
)


class LegState(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    RECOVERY = "recovery"
    MANUAL = "manual"
    UNDONE = "undone"
    NOTHING = "nothing"
    GIVEN_UP = "given_up"


class LegEvent(StrEnum):
    ASK = "ask"
    SKIP = "skip"
    LOSE = "lose"
    UNDO = "undo"
    REFUSE = "refuse"
    RECOVER = "recover"
    PARK = "park"
    GIVE_UP = "give_up"


_L, _V = LegState, LegEvent
LEG_MACHINE = Machine(
    "undo leg",
    Words("撤销的一方", "undo leg: one insurer, 医保 or cash"),
    _L.WAITING,
    {
        (_L.WAITING, _V.ASK): _L.ASKED,
        (_L.WAITING, _V.SKIP): _L.NOTHING,
        (_L.WAITING, _V.RECOVER): _L.RECOVERY,
        (_L.WAITING, _V.PARK): _L.MANUAL,
        (_L.WAITING, _V.GIVE_UP): _L.GIVEN_UP,
        (_L.ASKED, _V.ASK): _L.ASKED,
        (_L.ASKED, _V.LOSE): _L.UNKNOWN,
        (_L.ASKED, _V.UNDO): _L.UNDONE,
        (_L.ASKED, _V.REFUSE): _L.REFUSED,
        (_L.ASKED, _V.RECOVER): _L.RECOVERY,
        (_L.ASKED, _V.PARK): _L.MANUAL,
        (_L.UNKNOWN, _V.ASK): _L.ASKED,
        (_L.UNKNOWN, _V.LOSE): _L.UNKNOWN,
        (_L.UNKNOWN, _V.UNDO): _L.UNDONE,
        (_L.UNKNOWN, _V.REFUSE): _L.REFUSED,
        (_L.UNKNOWN, _V.RECOVER): _L.RECOVERY,
        (_L.UNKNOWN, _V.PARK): _L.MANUAL,
        (_L.REFUSED, _V.ASK): _L.ASKED,
        (_L.REFUSED, _V.UNDO): _L.UNDONE,
        (_L.REFUSED, _V.GIVE_UP): _L.GIVEN_UP,
        (_L.RECOVERY, _V.UNDO): _L.UNDONE,
        (_L.RECOVERY, _V.GIVE_UP): _L.GIVEN_UP,
        (_L.MANUAL, _V.ASK): _L.ASKED,
        (_L.MANUAL, _V.UNDO): _L.UNDONE,
        (_L.MANUAL, _V.GIVE_UP): _L.GIVEN_UP,
    },
    {
        _L.WAITING: Words("等待前一方", "its turn has not come"),
        _L.ASKED: Words(
            "已要求撤销",
            "who holds the money was asked: the insurer by an act, the hospital for 医保, the payment room for cash",
        ),
        _L.UNKNOWN: Words(
            "撤销结果未知，查询中", "the answer to the undo is lost; it is asked by the undo's own act id"
        ),
        _L.REFUSED: Words("拒绝撤销", "the answer was no"),
        _L.RECOVERY: Words("已赔付，需追偿", "the insurer has paid already: the money is to be recovered by persons"),
        _L.MANUAL: Words("转人工", "a person must look"),
        _L.UNDONE: Words("已撤销", "the money is back, or a person has evidence that it is"),
        _L.NOTHING: Words("无需撤销", "no money had moved"),
        _L.GIVEN_UP: Words("不再撤销", "two persons decided that the money stays where it is"),
    },
    {
        _V.ASK: Words("要求", "who holds the money is asked"),
        _V.SKIP: Words("跳过", "nothing is to be undone"),
        _V.LOSE: Words("答复丢失", "the answer is lost"),
        _V.UNDO: Words("撤销成功", "it answered that the money is back, or two persons say so with evidence"),
        _V.REFUSE: Words("拒绝", "it answered no"),
        _V.RECOVER: Words("转追偿", "the money has left the insurer already"),
        _V.PARK: Words("转人工", "a person must look"),
        _V.GIVE_UP: Words("放弃", "two persons give it up"),
    },
)
LEG_ENDED = LEG_MACHINE.final
LEG_STUCK = frozenset({_L.REFUSED, _L.RECOVERY, _L.MANUAL})
"""A person must act before the legs after it may go on."""
