"""What a hospital is told about a bill: one status per policy, amounts in 分, a sentence for the counter in zh and en."""

from typing import Any

import msgspec

from gateway.claims.bill import Bill
from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.store.api import Row

_SENTENCES: dict[str, tuple[str, str]] = {
    "paid": ("商保已赔付", "The insurer pays its share."),
    "partial": ("商保部分赔付", "The insurer pays a part."),
    "listed": ("已查询保单", "The insurer listed the patient's policies."),
    "granted": ("保险公司已出具担保", "The insurer grants the guarantee."),
    "refused": ("商保不予赔付，请患者自付", "The insurer does not pay; the patient pays."),
    "zero": ("商保核定赔付为零，请患者自付", "The insurer's share is zero; the patient pays."),
    "withdrawn": ("案件已撤销", "The case was withdrawn."),
    "to_quick_claim": (
        "转为快赔：请患者先自付，保险公司随后赔付",
        "Use quick-claim: the patient pays now, the insurer pays later.",
    ),
    "reversed": ("已向保险公司冲正，请患者自付", "Reversed at the insurer; the patient pays."),
    "not_sent": ("保险公司未作结算，请患者自付", "Nothing was settled with the insurer; the patient pays."),
}
_WAITING = {
    "quoted": ("已试算，请患者确认", "Quoted; ask the patient to confirm."),
    "confirmed": ("患者已确认，正在结算", "Confirmed; being settled."),
    "supplied": ("材料已收到，正在发送保险公司", "The material is here and goes to the insurer."),
    "created": ("等待处理", "Waiting for its turn."),
    "sent": ("保险公司处理中", "The insurer is working on it."),
    "accepted": ("保险公司已受理，等待结果", "Taken by the insurer; the result comes later."),
    "need_more": ("保险公司要求补充材料", "The insurer asks for more material."),
    "unknown": (
        "结果未知，正在查询，请勿收取商保部分",
        "Outcome unknown, being asked; do not collect the insurer's share yet.",
    ),
    "reversing": (
        "正在向保险公司冲正，请勿收取商保部分",
        "Being reversed at the insurer; do not collect the insurer's share yet.",
    ),
    "manual": ("转人工处理，请勿重复提交", "A person looks at it; do not submit again."),
}


_FOLLOWS = (
    "已登记快赔：请患者先自付并离开，保险公司随后赔付",
    "Registered as a quick-claim: the patient pays now and may leave, the insurer pays later.",
)
_UNDER_WAY = ("created", "sent", "accepted")
_QUOTE = ("请患者确认商保与自付金额", "Ask the patient to confirm the insurer's and the own share.")


_NOT_NOW = {
    "insurer-closed": ("保险公司系统维护至 {}，请患者自付", "The insurer is closed until {}; the patient pays."),
    "insurer-busy": (
        "保险公司当前繁忙，未作结算，请患者自付或稍后再试",
        "The insurer is too busy just now, nothing was settled: the patient pays, or try again later.",
    ),
    "over-budget": (
        "保险公司未在时限内答复，未作结算，请患者自付",
        "The insurer did not answer in time, nothing was settled: the patient pays.",
    ),
}
_KEPT = ("保险公司系统维护至 {}，恢复后自动提交", "The insurer is closed until {}; the claim is kept and sent then.")


def _not_now(state: str, outcome: str, reason: str) -> dict[str, str] | None:
    """Nothing was sent because the insurer takes nothing just now; ``reason`` may end with when it opens (China's time)."""
    word, _, until = reason.partition(" ")
    said = _KEPT if until and state == "created" else _NOT_NOW.get(word) if outcome == "not_sent" else None
    if said is None:
        return None
    opens = until.replace("T", " ")
    return {"zh": said[0].format(opens), "en": said[1].format(opens)}


