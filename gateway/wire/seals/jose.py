"""What JWS and JWE share: tokens and headers read strictly, before anything in them may choose how they are read.

Source: RFC 7515, RFC 7516, RFC 8725 (JWT best current practice).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.kernel.strictjson import MAX_BYTES
from gateway.wire.seals import refusal
from gateway.wire.seals.encodings import from_base64url
from gateway.wire.seals.members import json_object

OWN_KEYS = frozenset({"jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"})
"""Header members by which a message would bring or point to its own key."""
MAX_HEADER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """A compact JWE taken apart, every part in its one spelling."""

    text: bytes
    head: bytes
    """The protected header as it travels, which is what the tag covers."""
    header: Mapping[str, Any]
    carried: bytes
    vector: bytes
    content: bytes
    tag: bytes

    @classmethod
    def read(cls, text: bytes, agreed: Mapping[str, Any], kid: str = "") -> "Token":
        """What is not as agreed (``require_agreed``), or no such token (seal-form), is refused before anything is decrypted."""
        parts = text.split(b".")
        if len(parts) != 5 or len(parts[0]) > MAX_HEADER or len(parts[3]) > MAX_BYTES:
            raise refusal.form("a compact JWE has five parts")
        header = header_of(parts[0])
        require_agreed(header, agreed, kid)
        told = (base64url(part, "a part of the token is no Base64url text") for part in parts[1:])
        return cls(text, parts[0], header, *told)

    @property
    def once(self) -> str:
        """What tells this token from every other: header, vector and tag."""
        return hashlib.sha256(self.head + self.vector + self.tag).hexdigest()


def header_of(segment: bytes) -> dict[str, Any]:
    """A protected header. Raises ``SealRefused`` (seal-form) for no strict JSON object in Base64url."""
    return json_object(base64url(segment, "the protected header is no Base64url text"))


def base64url(segment: bytes, what: str) -> bytes:
    """Only the one spelling without padding. Raises ``SealRefused`` (seal-form) that says ``what``."""
    try:
        return from_base64url(segment)
    except ValueError:
        raise refusal.form(what) from None


def require_agreed(header: Mapping[str, Any], agreed: Mapping[str, Any], kid: str) -> None:
    """Hold a header against the agreement. Raises ``SealRefused``, one code per reason.

    ``agreed`` gives each member that decides how the message is read (``alg``, ``enc``, ``b64``, ``crit``, ``cty``) its one
    value; a deciding member that is not agreed must be absent. ``kid`` is the agreed key id or empty.
    """
    if header.get("alg") == "none":
        raise refusal.unsigned("the message says that it is not signed")
    for name in ("alg", "enc"):
        if header.get(name) != agreed.get(name):
            raise refusal.algorithm()
    if "zip" in header:
        raise refusal.algorithm("the message is compressed, which was not agreed")
    if OWN_KEYS & header.keys():
        raise refusal.untrusted("the message brings its own key; only the agreed one counts")
    for name in ("b64", "crit", "cty"):
        if header.get(name) != agreed.get(name):
            raise refusal.header(f"the header member {name} is not as agreed")
    if kid and header.get("kid") != kid:
        raise refusal.untrusted("the message names another key than the agreed one")
