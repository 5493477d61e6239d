"""``xml-dsig``: whatever the agreed form, exactly the signed content arrives."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from support.xml_keys import OURS, OURS_EC, THEIRS, THEIRS_EC, make_ring

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal, weak_algorithms
from gateway.wire.seals.xml.names import DS

DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<document xml:lang="zh" xmlns:x="urn:x">\n <request id="request"><head>'
    "<ReqTime>20250306100000</ReqTime></head><body><!-- note --><name x:a='1'>测试 &lt;甲&gt; &amp; 乙</name>"
    '<plain xmlns="urn:d"/>\r\n</body></request>\n</document>'
).encode()
Ends = Callable[..., tuple[Seal, Seal]]

FORMS: dict[str, dict[str, Any]] = {
    "the whole document": {},
    "the whole document, inclusive": {"c14n": "inclusive"},
    "MYbank": {"c14n": "inclusive", "answer": {"prefix": ""}},
    "an element, signature inside": {"element": "request", "id_attribute": "id"},
    "an element, signature inside, inclusive": {"element": "request", "id_attribute": "id", "c14n": "inclusive"},
    "detached": {"form": "detached", "element": "request", "id_attribute": "id"},
    "detached, inclusive": {"form": "detached", "element": "request", "id_attribute": "id", "c14n": "inclusive"},
    "detached, with an id of our own": {"form": "detached", "element": "request"},
    "default namespace": {"prefix": ""},
    "SHA-384": {"signature": "rsa-sha384", "digest": "sha384"},
    "SHA-512": {"signature": "rsa-sha512", "digest": "sha512"},
    "PSS": {"signature": "rsa-pss-sha256"},
    "PSS, SHA-512": {"signature": "rsa-pss-sha512", "digest": "sha512"},
    "certificate shown": {"key_info": "x509-data"},
    "issuer and serial shown": {"key_info": "issuer-serial"},
    "ECDSA": {"signature": "ecdsa-sha256", "key_info": "x509-data"},
}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("xml-keys"))


@pytest.fixture
def both(ring: KeyRing) -> Ends:
    def build(**settings: Any) -> tuple[Seal, Seal]:
        own, peer = (OURS_EC, THEIRS_EC) if "ecdsa" in settings.get("signature", "") else (OURS, THEIRS)
        config = {"profile": "xml-dsig", **settings}
        ours = build_seal({**config, "own_key": own, "peer_key": peer}, ring)
        return ours, build_seal({**config, "own_key": peer, "peer_key": own}, ring)

    return build


def canonical(document: bytes, path: str) -> bytes:
    found = etree.fromstring(document, etree.XMLParser(remove_comments=True)).find(path)
    assert found is not None
    return etree.tostring(found, method="c14n", exclusive=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("role", list(Role))
def test_the_signed_content_arrives_as_it_was(both: Ends, now: datetime, form: str, role: Role) -> None:
    ours, theirs = both(**FORMS[form])
    document = DOCUMENT.replace(b"request", b"answer") if role is Role.ANSWER and not FORMS[form] else DOCUMENT
    sealed = ours.seal(Plain(document), role, now)
    opened = theirs.open(sealed.body, role, now)
    assert canonical(opened.document, ".//body") == canonical(document, ".//body")
    assert b"Signature" not in opened.document
    assert sealed.key_ids
    assert len(opened.once) == 64


def test_what_stands_beside_a_detached_element_does_not_arrive(both: Ends, now: datetime) -> None:
    ours, theirs = both(**FORMS["detached"])
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    beside = sealed.replace(b"</document>", b"<request2/></document>").replace(b"<document", b'<document status="paid"')
    opened = etree.fromstring(theirs.open(beside, Role.REQUEST, now).document)
    assert [child.tag for child in opened] == ["request"]
    assert not opened.attrib


def test_answers_may_be_signed_otherwise_than_requests(both: Ends, now: datetime) -> None:
    ours, theirs = both(answer={"prefix": "", "digest": "sha512"})
    request = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    answer = theirs.seal(Plain(DOCUMENT), Role.ANSWER, now).body
    assert f'<ds:Signature xmlns:ds="{DS}"'.encode() in request
    assert f'<Signature xmlns="{DS}"'.encode() in answer
    assert ours.open(answer, Role.ANSWER, now).document
    with pytest.raises(SealRefused) as refused:
        ours.open(answer, Role.REQUEST, now)
    assert refused.value.error_code == "seal-algorithm"


def test_line_ends_inside_the_signature_are_part_of_it(both: Ends, ring: KeyRing, now: datetime) -> None:
    """MYbank's answers break lines inside SignatureValue; blanks of Base64 don't matter, those of SignedInfo do."""
    ours, theirs = both(**FORMS["MYbank"])
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    value = sealed.split(b"<ds:SignatureValue>")[1][:76]
    assert theirs.open(sealed.replace(value, b"\r\n" + value + b"\r\n"), Role.REQUEST, now).document
    with pytest.raises(SealRefused) as refused:
        theirs.open(sealed.replace(b"<ds:Reference ", b"\r\n<ds:Reference "), Role.REQUEST, now)
    assert refused.value.error_code == "seal-bad-signature"


@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (4, True), (6, False), (-1, False)])
def test_a_time_in_the_signed_content_is_held_to_the_window(both: Ends, minutes: int, fresh: bool) -> None:
    _, theirs = pair = both(time={"path": "request/head/ReqTime", "time_form": "compact"})
    made = datetime(2025, 3, 6, 2, 0, tzinfo=UTC)
    sealed = pair[0].seal(Plain(DOCUMENT), Role.REQUEST, made).body
    if fresh:
        assert theirs.open(sealed, Role.REQUEST, made + timedelta(minutes=minutes)).document
        return
    with pytest.raises(SealRefused) as refused:
        theirs.open(sealed, Role.REQUEST, made + timedelta(minutes=minutes))
    assert refused.value.error_code == "seal-stale"


def test_the_content_must_give_its_time_where_that_was_agreed(both: Ends, now: datetime) -> None:
    ours, theirs = both(time={"path": "request/head/Other", "time_form": "compact"})
    with pytest.raises(SealRefused) as refused:
        theirs.open(ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body, Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"


def test_a_message_counts_once_where_that_was_agreed(both: Ends, now: datetime) -> None:
    ours, theirs = both(single_use=300)
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    assert theirs.open(sealed, Role.REQUEST, now).once
    with pytest.raises(SealRefused) as refused:
        theirs.open(sealed, Role.REQUEST, now + timedelta(seconds=299))
    assert refused.value.error_code == "seal-replay"
    assert theirs.open(sealed, Role.REQUEST, now + timedelta(seconds=301)).once


@pytest.mark.parametrize("weak", [{"digest": "sha1"}, {"signature": "rsa-sha1"}, {"answer": {"digest": "sha1"}}])
def test_sha1_loads_as_a_dated_exception_only(both: Ends, now: datetime, weak: dict[str, Any]) -> None:
    with pytest.raises(ConfigRefused) as refused:
        both(**weak)
    assert refused.value.error_code == "seal-setting"
    with pytest.raises(ConfigRefused) as expired:
        both(**weak, exception={"until": "2026-01-01", "reason": "test"})
    assert expired.value.error_code == "weak-seal-expired"
    config = {"profile": "xml-dsig", **weak, "exception": {"until": "2099-01-01", "reason": "test"}}
    assert weak_algorithms(config) == ("SHA-1",)
    ours, theirs = both(**config)
    for role in Role:
        assert theirs.open(ours.seal(Plain(DOCUMENT), role, now).body, role, now).document


def test_answers_in_clear_pass_where_that_was_agreed(both: Ends, now: datetime) -> None:
    ours, theirs = both(answers="plain")
    assert theirs.seal(Plain(DOCUMENT), Role.ANSWER, now).body == DOCUMENT
    assert ours.open(DOCUMENT, Role.ANSWER, now).document == DOCUMENT


@pytest.mark.parametrize(
    "settings",
    [
        {"form": "enveloping"},
        {"form": "detached"},
        {"element": "a b"},
        {"signature": "hmac-sha256"},
        {"signature": "rsa-md5"},
        {"digest": "md5"},
        {"c14n": "with-comments"},
        {"prefix": "D S"},
        {"key_info": "token"},
        {"id_attribute": "x"},
        {"unheard": "of"},
        {"answer": {"unheard": "of"}},
        {"answer": "sealed"},
        {"time": "now"},
        {"time": {"path": "a", "zone": "b"}},
        {"answer": {"signature": "ecdsa-sha256"}},
    ],
)
def test_a_wrong_setting_does_not_load(both: Ends, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigRefused) as refused:
        both(**settings)
    assert refused.value.error_code == "seal-setting"


def test_a_key_of_another_kind_does_not_load(ring: KeyRing) -> None:
    for own, peer in ((OURS_EC, THEIRS), (OURS, THEIRS_EC)):
        with pytest.raises(ConfigRefused) as refused:
            build_seal({"profile": "xml-dsig", "own_key": own, "peer_key": peer}, ring)
        assert refused.value.error_code == "key-kind"


def test_an_expired_certificate_neither_signs_nor_is_believed(both: Ends, now: datetime) -> None:
    ours, theirs = both()
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    later = now + timedelta(days=101)
    with pytest.raises(ConfigRefused):
        ours.seal(Plain(DOCUMENT), Role.REQUEST, later)
    with pytest.raises(SealRefused) as refused:
        theirs.open(sealed, Role.REQUEST, later)
    assert refused.value.error_code == "seal-stale"


def test_a_document_is_signed_once(both: Ends, now: datetime) -> None:
    ours, _ = both()
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    for document in (sealed, b"no xml", b"<!DOCTYPE a><a/>"):
        with pytest.raises(SealRefused) as refused:
            ours.seal(Plain(document), Role.REQUEST, now)
        assert refused.value.error_code == "seal-form"


def test_a_ring_without_certificates_serves_where_no_key_is_named(tmp_path: Path, ring: KeyRing, now: datetime) -> None:
    for name in (OURS, THEIRS):
        source = ring.directory / f"{name}.key.pem"
        (tmp_path / source.name).touch(0o600)
        (tmp_path / source.name).write_bytes(source.read_bytes())
    bare = KeyRing.from_directory(tmp_path)
    config = {"profile": "xml-dsig", "own_key": OURS, "peer_key": THEIRS}
    sealed = build_seal(config, bare).seal(Plain(DOCUMENT), Role.REQUEST, now).body
    assert build_seal({**config, "own_key": THEIRS, "peer_key": OURS}, bare).open(sealed, Role.REQUEST, now).document
    with pytest.raises(ConfigRefused) as refused:
        build_seal({**config, "key_info": "x509-data"}, bare)
    assert refused.value.error_code == "key-missing"
