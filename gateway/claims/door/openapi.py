"""The hospital door as OpenAPI 3.1, made from the same structs that decode the requests."""

from typing import Any

import msgspec

from gateway.claims.canonical.claim import Submission
from gateway.claims.conversation.states import BILL
from gateway.claims.door.openapi_books import COMPONENTS, delivery_paths, statement_paths
from gateway.claims.door.openapi_carried import UPLOAD, carried_paths
from gateway.claims.door.openapi_cases import case_paths, case_schemas
from gateway.claims.door.openapi_counter import SCHEMAS as COUNTER_SCHEMAS
from gateway.claims.door.openapi_counter import body_schemas, counter_paths
from gateway.claims.door.openapi_payments import ROOTS, SCHEMAS, paths
from gateway.claims.door.openapi_undo import undo_paths, undo_schemas
from gateway.claims.door.problems import SOAP_PATH
from gateway.claims.schema_export import tell_decimals

FOR_HOSPITAL = {
    "name": "Lianpei-Hospital",
    "in": "header",
    "description": "On any request of a group's certificate: the hospital of the group that it speaks for.",
    "schema": {"type": "string"},
}
_REF = "#/components/schemas/{name}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "zh"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "/errors/{code} at this door, open to anybody: what the code means and what to do.",
        },
        "title": {"type": "string", "description": "In English."},
        "zh": {"type": "string", "description": "What the code means and what to do, in Chinese."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; listed in docs/errors.md."},
        "hint": {"type": "string", "description": "What to do."},
        "fields": {"type": "array", "items": {"type": "string"}},
        "errors": {
            "type": "array",
            "description": "The rules that the bill breaks (docs/model.md), a hundred at most.",
            "items": {
                "type": "object",
                "required": ["rule", "fields", "difference_fen", "zh", "en"],
                "properties": {
                    "rule": {"type": "string"},
                    "fields": {"type": "array", "items": {"type": "string"}},
                    "difference_fen": {"type": ["integer", "null"], "description": "Found minus expected, in 分."},
                    "zh": {"type": "string"},
                    "en": {"type": "string"},
                },
            },
        },
    },
}
_TWO_TONGUES = {
    "type": "object",
    "required": ["zh", "en"],
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
}
_CLAIM = {
    "type": "object",
    "required": ["claim_id", "insurer", "kind", "seq", "state", "approved_fen", "message"],
    "properties": {
        "claim_id": {"type": "string"},
        "insurer": {"type": "string"},
        "protocol": {"type": "string"},
        "seal": {"type": "string"},
        "kind": {"type": "string"},
        "seq": {"type": "integer", "description": "Place in the patient's policy order."},
        "state": {"type": "string"},
        "outcome": {"type": ["string", "null"]},
        "claimed_fen": {"type": "integer"},
        "quoted_fen": {"type": ["integer", "null"]},
        "approved_fen": {"type": "integer"},
        "reason": {"type": ["string", "null"]},
        "policy": {"type": "integer", "description": "Place of its policy in the bill, where that is not seq."},
        "message": _TWO_TONGUES,
        "who_acts": {"type": "string"},
    },
}
_ORDER = {
    "type": "object",
    "required": ["order_id", "kind", "state", "total_fen", "approved_fen", "self_pay_due_fen", "claims"],
    "properties": {
        "order_id": {"type": "string"},
        "kind": {"type": "string"},
        "state": {"type": "string", "enum": [state.value for state in BILL.states]},
        "total_fen": {"type": "integer"},
        "approved_fen": {"type": "integer"},
        "self_pay_due_fen": {"type": "integer"},
        "claims": {"type": "array", "items": {"$ref": "#/components/schemas/ClaimView"}},
        "quote": {"$ref": "#/components/schemas/Quote"},
        "warnings": {
            "type": "array",
            "description": "What is odd about the bill and did not refuse it; absent where nothing is.",
            "items": {
                "type": "object",
                "required": ["rule", "fields", "zh", "en"],
                "properties": {
                    "rule": {"type": "string", "description": "By its number in docs/model.md, like claim-19."},
                    "fields": {"type": "array", "items": {"type": "string"}},
                    "zh": {"type": "string"},
                    "en": {"type": "string"},
                },
            },
        },
        "links": {"type": "object", "properties": {"self": {"type": "string"}, "confirm": {"type": "string"}}},
    },
}
_EVENTS = {
    "type": "object",
    "required": ["events"],
    "properties": {
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["seq", "event_id", "order_id", "kind", "at"],
                "properties": {
                    "seq": {"type": "integer"},
                    "event_id": {"type": "string"},
                    "order_id": {"type": "string"},
                    "kind": {"type": "string"},
                    "at": {"type": "integer", "description": "Epoch milliseconds."},
                },
            },
        }
    },
}


