"""The switch's own rules: tokens, protocol headers, acknowledgements and error answers."""

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.kernel.clock import Clock
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.trouble import Repertoire

PROVIDER, PAYOR = "TESTPROVIDER@test", "TESTPAYOR@test"
CLIENT_ID, USER = "registry-frontend", "TESTPROVIDER"
CLOCK_SLACK_MS = 60_000
_MANDATORY = ("sender_code", "recipient_code", "api_call_id", "correlation_id", "timestamp")


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the exchange: where it goes, what it carries and where its result is sent."""

    op: str
    answer: str
    resource: str
    """Expected main resource."""
    use: str = ""
    """Expected ``use`` of a Claim."""


ROUTES = {
    route.op: route
    for route in (
        Route("coverageeligibility/check", "coverageeligibility/on_check", "CoverageEligibilityRequest"),
        Route("predetermination/submit", "predetermination/on_submit", "Claim", "predetermination"),
        Route("preauth/submit", "preauth/on_submit", "Claim", "preauthorization"),
        Route("claim/submit", "claim/on_submit", "Claim", "claim"),
        Route("paymentnotice/request", "paymentnotice/on_request", "PaymentNotice"),
        Route("communication/request", "communication/on_request", "Communication"),
    )
}
STATUS = "hcx/status"
TOKEN = "auth/token"  # noqa: S105 - the name of an operation
WANTED = "communication/wanted"
"""How scripts and notices name the payer's own request for documents."""
_RESULTS = frozenset(route.answer for route in ROUTES.values())
_DECISION = "claim/on_submit"
REPERTOIRE = Repertoire(
    answers=frozenset({*ROUTES, STATUS, TOKEN}),
    callbacks=_RESULTS | {WANTED},
    deciding=frozenset({"claim/submit", _DECISION}),
    signature=rb'"payload":"[^"]*\.(\w)',
    signed=_RESULTS | {WANTED},
    amounts=frozenset({"predetermination/on_submit", "preauth/on_submit", _DECISION}),
    material=frozenset({"claim/submit"}),
)
"""Sealed are the callbacks only: an answer says no more than that the call was taken."""


@dataclass(slots=True)
class Tokens:
    clock: Clock
    password: str
    ttl_s: int
    _valid: dict[str, float] = field(default_factory=dict)

    def grant(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """Password grant. Raises ``Violation`` (``ERR_ACCESS_DENIED``)."""
        known = (form.get("client_id"), form.get("username"), form.get("grant_type")) == (CLIENT_ID, USER, "password")
        given = str(form.get("password", "")).encode()
        if not hmac.compare_digest(given, self.password.encode()) or not known:
            raise Violation("ERR_ACCESS_DENIED", "client, user or password is wrong")
        token = secrets.token_urlsafe(24)
        self._valid[token] = self.clock.monotonic() + self.ttl_s
        return {"access_token": token, "expires_in": self.ttl_s, "token_type": "Bearer"}

    def require(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or self._valid.get(token, 0) <= self.clock.monotonic():
            raise Violation("ERR_ACCESS_DENIED", "the token is missing, unknown or expired")


@dataclass(frozen=True, slots=True)
class Call:
    api_call_id: str
    correlation_id: str
    workflow_id: str

    def acknowledged(self, clock: Clock) -> dict[str, Any]:
        return {
            "timestamp": now_ms(clock),
            "api_call_id": self.api_call_id,
            "correlation_id": self.correlation_id,
        }


def now_ms(clock: Clock) -> str:
    return str(int(clock.now().timestamp() * 1000))


def read_headers(headers: Mapping[str, Any], clock: Clock) -> Call:
    """Check the protocol headers. Raises ``Violation`` with the switch's code for the first one that is wrong."""
    values = {name: headers.get(f"x-hcx-{name}") for name in _MANDATORY}
    if not all(isinstance(value, str) and value for value in values.values()):
        raise Violation("ERR_MANDATORY_HEADER_MISSING", "a mandatory header is missing")
    if values["sender_code"] != PROVIDER:
        raise Violation("ERR_INVALID_SENDER", "sender is not in the registry")
    if values["recipient_code"] != PAYOR:
        raise Violation("ERR_INVALID_RECIPIENT", "recipient is not in the registry")
    for name in ("api_call_id", "correlation_id"):
        if not _is_uuid(str(values[name])):
            raise Violation(f"ERR_INVALID_{name.upper()}", "ids are plain UUIDs")
    stamp = str(values["timestamp"])
    if not stamp.isdecimal() or int(stamp) > int(now_ms(clock)) + CLOCK_SLACK_MS:
        raise Violation("ERR_INVALID_TIMESTAMP", "the timestamp is no milliseconds text or lies in the future")
    workflow = headers.get("x-hcx-workflow_id")
    return Call(str(values["api_call_id"]), str(values["correlation_id"]), str(workflow or ""))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def answer_headers(call: Call, api_call_id: str, status: str, clock: Clock) -> dict[str, Any]:
    """Headers of a callback: codes exchanged, same correlation and workflow, its own call id."""
    workflow = {"x-hcx-workflow_id": call.workflow_id} if call.workflow_id else {}
    return {
        "x-hcx-sender_code": PAYOR,
        "x-hcx-recipient_code": PROVIDER,
        "x-hcx-api_call_id": api_call_id,
        "x-hcx-correlation_id": call.correlation_id,
        **workflow,
        "x-hcx-timestamp": now_ms(clock),
        "x-hcx-status": status,
    }


def error(refused: Violation) -> dict[str, str]:
    return {"code": refused.peer_code, "message": refused.message, "trace": ""}
