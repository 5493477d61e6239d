"""Errors as hospitals see them: RFC 9457 problem documents with a stable code, what to do, and never a stack trace."""

from typing import Any

import msgspec
from aiohttp import web

from gateway.claims.door.soap_words import fault
from gateway.kernel.errors import BadRequest, Busy, LianpeiError, TooOften
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.door")
SOAP_PATH = "/v1/soap"
TYPE_BASE = "https://lianpei.example/errors/"
FAMILY = web.ResponseKey("lianpei.family", str)
"""Where an answer says to our own middleware which error family it tells of: a closed set, good as a metric's label."""


def problem(
    status: int, code: str, title: str, hint: str = "", fields: tuple[str, ...] = (), **more: Any
) -> web.Response:
    body: dict[str, Any] = {"type": TYPE_BASE + code, "title": title, "status": status, "code": code}
    if hint:
        body["hint"] = hint
    if fields:
        body["fields"] = fields
    body.update(more)
    headers = {"Content-Type": "application/problem+json"}
    if status in (409, 503, 429):
        headers["Retry-After"] = "1"
    return web.Response(status=status, body=msgspec.json.encode(body), headers=headers)


def from_error(error: LianpeiError) -> web.Response:
    status = 503 if isinstance(error, Busy) else error.http_status
    answer = problem(status, error.error_code, error.message, error.hint, error.fields)
    answer[FAMILY] = error.code
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


@web.middleware
async def answer_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """The one boundary where an exception becomes an answer."""
    try:
        _require_plain_bytes(request)
        response: web.StreamResponse = await handler(request)
    except LianpeiError as known:
        return _spoken(request, from_error(known))
    except web.HTTPException as routed:
        code = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}.get(routed.status, "bad-request")
        said = problem(routed.status, code, routed.reason, "See /openapi.json for what this door offers.")
        return _spoken(request, said)
    except Exception as bug:
        _log.event("door-broke", code=type(bug).__name__)
        said = problem(
            500, "internal", "the gateway made a mistake; nothing was confirmed", "Ask for the status, then send again."
        )
        return _spoken(request, said)
    return response


def _spoken(request: web.Request, said: web.Response) -> web.Response:
    """A SOAP client reads faults only, and many read them under HTTP 500 only (SOAP 1.1, section 6.2)."""
    if request.path != SOAP_PATH:
        return said
    assert isinstance(said.body, bytes)
    told = msgspec.json.decode(said.body)
    body = fault(said.status, told["code"], told["title"], told.get("hint", ""))
    answer = web.Response(status=500, body=body, headers={"Content-Type": "text/xml; charset=utf-8"})
    if (family := said.get(FAMILY)) is not None:
        answer[FAMILY] = family
    return answer


def _require_plain_bytes(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise BadRequest(
            "a compressed body is not taken", code="encoding-not-taken", hint="Send the body without Content-Encoding."
        )
