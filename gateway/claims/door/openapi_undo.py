"""The undo routes of the hospital door in OpenAPI, from the tables and structs that the code uses."""

from typing import Any

import msgspec

from gateway.claims.undo.states import LEG_MACHINE, UNDO_MACHINE
from gateway.claims.undo.wish import LegWord, UndoWish

_REF = "#/components/schemas/{name}"
_TEXTS = {
    "type": "object",
    "required": ["zh", "en"],
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
}
_LEG = {
    "type": "object",
    "required": ["kind", "state", "amount_fen", "message"],
    "properties": {
        "kind": {"enum": ["claim", "yibao", "cash"]},
        "claim_id": {"type": ["string", "null"]},
        "insurer": {"type": ["string", "null"]},
        "state": {"enum": [state.value for state in LEG_MACHINE.states]},
        "cause": {"type": ["string", "null"]},
        "amount_fen": {"type": "integer"},
        "message": _TEXTS,
    },
}
_UNDO = {
    "type": "object",
    "required": ["undo_id", "order_id", "scope", "state", "reason", "amount_fen", "message", "legs"],
    "properties": {
        "undo_id": {"type": "string"},
        "order_id": {"type": "string"},
        "scope": {"enum": ["whole", "part", "counter"]},
        "state": {"enum": [state.value for state in UNDO_MACHINE.states]},
        "reason": {"type": "string"},
        "amount_fen": {"type": "integer", "description": "The part of the bill that is taken back."},
        "message": _TEXTS,
        "legs": {"type": "array", "items": _LEG, "description": "In the order in which they are undone; cash is last."},
        "links": {"type": "object"},
    },
}


def undo_schemas() -> dict[str, Any]:
    _, wishes = msgspec.json.schema_components([UndoWish, LegWord], ref_template=_REF)
    several = {"type": "array", "items": {"$ref": "#/components/schemas/Undo"}}
    return {**wishes, "Undo": _UNDO, "Undos": {"type": "object", "properties": {"undos": several}}}


def undo_paths(answers: dict[str, Any], refusals: Any) -> dict[str, Any]:
    """``answers`` by status for an undo that is shown; ``refusals`` gives the others."""
    named = {"in": "path", "required": True, "schema": {"type": "string"}}
    undo_id, order_id = {"name": "undo_id", **named}, {"name": "order_id", **named}
    key = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "maxLength": 64}}
    leg = {"name": "leg", "in": "path", "required": True, "schema": {"enum": ["yibao", "cash"]}}
    return {
        "/v1/orders/{order_id}/undo": {
            "post": {
                "operationId": "undo",
                "summary": "Take an order back, whole or in part; the same key and body give the same undo.",
                "parameters": [order_id, key],
                "requestBody": _body("UndoWish"),
                "responses": {"202": answers["202"], **refusals(400, 401, 404, 409, 422, 429, 503)},
            }
        },
        "/v1/orders/{order_id}/undos": {
            "get": {
                "operationId": "undos",
                "summary": "Every undo of an order, those that the gateway began too.",
                "parameters": [order_id],
                "responses": {"200": answers["all"], **refusals(401, 404, 429)},
            }
        },
        "/v1/undos/{undo_id}": {
            "get": {
                "operationId": "undoState",
                "summary": "The undo with the state of each leg.",
                "parameters": [undo_id],
                "responses": {"200": answers["200"], **refusals(401, 404, 429)},
            }
        },
        "/v1/undos/{undo_id}/{leg}": {
            "post": {
                "operationId": "undoLegDone",
                "summary": "The hospital itself undid 医保, or gave cash back at its window, or could not.",
                "parameters": [undo_id, leg],
                "requestBody": _body("LegWord"),
                "responses": {"200": answers["200"], **refusals(400, 401, 404, 409, 429)},
            }
        },
    }


def _body(name: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
