"""Both ends of every text, JSON and JOSE agreement, with throw-away keys of each kind."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Seal, build_seal
from gateway.wire.sm2 import Sm2PrivateKey

GATEWAY, INSURER = "gateway", "insurer"
APP_ID, APP_SECRET = "TESTAPPID0000001TESTAPPID0000001", "TESTSECRET000001TESTSECRET000001"
SECRETS = {
    "hmac": "0123456789abcdef" * 4,
    "app": APP_SECRET,
    "key-32": "k" * 32,
    "key-16": "0123456789ABCDEF",
    "key-24": "0123456789ABCDEFGHIJKLMN",
    "key-hex": "00112233445566778899aabbccddeeff",
    "key-base64": "ABEiM0RVZneImaq7zN3u/w==",
    "iv-16": "FEDCBA9876543210",
    "iv-8": "76543210",
}
WEAK = {"exception": {"until": "2099-12-31", "reason": "the partner offers nothing else"}}
"""The dated exception of agreements that need one."""

RSA = {"own_key": "gateway-rsa", "peer_key": "insurer-rsa"}
EC = {"own_key": "gateway-ec", "peer_key": "insurer-ec"}
ED = {"own_key": "gateway-ed", "peer_key": "insurer-ed"}
SM2 = {"own_key": "gateway-sm2", "peer_key": "insurer-sm2"}
HMAC = {"secret": "hmac"}
_TIMED = {"time_header": "X-Time", "nonce_header": "X-Nonce"}
_FRESH = {"time_field": "timestamp", "nonce_field": "nonce"}

_EXACT: dict[str, dict[str, Any]] = {
    "exact rsa": {"algorithm": "rsa-sha256", **RSA},
    "exact rsa 512": {"algorithm": "rsa-sha512", **RSA, "over": "base64", "encoding": "hex-upper"},
    "exact pss": {"algorithm": "rsa-pss-sha256", **RSA, **_TIMED},
    "exact pss 512": {"algorithm": "rsa-pss-sha512", **RSA},
    "exact ecdsa": {"algorithm": "ecdsa-sha256", **EC, **_TIMED, "time_form": "spaced"},
    "exact ecdsa raw": {"algorithm": "ecdsa-sha256", **EC, "signature_form": "raw", "encoding": "base64url"},
    "exact ed25519": {"algorithm": "ed25519", **ED, "encoding": "hex", "time_header": "X-Time", "time_form": "s"},
    "exact sm2": {"algorithm": "sm2-sm3", **SM2, **_TIMED, "time_form": "compact"},
    "exact sm2 raw": {"algorithm": "sm2-sm3", **SM2, "signature_form": "raw", "user_id": "H99990100001"},
    "exact sm2 no id": {"algorithm": "sm2-sm3", **SM2, "user_id": ""},
    "exact hmac": {"algorithm": "hmac-sha256", **HMAC, **_TIMED},
    "exact hmac 512": {"algorithm": "hmac-sha512", **HMAC},
    "exact hmac sm3": {"algorithm": "hmac-sm3", **HMAC, "encoding": "hex-upper"},
    "exact sm3": {"algorithm": "sm3", **HMAC, "key_text": "&key={secret}", "encoding": "hex"},
    "exact rsa sha1": {"algorithm": "rsa-sha1", **RSA, **WEAK},
    "exact hmac sha1": {"algorithm": "hmac-sha1", **HMAC, **WEAK},
    "exact hmac md5": {"algorithm": "hmac-md5", **HMAC, **WEAK},
    "exact md5": {"algorithm": "md5", **HMAC, "over": "base64", "key_text": "{secret}", "encoding": "hex", **WEAK},
}
_PAIRS: dict[str, dict[str, Any]] = {
    "pairs rsa": {"algorithm": "rsa-sha256", **RSA, **_FRESH},
    "pairs form": {"algorithm": "rsa-sha256", **RSA, "body": "form", "encoding": "base64-lines", "nested": "refuse"},
    "pairs md5": {"algorithm": "md5", **HMAC, "key_text": "&key={secret}", "encoding": "hex-upper", **WEAK},
    "pairs sha256": {"algorithm": "sha256", **HMAC, "key_text": "&key={secret}", "encoding": "hex", **_FRESH},
    "pairs url": {"algorithm": "hmac-sha256", **HMAC, "values": "url", "empties": "keep", "charset": "gb18030"},
    "pairs marks": {"algorithm": "hmac-sm3", **HMAC, "separator": "|", "assign": ":", "escape": "upper"},
    "pairs header": {"algorithm": "sm2-sm3", **SM2, "signature_header": "X-Sign", "numbers": "text"},
    "pairs field": {
        "algorithm": "rsa-sha256",
        **RSA,
        "body": "form",
        "document_field": "bizContent",
        "unsigned": ["signType"],
        "constants": {"signType": "RSA2", "version": "1.0"},
        "encrypt": {"field": "bizContent", "cipher": "rsa-oaep-sha256", **RSA, "holds": "text"},
    },
}
_SORTED: dict[str, dict[str, Any]] = {
    "json rsa": {"algorithm": "rsa-sha256", **RSA, **_FRESH},
    "json ascii": {"algorithm": "hmac-sha256", **HMAC, "escape": "lower", "numbers": "text", "empties": "drop"},
    "json gbk": {"algorithm": "ecdsa-sha256", **EC, "charset": "gbk", "signature_header": "X-Sign"},
    "json sm4-gcm": {"algorithm": "sm2-sm3", **SM2, "encrypt": {"into": "enc", "cipher": "sm4-gcm", "key": "key-16"}},
    "json aes-gcm": {
        "algorithm": "ed25519",
        **ED,
        **_FRESH,
        "encrypt": {"cipher": "aes-gcm", "key": "key-32", "covers": "clear", "into": "enc"},
    },
    "json sm2": {
        "algorithm": "sm2-sm3",
        **SM2,
        "document_field": "data",
        "encrypt": {"cipher": "sm2", **SM2, "cipher_form": "c1c2c3", "leading_04": "drop", "encoding": "hex"},
    },
    "json form rsa1_5": {
        "algorithm": "rsa-sha1",
        **RSA,
        "body": "form",
        "document_field": "bizContent",
        "constants": {"appKey": "TEST0001"},
        "encrypt": {"field": "bizContent", "cipher": "rsa1_5", **RSA},
        **WEAK,
    },
    "json rsa1_5": {"algorithm": "rsa-sha256", **RSA, "encrypt": {"cipher": "rsa1_5", **RSA}, **WEAK},
}
_FIELD: dict[str, dict[str, Any]] = {
    "field rsa": {"algorithm": "rsa-sha256", **RSA, "body": "form", "field": "reqmsg"},
    "field md5-aes": {
        "algorithm": "md5",
        **HMAC,
        "writes": "base64",
        "key_text": "{secret}",
        "encoding": "hex",
        "encrypt": {"cipher": "aes-ecb", "key": "key-16", "covers": "clear"},
        **WEAK,
    },
    "field sm2": {
        "algorithm": "sm2-sm3",
        **SM2,
        "writes": "base64",
        "encrypt": {"cipher": "sm4-gcm", "key": "key-16", "into": "encData"},
    },
}
_YIBAO: dict[str, dict[str, Any]] = {
    "yibao": {**SM2, "secret": "app", "app_id": APP_ID, **WEAK},
    "yibao der": {**SM2, "secret": "app", "app_id": APP_ID, "signature_form": "der", "app_member": "appCode", **WEAK},
    "yibao cbc": {**SM2, "secret": "app", "app_id": APP_ID, "cipher": "sm4-cbc", **WEAK},
    "yibao gcm": {**SM2, "secret": "app", "app_id": APP_ID, "cipher": "sm4-gcm"},
}
_BODIES: dict[str, dict[str, Any]] = {
    "body aes-gcm": {"cipher": "aes-gcm", "key": "key-hex", "key_form": "hex"},
    "body sm4-gcm": {"cipher": "sm4-gcm", "key": "key-base64", "key_form": "base64", "field": "data"},
    "body sm2": {"cipher": "sm2", **SM2, "cipher_form": "asn1"},
    "body sm4-cbc": {"cipher": "sm4-cbc", "key": "key-16", "encoding": "hex-upper", **WEAK},
    "body sm4-ecb": {"cipher": "sm4-ecb", "key": "key-16", **WEAK},
    "body aes-cbc": {"cipher": "aes-cbc", "key": "key-16", "iv_key": "iv-16", **WEAK},
    "body aes-ecb": {"cipher": "aes-ecb", "key": "key-16", **WEAK},
    "body 3des-ecb": {"cipher": "3des-ecb", "key": "key-24", **WEAK},
    "body 3des-cbc": {"cipher": "3des-cbc", "key": "key-24", "iv_key": "iv-8", **WEAK},
}
_CLAIMED = {"time_header": "iat", "once_header": "jti"}
_JWS: dict[str, dict[str, Any]] = {
    "jws": {**RSA, **_CLAIMED, "own_kid": "{own}-1", "peer_kid": "{peer}-1"},
    "jws pss": {**RSA, "alg": "PS256", "field": "token"},
    "jws es256": {**EC, "alg": "ES256", "form": "flattened", "typ": "JOSE+JSON"},
    "jws ed25519": {**ED, "alg": "Ed25519", "form": "detached", **_CLAIMED},
    "jws detached": {**RSA, "alg": "RS256", "form": "detached"},
    "jws hs256": {**HMAC, "alg": "HS256"},
}
_JWE: dict[str, dict[str, Any]] = {
    "jwe": {**RSA},
    "jwe ecdh": {**EC, "alg": "ECDH-ES+A256KW", "own_kid": "{own}-1", "peer_kid": "{peer}-1"},
    "jwe dir": {"alg": "dir", "key": "key-32", "field": "payload"},
    "jwe rsa1_5": {**RSA, "alg": "RSA1_5", "enc": "A128GCM", **WEAK},
    "jwe nested": {**RSA, "nested": {"alg": "ES256", **EC, **_CLAIMED}},
}
AGREEMENTS: dict[str, dict[str, Any]] = {
    name: {"profile": profile, **config}
    for profile, configs in (
        ("exact-bytes", _EXACT),
        ("sorted-pairs", _PAIRS),
        ("sorted-json", _SORTED),
        ("signed-field", _FIELD),
        ("yibao-mobile", _YIBAO),
        ("encrypted-body", _BODIES),
        ("jws", _JWS),
        ("jwe", _JWE),
    )
    for name, config in configs.items()
}


def make_keys(directory: Path) -> KeyRing:
    """One pair of each kind for each end, and the secrets they share."""
    for end in (GATEWAY, INSURER):
        for kind, key in (
            ("rsa", rsa.generate_private_key(65537, 2048)),
            ("ec", ec.generate_private_key(ec.SECP256R1())),
            ("ed", ed25519.Ed25519PrivateKey.generate()),
        ):
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write(directory / f"{end}-{kind}.key.pem", pem)
        _write(directory / f"{end}-sm2.key.pem", Sm2PrivateKey.generate().to_pem())
    for name, text in SECRETS.items():
        _write(directory / f"{name}.secret", text.encode())
    return KeyRing.from_directory(directory)


def both_ends(keys: KeyRing, agreement: str | Mapping[str, Any]) -> tuple[Seal, Seal]:
    """The gateway's seal and the insurer's of one agreement; ``{own}`` and ``{peer}`` become the ends' names."""
    config = AGREEMENTS[agreement] if isinstance(agreement, str) else agreement
    return build_seal(_end(config, GATEWAY, INSURER), keys), build_seal(_end(config, INSURER, GATEWAY), keys)


def _end(config: Mapping[str, Any], own: str, peer: str) -> dict[str, Any]:
    def turned(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {inner: turned(inner, one) for inner, one in value.items()}
        if name == "own_key":
            return value.replace(GATEWAY, own)
        if name == "peer_key":
            return value.replace(INSURER, peer)
        return value.format(own=own, peer=peer) if name in ("own_kid", "peer_kid") else value

    return {name: turned(name, value) for name, value in config.items()}


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they arrive: by lower-case name."""
    return {name.lower(): value for name, value in headers.items()}


def changed_bytes(body: bytes) -> Iterator[bytes]:
    """The body with one character changed, at places spread over it."""
    for place in range(0, len(body), max(1, len(body) // 40)):
        yield body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def at(now: datetime) -> str:
    """Milliseconds since 1970 as text."""
    return str(int(now.timestamp()) * 1000 + now.microsecond // 1000)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
