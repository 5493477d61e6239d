"""``detached-text``: the exact inner bytes are signed, and only they come out."""

import base64
from collections.abc import Callable
from datetime import datetime

import pytest

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

INNER = '<head><version>1.0</version></head><body><extendInfo key="a" value="测试" /><empty></empty></body>'.encode()
WHOLE = (
    b'<?xml version="1.0" encoding="UTF-8"?><document><signature></signature><request>%s</request></document>' % INNER
)
Ends = Callable[..., tuple[Seal, Seal]]


@pytest.fixture
def pair(ends: Ends) -> tuple[Seal, Seal]:
    return ends("detached-text", "ant-gateway-rsa", "ant-insurer-rsa")


def code_of(seal: Seal, body: bytes, now: datetime, role: Role = Role.REQUEST) -> str:
    with pytest.raises(SealRefused) as refused:
        seal.open(body, role, now)
    return refused.value.error_code


@pytest.mark.parametrize("document", [WHOLE, b"<request>%s</request>" % INNER])
def test_the_inner_bytes_travel_untouched(pair: tuple[Seal, Seal], now: datetime, document: bytes) -> None:
    """Blanks before ``/>`` and empty elements stay as the mapping wrote them."""
    ours, theirs = pair
    sealed = ours.seal(Plain(document), Role.REQUEST, now)
    assert b"<request>" + INNER + b"</request>" in sealed.body
    opened = theirs.open(sealed.body, Role.REQUEST, now)
    assert opened.document == WHOLE
    assert opened.once


def test_answers_are_signed_over_their_own_element(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    answer = b"<document><signature></signature><response><body><success>1</success></body></response></document>"
    body = theirs.seal(Plain(answer), Role.ANSWER, now).body
    assert b"<success>1</success>" in ours.open(body, Role.ANSWER, now).document
    assert code_of(ours, body, now, Role.REQUEST) == "seal-form"


def test_one_changed_byte_breaks_the_signature(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    body = ours.seal(Plain(WHOLE), Role.REQUEST, now).body
    assert code_of(theirs, body.replace(b"1.0</version>", b"3.0</version>"), now) == "seal-bad-signature"
    assert code_of(theirs, body.replace(b" />", b"/>"), now) == "seal-bad-signature"


def test_a_missing_or_doubled_signature_is_refused(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    body = ours.seal(Plain(WHOLE), Role.REQUEST, now).body
    start, end = body.index(b"<signature>"), body.index(b"</signature>") + len(b"</signature>")
    assert code_of(theirs, WHOLE, now) == "seal-unsigned"
    assert code_of(theirs, body[:start] + body[end:], now) == "seal-unsigned"
    assert code_of(theirs, body[:start] + body[start:end] * 2 + body[end:], now) == "seal-form"
    assert code_of(theirs, body[:start] + b"<signature>!</signature>" + body[end:], now) == "seal-bad-signature"


def test_another_key_is_refused(pair: tuple[Seal, Seal], now: datetime, keys: KeyRing) -> None:
    config = {"profile": "detached-text", "own_key": "hcx-gateway-rsa", "peer_key": "ant-insurer-rsa"}
    body = build_seal(config, keys).seal(Plain(WHOLE), Role.REQUEST, now).body
    assert code_of(pair[1], body, now) == "seal-bad-signature"


@pytest.mark.parametrize(
    "inner",
    [
        b"<![CDATA[</request>]]>",
        b"</request><request>",
        b"<![CDATA[</request >]]>",
        b"<request>x",
    ],
)
def test_an_ambiguous_cut_is_neither_signed_nor_opened(pair: tuple[Seal, Seal], now: datetime, inner: bytes) -> None:
    """A reader that cuts at the first closing tag would see another message."""
    ours, theirs = pair
    document = WHOLE.replace(INNER, inner)
    with pytest.raises(SealRefused) as refused:
        ours.seal(Plain(document), Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"
    signed = document.replace(b"<signature></signature>", b"<signature>AAAA</signature>")
    assert code_of(theirs, signed, now) == "seal-form"


def test_content_beside_the_signed_element_does_not_come_out(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    body = ours.seal(Plain(WHOLE), Role.REQUEST, now).body
    padded = body.replace(b"<signature>", b"<injected>1</injected><signature>").replace(
        b"</document>", b"<x/></document>"
    )
    assert theirs.open(padded, Role.REQUEST, now).document == WHOLE


def test_nothing_is_parsed_before_the_signature_holds(pair: tuple[Seal, Seal], now: datetime) -> None:
    """A DTD or an open tag in front costs nothing: it is no part of what is handed on."""
    ours, theirs = pair
    body = ours.seal(Plain(WHOLE), Role.REQUEST, now).body
    attack = body.replace(b"<document>", b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><document>')
    assert theirs.open(attack, Role.REQUEST, now).document == WHOLE


def test_content_that_is_not_utf8_is_refused(pair: tuple[Seal, Seal], now: datetime) -> None:
    body = b"<document><signature>AAAA</signature><request>\xff</request></document>"
    assert code_of(pair[1], body, now) == "seal-form"


def test_a_document_of_another_encoding_is_not_sealed(pair: tuple[Seal, Seal], now: datetime) -> None:
    """What a mapping says it encoded as UTF-8 is sealed without a look; a document nobody vouches for is looked at."""
    with pytest.raises(SealRefused) as refused:
        pair[0].seal(Plain("<request>测试</request>".encode("gbk")), Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"
    vouched = pair[0].seal(Plain(WHOLE, utf8=True), Role.REQUEST, now)
    assert vouched.body == pair[0].seal(Plain(WHOLE), Role.REQUEST, now).body


def test_the_signed_text_is_the_base64_of_the_inner_bytes(
    pair: tuple[Seal, Seal], now: datetime, keys: KeyRing
) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    body = pair[0].seal(Plain(WHOLE), Role.REQUEST, now).body
    signature = base64.b64decode(body.split(b"<signature>")[1].split(b"</signature>")[0])
    keys.rsa_public("ant-gateway-rsa").verify(signature, base64.b64encode(INNER), PKCS1v15(), SHA256())
