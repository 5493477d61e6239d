"""``sm2-envelope``: signed, encrypted, fresh, used once."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

DOCUMENT = '{"b": 1900000000000000301, "a": {"z": 1.50, "y": "惠医保"}}'.encode()
SORTED = '{"a":{"y":"惠医保","z":1.50},"b":1900000000000000301}'.encode()
Ends = Callable[..., tuple[Seal, Seal]]


def pair(ends: Ends, **settings: Any) -> tuple[Seal, Seal]:
    return ends("sm2-envelope", "huiyibao-gateway-sm2", "huiyibao-insurer-sm2", hospital_code="TEST0001", **settings)


def changed(body: bytes, **members: Any) -> bytes:
    return json.dumps({**json.loads(body), **members}).encode()


def code_of(seal: Seal, body: bytes, now: datetime) -> str:
    with pytest.raises(SealRefused) as refused:
        seal.open(body, Role.REQUEST, now)
    return refused.value.error_code


@pytest.mark.parametrize("signature", ["der", "raw"])
@pytest.mark.parametrize("cipher", ["c1c3c2", "c1c2c3", "asn1"])
def test_what_we_seal_the_insurer_opens_as_sorted_json(ends: Ends, now: datetime, signature: str, cipher: str) -> None:
    ours, theirs = pair(ends, signature=signature, cipher=cipher)
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now)
    opened = theirs.open(sealed.body, Role.REQUEST, now)
    assert opened.document == SORTED
    assert opened.once
    assert sealed.key_ids == ("huiyibao-gateway-sm2", "huiyibao-insurer-sm2")


def test_the_envelope_has_the_agreed_form(ends: Ends, now: datetime) -> None:
    body = json.loads(pair(ends)[0].seal(Plain(b"{}"), Role.REQUEST, now).body)
    assert set(body) == {"hospitalCode", "timeStamp", "sign", "data"}
    assert body["timeStamp"] == int(now.timestamp() * 1000)
    assert body["data"].startswith("04")
    assert body["data"] == body["data"].lower()
    assert bytes.fromhex(body["sign"])[0] == 0x30


def test_one_message_has_one_once_value_in_every_spelling(ends: Ends, now: datetime) -> None:
    """Upper-case hex is the same signature, so it must not count as a new one."""
    ours, theirs = pair(ends)
    body = ours.seal(Plain(b"{}"), Role.REQUEST, now).body
    again = changed(body, sign=json.loads(body)["sign"].upper())
    assert theirs.open(again, Role.REQUEST, now).once == theirs.open(body, Role.REQUEST, now).once
    other = ours.seal(Plain(b"{}"), Role.REQUEST, now).body
    assert theirs.open(other, Role.REQUEST, now).once != theirs.open(body, Role.REQUEST, now).once


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (60, True), (61, False), (-5, True), (-6, False)])
def test_a_message_counts_for_its_window_only(ends: Ends, now: datetime, seconds: int, fresh: bool) -> None:
    ours, theirs = pair(ends)
    sealed_at = now.replace(microsecond=0)
    body = ours.seal(Plain(b"{}"), Role.REQUEST, sealed_at).body
    if fresh:
        assert theirs.open(body, Role.REQUEST, sealed_at + timedelta(seconds=seconds)).document == b"{}"
    else:
        assert code_of(theirs, body, sealed_at + timedelta(seconds=seconds)) == "seal-stale"


def test_every_signed_member_is_guarded(ends: Ends, now: datetime) -> None:
    ours, theirs = pair(ends)
    body = ours.seal(Plain(b'{"amount":1}'), Role.REQUEST, now).body
    stamp, data = json.loads(body)["timeStamp"], json.loads(body)["data"]
    assert code_of(theirs, changed(body, timeStamp=stamp - 1), now) == "seal-bad-signature"
    assert (
        code_of(theirs, changed(body, data=data[:-1] + ("0" if data[-1] != "0" else "1")), now) == "seal-bad-signature"
    )
    assert code_of(theirs, changed(body, hospitalCode="TEST0002"), now) == "seal-recipient"
    assert code_of(theirs, changed(body, sign=""), now) == "seal-unsigned"
    assert code_of(theirs, changed(body, sign="30"), now) == "seal-bad-signature"


def test_another_senders_signature_is_refused(ends: Ends, now: datetime, keys: KeyRing) -> None:
    """Encrypted to the right key but signed by somebody else."""
    _, theirs = pair(ends)
    stranger = build_seal(
        {
            "profile": "sm2-envelope",
            "own_key": "huiyibao-insurer-sm2",
            "peer_key": "huiyibao-insurer-sm2",
            "hospital_code": "TEST0001",
        },
        keys,
    )
    assert code_of(theirs, stranger.seal(Plain(b"{}"), Role.REQUEST, now).body, now) == "seal-bad-signature"


def test_a_signature_under_another_user_id_is_refused(ends: Ends, now: datetime) -> None:
    body = pair(ends, user_id="ALICE123@YAHOO.COM")[0].seal(Plain(b"{}"), Role.REQUEST, now).body
    assert code_of(pair(ends)[1], body, now) == "seal-bad-signature"


def test_a_signed_message_for_another_receiver_does_not_open(ends: Ends, now: datetime, keys: KeyRing) -> None:
    """The signature holds, but the content was encrypted to somebody else's key."""
    config = {"profile": "sm2-envelope", "own_key": "huiyibao-gateway-sm2", "hospital_code": "TEST0001"}
    to_itself = build_seal({**config, "peer_key": "huiyibao-gateway-sm2"}, keys)
    body = to_itself.seal(Plain(b"{}"), Role.REQUEST, now).body
    assert code_of(pair(ends)[1], body, now) == "seal-decrypt"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"hospitalCode":"TEST0001","timeStamp":"1","sign":"","data":""}', b"<a/>"]
)
def test_other_bodies_are_no_envelope(ends: Ends, now: datetime, body: bytes) -> None:
    assert code_of(pair(ends)[0], body, now) == "seal-form"


def test_a_member_said_twice_is_refused(ends: Ends, now: datetime) -> None:
    """Two readers would see two hospitals."""
    ours, theirs = pair(ends)
    body = ours.seal(Plain(b"{}"), Role.REQUEST, now).body
    assert code_of(theirs, b'{"hospitalCode":"TEST0001",' + body[1:], now) == "seal-form"


def test_plain_answers_pass_only_where_the_manifest_says_so(ends: Ends, now: datetime) -> None:
    answer = b'{"code":0,"msg":"","data":null}'
    seal, _ = pair(ends, answers="plain")
    assert seal.open(answer, Role.ANSWER, now).document == answer
    assert seal.seal(Plain(answer), Role.ANSWER, now).body == answer
    assert code_of(seal, answer, now) == "seal-form"
    with pytest.raises(SealRefused):
        pair(ends)[0].open(answer, Role.ANSWER, now)


def test_a_document_that_is_no_json_is_not_sealed(ends: Ends, now: datetime) -> None:
    with pytest.raises(SealRefused):
        pair(ends)[0].seal(Plain(b"<a/>"), Role.REQUEST, now)
