"""The text, JSON and JOSE profiles as benchmark cases, each with the same work written by hand on the standard library's
Base64, msgspec and the crypto library.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.seal_case import Case, document
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal, open_message
from gateway.wire.sm2 import Sm2PrivateKey

NOW = datetime.now(UTC)
WEAK = {"exception": {"until": "2099-12-31", "reason": "benchmark"}}
RSA, EC, ED, SM2 = ({"own_key": kind, "peer_key": kind} for kind in ("rsa", "ec", "ed", "sm2"))
KEY = b"0123456789ABCDEF"
_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")
Work = Callable[[], object]


def make_keys(directory: Path) -> KeyRing:
    for name, key in (
        ("rsa", rsa.generate_private_key(65537, 2048)),
        ("ec", ec.generate_private_key(ec.SECP256R1())),
        ("ed", ed25519.Ed25519PrivateKey.generate()),
    ):
        _write(directory / f"{name}.key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(directory / "sm2.key.pem", Sm2PrivateKey.generate().to_pem())
    _write(directory / "key.secret", KEY)
    _write(directory / "key-32.secret", KEY * 2)
    _write(directory / "app.secret", b"TESTSECRET000001TESTSECRET000001")
    return KeyRing.from_directory(directory)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)


def text_cases(keys: KeyRing, sizes: Sequence[int]) -> list[Case]:
    return [case for size in sizes for case in _cases(keys, document(size), size)]


def _cases(keys: KeyRing, data: bytes, size: int) -> list[Case]:
    signers = _signers(keys)
    exact = {"profile": "exact-bytes", "time_header": "X-Time", "nonce_header": "X-Nonce"}
    sorted_json = {"profile": "sorted-json", "time_field": "timestamp", "nonce_field": "nonce"}
    pairs = {"profile": "sorted-pairs", "time_field": "timestamp", "nonce_field": "nonce"}
    jws = {"profile": "jws", "time_header": "iat", "once_header": "jti"}
    yibao = {"profile": "yibao-mobile", **SM2, "secret": "app", "app_id": "TESTAPPID0000001", **WEAK}
    made: list[tuple[str, Mapping[str, Any], Work]] = []
    for name, keyed, primitive in (
        ("rsa-sha256", RSA, signers["rsa"]),
        ("rsa-pss-sha256", RSA, signers["pss"]),
        ("ecdsa-sha256", EC, signers["ec"]),
        ("ed25519", ED, signers["ed"]),
        ("sm2-sm3", SM2, signers["sm2"]),
    ):
        config = {**exact, "algorithm": name, **keyed}
        made.append((f"exact-bytes {name}", config, lambda sign=primitive: sign(data)))
    for name, keyed, primitive in (("rsa-sha256", RSA, signers["rsa"]), ("sm2-sm3", SM2, signers["sm2"])):
        by_hand = _canonical(primitive, data)
        made.append((f"sorted-json {name}", {**sorted_json, "algorithm": name, **keyed}, by_hand))
        by_hand = _pairs(primitive, data)
        made.append((f"sorted-pairs {name}", {**pairs, "algorithm": name, **keyed}, by_hand))
    made.append(("yibao-mobile", yibao, _yibao(signers["sm2"], data)))
    for alg, keyed, primitive in (
        ("RS256", RSA, signers["rsa"]),
        ("PS256", RSA, signers["pss"]),
        ("ES256", EC, signers["ec"]),
        ("Ed25519", ED, signers["ed"]),
    ):
        made.append((f"jws {alg}", {**jws, "alg": alg, **keyed}, _jws(primitive, data)))
    made.append(("jws detached RS256", {**jws, "form": "detached", **RSA}, lambda: signers["rsa"](data)))
    made.append(("jwe RSA-OAEP-256", {"profile": "jwe", **RSA}, jwe_by_hand(keys, data)))
    made.append(("jwe dir", {"profile": "jwe", "alg": "dir", "key": "key-32"}, _token(data)))
    for cipher, key, work in (("aes-gcm", "key-32", _gcm(data)), ("sm4-cbc", "key", _sm4(data))):
        weak = WEAK if cipher == "sm4-cbc" else {}
        config = {"profile": "encrypted-body", "cipher": cipher, "key": key, **weak}
        made.append((f"encrypted-body {cipher}", config, work))
    return [Case(name, size, _whole(keys, config, data), bare) for name, config, bare in made]


def _whole(keys: KeyRing, config: Mapping[str, Any], data: bytes) -> Work:
    seal = build_seal(config, keys)

    def work() -> object:
        sealed = seal.seal(Plain(data), Role.REQUEST, NOW)
        headers = {name.lower(): value for name, value in sealed.headers.items()}
        return open_message(seal, sealed.body, headers, Role.REQUEST, NOW)

    return work


def _signers(keys: KeyRing) -> dict[str, Callable[[bytes], object]]:
    """The primitives alone: one signature and one verification."""
    own, peer = keys.rsa_private("rsa"), keys.rsa_public("rsa")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    ec_own, ed_own, sm2_own = keys.private("ec"), keys.private("ed"), keys.sm2_private("sm2")
    assert isinstance(ec_own, ec.EllipticCurvePrivateKey)
    assert isinstance(ed_own, ed25519.Ed25519PrivateKey)
    ec_peer, ed_peer, sm2_peer, ecdsa = ec_own.public_key(), ed_own.public_key(), sm2_own.public_key(), ec.ECDSA
    return {
        "rsa": lambda text: peer.verify(
            own.sign(text, padding.PKCS1v15(), hashes.SHA256()), text, padding.PKCS1v15(), hashes.SHA256()
        ),
        "pss": lambda text: peer.verify(own.sign(text, pss, hashes.SHA256()), text, pss, hashes.SHA256()),
        "ec": lambda text: ec_peer.verify(ec_own.sign(text, ecdsa(hashes.SHA256())), text, ecdsa(hashes.SHA256())),
        "ed": lambda text: ed_peer.verify(ed_own.sign(text), text),
        "sm2": lambda text: sm2_peer.verify(sm2_own.sign(text), text),
    }


def _canonical(primitive: Callable[[bytes], object], data: bytes) -> Work:
    """Each side reads the document, with numbers that keep their text, and writes its sorted text once."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode

    def work() -> None:
        _SORTED.encode(decode(data))
        primitive(_SORTED.encode(decode(data)))

    return work


