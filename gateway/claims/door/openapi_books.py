"""The hospital door's routes about its feed and its books, for the OpenAPI document."""

from collections.abc import Callable
from typing import Any

Answer = Callable[..., dict[str, Any]]
Refusals = Callable[..., dict[str, Any]]

_ACK = {
    "type": "object",
    "required": ["upto"],
    "additionalProperties": False,
    "properties": {"upto": {"type": "integer", "minimum": 0, "description": "The last seq that you have."}},
}
_ACKED = {
    "type": "object",
    "required": ["upto", "waiting"],
    "properties": {"upto": {"type": "integer"}, "waiting": {"type": "integer"}},
}
_DELIVERY = {
    "type": "object",
    "required": ["event_id", "order_id", "kind", "seq", "state", "attempts"],
    "properties": {
        "event_id": {"type": "string"},
        "hospital": {"type": "string"},
        "order_id": {"type": "string"},
        "kind": {"type": "string"},
        "seq": {"type": "integer"},
        "state": {"type": "string", "enum": ["waiting", "delivered", "given_up"]},
        "attempts": {"type": "integer"},
        "status": {"type": "integer", "description": "HTTP status of the last attempt, 0 without an answer."},
        **{name: {"type": "integer", "description": "Epoch milliseconds."} for name in ("at", "next_at", "sent_at")},
    },
}


_COMPARED = {
    "type": "object",
    "required": ["day", "insurer", "equal", "differences"],
    "properties": {
        "day": {"type": "string", "format": "date"},
        "insurer": {"type": "string"},
        "equal": {"type": "boolean"},
        "differences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "class": {"type": "string"},
                    "line_number": {"type": "integer", "description": "Line of your document, the header apart."},
                    "ours_fen": {"type": "integer"},
                    "theirs_fen": {"type": "integer"},
                },
            },
        },
    },
}


COMPONENTS: dict[str, Any] = {
    "Acknowledge": _ACK,
    "Acknowledged": _ACKED,
    "Delivery": _DELIVERY,
    "StatementCompared": _COMPARED,
}


def delivery_paths(answer: Answer, refusals: Refusals) -> dict[str, Any]:
    event = {"name": "event_id", "in": "path", "required": True, "schema": {"type": "string"}}
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Acknowledge"}}}
    return {
        "/v1/events/ack": {
            "post": {
                "operationId": "acknowledge",
                "summary": "Every event up to a seq is here; answers then say in Lianpei-Mail how many wait.",
                "requestBody": {"required": True, "content": body},
                "responses": {"200": answer("Kept.", "Acknowledged"), **refusals(400, 401, 408, 413, 429)},
            }
        },
        "/v1/events/{event_id}/resend": {
            "post": {
                "operationId": "resend",
                "summary": "Bring an event to the webhook again, under the id it always had; named by id or seq.",
                "parameters": [event],
                "responses": {
                    "202": answer("It will be brought.", "Delivery"),
                    **refusals(401, 404, 429),
                    "409": answer("The hospital has no webhook.", "Problem", "application/problem+json"),
                },
            }
        },
    }


def statement_paths(answer: Answer, refusals: Refusals) -> dict[str, Any]:
    day = {"name": "day", "in": "path", "required": True, "schema": {"type": "string", "format": "date"}}
    insurer = {"name": "insurer", "in": "path", "required": True, "schema": {"type": "string"}}
    book = {"text/csv": {"schema": {"type": "string"}}}
    not_locked = answer("The day's books are not locked.", "Problem", "application/problem+json")
    return {
        "/v1/statements/{day}/{insurer}": {
            "parameters": [day, insurer],
            "get": {
                "operationId": "readStatement",
                "summary": "Our locked book of your acts of a day, as CSV.",
                "responses": {
                    "200": {"description": "The book.", "content": book},
                    "409": not_locked,
                    **refusals(400, 401, 429),
                },
            },
            "post": {
                "operationId": "bringStatement",
                "summary": "Your own book of a day as CSV; the answer says what differs from ours.",
                "requestBody": {"required": True, "content": book},
                "responses": {
                    "200": answer("What differs.", "StatementCompared"),
                    "409": not_locked,
                    **refusals(400, 401, 408, 413, 429),
                },
            },
        }
    }
