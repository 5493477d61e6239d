"""Attack documents on the text and JSON profiles: each is refused, for its own stated reason."""

import base64
import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.attacks import Attack, Scene, carried_out
from support.seal_ends import HMAC, RSA, SM2, at, both_ends, make_keys

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, Sealed

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
ATTACKS = [
    # Between pairs
    Attack("a value swallows the next pair", PAIRS, changed(smuggled), "seal-ambiguous", "holds the separator"),
    Attack("the same in a form", FORM, replaced(b"&payee=", b"%26payee%3D"), "seal-ambiguous", "holds the separator"),
    Attack("nested JSON becomes a text", PAIRS, changed(as_text, BILL), "seal-ambiguous", "starts like a nested"),
    Attack(
        "a text torn out of nested JSON",
        PAIRS,
        changed(split_text, {"data": {"a": "x&z=1"}}),
        "seal-ambiguous",
        "starts like a nested",
    ),
    Attack(
        "a name that holds a pair",
        PAIRS,
        changed(lambda m: m.update({"amount=430.00&note": m.pop("note")})),
        "seal-ambiguous",
        "name holds",
    ),
    Attack("array notation in a name", FORM, replaced(b"note=", b"note%5B0%5D="), "seal-ambiguous", "name holds"),
    Attack("a look-alike name", PAIRS, changed(lambda m: m.update({"ａmount": "1"})), "seal-ambiguous", "name holds"),
    Attack("a name said twice in a form", FORM, replaced(b"note=", b"amount=1&note="), "seal-ambiguous", "twice"),
    Attack("a key said twice in JSON", PAIRS, replaced(b"{", b'{"amount":"1",'), "seal-form", "twice"),
    Attack("an escaped key said twice", PAIRS, replaced(b"{", b'{"\\u0061mount":"1",'), "seal-form", "twice"),
    Attack(
        "a nested key said twice",
        SORTED,
        replaced(b'{"total"', b'{"total":"9","total"', BILL),
        "seal-form",
        "twice",
    ),
    Attack(
        "a value in another normal form",
        PAIRS,
        changed(lambda m: m.update(note=unicodedata.normalize("NFD", m["note"]))),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "a list where plain values were agreed",
        {**PAIRS, "nested": "refuse"},
        changed(lambda m: m.update(amount=["430.00"])),
        "seal-ambiguous",
        "only plain values",
    ),
    Attack("a member taken out", PAIRS, changed(lambda m: m.pop("note")), "seal-bad-signature", "does not belong"),
    Attack("a member put in", SORTED, changed(lambda m: m.update(x="1")), "seal-bad-signature", "does not belong"),
    Attack("an amount changed", SORTED, changed(lambda m: m.update(amount="1")), "seal-bad-signature", "not belong"),
    Attack("a text where a number was signed", SORTED, replaced(b":1", b':"1"', {"n": 1}), "seal-bad-signature", "not"),
    Attack("an empty where empties count", SORTED, changed(lambda m: m.update(x="")), "seal-bad-signature", "not"),
    # The signature itself
    Attack("the signature taken out", PAIRS, changed(lambda m: m.pop("sign")), "seal-unsigned", "no signature"),
    Attack("an empty signature", PAIRS, changed(lambda m: m.update(sign="")), "seal-unsigned", "no signature"),
    Attack("null as the signature", PAIRS, changed(lambda m: m.update(sign=None)), "seal-unsigned", "no signature"),
    Attack("a list as the signature", PAIRS, changed(lambda m: m.update(sign=["x"])), "seal-bad-signature", "not"),
    Attack("signed by a stranger", PAIRS, signed_by_a_stranger, "seal-bad-signature", "does not belong"),
    Attack("HMAC with the public key", PAIRS, hmac_with_the_public_key, "seal-bad-signature", "does not belong"),
    Attack("a hash without the secret", MD5, hash_without_the_secret, "seal-bad-signature", "does not belong"),
    Attack(
        "the signature in lower case",
        MD5,
        changed(lambda m: m.update(sign=m["sign"].lower())),
        "seal-bad-signature",
        "not written as agreed",
    ),
    Attack(
        "the signature with a line break",
        PAIRS,
        changed(lambda m: m.update(sign=m["sign"] + "\n")),
        "seal-bad-signature",
        "not written as agreed",
    ),
    Attack(
        "DER where r and s were agreed",
        RAW,
        sealed_under(SORTED),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "r and s of nought",
        RAW,
        changed(lambda m: m.update(sign=base64.b64encode(bytes(64)).decode())),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "another SM2 user id",
        {**SORTED, "user_id": "H99990100001"},
        sealed_under(SORTED),
        "seal-bad-signature",
        "does not belong",
    ),
    # Time and single use
    Attack("an old message", TIMED, aside(-301), "seal-stale", "outside the agreed window"),
    Attack("a message from the future", TIMED, aside(60), "seal-stale", "outside the agreed window"),
    Attack(
        "an old message with a new time",
        TIMED,
        lambda scene: changed(lambda m: m.update(timestamp=at(scene.now)))(
            Scene(scene.ring, scene.ours, scene.insurer, scene.now - timedelta(days=1))
        ),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack("no time", TIMED, peer_forgot("timestamp"), "seal-form", "time is not written"),
    Attack("no nonce", TIMED, peer_forgot("nonce"), "seal-form", "no nonce"),
    Attack("another nonce", TIMED, changed(lambda m: m.update(nonce="again")), "seal-bad-signature", "not belong"),
    # Exact bytes
    Attack("the first line moved into the nonce", EXACT, first_line_into_the_nonce, "seal-ambiguous", "end it early"),
    Attack("another body", EXACT, headers(lambda h: None, b"{}"), "seal-bad-signature", "does not belong"),
    Attack(
        "time and nonce change places",
        EXACT,
        headers(lambda h: h.update({"X-Time": h["X-Nonce"], "X-Nonce": h["X-Time"]})),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack("the header taken out", EXACT, headers(lambda h: h.pop("X-Signature")), "seal-unsigned", "no signature"),
    Attack("the nonce taken out", EXACT, headers(lambda h: h.pop("X-Nonce")), "seal-form", "lacks its time"),
    # Encrypted members
    Attack("encData of another message", "yibao", from_another_message, "seal-bad-signature", "does not belong"),
    Attack(
        "ECB blocks change places", "yibao", changed(parts_swapped("encData", 16, 16), LONG), "seal-bad-signature", ""
    ),
    Attack("broken padding", "yibao", changed(lambda m: m.update(encData="00" * 16)), "seal-bad-signature", ""),
    Attack("data in clear beside encData", "yibao", changed(lambda m: m.update(data={})), "seal-ambiguous", "in clear"),
    Attack("encData taken out", "yibao", changed(lambda m: m.pop("encData")), "seal-bad-signature", "not belong"),
    Attack("signData taken out", "yibao", changed(lambda m: m.pop("signData")), "seal-unsigned", "no signature"),
    Attack(
        "RSA blocks change places",
        "json rsa1_5",
        changed(parts_swapped("data", 0, 256), LONG),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "a GCM tag cut short",
        "body aes-gcm",
        lambda scene: Sealed(base64.b64encode(base64.b64decode(scene.honest(doc(PAY)).body)[:-12]), ""),
        "seal-decrypt",
        "does not decrypt",
    ),
    Attack("nothing but a tag", "body sm4-gcm", lambda _: Sealed(b'{"data":"AAAA"}', ""), "seal-decrypt", ""),
    # Forms
    Attack("a list instead of an object", PAIRS, lambda _: Sealed(b"[]", ""), "seal-form", "no JSON object"),
    Attack(
        "nested beyond reason", PAIRS, lambda _: Sealed(b'{"a":' * 90 + b"1" + b"}" * 90, ""), "seal-form", "deeply"
    ),
    Attack("a form of bad escapes", FORM, lambda _: Sealed(b"a=%FF%FE", ""), "seal-form", "no web form"),
    Attack("a form without end", FORM, lambda _: Sealed(b"&".join([b"a=1"] * 2000), ""), "seal-form", "no web form"),
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("attack-keys"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_refused_for_its_own_reason(ring: KeyRing, now: datetime, attack: Attack) -> None:
    refused = carried_out(attack, ring, now)
    assert (refused.error_code, attack.says in refused.message) == (attack.code, True), refused.message


def test_a_guesser_learns_nothing_from_the_padding(ring: KeyRing, now: datetime) -> None:
    """Decrypted before it is verified: every wrong ciphertext gets the same refusal."""
    said = set()
    for size in (16, 32, 48):
        for fill in ("00", "01", "10", "FF"):
            attack = Attack("", "yibao", changed(lambda m, t=fill * size: m.update(encData=t)), "", "")
            refused = carried_out(attack, ring, now)
            said.add((refused.error_code, refused.message, refused.hint))
    assert len(said) == 1


def test_our_own_message_with_two_readings_is_not_sent(ring: KeyRing, now: datetime) -> None:
    with pytest.raises(SealRefused) as refused:
        insurers_seal(ring, PAIRS).seal(Plain(doc({"note": "x&amount=1"})), Role.REQUEST, now)
    assert refused.value.error_code == "seal-ambiguous"
