"""The case as the patient may see it: what happened to a bill, in order, and which policies stand behind it (§3.4, 10).

Sentences are those of the tables of states: they name no illness and no item.
"""

from collections.abc import Mapping
from typing import Any

from gateway.claims.canonical.types import UNSET
from gateway.claims.conversation.policies import found
from gateway.claims.conversation.states import BILL, CLAIM
from gateway.claims.ledger import Ledger
from gateway.claims.undo.states import UNDO_MACHINE
from gateway.kernel.settlements import SETTLEMENT
from gateway.kernel.states import Words
from gateway.store.api import Row

_MOST = 10_000


def _named(words: Mapping[Any, Words]) -> dict[str, Words]:
    return {str(state): said for state, said in words.items()}


_WORDS = {
    "bill.state": ("order", _named(BILL.states)),
    "claim.state": ("claim", _named(CLAIM.states)),
    "settlement": ("payment", _named(SETTLEMENT.states)),
    "undo.state": ("undo", _named(UNDO_MACHINE.states)),
}


def timeline(ledger: Ledger, bill: Row) -> list[dict[str, Any]]:
    """What happened, the oldest first; ``at`` in epoch ms. Asked inside ``read``."""
    insurers = {row["claim_id"]: row["insurer"] for row in ledger.claim_rows(bill["order_id"])}
    rows = ledger.store.find("change", {"order_id": bill["order_id"]}, order_by="at", limit=_MOST)
    return [_line(row, insurers) for row in rows if row["field"] in _WORDS]


def _line(row: Row, insurers: Mapping[str, str]) -> dict[str, Any]:
    what, words = _WORDS[row["field"]]
    said = words.get(row["new"], Words(row["new"], row["new"]))
    line = {"at": row["at"], "what": what, "state": row["new"], "message": {"zh": said.zh, "en": said.en}}
    claim_id = row["claim_id"]
    return line | ({"claim_id": claim_id, "insurer": insurers.get(claim_id, "")} if claim_id else {})


def policies(ledger: Ledger, bill: Row) -> list[dict[str, Any]]:
    """The bill's policies in the order in which they pay, and what each insurer listed where it was asked for policies.

    Amounts in 分. Asked inside ``read``. Raises ``VaultRefused`` for an erased bill.
    """
    loaded = ledger.load_bill(bill["order_id"])
    assert loaded is not None
    return [
        {
            "claim_id": claim.claim_id,
            "order_no": claim.seq,
            "insurer": claim.insurer,
            "product": claim.policy.product_code,
            "policy_no": claim.policy.policy_no,
            "begin_at": claim.policy.begin_at.isoformat(),
            "end_at": claim.policy.end_at.isoformat(),
            "benefit_type": claim.policy.benefit_type.value,
            "claim_way": claim.policy.claim_way.value,
            "residual_fen": None if claim.policy.residual is UNSET else claim.policy.residual,
            "state": claim.state.value,
            "listed": [
                {"policy_no": one.policy_no, "residual_fen": None if one.residual is UNSET else one.residual}
                for one in found(ledger, bill["order_id"], claim.claim_id)
            ],
        }
        for claim in loaded.claims
    ]
