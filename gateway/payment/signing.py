"""How clearing proves itself to the payment room: HMAC-SHA256 over time, nonce, method, target and body."""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.kernel.errors import SealRefused
from gateway.kernel.secret import Secret

TIMESTAMP, NONCE, SIGNATURE = "X-Lianpei-Timestamp", "X-Lianpei-Nonce", "X-Lianpei-Signature"

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TIME = re.compile(r"[0-9]{1,12}")


def sign(secret: Secret[str], now: datetime, method: str, target: str, body: bytes) -> dict[str, str]:
    """The three headers for one request. ``target`` is the path with its query as sent; each call makes a new nonce."""
    timestamp, nonce = str(int(now.timestamp())), secrets.token_urlsafe(24)
    return {
        TIMESTAMP: timestamp,
        NONCE: nonce,
        SIGNATURE: _mac(secret, timestamp, nonce, method, target, body),
    }


def verify(
    secret: Secret[str],
    headers: Mapping[str, str],
    now: datetime,
    window: timedelta,
    method: str,
    target: str,
    body: bytes,
) -> str:
    """The nonce of a genuine, fresh request; the caller accepts it once. Raises ``SealRefused``."""
    timestamp, nonce = headers.get(TIMESTAMP, ""), headers.get(NONCE, "")
    if not _TIME.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise SealRefused("time or nonce is missing", code="seal-form", hint="Sign with gateway.payment.signing.sign.")
    expected = _mac(secret, timestamp, nonce, method, target, body)
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode("utf-8", "replace")):
        raise SealRefused("the signature is wrong", code="seal-bad-signature", hint="Both sides need one secret.")
    if abs(now.timestamp() - int(timestamp)) > window.total_seconds():
        raise SealRefused("the request is too old or from the future", code="seal-stale", hint="Set the clocks.")
    return nonce


def _mac(secret: Secret[str], timestamp: str, nonce: str, method: str, target: str, body: bytes) -> str:
    head = "\n".join((timestamp, nonce, method, target, "")).encode()
    return hmac.new(secret.expose().encode(), head + body, "sha256").hexdigest()
