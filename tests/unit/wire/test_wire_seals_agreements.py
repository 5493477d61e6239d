"""Every agreement of the text, JSON and JOSE profiles: what one end seals, the other opens, and nothing that was changed."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.seal_ends import AGREEMENTS, both_ends, changed_bytes, lower, make_keys

from gateway.kernel.errors import SealRefused
from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, Sealed, open_message
from gateway.wire.seals.canonical import Tail, Written, build_pairs
from gateway.wire.seals.settings import Settings

CLAIM: dict[str, Any] = {"claimNo": "TEST0001", "total": "430.00", "note": "测试患者甲", "data": "感冒"}
NESTED: dict[str, Any] = {"data": {"lines": [{"n": 1, "amt": 1.5}], "z": "甲", "a": True}, "claimNo": "TEST0001"}
DOCUMENT = json.dumps(CLAIM, ensure_ascii=False, separators=(",", ":")).encode()

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("seal-keys"))


def opened(seal: Seal, sealed: Sealed, now: datetime, role: Role = Role.REQUEST) -> Plain:
    return open_message(seal, sealed.body, lower(sealed.headers), role, now)


def members(document: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document)
    return {name: value for name, value in found.items() if name not in ("timestamp", "nonce")}


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_what_one_end_seals_the_other_opens(ring: KeyRing, now: datetime, agreement: str) -> None:
    ours, theirs = both_ends(ring, agreement)
    for one, other, role in ((ours, theirs, Role.REQUEST), (theirs, ours, Role.ANSWER)):
        sealed = one.seal(Plain(DOCUMENT), role, now)
        plain = opened(other, sealed, now, role)
        assert members(plain.document) == CLAIM
        assert plain.once
        assert sealed.key_ids


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_nothing_changed_passes_for_the_original(ring: KeyRing, now: datetime, agreement: str) -> None:
    """Where a cipher cannot tell a change (the weak ones), the text still never comes out as it was."""
    ours, theirs = both_ends(ring, agreement)
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now)
    first = opened(theirs, sealed, now)
    for body in changed_bytes(sealed.body):
        try:
            again = open_message(theirs, body, lower(sealed.headers), Role.REQUEST, now)
        except SealRefused:
            continue
        assert agreement.startswith("body ")
        assert again != first


@pytest.mark.parametrize(
    "agreement", [name for name in AGREEMENTS if not name.startswith(("pairs form", "pairs field"))]
)
def test_nested_members_arrive(ring: KeyRing, now: datetime, agreement: str) -> None:
    ours, theirs = both_ends(ring, agreement)
    found = members(opened(theirs, ours.seal(Plain(json.dumps(NESTED).encode()), Role.REQUEST, now), now).document)
    texts = agreement in ("pairs header", "json ascii") or agreement.startswith("yibao")
    line = {"n": "1", "amt": "1.5"} if texts else {"n": 1, "amt": 1.5}
    assert found == {**NESTED, "data": {"lines": [line], "z": "甲", "a": "true" if texts else True}}


@pytest.mark.parametrize(
    "agreement", [name for name, config in AGREEMENTS.items() if "time" in str(config)] + ["yibao"]
)
@pytest.mark.parametrize("aside", [timedelta(seconds=-7), timedelta(seconds=302)])
def test_a_message_lives_as_long_as_agreed(ring: KeyRing, now: datetime, agreement: str, aside: timedelta) -> None:
    ours, theirs = both_ends(ring, agreement)
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now)
    with pytest.raises(SealRefused) as refused:
        opened(theirs, sealed, now + aside)
    assert refused.value.error_code == "seal-stale"


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_the_same_bytes_have_the_same_single_use_mark(ring: KeyRing, now: datetime, agreement: str) -> None:
    """The door records the mark and refuses a repeat, also where the signature could be written anew (ECDSA)."""
    ours, theirs = both_ends(ring, agreement)
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now)
    assert opened(theirs, sealed, now).once == opened(theirs, sealed, now).once


def test_readable_members_travel_beside_a_document_of_its_own(ring: KeyRing, now: datetime) -> None:
    ours, theirs = both_ends(ring, "yibao gcm")
    sealed = ours.seal(Plain(DOCUMENT, {"code": 0, "message": "成功"}), Role.ANSWER, now)
    plain = opened(theirs, sealed, now, Role.ANSWER)
    assert {"code": "0", "message": "成功", "signType": "SM2"}.items() <= dict(plain.protected).items()
    assert "data" not in json.loads(sealed.body)


def test_a_member_outside_the_signature_never_comes_out(ring: KeyRing, now: datetime) -> None:
    """``signType`` is agreed to be unsigned, and a dropped empty is unsigned too: both may be forged, neither is believed."""
    ours, theirs = both_ends(ring, "pairs field")
    sealed = ours.seal(Plain(b"{}"), Role.REQUEST, now)
    forged = sealed.body.replace(b"signType=RSA2", b"signType=forged") + b"&discount="
    assert dict(opened(theirs, Sealed(forged, ""), now).protected) == {"version": "1.0"}


def test_numbers_are_signed_as_they_are_written(ring: KeyRing, now: datetime) -> None:
    ours, theirs = both_ends(ring, "json rsa")
    sealed = ours.seal(Plain(b'{"b":1.50,"a":[100000000000000000001,0.10]}'), Role.REQUEST, now)
    document = opened(theirs, sealed, now).document
    assert b'"b":1.50' in document
    assert b'"a":[100000000000000000001,0.10]' in document


def test_answers_may_be_agreed_to_be_plain(ring: KeyRing, now: datetime) -> None:
    for name, config in AGREEMENTS.items():
        ours, theirs = both_ends(ring, {**config, "answers": "plain"})
        assert theirs.seal(Plain(b"{}"), Role.ANSWER, now).body == b"{}", name
        assert ours.open(b"{}", Role.ANSWER, now).document == b"{}", name


def test_keys_are_named_for_the_record(ring: KeyRing, now: datetime, tmp_path: Path) -> None:
    ours, _ = both_ends(ring, "jwe nested")
    names = ours.seal(Plain(b"{}"), Role.REQUEST, now).key_ids
    assert names == ("gateway-rsa", "insurer-rsa", "gateway-ec", "insurer-ec")


@pytest.mark.parametrize("agreement", ["pairs url", "json gbk"])
@pytest.mark.parametrize("values", ["raw", "url"])
def test_a_character_that_the_agreed_charset_lacks_is_refused_by_its_name(
    ring: KeyRing, now: datetime, agreement: str, values: str
) -> None:
    config = {**AGREEMENTS[agreement], "charset": "gbk"} | ({"values": values} if agreement == "pairs url" else {})
    ours, _ = both_ends(ring, config)
    with pytest.raises(SealRefused) as refused:
        ours.seal(Plain('{"note":"测试🙂"}'.encode()), Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"
    assert "🙂" not in str(refused.value)


def test_texts_of_every_charset_and_spelling_are_as_they_were_always_signed(ring: KeyRing, now: datetime) -> None:
    """The bytes themselves, so that a partner who signs by hand agrees."""
    tree = {"b": {"z": 1, "a": "甲"}, "a": "乙 /", "n": 1.50, "f": True, "e": ""}
    expected = {
        (): 'a=乙 /&b={"a":"甲","z":1}&f=true&n=1.5'.encode(),
        (("charset", "gbk"),): 'a=乙 /&b={"a":"甲","z":1}&f=true&n=1.5'.encode("gbk"),
        (("values", "url"),): b"a=%E4%B9%99%20%2F&b=%7B%22a%22%3A%22%E7%94%B2%22%2C%22z%22%3A1%7D&f=true&n=1.5",
        (("escape", "upper"),): b'a=\xe4\xb9\x99 /&b={"a":"\\u7532","z":1}&f=true&n=1.5',
        (("empties", "keep"),): 'a=乙 /&b={"a":"甲","z":1}&e=&f=true&n=1.5'.encode(),
        (("separator", "|"), ("assign", ":")): 'a:乙 /|b:{"a":"甲","z":1}|f:true|n:1.5'.encode(),
    }
    for more, text in expected.items():
        settings = Settings("sorted-pairs", dict(more), frozenset(dict(more)))
        written = build_pairs(settings, Tail()).write(tree)
        assert written.text == text, more
        assert json.loads(written.document) == dict(written.covered), more
    tail = Tail("&key=", Secret("s"))
    assert build_pairs(Settings("sorted-pairs", {}, frozenset()), tail).write({"a": "1"}).text == b"a=1&key=s"
    assert build_pairs(Settings("sorted-pairs", {}, frozenset()), tail).write({}) == Written({}, b"{}", b"&key=s")
