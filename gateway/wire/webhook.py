"""Signs what we bring to a hospital, in the form of Standard Webhooks: the receiver needs a few lines (docs/webhooks.md).

Signed is ``<id>.<timestamp>.<body>``. ``v1`` is HMAC-SHA256 under a shared secret, ``v1a`` is Ed25519. While keys are
exchanged the header lists one signature per key, and a receiver takes the message when any of them is good.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing

PREFIX = "whsec_"
"""Before the Base64 of a shared secret, as Standard Webhooks writes it; a secret without it is used as its UTF-8 bytes."""
LEAST_BYTES = 24

_Sign = Callable[[bytes], str]


class Signer:
    """Signs under the keys of one role: the one in use and, on their days, those beside it (``rotation.toml``)."""

    def __init__(self, keys: KeyRing, role: str) -> None:
        """Raises ``ConfigRefused`` when the role's key is missing, too short or of another kind."""
        self._keys = keys
        self._role = role
        for name in keys.alternatives(role):
            _sign_with(keys, name)

    def headers(self, event_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """The three headers of one attempt; ``now`` is the attempt's time, the id stays that of the event.

        Keys are looked up each time, so that a key that was exchanged signs the next attempt.
        """
        stamp = str(int(now.timestamp()))
        signed = b".".join((event_id.encode("ascii"), stamp.encode("ascii"), body))
        counting = [name for name in self._keys.alternatives(self._role) if self._keys.counts(self._role, name, now)]
        return {
            "webhook-id": event_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(_sign_with(self._keys, name)(signed) for name in counting),
        }


def _sign_with(keys: KeyRing, name: str) -> _Sign:
    entry = keys.itself(name)
    if isinstance(entry.private, Ed25519PrivateKey):
        private = entry.private
        return lambda signed: "v1a," + base64.b64encode(private.sign(signed)).decode("ascii")
    if entry.secret is None:
        raise _unfit(name)
    secret = _secret_bytes(name, entry.secret.expose())
    return lambda signed: "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii")


def _secret_bytes(name: str, text: str) -> bytes:
    try:
        secret = base64.b64decode(text[len(PREFIX) :], validate=True) if text.startswith(PREFIX) else text.encode()
    except binascii.Error:
        raise _unfit(name) from None
    if len(secret) < LEAST_BYTES:
        raise _unfit(name)
    return secret


def _unfit(name: str) -> ConfigRefused:
    return ConfigRefused(
        f"{name} can't sign webhooks",
        code="webhook-key",
        hint=f"Give a secret of {LEAST_BYTES} bytes or more ({PREFIX}<Base64>) or an Ed25519 key.",
    )