def _answer(text: str, schema: str, media: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _refusals(*codes: int) -> dict[str, Any]:
    texts = {
        400: "The request's form is wrong.",
        401: "The caller is not known, or the request was received before.",
        403: "The caller is known, but may not speak for this hospital.",
        404: "No such thing for this caller.",
        409: "The order's state does not allow this.",
        408: "The body was not whole in time.",
        413: "The body is too large.",
        422: "The bill breaks the model, the money does not tie out, or the Idempotency-Key was used for another one.",
        429: "More requests a second than agreed; wait as long as Retry-After says.",
        503: "Overloaded or not ready: nothing was accepted.",
    }
    return {str(code): _answer(texts[code], "Problem", "application/problem+json") for code in codes}


def _behind_entrance(paths: dict[str, Any]) -> None:
    """What is answered before a route is reached, or read of its body, is told of every route alike; SOAP tells it as a fault."""
    for path, methods in paths.items():
        for method in methods.keys() & {"get", "post", "put"} if path != SOAP_PATH else ():
            body = () if method == "get" else (408, 413, 503)
            one = methods[method]
            methods[method] = one | {"responses": _refusals(400, 401, 403, 429, *body) | one["responses"]}


def _submit(form: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Submission"} if form is None else {"type": "object"}
    media = ["application/json"] if form is None else ["application/json", "application/xml", "text/csv"]
    return {
        "operationId": "submit" if form is None else "submitInFormat",
        "summary": "Submit one bill; the same key and bill give the same answer.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "maxLength": 64},
            },
            {
                "name": "Prefer",
                "in": "header",
                "description": "RFC 7240; Preference-Applied in the answer names what was applied.",
                "schema": {"type": "string", "examples": ["wait=20", "wait=20, confirm, quick-claim"]},
            },
            FOR_HOSPITAL,
        ]
        + (
            []
            if form is None
            else [{"name": "format", "in": "path", "required": True, "schema": {"enum": form.split(",")}}]
        ),
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in media}},
        "responses": {
            "200": _answer("Decided.", "Order"),
            "202": _answer("Accepted and durable; ask at Location.", "Order"),
            **_refusals(400, 401, 408, 409, 413, 422, 429, 503),
        },
    }


_PROOFS = {
    "mutualTLS": {"type": "mutualTLS"},
    "requestSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421, see docs/hospital-door.md.",
    },
    "password": {"type": "http", "scheme": "basic", "description": "At /v1/soap only."},
}


def openapi_document(formats: tuple[str, ...]) -> dict[str, Any]:
    """OpenAPI 3.1 of the hospital door; ``formats`` are the hospital formats besides canonical."""
    document = _document(formats)
    _behind_entrance(document["paths"])
    tell_decimals(document["components"]["schemas"])
    return document


def _explained() -> dict[str, Any]:
    return {
        "operationId": "errorCode",
        "summary": "What a code means and what to do about it, in Chinese and English: where a problem's `type` leads.",
        "security": [],
        "parameters": [{"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {"200": {"description": "Meaning, who acts, what to do."}, **_refusals(404)},
    }


def _document(formats: tuple[str, ...]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([Submission, *ROOTS], ref_template=_REF)
    components |= body_schemas(_REF) | case_schemas(_REF)
    own: dict[str, Any] = {"Problem": _PROBLEM, "ClaimView": _CLAIM, "Order": _ORDER, "Events": _EVENTS, **SCHEMAS}
    own |= COMPONENTS | COUNTER_SCHEMAS | {"Upload": UPLOAD}
    order_id = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}
    after = {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0, "default": 0}}
    foreign = ",".join(form for form in formats if form != "canonical")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lianpei 联赔 hospital door",
            "version": "1",
            "description": "Connect once and reach every insurer. Amounts are whole 分. "
            "Authenticate by client certificate or RFC 9421 signature.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"mutualTLS": []}, {"requestSignature": []}],
        "paths": {
            "/v1/claims": {"post": _submit(None)},
            **({"/v1/claims/{format}": {"post": _submit(foreign)}} if foreign else {}),
            **carried_paths(_refusals(400, 401, 408, 413, 429, 503)),
            **counter_paths(_answer, _refusals, _submit(None)),
            **case_paths(_answer, _refusals, _submit(None)),
            "/v1/orders/{order_id}": {
                "get": {
                    "operationId": "order",
                    "summary": "The bill as it stands.",
                    "parameters": [order_id],
                    "responses": {"200": _answer("The bill.", "Order"), **_refusals(401, 404, 429)},
                }
            },
            **undo_paths(
                {
                    "200": _answer("The undo.", "Undo"),
                    "202": _answer("Durable; look at Location.", "Undo"),
                    "all": _answer("The undos.", "Undos"),
                },
                _refusals,
            ),
            **paths(_answer, _refusals),
            "/errors/{code}": {"get": _explained()},
            "/v1/events": {
                "get": {
                    "operationId": "events",
                    "summary": "What happened since the last seq you saw.",
                    "parameters": [after],
                    "responses": {"200": _answer("Events in order.", "Events"), **_refusals(400, 401, 429)},
                }
            },
            **delivery_paths(_answer, _refusals),
            **statement_paths(_answer, _refusals),
        },
        "components": {
            "schemas": {**components, **own, **undo_schemas()},
            "securitySchemes": _PROOFS,
        },
    }
