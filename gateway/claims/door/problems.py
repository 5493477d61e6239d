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


def _from_error(error: LianpeiError) -> web.Response:
    status = 503 if isinstance(error, Busy) else error.http_status
    answer = problem(status, error.error_code, error.message, error.hint, error.fields)
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def answer_to(request: web.Request, wrong: Exception) -> web.Response:
    """The one boundary where an exception becomes an answer."""
    if isinstance(wrong, LianpeiError):
        said = _from_error(wrong)
    elif isinstance(wrong, web.HTTPException):
        code = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}.get(wrong.status, "bad-request")
        said = problem(wrong.status, code, wrong.reason, "See /openapi.json for what this door offers.")
    else:
        _log.event("door-broke", code=type(wrong).__name__)
        said = problem(
            500, "internal", "the gateway made a mistake; nothing was confirmed", "Ask for the status, then send again."
        )
    return _spoken(request, said)


@web.middleware
async def answer_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """For a door that counts nothing."""
    try:
        require_plain_bytes(request)
        response: web.StreamResponse = await handler(request)
    except Exception as wrong:
        return answer_to(request, wrong)
    return response


def _spoken(request: web.Request, said: web.Response) -> web.Response:
    """A SOAP client reads faults only, and many read them under HTTP 500 only (SOAP 1.1, section 6.2)."""
    if request.path != SOAP_PATH:
        return said
    assert isinstance(said.body, bytes)
    told = msgspec.json.decode(said.body)
    body = fault(said.status, told["code"], told["title"], told.get("hint", ""))
    return web.Response(status=500, body=body, headers={"Content-Type": "text/xml; charset=utf-8"})


def require_plain_bytes(request: web.Request) -> None:
    """Raises ``BadRequest`` for a body that must be unpacked first."""
    said = request.headers.get("Content-Encoding")
    if said is not None and said.strip().lower() not in ("", "identity"):
        raise BadRequest(
            "a compressed body is not taken", code="encoding-not-taken", hint="Send the body without Content-Encoding."
        )
