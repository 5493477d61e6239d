"""The hospital door as OpenAPI: files of many bills, and SOAP."""

from typing import Any

UPLOAD: dict[str, Any] = {
    "type": "object",
    "required": ["accepted", "refused", "bills"],
    "properties": {
        "accepted": {"type": "integer"},
        "refused": {"type": "integer"},
        "bills": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["bill", "lines", "state"],
                "properties": {
                    "bill": {"type": "string", "description": "The key that the file gives this bill."},
                    "lines": {
                        "type": "array",
                        "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
                        "description": "The bill's lines of the file: runs of first and last.",
                    },
                    "state": {"type": "string", "enum": ["accepted", "refused"]},
                    "order_id": {"type": "string"},
                    "code": {"type": "string"},
                    "title": {"type": "string"},
                    "zh": {"type": "string"},
                    "hint": {"type": "string"},
                    "fields": {"type": "array", "items": {"type": "string"}},
                    "errors": {"$ref": "#/components/schemas/Problem/properties/errors"},
                    "wrong_lines": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
    },
}
_SHOWN = {"$ref": "#/components/schemas/Upload"}
_TEXT = {"schema": {"type": "string"}}


def carried_paths(refusals: dict[str, Any]) -> dict[str, Any]:
    """Bills that come otherwise than one in one JSON body."""
    wsdl = {"200": {"description": "WSDL 1.1.", "content": {"text/xml": _TEXT}}}
    answers = {
        "200": {"description": "The answer's text, also where the message is refused.", "content": {"text/xml": _TEXT}},
        "500": {
            "description": "A fault: the call itself is wrong, or nothing was accepted.",
            "content": {"text/xml": _TEXT},
        },
    }
    call = {"operationId": "soapCall", "summary": "HIPMessageServer(input1, input2); see docs/hospital-soap.md."}
    return {
        "/v1/uploads/csv": {
            "post": {
                "operationId": "uploadBills",
                "summary": "Submit many bills in one file; each is taken whole or refused with its lines.",
                "requestBody": {"required": True, "content": {"text/csv": _TEXT}},
                "responses": {
                    "200": {
                        "description": "Every row is accounted for.",
                        "content": {"application/json": {"schema": _SHOWN}},
                    },
                    **refusals,
                },
            }
        },
        "/v1/soap": {
            "post": {**call, "requestBody": {"required": True, "content": {"text/xml": _TEXT}}, "responses": answers},
            "get": {"operationId": "wsdl", "summary": "The WSDL (?wsdl).", "security": [], "responses": wsdl},
        },
    }
