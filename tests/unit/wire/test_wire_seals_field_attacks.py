"""Attack documents on ``signed-field``: each is refused for its own stated reason, and nothing beside the member comes out."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.attacks import Attack, Scene, carried_out
from support.seal_ends import AGREEMENTS, both_ends, make_keys

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Sealed, build_seal, open_message

BILL = b'{"amount": "430.00"}'
RSA = {**AGREEMENTS["field rsa"], "constants": {"appId": "T1"}}
MD5, SM2 = "field md5-aes", "field sm2"
JSON_RSA = {**RSA, "body": "json"}
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> Callable[[Scene], Sealed]:
    def forge(scene: Scene) -> Sealed:
        members = json.loads(scene.honest(BILL).body)
        change(members)
        return Sealed(json.dumps(members).encode(), "")

    return forge


def spelt(old: bytes, new: bytes) -> Callable[[Scene], Sealed]:
    def forge(scene: Scene) -> Sealed:
        body = scene.honest(BILL).body
        assert old in body
        return Sealed(body.replace(old, new, 1), "")

    return forge


def of_a_stranger(scene: Scene) -> Sealed:
    """Signed by the one who is asked: whoever has only public keys can do no better."""
    return scene.ours.seal(Plain(BILL), Role.REQUEST, scene.now)


def from_another_message(scene: Scene) -> Sealed:
    members, other = (json.loads(scene.honest(one).body) for one in (BILL, b'{"amount": "1.00"}'))
    return Sealed(json.dumps(members | {"sign": other["sign"]}).encode(), "")


def another_spelling(members: dict[str, Any]) -> None:
    members["sign"] = members["sign"].upper()


def garbled(members: dict[str, Any]) -> None:
    data = bytearray(base64.b64decode(members["data"]))
    data[-1] ^= 1
    members["data"] = base64.b64encode(data).decode()


def unsigned_text(members: dict[str, Any]) -> None:
    members["reqmsg"] = members["reqmsg"].replace("430.00", "4.30")


ATTACKS = [
    Attack("the signature is stripped", JSON_RSA, changed(lambda m: m.pop("sign")), "seal-unsigned", "no signature"),
    Attack("it is empty", JSON_RSA, changed(lambda m: m.update(sign="")), "seal-unsigned", "no signature"),
    Attack("it is a list", JSON_RSA, changed(lambda m: m.update(sign=["x"])), "seal-bad-signature", "not belong"),
    Attack("another amount", JSON_RSA, changed(unsigned_text), "seal-bad-signature", "not belong"),
    Attack("one blank more", JSON_RSA, changed(lambda m: m.update(reqmsg=m["reqmsg"] + " ")), "seal-bad-signature", "not"),
    Attack("the member is gone", JSON_RSA, changed(lambda m: m.pop("reqmsg")), "seal-form", "lacks the signed member"),
    Attack("it is an object", JSON_RSA, changed(lambda m: m.update(reqmsg={})), "seal-form", "lacks the signed member"),
    Attack("signed by a stranger", JSON_RSA, of_a_stranger, "seal-bad-signature", "not belong"),
    Attack("the signature of another message", JSON_RSA, from_another_message, "seal-bad-signature", "not belong"),
    Attack("a member said twice", JSON_RSA, spelt(b'{"', b'{"reqmsg":"{}","'), "seal-form", "twice"),
    Attack("a form's member said twice", RSA, spelt(b"reqmsg=", b"reqmsg=%7B%7D&reqmsg="), "seal-ambiguous", "twice"),
    Attack("a hash in other letters", MD5, changed(another_spelling), "seal-bad-signature", "not written as agreed"),
    Attack("a changed ciphertext", MD5, changed(garbled), "seal-bad-signature", "not belong"),
    Attack("ciphertext that is none", MD5, changed(lambda m: m.update(data="%")), "seal-bad-signature", "not belong"),
    Attack("the text in clear", MD5, changed(lambda m: m.update(data="e30=")), "seal-bad-signature", "not belong"),
    Attack("a clear member beside it", SM2, changed(lambda m: m.update(data="{}")), "seal-ambiguous", "in clear"),
    Attack("the clear member alone", SM2, changed(lambda m: m.update(data=m.pop("encData"))), "seal-ambiguous", "clear"),
]  # fmt: skip


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("field-keys"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_each_attack_on_the_member_is_refused_for_its_own_reason(ring: KeyRing, now: datetime, attack: Attack) -> None:
    refused = carried_out(attack, ring, now)
    assert refused.error_code == attack.code
    assert attack.says in refused.message


def test_what_stands_beside_the_signed_member_is_not_believed(ring: KeyRing, now: datetime) -> None:
    ours, insurer = both_ends(ring, RSA)
    sealed = insurer.seal(Plain(BILL, {"code": "0"}), Role.ANSWER, now)
    forged = sealed.body.replace(b"appId=T1", b"appId=T2").replace(b"code=0", b"code=9")
    assert forged != sealed.body
    assert open_message(ours, forged, {}, Role.ANSWER, now) == open_message(ours, sealed.body, {}, Role.ANSWER, now)
    assert dict(open_message(ours, forged, {}, Role.ANSWER, now).protected) == {}


def test_a_guesser_learns_nothing_from_what_does_not_decrypt(ring: KeyRing, now: datetime) -> None:
    ours, insurer = both_ends(ring, MD5)
    members = json.loads(insurer.seal(Plain(BILL), Role.REQUEST, now).body)
    told = set()
    for guess in (members["data"][:-4], "AAAA", base64.b64encode(bytes(16)).decode(), "", "%"):
        with pytest.raises(SealRefused) as refused:
            open_message(ours, json.dumps(members | {"data": guess}).encode(), {}, Role.REQUEST, now)
        told.add(str(refused.value))
    assert len(told) == 1


def test_by_hand_the_same_text_is_signed(ring: KeyRing, now: datetime, tmp_path: Path) -> None:
    """MD5 over Base64 and the secret behind it; RSA over the member's own text: what a partner's developer writes in a line."""
    import hashlib

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    plain_md5 = {**AGREEMENTS[MD5]}
    plain_md5.pop("encrypt")
    members = json.loads(both_ends(ring, plain_md5)[1].seal(Plain(BILL), Role.REQUEST, now).body)
    text = base64.b64encode(BILL).decode()
    secret = ring.secret("hmac").expose()
    assert members == {"data": text, "sign": hashlib.md5(f"{text}{secret}".encode()).hexdigest()}

    ours, _ = both_ends(ring, RSA)
    signature = ring.rsa_private("insurer-rsa").sign(BILL, padding.PKCS1v15(), hashes.SHA256())
    body = urlencode({"reqmsg": BILL.decode(), "sign": base64.b64encode(signature).decode()}).encode()
    assert open_message(ours, body, {}, Role.ANSWER, now).document == BILL


@pytest.mark.parametrize(
    "more",
    [
        {"signature_field": "reqmsg"},
        {"constants": {"sign": "x"}},
        {"constants": {"reqmsg": "x"}},
        {"encrypt": {"cipher": "aes-gcm", "key": "key-32", "into": "sign"}},
        {"encrypt": {"cipher": "rsa-oaep-sha256", "own_key": "gateway-rsa", "peer_key": "insurer-rsa", "covers": "clear"}},
        {"writes": "hex"},
        {"unknown": "x"},
    ],
)  # fmt: skip
def test_an_agreement_that_cannot_hold_does_not_load(ring: KeyRing, more: dict[str, Any]) -> None:
    config = {**RSA, "own_key": "gateway-rsa", "peer_key": "insurer-rsa"}
    with pytest.raises(ConfigRefused) as refused:
        build_seal({**config, **more}, ring)
    assert refused.value.error_code == "seal-setting"
