"""Errors as hospitals see them: RFC 9457 problem documents with a stable code, what to do, and never a stack trace."""

from typing import Any

import msgspec
from aiohttp import web

from gateway.claims.door.soap_words import fault
from gateway.kernel.errors import BadRequest, LianpeiError, NotFound
from gateway.kernel.errorwords import PAGES, explained, problem_document, said
from gateway.telemetry.logs import get_logger
from gateway.wire.politeness import due_headers

_log = get_logger("lianpei.door")
SOAP_PATH = "/v1/soap"
REQUEST_ID = "X-Request-Id"
"""On every refusal of the doors for hospitals and insurers: by it support finds the log line. It is no part of the body, so
that what is another's is answered byte for byte as what is not there."""


def named(wrong: Exception) -> LianpeiError:
    """What went wrong as an error with a stable code."""
    if isinstance(wrong, LianpeiError):
        return wrong
    if isinstance(wrong, web.HTTPException):
        code = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}.get(wrong.status, "bad-request")
        return BadRequest(wrong.reason, code=code, hint="See /openapi.json for what this door offers.")
    return LianpeiError(
        "the gateway made a mistake; nothing was confirmed", hint="Ask for the status, then send again."
    )


def answer_to(request: web.Request, wrong: Exception, challenge: str = "Signature") -> web.Response:
    """The one boundary where an exception becomes an answer. ``challenge`` is how this door has its callers prove themselves."""
    error = named(wrong)
    if not isinstance(wrong, LianpeiError | web.HTTPException):
        _log.event("door-broke", code=type(wrong).__name__)
    status = wrong.status if isinstance(wrong, web.HTTPException) else error.http_status
    headers = {"Content-Type": "application/problem+json", **due_headers(wrong, status, challenge)}
    if error.retry_after_s:
        headers["Retry-After"] = str(error.retry_after_s)
    if request.path == SOAP_PATH:
        return _fault(error, status)
    body = msgspec.json.encode(problem_document(status, said(error)))
    return web.Response(status=status, body=body, headers=headers)


def _fault(error: LianpeiError, status: int) -> web.Response:
    """A SOAP client reads faults only, and many read them under HTTP 500 only (SOAP 1.1, section 6.2)."""
    body = fault(status, error)
    return web.Response(status=500, body=body, headers={"Content-Type": "text/xml; charset=utf-8"})


@web.middleware
async def answer_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """For a door that counts nothing: the operators' and the keeper's."""
    try:
        require_plain_bytes(request)
        response: web.StreamResponse = await handler(request)
    except Exception as wrong:
        return answer_to(request, wrong, "Bearer")
    return response


async def explain(request: web.Request) -> web.Response:
    """``GET /errors/{code}``: where a problem's ``type`` leads, open to anybody."""
    told = explained(request.match_info["code"])
    if told is None:
        raise NotFound("no such error code", hint="Codes are listed in docs/errors.md.")
    return web.Response(body=msgspec.json.encode(told), headers={"Content-Type": "application/json"})


def add_explanations(app: web.Application) -> None:
    app.router.add_get(PAGES + "{code}", explain)


def require_plain_bytes(request: web.Request) -> None:
    """Raises ``BadRequest`` for a body that must be unpacked first."""
    told = request.headers.get("Content-Encoding")
    if told is not None and told.strip().lower() not in ("", "identity"):
        raise BadRequest(
            "a compressed body is not taken", code="encoding-not-taken", hint="Send the body without Content-Encoding."
        )
