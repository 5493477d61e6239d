"""Request signatures for the hospital door: a fixed profile of RFC 9421 (signatures) and RFC 9530 (content digest).

Covered are ``@method``, ``@path``, ``@query``, ``content-digest`` and, when present, ``idempotency-key``; parameters
are ``created``, ``nonce``, ``keyid`` and ``alg``. The algorithm belongs to the stored key: a message can only agree.
"""

import binascii
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec
import pybase64

from gateway.kernel.errors import NotAllowed
from gateway.wire.httpsig_keys import RequestKey

IDEMPOTENCY_KEY = "idempotency-key"
_FIELDS = frozenset({"signature", "signature-input", "content-digest", IDEMPOTENCY_KEY})
"""The headers that the profile reads; no other one can be covered."""
_NEEDED = frozenset({"created", "nonce", "keyid"})

_LABEL = "sig1"
_COMPONENTS = r'"[a-z@-]+"(?: "[a-z@-]+")*'
_TEXT = r"[\x21\x23-\x5b\x5d-\x7e]"
_PARAMETERS = rf'(?:;(?:(?:created|expires)=[0-9]{{1,15}}|(?:nonce|keyid)="{_TEXT}+"|(?:alg|tag)="{_TEXT}*"))+'
_INPUT = re.compile(rf"([a-z*][a-z0-9_.*-]*)=(\(({_COMPONENTS})\)({_PARAMETERS}))")
_PARAMETER = re.compile(r';([a-z]+)="?((?<=")[^"]*|[0-9]+)"?')
"""Name and value, of parameters whose form is known to be good."""
_SIGNATURE = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")
_DIGEST = re.compile(r"(sha-256|sha-512)=:([A-Za-z0-9+/=]*):")
_DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class Verified(msgspec.Struct, frozen=True):
    """Who signed, and the nonce that the caller must accept only once while ``created`` is inside the window."""

    keyid: str
    nonce: str
    created: int


def content_digest(body: bytes) -> str:
    """The ``Content-Digest`` field value (RFC 9530) of a body, empty or not."""
    return f"sha-256=:{pybase64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    key: RequestKey,
    now: datetime,
    nonce: str = "",
) -> dict[str, str]:
    """The headers to add to a request. ``path`` and ``query`` (without ``?``) are as they go over the wire."""
    digest = content_digest(body)
    values = _values(method, path, query, {**_fields(headers), "content-digest": digest})
    names = " ".join(f'"{name}"' for name in values)
    nonce = nonce or secrets.token_urlsafe(16)
    parameters = f'({names});created={int(now.timestamp())};nonce="{nonce}";keyid="{key.keyid}";alg="{key.algorithm}"'
    signature = key.sign(_signature_base(values, values, parameters))
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{_LABEL}={parameters}",
        "Signature": f"{_LABEL}=:{pybase64.b64encode(signature).decode()}:",
    }


def verify_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    lookup_key: Callable[[str], RequestKey | None],
    now: datetime,
    window_s: int,
) -> Verified:
    """Who signed this very request. Raises ``NotAllowed`` with a code of its own per reason."""
    verified = verify_head(method, path, query, headers, lookup_key, int(now.timestamp()), window_s)
    require_digest(_fields(headers)["content-digest"], body)
    return verified


def verify_head(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    lookup_key: Callable[[str], RequestKey | None],
    second: int,
    window_s: int,
) -> Verified:
    """Who signed this request's head, its ``Content-Digest`` included: known before a byte of the body is read.

    ``second`` is now, since 1970. The body counts only once ``require_digest`` has held it against that digest.
    """
    fields = _fields(headers)
    covered, raw, parameters, signature = _read(fields)
    values = _values(method, path, query, fields)
    if len(covered) != len(values) or values.keys() != set(covered):
        raise _uncovered()
    created = int(parameters["created"])
    if abs(second - created) > window_s or int(parameters.get("expires", second)) < second:
        raise _refused("signature-stale", "the signature is outside the time window", "check the clock and sign again")
    key = lookup_key(parameters["keyid"])
    if key is None:
        raise _refused("signature-unknown-key", "the signing key is not known", "register the public key first")
    if parameters.get("alg", key.algorithm) != key.algorithm:
        raise _refused(
            "signature-algorithm", "the algorithm is not the key's own", "sign with the registered algorithm"
        )
    if not key.verify(signature, _signature_base(covered, values, raw)):
        raise _refused(
            "signature-bad", "the signature does not belong to this request", "sign the request as it is sent"
        )
    return Verified(key.keyid, parameters["nonce"], created)


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    """The profile's headers by their names in lower case, values trimmed; one that comes twice is refused."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered in _FIELDS:
            if lowered in fields:
                raise _malformed()
            fields[lowered] = value.strip()
    return fields


def _read(fields: Mapping[str, str]) -> tuple[list[str], str, dict[str, str], bytes]:
    """The names covered, the parameters as they were signed and by name, and the signature."""
    if "signature-input" not in fields or "signature" not in fields:
        raise _refused("signature-missing", "the request carries no signature", "sign it with RFC 9421")
    found, signed = _INPUT.fullmatch(fields["signature-input"]), _SIGNATURE.fullmatch(fields["signature"])
    if found is None or signed is None or found[1] != signed[1]:
        raise _malformed()
    listed = _PARAMETER.findall(found[4])
    parameters = dict(listed)
    if len(parameters) != len(listed) or not parameters.keys() >= _NEEDED:
        raise _malformed()
    try:
        signature = pybase64.b64decode(signed[2], validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
    return found[3].replace('"', "").split(" "), found[2], parameters, signature


def _values(method: str, path: str, query: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What must be covered, neither more nor less, by the names of RFC 9421."""
    if "content-digest" not in fields:
        raise _uncovered()
    values = {"@method": method, "@path": path or "/", "@query": f"?{query}"}
    values["content-digest"] = fields["content-digest"]
    if IDEMPOTENCY_KEY in fields:
        values[IDEMPOTENCY_KEY] = fields[IDEMPOTENCY_KEY]
    return values


def require_digest(field: str, body: bytes) -> None:
    """Hold the body against the ``Content-Digest`` field that was signed. Raises ``NotAllowed`` (``digest-mismatch``)."""
    given: dict[str, str] = {}
    for part in field.split(","):
        found = _DIGEST.fullmatch(part.strip())
        if found is None or found[1] in given:
            raise _malformed()
        given[found[1]] = found[2]
    for algorithm, text in given.items():
        digest = pybase64.b64encode_as_string(_DIGESTS[algorithm](body).digest())
        if digest != text:
            raise _refused("digest-mismatch", "the body is not the one that was signed", "sign the body as it is sent")


def _signature_base(covered: Iterable[str], values: Mapping[str, str], parameters: str) -> bytes:
    """RFC 9421 section 2.5."""
    lines = [f'"{name}": {values[name]}' for name in covered]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("utf-8", "surrogateescape")


def _uncovered() -> NotAllowed:
    return _refused(
        "signature-coverage",
        "the signature must cover exactly the method, path, query, content digest and any idempotency key",
        "list @method, @path, @query, content-digest and idempotency-key as covered components",
    )


def _malformed() -> NotAllowed:
    return _refused(
        "signature-form",
        "the signature headers do not follow the profile",
        "follow RFC 9421 and the agreed list",
    )


def _refused(code: str, message: str, hint: str) -> NotAllowed:
    return NotAllowed(message, code=code, hint=hint)
