"""``wsse-x509``: a signed Body arrives, alone, in time, from the agreed peer."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from lxml import etree
from wsse_messages import ENVELOPE, NS, code_of

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.seals import Plain, Role, Seal
from gateway.wire.seals.xml.names import SOAP11

Ends = Callable[..., tuple[Seal, Seal]]


@pytest.fixture
def pair(ends: Ends) -> tuple[Seal, Seal]:
    return ends("wsse-x509", "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa")


@pytest.fixture
def signed(pair: tuple[Seal, Seal], now: datetime) -> bytes:
    return pair[0].seal(Plain(ENVELOPE), Role.REQUEST, now).body


def test_a_signed_body_arrives_alone(pair: tuple[Seal, Seal], signed: bytes, now: datetime) -> None:
    opened = pair[1].open(signed, Role.REQUEST, now)
    root = etree.fromstring(opened.document)
    assert [child.tag for child in root] == [f"{{{SOAP11}}}Body"]
    assert not root[0].attrib
    sent = etree.fromstring(ENVELOPE)
    assert etree.tostring(root[0][0], method="c14n", exclusive=True) == etree.tostring(
        sent[0][0], method="c14n", exclusive=True
    )
    assert root[0][0][0].nsmap["xs"] == "http://www.w3.org/2001/XMLSchema"


def test_the_same_message_has_the_same_once_value(pair: tuple[Seal, Seal], signed: bytes, now: datetime) -> None:
    again = pair[0].seal(Plain(ENVELOPE), Role.REQUEST, now).body
    first = pair[1].open(signed, Role.REQUEST, now).once
    assert first == pair[1].open(signed, Role.REQUEST, now).once
    assert first != pair[1].open(again, Role.REQUEST, now).once


def test_other_headers_are_kept_when_signing_and_dropped_when_opening(pair: tuple[Seal, Seal], now: datetime) -> None:
    document = ENVELOPE.replace(b"<s:Body>", b"<s:Header><t:Route>1</t:Route></s:Header><s:Body>")
    body = pair[0].seal(Plain(document), Role.REQUEST, now).body
    assert etree.fromstring(body).findtext("{*}Header/{*}Route") == "1"
    assert b"Route" not in pair[1].open(body, Role.REQUEST, now).document


def test_whitespace_around_the_parts_does_not_matter(pair: tuple[Seal, Seal], signed: bytes, now: datetime) -> None:
    spaced = signed.replace(b"<s:Header>", b"\n  <s:Header>\n").replace(b"</s:Header>", b"\n</s:Header>\n")
    assert pair[1].open(spaced, Role.REQUEST, now).document


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (299, True), (302, False), (-299, True), (-302, False)])
def test_a_message_counts_for_its_window_only(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime, seconds: int, fresh: bool
) -> None:
    moment = now + timedelta(seconds=seconds)
    if fresh:
        assert pair[1].open(signed, Role.REQUEST, moment).document
    else:
        assert code_of(pair[1], signed, moment) == "seal-stale"


def test_a_long_validity_does_not_widen_our_window(ends: Ends, now: datetime) -> None:
    """The sender's Expires says an hour; ours is five minutes."""
    names = ("wsse-x509", "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa")
    sender, reader = ends(*names, window_s=3600)[0], ends(*names)[1]
    body = sender.seal(Plain(ENVELOPE), Role.REQUEST, now).body
    assert code_of(reader, body, now + timedelta(seconds=302)) == "seal-stale"


def test_an_expired_certificate_neither_signs_nor_is_believed(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime
) -> None:
    later = now + timedelta(days=800)
    with pytest.raises(ConfigRefused) as refused:
        pair[0].seal(Plain(ENVELOPE), Role.REQUEST, later)
    assert refused.value.error_code == "certificate-expired"
    with pytest.raises(SealRefused) as stale:
        pair[1].open(signed, Role.REQUEST, later)
    assert "certificate" in stale.value.message


@pytest.mark.parametrize("document", [b"", b"<a/>", b"{}", ENVELOPE.replace(b"s:Body", b"s:Other")])
def test_what_is_no_envelope_is_neither_signed_nor_opened(
    pair: tuple[Seal, Seal], now: datetime, document: bytes
) -> None:
    with pytest.raises(SealRefused) as refused:
        pair[0].seal(Plain(document), Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"
    assert code_of(pair[1], document, now) == "seal-form"


def test_an_unsigned_fault_is_refused_unless_answers_travel_plain(
    pair: tuple[Seal, Seal], ends: Ends, now: datetime
) -> None:
    fault = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body><s:Fault/></s:Body></s:Envelope>'.encode()
    with pytest.raises(SealRefused) as refused:
        pair[0].open(fault, Role.ANSWER, now)
    assert refused.value.error_code == "seal-unsigned"
    lenient, _ = ends("wsse-x509", "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa", answers="plain")
    assert lenient.open(fault, Role.ANSWER, now).document == fault


def test_token_timestamp_and_body_are_signed(signed: bytes) -> None:
    """Three references, no more and no fewer."""
    root = etree.fromstring(signed)
    references = {uri[1:] for uri in root.xpath("//ds:Reference/@URI", namespaces=NS)}
    identities = set(root.xpath("//@wsu:Id", namespaces=NS))
    assert len(references) == 3
    assert references == identities
