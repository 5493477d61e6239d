"""``xml-dsig`` under attack: each document is refused, and for its own reason."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree
from support import dsig_attacks as attack
from support.dsig_attacks import Attack
from support.dsig_forgery import DOCUMENT, Forgery
from support.xml_keys import OURS, OURS_EC, THEIRS, THEIRS_EC, make_ring

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal

DETACHED: dict[str, Any] = {"form": "detached", "element": "request", "id_attribute": "id"}
ENVELOPED: dict[str, Any] = {}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

ATTACKS: list[tuple[dict[str, Any], Attack, str]] = [
    (DETACHED, attack.wrapped_without_id, "seal-not-covered"),
    (DETACHED, attack.wrapped_with_another_id, "seal-not-covered"),
    (DETACHED, attack.wrapped_with_the_same_id, "seal-duplicate-id"),
    (DETACHED, attack.wrapped_with_the_id_under_another_name, "seal-duplicate-id"),
    (DETACHED, attack.wrapped_with_xml_id, "seal-duplicate-id"),
    (DETACHED, attack.wrapped_into_the_signature, "seal-form"),
    (DETACHED, attack.twin_beside, "seal-form"),
    (DETACHED, attack.signature_inside_another, "seal-unsigned"),
    (ENVELOPED, attack.inside_a_new_root, "seal-unsigned"),
    (ENVELOPED, attack.original_in_an_object, "seal-form"),
    (ENVELOPED, attack.signature_one_level_down, "seal-unsigned"),
    (ENVELOPED, attack.changed_content, "seal-bad-signature"),
    (ENVELOPED, attack.text_after_the_signature, "seal-bad-signature"),
    (ENVELOPED, attack.stripped, "seal-unsigned"),
    (ENVELOPED, attack.in_a_foreign_namespace, "seal-unsigned"),
    (ENVELOPED, attack.twice, "seal-form"),
    (ENVELOPED, attack.hmac_with_the_public_key, "seal-algorithm"),
    (ENVELOPED, attack.another_strong_algorithm, "seal-algorithm"),
    (ENVELOPED, attack.sha1_signature, "seal-algorithm"),
    (ENVELOPED, attack.truncated_hmac, "seal-algorithm"),
    (ENVELOPED, attack.sha1_digest, "seal-algorithm"),
    (ENVELOPED, attack.inclusive_c14n, "seal-algorithm"),
    (ENVELOPED, attack.comments_count, "seal-algorithm"),
    (ENVELOPED, attack.xslt_transform, "seal-algorithm"),
    (ENVELOPED, attack.xpath_transform, "seal-algorithm"),
    (ENVELOPED, attack.base64_transform, "seal-algorithm"),
    (ENVELOPED, attack.second_enveloped_transform, "seal-algorithm"),
    (DETACHED, attack.second_enveloped_transform, "seal-algorithm"),
    (ENVELOPED, attack.parameter_of_a_transform, "seal-algorithm"),
    (ENVELOPED, attack.parameter_of_canonicalisation, "seal-algorithm"),
    (ENVELOPED, attack.remote_reference, "seal-form"),
    (ENVELOPED, attack.file_reference, "seal-form"),
    (ENVELOPED, attack.xpointer_reference, "seal-form"),
    (ENVELOPED, attack.dangling_reference, "seal-form"),
    (ENVELOPED, attack.reference_without_uri, "seal-form"),
    (ENVELOPED, attack.manifest_reference, "seal-form"),
    (ENVELOPED, attack.no_reference, "seal-form"),
    (ENVELOPED, attack.two_references, "seal-form"),
    (ENVELOPED, attack.signed_info_twice, "seal-form"),
    (ENVELOPED, attack.elements_in_the_digest, "seal-form"),
    (ENVELOPED, attack.no_base64, "seal-form"),
    (ENVELOPED, attack.empty_value, "seal-bad-signature"),
    (ENVELOPED, attack.by_a_stranger, "seal-bad-signature"),
    (ENVELOPED, attack.strangers_certificate, "seal-untrusted-key"),
    (ENVELOPED, attack.strangers_certificate_before_the_agreed_one, "seal-untrusted-key"),
    (ENVELOPED, attack.agreed_certificate_over_a_strangers_signature, "seal-bad-signature"),
    (ENVELOPED, attack.strangers_key_value, "seal-untrusted-key"),
    (ENVELOPED, attack.key_somewhere_else, "seal-form"),
    (ENVELOPED, attack.key_by_name, "seal-form"),
    (ENVELOPED, attack.another_serial, "seal-untrusted-key"),
    (ENVELOPED, attack.unreadable_issuer, "seal-form"),
    (ENVELOPED, attack.subject_name_only, "seal-form"),
]
OUTSIDE: list[tuple[str, bytes]] = [
    ("a DOCTYPE", b"<!DOCTYPE document>"),
    ("an entity", b'<!DOCTYPE document [<!ENTITY e "attacker">]>'),
    ("an external entity", b'<!DOCTYPE document [<!ENTITY e SYSTEM "file:///etc/hostname">]>'),
    ("an external DTD", b'<!DOCTYPE document SYSTEM "http://127.0.0.1:9/x.dtd">'),
    ("entities in entities", b'<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'),
    ("an attribute's default", b'<!DOCTYPE document [<!ATTLIST request id CDATA "request">]>'),
    ("an instruction before the root", b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>'),
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("attacked-keys"))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def sealed(ring: KeyRing, now: datetime) -> Callable[[dict[str, Any]], bytes]:
    def seal(settings: dict[str, Any]) -> bytes:
        ours = build_seal({"profile": "xml-dsig", "own_key": OURS, "peer_key": THEIRS, **settings}, ring)
        return ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body

    return seal


def code_of(ring: KeyRing, settings: dict[str, Any], message: bytes, now: datetime) -> str:
    theirs = build_seal({"profile": "xml-dsig", "own_key": THEIRS, "peer_key": OURS, **settings}, ring)
    try:
        theirs.open(message, Role.REQUEST, now)
    except SealRefused as refused:
        return refused.error_code
    return "accepted"


@pytest.mark.parametrize(("settings", "change", "code"), ATTACKS)
def test_e1_each_attack_is_refused_for_its_own_reason(
    ring: KeyRing,
    sealed: Callable[[dict[str, Any]], bytes],
    now: datetime,
    settings: dict[str, Any],
    change: Attack,
    code: str,
) -> None:
    forgery = Forgery(etree.fromstring(sealed(settings)), ring)
    change(forgery)
    message = etree.tostring(forgery.root, encoding="UTF-8")
    assert code_of(ring, settings, message, now) == code


@pytest.mark.parametrize(("name", "prologue"), OUTSIDE)
def test_e1_nothing_stands_before_the_root(
    ring: KeyRing, sealed: Callable[[dict[str, Any]], bytes], now: datetime, name: str, prologue: bytes
) -> None:
    message = sealed(ENVELOPED).replace(b"<document", prologue + b"<document", 1)
    assert code_of(ring, ENVELOPED, message, now) == "seal-form", name


def test_e1_the_forger_can_sign(ring: KeyRing, sealed: Callable[[dict[str, Any]], bytes], now: datetime) -> None:
    """What the forger signs anew without any attack is believed; so each refusal above is due to the attack."""
    for settings in (ENVELOPED, DETACHED):
        forgery = Forgery(etree.fromstring(sealed(settings)), ring)
        attack.changed_content(forgery)
        forgery.sign()
        assert code_of(ring, settings, etree.tostring(forgery.root), now) == "accepted"


def test_e1_a_comment_cuts_no_text(ring: KeyRing, sealed: Callable[[dict[str, Any]], bytes], now: datetime) -> None:
    """Canonical form has no comments, so one may be added; readers that stop at it would see ``hos`` alone."""
    message = sealed(ENVELOPED).replace(b"<payee>hospital", b"<payee>hos<!-- -->pital")
    theirs = build_seal({"profile": "xml-dsig", "own_key": THEIRS, "peer_key": OURS}, ring)
    assert b"<payee>hospital</payee>" in theirs.open(message, Role.REQUEST, now).document


def test_e1_an_altered_ecdsa_value_does_not_make_a_new_message(ring: KeyRing, now: datetime) -> None:
    """(r, n - s) holds wherever (r, s) does, so a guard on the value itself would let the message in a second time."""
    settings = {"profile": "xml-dsig", "signature": "ecdsa-sha256", "single_use": 300}
    ours = build_seal({**settings, "own_key": OURS_EC, "peer_key": THEIRS_EC}, ring)
    theirs = build_seal({**settings, "own_key": THEIRS_EC, "peer_key": OURS_EC}, ring)
    message = ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body
    root = etree.fromstring(message)
    value = root.find(".//{*}SignatureValue")
    assert value is not None
    raw = base64.b64decode(value.text or "")
    other = P256_ORDER - int.from_bytes(raw[32:], "big")
    value.text = base64.b64encode(raw[:32] + other.to_bytes(32, "big")).decode()
    assert theirs.open(message, Role.REQUEST, now).once
    with pytest.raises(SealRefused) as refused:
        theirs.open(etree.tostring(root), Role.REQUEST, now)
    assert refused.value.error_code == "seal-replay"


@pytest.mark.parametrize("value", [bytes(64), b"\xff" * 64, bytes(63), b"", b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_e1_a_degenerate_ecdsa_value_is_refused(ring: KeyRing, now: datetime, value: bytes) -> None:
    """r = s = 0 (CVE-2022-21449), out of range, too short, and DER where two numbers belong."""
    settings = {"profile": "xml-dsig", "signature": "ecdsa-sha256"}
    ours = build_seal({**settings, "own_key": OURS_EC, "peer_key": THEIRS_EC}, ring)
    theirs = build_seal({**settings, "own_key": THEIRS_EC, "peer_key": OURS_EC}, ring)
    root = etree.fromstring(ours.seal(Plain(DOCUMENT), Role.REQUEST, now).body)
    place = root.find(".//{*}SignatureValue")
    assert place is not None
    place.text = base64.b64encode(value).decode()
    with pytest.raises(SealRefused) as refused:
        theirs.open(etree.tostring(root), Role.REQUEST, now)
    assert refused.value.error_code == "seal-bad-signature"
