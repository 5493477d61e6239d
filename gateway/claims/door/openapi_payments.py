"""The routes about money as OpenAPI 3.1."""

from collections.abc import Callable
from typing import Any

from gateway.claims.door.payments import Deposit, Tap

ROOTS = (Deposit, Tap)
_AMOUNT = {"type": "integer", "description": "分"}
_TEXT = {"type": "string"}
_PAYMENT = {
    "type": "object",
    "required": ["settlement_id", "kind", "name", "amount_fen", "state", "message"],
    "properties": {
        "settlement_id": _TEXT,
        "kind": {"enum": ["SELF_PAY", "CREDIT", "DEPOSIT", "PAYOUT", "back", "refund", "double"]},
        "name": {**_TEXT, "description": "The kind, and which one of it: SELF_PAY:deduct, refund:<undo>."},
        "channel": {"type": ["string", "null"]},
        "amount_fen": _AMOUNT,
        "state": {**_TEXT, "description": "See docs/states.md, settlement."},
        "reason": {"type": ["string", "null"], "description": "Stable; listed in docs/errors.md."},
        "original": {"type": ["string", "null"], "description": "Settlement that this gives back."},
        "due_at": {"type": "integer", "description": "When a payout is due at the latest; epoch milliseconds."},
        "message": {"type": "object", "required": ["zh", "en"], "properties": {"zh": _TEXT, "en": _TEXT}},
    },
}
_LEG = {
    "type": "object",
    "required": ["leg", "amount_fen", "state", "refunded_fen"],
    "properties": {"leg": _TEXT, "amount_fen": _AMOUNT, "state": _TEXT, "refunded_fen": _AMOUNT},
}
_LIST = {"type": "array", "items": {"$ref": "#/components/schemas/Payment"}}
SCHEMAS: dict[str, Any] = {
    "Payment": _PAYMENT,
    "PaymentLeg": _LEG,
    "Payments": {
        "type": "object",
        "required": ["order_id", "order_kind", "legs", "payments"],
        "properties": {
            "order_id": _TEXT,
            "order_kind": _TEXT,
            "legs": {"type": "array", "items": {"$ref": "#/components/schemas/PaymentLeg"}},
            "payments": _LIST,
        },
    },
    "DepositView": {
        "type": "object",
        "required": ["deposit_id", "amount_fen", "state", "payments"],
        "properties": {
            "deposit_id": _TEXT,
            "amount_fen": _AMOUNT,
            "state": _TEXT,
            "used_by": {"type": ["string", "null"]},
            "payments": _LIST,
        },
    },
}


def paths(answer: Callable[[str, str], dict[str, Any]], refusals: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """``answer`` and ``refusals`` as the rest of the document spells them."""

    def one(name: str, summary: str, of: list[dict[str, Any]], told: dict[str, Any], body: str = "") -> dict[str, Any]:
        sent = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}}
        more = {"requestBody": {"required": True, "content": sent}} if body else {}
        return {"operationId": name, "summary": summary, "parameters": of, "responses": told, **more}

    order, deposit = ([_path(name)] for name in ("order_id", "deposit_id"))
    key = [{"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "maxLength": 64}}]
    shown, known = answer("Payments and shares.", "Payments"), answer("The deposit.", "DepositView")
    wrong = refusals(400, 401, 404, 409, 422, 429)
    seen = refusals(401, 404, 429)
    return {
        "/v1/orders/{order_id}/payments": {
            "get": one("payments", "How the bill is being paid.", order, {"200": shown, **seen})
        },
        "/v1/orders/{order_id}/pay": {
            "post": one(
                "pay", "Pay through another channel; only one stands paid.", order, {"202": shown, **wrong}, "Tap"
            )
        },
        "/v1/deposits": {"post": one("takeDeposit", "Take a deposit.", key, {"202": known, **wrong}, "Deposit")},
        "/v1/deposits/{deposit_id}": {
            "get": one("deposit", "The deposit as it stands.", deposit, {"200": known, **seen})
        },
        "/v1/deposits/{deposit_id}/refund": {
            "post": one("refundDeposit", "Give the whole deposit back.", deposit, {"202": known, **wrong})
        },
    }


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
