"""The operators' door as OpenAPI 3.1, made from its own routes, so that none can be forgotten.

Summaries are the first sentences of the handlers; what a route takes and which role it asks for stands in ``ROUTES``.
"""

import inspect
import re
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from gateway.claims.conversation.correction import Proposal
from gateway.claims.operators.roles import Role
from gateway.claims.operators.worklist import Accepted, Assigned
from gateway.claims.reconciliation.desk import Entry, Owned

_IN_PATH = re.compile(r"\{([a-z_]+)\}")
_PROBLEM = "application/problem+json"


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is done: a case or ticket number without names."""

    reason: str


class Route(NamedTuple):
    role: Role | None = None
    """Nothing: any operator."""
    takes: type[msgspec.Struct] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/admin/claims"): Route(Role.VIEW, query=("state", "insurer", "after")),
    ("GET", "/admin/claims/{claim_id}"): Route(Role.VIEW),
    ("GET", "/admin/claims/{claim_id}/messages/{number}"): Route(Role.VIEW_BODY, headers=("X-Reason",)),
    ("POST", "/admin/claims/{claim_id}/enquire"): Route(Role.RE_DRIVE, Reasoned, 202),
    ("POST", "/admin/claims/{claim_id}/acts/{act}"): Route(Role.RE_DRIVE, Reasoned),
    ("GET", "/admin/corrections"): Route(Role.VIEW, query=("state",)),
    ("POST", "/admin/corrections"): Route(Role.RE_DRIVE, Proposal, 201),
    ("POST", "/admin/corrections/{correction_id}/approve"): Route(Role.CONFIGURE),
    ("POST", "/admin/corrections/{correction_id}/withdraw"): Route(Role.RE_DRIVE),
    ("GET", "/admin/recon"): Route(Role.VIEW, query=("day", "peer", "state")),
    ("GET", "/admin/recon/{recon_id}"): Route(Role.VIEW),
    ("GET", "/admin/recon/{recon_id}/report"): Route(Role.VIEW, query=("form",)),
    ("POST", "/admin/recon/days/{day}/{peer}/run"): Route(Role.RE_DRIVE),
    ("POST", "/admin/recon/days/{day}/{peer}/statement"): Route(Role.RE_DRIVE, query=("hospital",)),
    ("POST", "/admin/recon/items/{item_id}/owner"): Route(Role.RE_DRIVE, Owned),
    ("POST", "/admin/recon/entries"): Route(Role.RE_DRIVE, Entry, 201),
    ("POST", "/admin/recon/entries/{entry_id}/approve"): Route(Role.CONFIGURE),
    ("POST", "/admin/recon/entries/{entry_id}/withdraw"): Route(Role.RE_DRIVE),
    ("GET", "/admin/webhooks"): Route(Role.VIEW),
    ("GET", "/admin/webhooks/{hospital}/deliveries"): Route(Role.VIEW, query=("state", "after")),
    ("POST", "/admin/webhooks/{hospital}/enable"): Route(Role.RE_DRIVE),
    ("POST", "/admin/events/{event_id}/resend"): Route(Role.RE_DRIVE, status=202),
    ("GET", "/admin/worklist"): Route(Role.VIEW, query=("insurer", "owner", "after")),
    ("POST", "/admin/worklist/{item_id}/enquire"): Route(Role.RE_DRIVE, Reasoned, 202),
    ("POST", "/admin/worklist/{item_id}/redrive"): Route(Role.RE_DRIVE, Reasoned, 202),
    ("POST", "/admin/worklist/{item_id}/reverse"): Route(Role.RE_DRIVE, Reasoned, 202),
    ("POST", "/admin/worklist/{item_id}/accept"): Route(Role.RE_DRIVE, Accepted, 201),
    ("POST", "/admin/worklist/{item_id}/assign"): Route(Role.RE_DRIVE, Assigned),
    ("POST", "/admin/worklist/{item_id}/release"): Route(Role.RE_DRIVE, Accepted, 201),
    ("POST", "/admin/worklist/{item_id}/recover"): Route(Role.RE_DRIVE, Accepted, 201),
    ("GET", "/admin/late-payouts"): Route(Role.VIEW),
    ("GET", "/admin/weak-crypto"): Route(Role.VIEW),
    ("GET", "/admin/openapi.json"): Route(),
}


def admin_document(app: web.Application) -> dict[str, Any]:
    """Every route of ``app`` below ``/admin/``. One that is not in ``ROUTES`` is told with what its handler says."""
    structs = [route.takes for route in ROUTES.values() if route.takes is not None]
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if path.startswith("/admin/") and route.method != "HEAD":
            paths.setdefault(path, {})[route.method.lower()] = _operation(route.method, path, route.handler)
    problem = {"type": "object", "required": ["type", "title", "status", "code"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lianpei 联赔 operators' door",
            "version": "1",
            "description": "For persons with roles (docs/admin.md). Amounts are whole 分; nothing medical without view-body.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"certificate": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**components, "Problem": problem},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
    }


def _name(handler: Any) -> str:
    """The handler's name, with its part of the door before it where that has one (``AdminRecon.propose``)."""
    part = handler.__qualname__.partition(".")[0].removeprefix("Admin").lower()
    return f"{part}_{handler.__name__}" if part else str(handler.__name__)


def _operation(method: str, path: str, handler: Any) -> dict[str, Any]:
    known = ROUTES.get((method, path), Route())
    told: dict[str, Any] = {
        "operationId": _name(handler),
        "summary": (inspect.getdoc(handler) or handler.__name__.replace("_", " ")).partition("\n")[0],
        "parameters": [_parameter(name, "path") for name in _IN_PATH.findall(path)]
        + [_parameter(name, "query") for name in known.query]
        + [_parameter(name, "header") for name in known.headers],
        "responses": {
            str(known.status): {
                "description": "Done.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "default": {"description": "Refused.", "content": {_PROBLEM: {"schema": _reference("Problem")}}},
        },
    }
    if known.role is not None:
        told["description"] = f"Asks for the role {known.role.value}."
    if known.takes is not None:
        schema = _reference(known.takes.__name__)
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place != "query", "schema": {"type": "string"}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
