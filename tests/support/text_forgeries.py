"""How messages of the text and JSON profiles are forged: by changing honest ones, or by signing under another agreement."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, Sealed

from .attacks import Scene
from .seal_ends import HMAC, RSA, SM2, at, both_ends

PAY = {"amount": "430.00", "payee": "H99990100001", "note": "测试é"}
PAIRS = {"profile": "sorted-pairs", "algorithm": "rsa-sha256", **RSA}
TIMED = {**PAIRS, "time_field": "timestamp", "nonce_field": "nonce"}
FORM = {**PAIRS, "body": "form"}
EXACT = {
    "profile": "exact-bytes",
    "algorithm": "hmac-sha256",
    **HMAC,
    "time_header": "X-Time",
    "nonce_header": "X-Nonce",
}
SORTED = {"profile": "sorted-json", "algorithm": "sm2-sm3", **SM2}
RAW = {**SORTED, "signature_form": "raw"}
MD5 = "pairs md5"
Change = Callable[[dict[str, Any]], object]


def doc(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()


def changed(change: Change, honest: dict[str, Any] | None = None) -> Callable[[Scene], Sealed]:
    """An honest message whose members were changed on the way."""

    def forge(scene: Scene) -> Sealed:
        members = json.loads(scene.honest(doc(honest or PAY)).body)
        change(members)
        return Sealed(doc(members), "")

    return forge


def replaced(old: bytes, new: bytes, honest: dict[str, Any] | None = None) -> Callable[[Scene], Sealed]:
    """An honest message whose bytes were changed on the way."""

    def forge(scene: Scene) -> Sealed:
        body = scene.honest(doc(honest or PAY)).body
        assert old in body
        return Sealed(body.replace(old, new, 1), "")

    return forge


def smuggled(members: dict[str, Any]) -> None:
    """``amount=430.00&note=…&payee=…`` reads the same when the note swallows the payee."""
    members["note"] = f"{members['note']}&payee={members.pop('payee')}"


def split_text(members: dict[str, Any]) -> None:
    """``data={"a":"x&z=1"}`` reads the same as two members, one of them a broken piece of JSON."""
    members["data"], members["z"] = '{"a":"x', '1"}'


def as_text(members: dict[str, Any]) -> None:
    members["data"] = json.dumps(members["data"], separators=(",", ":"))


def aside(seconds: int) -> Callable[[Scene], Sealed]:
    return lambda scene: scene.honest(doc(PAY), scene.now + timedelta(seconds=seconds))


def signed_by_a_stranger(scene: Scene) -> Sealed:
    stranger = rsa.generate_private_key(65537, 2048)
    text = "&".join(f"{name}={PAY[name]}" for name in sorted(PAY)).encode()
    signature = base64.b64encode(stranger.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    return Sealed(doc({**PAY, "sign": signature}), "")


def hmac_with_the_public_key(scene: Scene) -> Sealed:
    public = scene.ring.rsa_public("insurer-rsa").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = "&".join(f"{name}={PAY[name]}" for name in sorted(PAY)).encode()
    signature = base64.b64encode(hmac.digest(public, text, "sha256")).decode()
    return Sealed(doc({**PAY, "sign": signature, "signType": "HMAC"}), "")


def hash_without_the_secret(scene: Scene) -> Sealed:
    text = "&".join(f"{name}={PAY[name]}" for name in sorted(PAY)).encode()
    return Sealed(doc({**PAY, "sign": hashlib.md5(text).hexdigest().upper()}), "")


def headers(change: Callable[[dict[str, str]], object], body: bytes | None = None) -> Callable[[Scene], Sealed]:
    def forge(scene: Scene) -> Sealed:
        honest = scene.honest(doc(PAY))
        sent = dict(honest.headers)
        change(sent)
        return Sealed(honest.body if body is None else body, "", sent)

    return forge


def first_line_into_the_nonce(scene: Scene) -> Sealed:
    """time ⏎ nonce ⏎ line one ⏎ line two: the same text with the first line as part of the nonce."""
    honest = scene.honest(b"line one\nline two")
    nonce = f"{honest.headers['X-Nonce']}\nline one"
    return Sealed(b"line two", "", {**honest.headers, "X-Nonce": nonce})


def peer_forgot(name: str) -> Callable[[Scene], Sealed]:
    """A message that the peer really signed, but without the agreed member."""

    def forge(scene: Scene) -> Sealed:
        own = scene.ring.rsa_private("insurer-rsa")
        members = {**PAY, "timestamp": at(scene.now), "nonce": "n1"}
        members.pop(name)
        text = "&".join(f"{one}={members[one]}" for one in sorted(members)).encode()
        signature = base64.b64encode(own.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
        return Sealed(doc({**members, "sign": signature}), "")

    return forge


def parts_swapped(field: str, place: int, size: int) -> Callable[[dict[str, Any]], None]:
    """Two blocks of hex or Base64 text change places."""

    def swap(members: dict[str, Any]) -> None:
        data = bytes.fromhex(members[field]) if field == "encData" else base64.b64decode(members[field])
        one, two = data[place : place + size], data[place + size : place + 2 * size]
        data = data[:place] + two + one + data[place + 2 * size :]
        members[field] = data.hex().upper() if field == "encData" else base64.b64encode(data).decode()

    return swap


def from_another_message(scene: Scene) -> Sealed:
    one, other = (json.loads(scene.honest(doc({"payOrdId": number})).body) for number in ("1", "2"))
    return Sealed(doc({**one, "encData": other["encData"]}), "")


def insurers_seal(ring: KeyRing, agreement: dict[str, Any]) -> Seal:
    return both_ends(ring, agreement)[1]


def sealed_under(agreement: dict[str, Any]) -> Callable[[Scene], Sealed]:
    """An honest message of the insurer, but sealed under another agreement."""
    return lambda scene: insurers_seal(scene.ring, agreement).seal(Plain(doc(PAY)), Role.REQUEST, scene.now)


BILL = {"data": {"total": "1.00"}, "note": "x"}
LONG = {"data": [f"line {number:04}" for number in range(80)]}