def _pairs(primitive: Callable[[bytes], object], data: bytes) -> Work:
    """Each side reads the document and joins its sorted pairs once, nested values as sorted JSON."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode

    def shown(value: object) -> str:
        return value if isinstance(value, str) else _SORTED.encode(value).decode()

    def text() -> bytes:
        members = decode(data)
        return "&".join(f"{name}={shown(members[name])}" for name in sorted(members)).encode()

    def work() -> None:
        text()
        primitive(text())

    return work


_DECODE = msgspec.json.Decoder().decode


def _segment(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _read(segment: bytes) -> bytes:
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def _jws(primitive: Callable[[bytes], object], data: bytes) -> Work:
    """The canonical form of a JWS is its compact text: header and payload written once, taken apart and read once."""

    def work() -> None:
        token = b"%s.%s" % (_segment(_SORTED.encode({"alg": "RS256", "iat": 1767225600, "jti": "1"})), _segment(data))
        primitive(token)
        head, payload = token.split(b".")
        _DECODE(_read(head)), _read(payload)

    return work


def _gcm(data: bytes) -> Work:
    """The body's canonical text is its Base64, of vector and ciphertext."""
    cipher = AESGCM(KEY * 2)

    def work() -> None:
        nonce = os.urandom(12)
        text = base64.b64encode(nonce + cipher.encrypt(nonce, data, None))
        sealed = base64.b64decode(text)
        cipher.decrypt(sealed[:12], sealed[12:], None)

    return work


def _token(data: bytes, wrapped: Callable[[], bytes] = bytes) -> Work:
    """The canonical form of a JWE is its compact text, whose header the tag covers."""
    cipher = AESGCM(KEY * 2)

    def work() -> None:
        nonce, head = os.urandom(12), _segment(_SORTED.encode({"alg": "dir", "enc": "A256GCM"}))
        sealed = cipher.encrypt(nonce, data, head)
        text = b".".join((head, *map(_segment, (wrapped(), nonce, sealed[:-16], sealed[-16:]))))
        head, key, nonce, content, tag = text.split(b".")
        _DECODE(_read(head)), _read(key)
        cipher.decrypt(_read(nonce), _read(content) + _read(tag), head)

    return work


def jwe_by_hand(keys: KeyRing, data: bytes) -> Work:
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    own, peer = keys.rsa_private("rsa"), keys.rsa_public("rsa")

    def wrapped() -> bytes:
        carried = peer.encrypt(os.urandom(32), oaep)
        own.decrypt(carried, oaep)
        return carried

    return _token(data, wrapped)


def _sm4(data: bytes, chained: bool = True) -> Work:
    def work() -> None:
        mode = modes.CBC(KEY) if chained else modes.ECB()
        padder, made = PKCS7(128).padder(), Cipher(SM4(KEY), mode).encryptor()
        text = base64.b64encode(made.update(padder.update(data) + padder.finalize()) + made.finalize())
        opened, unpadder = Cipher(SM4(KEY), mode).decryptor(), PKCS7(128).unpadder()
        unpadder.update(opened.update(base64.b64decode(text)) + opened.finalize()) + unpadder.finalize()

    return work


def _yibao(primitive: Callable[[bytes], object], data: bytes) -> Work:
    """SM4 both ways, one canonical text a side with numbers as texts, SM2 both ways."""
    crypt = _sm4(data, chained=False)

    def text() -> bytes:
        return json.dumps(json.loads(data, parse_int=str, parse_float=str), sort_keys=True, ensure_ascii=False).encode()

    def work() -> None:
        crypt()
        text()
        primitive(text())

    return work
