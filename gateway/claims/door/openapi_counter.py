"""The part of the hospital door's OpenAPI about a bill that is under way, guarantees and offers."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.claims.conversation.bringing import Account, Documents, PolicyOrder
from gateway.claims.conversation.confirming import Answer
from gateway.claims.conversation.guarantees import Projection

BODIES = (Answer, Documents, PolicyOrder, Account, Projection)
_TWO_TONGUES = {
    "type": "object",
    "required": ["zh", "en"],
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
}
_FEN = {"type": "integer", "description": "分"}
QUOTE = {
    "type": "object",
    "description": "While the order is quoted: what the screen shows, and `quotes` as the confirmation echoes them.",
    "required": ["quotes", "insurers_fen", "patient_fen", "expires_at", "message"],
    "properties": {
        "quotes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["claim_id", "quoted_fen"],
                "properties": {"claim_id": {"type": "string"}, "quoted_fen": _FEN},
            },
        },
        "insurers_fen": _FEN,
        "patient_fen": _FEN,
        "expires_at": {"type": "integer", "description": "Epoch milliseconds."},
        "message": _TWO_TONGUES,
    },
}
_STANDING = {
    "type": "object",
    "required": ["order_id", "insurer", "state", "quota_fen", "projected_fen", "deposit_fen", "message"],
    "properties": {
        "order_id": {"type": "string"},
        "insurer": {"type": "string"},
        "state": {"type": "string", "enum": ["granted", "short", "withdrawn"]},
        "quota_fen": _FEN,
        "projected_fen": _FEN,
        "deposit_fen": {"type": "integer", "description": "What the quota leaves to a deposit, 分."},
        "message": _TWO_TONGUES,
    },
}
_OFFERS = {
    "type": "object",
    "required": ["offers"],
    "properties": {
        "offers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["insurer", "name", "direct_pay", "quick_claim", "advice", "message"],
                "properties": {
                    "insurer": {"type": "string"},
                    "name": _TWO_TONGUES,
                    "direct_pay": {"type": "boolean"},
                    "quick_claim": {"type": "boolean"},
                    "advice": {"type": "string", "enum": ["direct_pay", "quick_claim", "down"]},
                    "closed_until": {
                        "type": ["string", "null"],
                        "format": "date-time",
                        "description": "While the insurer is closed for maintenance: when it opens, China's time.",
                    },
                    "seconds": {"type": ["number", "null"], "description": "What a decision took lately."},
                    "message": _TWO_TONGUES,
                },
            },
        }
    },
}
SCHEMAS = {"Quote": QUOTE, "GuaranteeStanding": _STANDING, "Offers": _OFFERS}
_ORDER_ID = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}
Answers = Callable[[str, str], dict[str, Any]]
Refusals = Callable[..., dict[str, Any]]


def body_schemas(ref: str) -> dict[str, Any]:
    return msgspec.json.schema_components(BODIES, ref_template=ref)[1]


def counter_paths(answer: Answers, refusals: Refusals, submit: dict[str, Any]) -> dict[str, Any]:
    """``submit`` is the operation of ``POST /v1/claims``, which a guarantee is asked for with."""
    order = {"200": answer("Decided.", "Order"), "202": answer("Not decided yet.", "Order")}
    refused = refusals(400, 401, 404, 409, 413, 429, 503)
    stands = {"200": answer("How it stands.", "GuaranteeStanding"), **refusals(401, 404, 409, 429)}

    def taking(name: str, text: str, body: type, answers: dict[str, Any]) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        return {
            "operationId": name,
            "summary": text,
            "parameters": [_ORDER_ID],
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": answers | refused,
        }

    def plain(name: str, text: str, answers: dict[str, Any], *, of_order: bool = True) -> dict[str, Any]:
        return {
            "operationId": name,
            "summary": text,
            "parameters": [_ORDER_ID] if of_order else [],
            "responses": answers,
        }

    asked = submit | {"operationId": "guarantee", "summary": "Ask an insurer to guarantee a stay, by its estimate."}
    confirm = taking("confirm", "The patient agrees to the quotes shown, or not.", Answer, order)
    documents = taking("documents", "Bring material that an insurer asked for.", Documents, order | refusals(422))
    moved = taking("policyOrder", "Another order of the policies that were not sent.", PolicyOrder, order)
    account = taking("payoutAccount", "Where quick-claims are paid to from now on.", Account, order)
    projection = taking(
        "projection", "Hold a stay's projected share against its quota.", Projection, stands | refusals(422)
    )
    offers = {"200": answer("Per insurer.", "Offers"), **refusals(401, 429)}
    return {
        "/v1/claims/{order_id}/confirm": {"post": confirm},
        "/v1/claims/{order_id}/documents": {"post": documents},
        "/v1/claims/{order_id}/policy-order": {"put": moved},
        "/v1/claims/{order_id}/payout-account": {"put": account},
        "/v1/guarantees": {"post": asked},
        "/v1/guarantees/{order_id}": {"get": plain("guaranteeStanding", "A granted guarantee.", stands)},
        "/v1/guarantees/{order_id}/projection": {"post": projection},
        "/v1/guarantees/{order_id}/withdrawal": {
            "post": plain("guaranteeWithdrawal", "The insurer took the guarantee back.", stands)
        },
        "/v1/offers": {"get": plain("offers", "What is best offered just now.", offers, of_order=False)},
    }
