"""What operators see of claims: ids, states, amounts, times and digests; content only with a reason, after the audit."""

from typing import Any

import msgspec

from gateway.claims.conversation.states import MAY_WAIT
from gateway.claims.custody.bills import messages_of
from gateway.claims.custody.export import shown_message
from gateway.claims.evidence.bundle import claim_row
from gateway.claims.ledger import Ledger
from gateway.claims.operators.roles import Operator, Role
from gateway.kernel.errors import BadRequest, NotFound

_PAGE = 100
_CLAIM = ("claim_id", "order_id", "seq", "insurer", "kind", "state", "outcome", "reason_code")
_ACT = ("act_id", "name", "batch_no", "state", "outcome", "attempts", "mapping", "mapping_version", "mapping_digest")
_ACT_TIMES = ("key_ids", "request_digest", "prepared_at", "answered_at", "deadline_at")
_CHANGE = ("at", "act_id", "field", "old", "new", "cause")
_MESSAGE = ("seq", "at", "owner_id", "direction", "digest", "size", "http_status", "key_ids")


class Desk:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def waiting(self, who: Operator, state: str, insurer: str, after: str) -> dict[str, Any]:
        """Claims in one waiting state, a page after the claim id ``after``. Amounts in 分, age in seconds."""
        who.require(Role.VIEW)
        if state not in MAY_WAIT:
            raise BadRequest("state names no waiting state", code="state-unknown", hint=", ".join(sorted(MAY_WAIT)))
        where = {"state": state} | ({"insurer": insurer} if insurer else {})
        rows = self._ledger.store.find("waiting", where, limit=_PAGE, after=(after,) if after else None)
        return {"claims": [self._line(row) for row in rows], "next": rows[-1]["claim_id"] if len(rows) == _PAGE else ""}

    def _line(self, row: dict[str, Any]) -> dict[str, Any]:
        claims = self._ledger.claim_rows(row["order_id"])
        claim = next(claim for claim in claims if claim["claim_id"] == row["claim_id"])
        age = (self._ledger.clock.epoch_ms() - int(claim["created_at"])) // 1000
        return {name: claim[name] for name in _CLAIM} | {"amount_fen": row["amount"], "age_s": age}

    def story(self, who: Operator, claim_id: str) -> dict[str, Any]:
        """One claim from its rows: changes, acts, messages by digest, and what is odd about its bill."""
        who.require(Role.VIEW)
        row = claim_row(self._ledger, claim_id)
        changes = self._ledger.store.find("change", {"order_id": row["order_id"]}, limit=10_000)
        messages = messages_of(self._ledger, row["order_id"], [claim_id])
        bill = self._ledger.bill_row(row["order_id"])
        assert bill is not None
        amounts = {f"{name}_fen": row[name] for name in ("claimed", "quoted", "approved")}
        times = {name: row[name] for name in ("created_at", "updated_at")}
        return {
            "claim": {name: row[name] for name in _CLAIM} | amounts | times,
            "changes": [_only(one, _CHANGE) for one in changes if one["claim_id"] in ("", claim_id)],
            "acts": [_only(one, _ACT + _ACT_TIMES) for one in self._ledger.act_rows(claim_id)],
            "messages": [_only(one, _MESSAGE) for one in messages],
            "warnings": msgspec.json.decode(bill["warnings"] or "[]"),
        }

    async def message(self, who: Operator, claim_id: str, number: str, reason: str) -> dict[str, Any]:
        """One message opened. The audit has it on disk before anything is opened."""
        who.require(Role.VIEW_BODY)
        row = await self._ledger.read(claim_row, self._ledger, claim_id)
        messages = await self._ledger.read(messages_of, self._ledger, row["order_id"], [claim_id])
        found = next((one for one in messages if str(one["seq"]) == number), None)
        if found is None:
            raise NotFound("this claim has no such message", code="message-unknown")
        work = self._ledger.work(row["order_id"])
        work.audit("message-opened", who.signature, reason, f"{claim_id}:{found['seq']}")
        await work.flush()
        return await self._ledger.read(shown_message, self._ledger, found)


def _only(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