def _message(state: str, outcome: str, follows: bool) -> dict[str, str]:
    if follows and state in _UNDER_WAY:
        return {"zh": _FOLLOWS[0], "en": _FOLLOWS[1]}
    zh, en = _SENTENCES.get(outcome) or _WAITING.get(state) or ("处理中", "In progress.")
    return {"zh": zh, "en": en}


def _claim(row: dict[str, Any], registry: Registry) -> dict[str, Any]:
    partner = registry.get(row["insurer"])
    view = {
        "claim_id": row["claim_id"],
        "insurer": row["insurer"],
        "protocol": partner.manifest.protocol if partner else "",
        "seal": partner.seal.profile if partner else "",
        "kind": row["kind"],
        "seq": row["seq"],
        "state": row["state"],
        "outcome": row["outcome"] or None,
        "claimed_fen": row["claimed"],
        "quoted_fen": row["quoted"],
        "approved_fen": row["approved"],
        "reason": row["reason_code"] or None,
        "message": (row["reason_code"] and _not_now(row["state"], row["outcome"], row["reason_code"]))
        or _message(row["state"], row["outcome"], bool(row["policy"]) and row["kind"] == "quick_claim"),
    }
    if row["policy"]:
        view["policy"] = row["policy"]
    for fault in partner.faults.values() if partner and row["reason_code"] else ():
        if fault.code == row["reason_code"]:
            view["message"] = {"zh": fault.zh, "en": fault.en}
            view["who_acts"] = fault.who
            break
    return view


def bill_view(bill: Bill, registry: Registry) -> bytes:
    """The view of a bill in memory; byte for byte what ``stored_view`` gives once its rows are committed."""
    rows = [
        {
            "claim_id": claim.claim_id,
            "insurer": claim.insurer,
            "kind": claim.kind,
            "seq": claim.seq,
            "state": claim.state,
            "outcome": claim.outcome,
            "claimed": claim.claimed,
            "quoted": claim.quoted,
            "approved": claim.approved,
            "reason_code": claim.reason,
            "policy": claim.policy_no,
        }
        for claim in bill.claims
    ]
    approved, self_pay_due = bill.amounts()
    head = {
        "order_id": bill.order_id,
        "kind": bill.kind,
        "state": bill.state,
        "total": bill.submission.split.total,
        "approved": approved,
        "self_pay_due": self_pay_due,
        "quoted_until": bill.quoted_until,
        "warnings": bill.warnings,
    }
    return _encode(head, rows, registry)


def stored_view(row: Row, ledger: Ledger, registry: Registry) -> bytes:
    return _encode(row, ledger.claim_rows(row["order_id"]), registry)


def _encode(head: dict[str, Any], claims: list[dict[str, Any]], registry: Registry) -> bytes:
    order_id = head["order_id"]
    view = {
        "order_id": order_id,
        "kind": head["kind"],
        "state": head["state"],
        "total_fen": head["total"],
        "approved_fen": head["approved"],
        "self_pay_due_fen": head["self_pay_due"],
        "claims": [_claim(claim, registry) for claim in claims],
        "links": {"self": f"/v1/orders/{order_id}"},
    }
    if head["warnings"]:
        view["warnings"] = msgspec.Raw(head["warnings"].encode())
    if head["state"] == "quoted":
        view["quote"] = _quote(head, claims)
        view["links"] |= {"confirm": f"/v1/claims/{order_id}/confirm"}
    return msgspec.json.encode(view)


def _quote(head: dict[str, Any], claims: list[dict[str, Any]]) -> dict[str, Any]:
    """What the screen shows and the confirmation echoes."""
    offered = {claim["claim_id"]: claim["quoted"] or 0 for claim in claims if claim["state"] == "quoted"}
    return {
        "quotes": [{"claim_id": claim_id, "quoted_fen": fen} for claim_id, fen in offered.items()],
        "insurers_fen": sum(offered.values()),
        "patient_fen": head["self_pay_due"] - sum(offered.values()),
        "expires_at": head["quoted_until"],
        "message": {"zh": _QUOTE[0], "en": _QUOTE[1]},
    }
