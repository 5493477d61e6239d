"""What a hospital and an operator see of an undo: the state of each leg, amounts in 分, and what to do in zh and en."""

from typing import Any

from gateway.claims.undo.book import Leg, Undo
from gateway.claims.undo.states import LEG_MACHINE, LegState, UndoState
from gateway.store.api import Row

_UNDO = {
    UndoState.UNDOING: ("撤销处理中，请勿另行退款", "Being undone; do not refund in any other way."),
    UndoState.STUCK: (
        "有一方未能撤销，已转人工；请勿退还现金",
        "One party can't undo it, a person looks; do not refund cash.",
    ),
    UndoState.DONE: ("撤销完成", "Undone."),
    UndoState.CALLED_OFF: ("撤销已取消，原结算有效", "The undo was called off; the settlement stands."),
}
_YIBAO_ASKED = (
    "请撤销医保结算（2208、2305 或 2601），并回报结果",
    "Undo the 医保 settlement (2208, 2305 or 2601) and tell us.",
)


def undo_view(undo: Undo, claims: list[Row]) -> dict[str, Any]:
    by_id = {row["claim_id"]: row for row in claims}
    seq = {row["claim_id"]: -row["seq"] for row in claims}
    rank = ("claim", "yibao", "cash")
    legs = sorted(undo.legs, key=lambda leg: (rank.index(leg.kind), seq.get(leg.claim_id, 0)))
    return {
        "undo_id": undo.undo_id,
        "order_id": undo.order_id,
        "scope": undo.scope,
        "state": undo.state.value,
        "reason": undo.reason,
        "amount_fen": undo.amount,
        "message": _words(*_UNDO[undo.state]),
        "legs": [_leg(leg, by_id.get(leg.claim_id)) for leg in legs],
        "links": {"self": f"/v1/undos/{undo.undo_id}", "order": f"/v1/orders/{undo.order_id}"},
    }


def _leg(leg: Leg, claim: Row | None) -> dict[str, Any]:
    asks_hospital = leg.kind == "yibao" and leg.state is LegState.ASKED
    words = LEG_MACHINE.states[leg.state]
    return {
        "kind": leg.kind,
        "claim_id": leg.claim_id or None,
        "insurer": None if claim is None else claim["insurer"],
        "state": leg.state.value,
        "cause": leg.cause or None,
        "amount_fen": leg.amount,
        "message": _words(*_YIBAO_ASKED) if asks_hospital else _words(words.zh, words.en),
    }


def _words(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}
