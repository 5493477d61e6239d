"""The part of the hospital door's OpenAPI about consents, policies, the case, unpaid bills and recoveries."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.claims.consents.registry import Registration
from gateway.claims.recoveries import Agreement

_TEXT = {"type": "string"}
_INT = {"type": "integer"}
_FEN = {"type": "integer", "description": "分"}
_LIST = {"type": "array", "items": _TEXT}
_TWO_TONGUES = {"type": "object", "required": ["zh", "en"], "properties": {"zh": _TEXT, "en": _TEXT}}
_TIME = {"type": "integer", "description": "Epoch milliseconds."}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _all(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_CONSENT = _object(
    "consent_id state given_at valid_to",
    consent_id=_TEXT,
    state={"enum": ["live", "expired", "withdrawn"]},
    given_at=_TIME,
    valid_to=_TIME,
    withdrawn_at={"type": ["integer", "null"]},
    hospital_codes=_LIST,
    insurer_codes=_LIST,
    purposes=_LIST,
    data_classes=_LIST,
    text_version=_TEXT,
    erased={"type": "boolean"},
)
_HAPPENED = _object(
    "at what state message",
    at=_TIME,
    what={"enum": ["order", "claim", "payment", "undo"]},
    state=_TEXT,
    claim_id=_TEXT,
    insurer=_TEXT,
    message=_TWO_TONGUES,
)
_FOUND = _object("policy_no", policy_no=_TEXT, residual_fen={"type": ["integer", "null"]})
_POLICY = _object(
    "claim_id order_no insurer product policy_no state listed",
    claim_id=_TEXT,
    order_no=_INT,
    insurer=_TEXT,
    product=_TEXT,
    policy_no=_TEXT,
    begin_at=_TEXT,
    end_at=_TEXT,
    benefit_type=_TEXT,
    claim_way=_TEXT,
    residual_fen={"type": ["integer", "null"]},
    state=_TEXT,
    listed=_all(_FOUND),
)
_RECOVERY = _object(
    "recovery_id order_id claim_id insurer amount_fen state payments message",
    recovery_id=_TEXT,
    order_id=_TEXT,
    claim_id=_TEXT,
    insurer=_TEXT,
    amount_fen=_FEN,
    state={"enum": ["asked", "agreed", "paid"]},
    created_at=_TIME,
    payments=_all({"$ref": "#/components/schemas/Payment"}),
    message=_TWO_TONGUES,
)
_UNPAID = _object(
    "bills amount_fen unpaid unpaid_fen unpaid_per_10000 orders",
    bills=_INT,
    amount_fen=_FEN,
    unpaid=_INT,
    unpaid_fen=_FEN,
    unpaid_per_10000=_INT,
    orders=_all(_object("order_id amount_fen created_at", order_id=_TEXT, amount_fen=_FEN, created_at=_TIME)),
)
SCHEMAS: dict[str, Any] = {
    "ConsentView": _CONSENT,
    "Consents": _object("consents", consents=_all({"$ref": "#/components/schemas/ConsentView"})),
    "Timeline": _object("order_id state timeline", order_id=_TEXT, state=_TEXT, timeline=_all(_HAPPENED)),
    "PoliciesView": _object("order_id state policies", order_id=_TEXT, state=_TEXT, policies=_all(_POLICY)),
    "RecoveryView": _RECOVERY,
    "Recoveries": _object("recoveries", recoveries=_all({"$ref": "#/components/schemas/RecoveryView"})),
    "Unpaid": _UNPAID,
}


def case_schemas(ref: str) -> dict[str, Any]:
    return msgspec.json.schema_components((Registration, Agreement), ref_template=ref)[1] | SCHEMAS


Answers = Callable[[str, str], dict[str, Any]]
Refusals = Callable[..., dict[str, Any]]


def case_paths(answer: Answers, refusals: Refusals, submit: dict[str, Any]) -> dict[str, Any]:
    """``submit`` is the operation of ``POST /v1/claims``, which policies are asked for with."""
    seen, wrong = refusals(400, 401, 404, 429), refusals(400, 401, 404, 409, 429)

    def one(name: str, text: str, of: list[dict[str, Any]], schema: str, body: str = "") -> dict[str, Any]:
        """A route that answers with one schema, and takes a body where one is named."""
        sent = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}}
        more = {"requestBody": {"required": True, "content": sent}} if body else {}
        told = {"200": answer(text, schema)} | (wrong if body else seen)
        return {"operationId": name, "summary": text, "parameters": of, "responses": told, **more}

    order, consent, recovery = ([_path(name)] for name in ("order_id", "consent_id", "recovery_id"))
    registered = one("registerConsent", "Keep a patient's consent.", [], "ConsentView", "Registration")
    registered["responses"]["201"] = registered["responses"].pop("200")
    agreed = one("agreeRecovery", "The patient agrees to pay back.", recovery, "RecoveryView", "Agreement")
    agreed["responses"]["202"] = agreed["responses"].pop("200")
    withdrawn = one("withdrawConsent", "Nothing new is sent under it.", consent, "ConsentView")
    held = [_query("holder", "The account that holds the consents.")]
    days = [_query("from", "First day, 2026-11-01."), _query("to", "Last day.")]
    asked = submit | {"operationId": "askPolicies", "summary": "Ask insurers which policies the patient has."}
    return {
        "/v1/consents": {
            "post": registered,
            "get": one("consents", "Consents that an account holds.", held, "Consents"),
        },
        "/v1/consents/{consent_id}": {"get": one("consent", "A consent as it stands.", consent, "ConsentView")},
        "/v1/consents/{consent_id}/withdraw": {"post": withdrawn},
        "/v1/policies": {"post": asked},
        "/v1/orders/{order_id}/policies": {
            "get": one("orderPolicies", "The policies behind an order.", order, "PoliciesView")
        },
        "/v1/orders/{order_id}/timeline": {"get": one("timeline", "What happened, in order.", order, "Timeline")},
        "/v1/orders/{order_id}/recoveries": {
            "get": one("recoveries", "What the patient is asked back.", order, "Recoveries")
        },
        "/v1/recoveries/{recovery_id}": {"get": one("recovery", "One of them.", recovery, "RecoveryView")},
        "/v1/recoveries/{recovery_id}/agree": {"post": agreed},
        "/v1/unpaid": {"get": one("unpaid", "Bills whose own part nobody has paid.", days, "Unpaid")},
    }


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _query(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": True, "description": text, "schema": _TEXT}
