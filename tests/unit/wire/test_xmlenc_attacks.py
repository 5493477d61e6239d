"""An encrypted Body under attack: each message is refused for its own reason, and failures of decryption all look alike."""

import base64
from datetime import datetime
from typing import Any

import pytest
import xmlenc_attacks as attack
from lxml import etree
from support.xml_keys import OURS, STRANGER, THEIRS, make_ring
from wsse_messages import ENVELOPE
from xmlenc_attacks import PAYMENT, Attack, Sealed

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

SIGN_FIRST, ENCRYPT_FIRST = {"order": "sign-first"}, {"order": "encrypt-first"}
ALIKE: list[Attack] = [
    attack.altered_content,
    attack.altered_tag,
    attack.altered_key,
    attack.cut_content,
    attack.cut_key,
    attack.short_key,
    attack.no_xml,
    attack.closes_the_body,
    attack.brings_a_doctype,
    attack.names_an_entity,
]
ATTACKS: list[tuple[dict[str, Any], Attack, str]] = [
    *((SIGN_FIRST, alike, "seal-decrypt") for alike in ALIKE),
    *((ENCRYPT_FIRST, alike, "seal-bad-signature") for alike in ALIKE),
    (SIGN_FIRST, attack.cbc_content, "seal-algorithm"),
    (SIGN_FIRST, attack.smaller_cipher, "seal-algorithm"),
    (SIGN_FIRST, attack.triple_des, "seal-algorithm"),
    (SIGN_FIRST, attack.rsa_1_5, "seal-algorithm"),
    (SIGN_FIRST, attack.sha1_in_oaep, "seal-algorithm"),
    (SIGN_FIRST, attack.another_mask, "seal-algorithm"),
    (SIGN_FIRST, attack.oaep_parameters, "seal-algorithm"),
    (SIGN_FIRST, attack.key_size_of_its_own, "seal-algorithm"),
    (SIGN_FIRST, attack.in_clear, "seal-not-encrypted"),
    (ENCRYPT_FIRST, attack.in_clear, "seal-bad-signature"),
    (SIGN_FIRST, attack.clear_beside_encrypted, "seal-form"),
    (SIGN_FIRST, attack.text_beside_encrypted, "seal-form"),
    (SIGN_FIRST, attack.encrypted_twice, "seal-form"),
    (SIGN_FIRST, attack.whole_element, "seal-form"),
    (SIGN_FIRST, attack.content_elsewhere, "seal-form"),
    (SIGN_FIRST, attack.two_keys, "seal-form"),
    (SIGN_FIRST, attack.second_key_in_the_header, "seal-form"),
    (SIGN_FIRST, attack.key_in_the_body, "seal-form"),
    (SIGN_FIRST, attack.no_key, "seal-form"),
    (SIGN_FIRST, attack.replaced_by_anyone, "seal-bad-signature"),
    (SIGN_FIRST, attack.replaced_and_stripped, "seal-unsigned"),
    (ENCRYPT_FIRST, attack.replaced_by_anyone, "seal-bad-signature"),
    (ENCRYPT_FIRST, attack.replaced_and_stripped, "seal-unsigned"),
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("encrypted-keys"))


def seal(ring: KeyRing, own: str, peer: str, **settings: Any) -> Seal:
    return build_seal({"profile": "wsse-x509", "own_key": own, "peer_key": peer, **settings}, ring)


def refusal(ring: KeyRing, encryption: dict[str, Any], change: Attack, now: datetime) -> SealRefused:
    message = seal(ring, OURS, THEIRS, encryption=encryption).seal(Plain(ENVELOPE), Role.REQUEST, now).body
    sealed = Sealed(etree.fromstring(message), ring)
    change(sealed)
    with pytest.raises(SealRefused) as refused:
        seal(ring, THEIRS, OURS, encryption=encryption).open(etree.tostring(sealed.root), Role.REQUEST, now)
    return refused.value


@pytest.mark.parametrize(("encryption", "change", "code"), ATTACKS)
def test_each_attack_is_refused_for_its_own_reason(
    ring: KeyRing, now: datetime, encryption: dict[str, Any], change: Attack, code: str
) -> None:
    assert refusal(ring, encryption, change, now).error_code == code


def test_failures_of_decryption_are_told_apart_by_nobody(ring: KeyRing, now: datetime) -> None:
    told = {
        (str(found), found.hint, found.__cause__) for found in (refusal(ring, SIGN_FIRST, one, now) for one in ALIKE)
    }
    assert len(told) == 1


def test_a_content_key_of_the_partners_own_is_held_to_the_same_rules(ring: KeyRing, now: datetime) -> None:
    """The partner signs last, so it can send whatever it likes; what does not decrypt is refused all the same."""
    encrypted = seal(ring, OURS, THEIRS, encryption=ENCRYPT_FIRST).seal(Plain(ENVELOPE), Role.REQUEST, now).body
    root = etree.fromstring(encrypted)
    root.remove(root[0])
    sealed = Sealed(root, ring)
    attack.short_key(sealed)
    message = seal(ring, OURS, THEIRS).seal(Plain(etree.tostring(root)), Role.REQUEST, now).body
    with pytest.raises(SealRefused) as refused:
        seal(ring, THEIRS, OURS, encryption=ENCRYPT_FIRST).open(message, Role.REQUEST, now)
    assert refused.value.error_code == "seal-decrypt"
    sealed.encrypt(PAYMENT)
    message = seal(ring, OURS, THEIRS).seal(Plain(etree.tostring(root)), Role.REQUEST, now).body
    assert PAYMENT in seal(ring, THEIRS, OURS, encryption=ENCRYPT_FIRST).open(message, Role.REQUEST, now).document


REFERENCES: list[tuple[str, str, str]] = [
    ("ski", "KeyIdentifier", "seal-untrusted-key"),
    ("thumbprint", "KeyIdentifier", "seal-untrusted-key"),
    ("issuer-serial", "X509Data", "seal-untrusted-key"),
    ("x509-data", "X509Data", "seal-untrusted-key"),
    ("token", "BinarySecurityToken", "seal-untrusted-key"),
]


@pytest.mark.parametrize(("reference", "part", "code"), REFERENCES)
def test_a_reference_to_another_certificate_is_refused(
    ring: KeyRing, now: datetime, reference: str, part: str, code: str
) -> None:
    """Whether the stranger signs under its own name, or the partner's message is given the stranger's name."""
    stranger = seal(ring, STRANGER, THEIRS, key_reference=reference).seal(Plain(ENVELOPE), Role.REQUEST, now).body
    ours = seal(ring, OURS, THEIRS, key_reference=reference).seal(Plain(ENVELOPE), Role.REQUEST, now).body
    theirs = seal(ring, THEIRS, OURS)
    grafted = etree.fromstring(ours)
    old, new = grafted.find(f".//{{*}}{part}"), etree.fromstring(stranger).find(f".//{{*}}{part}")
    assert old is not None
    assert new is not None
    if part == "BinarySecurityToken":
        old.text = new.text
    else:
        parent = old.getparent()
        assert parent is not None
        parent.replace(old, new)
    for message in (stranger, etree.tostring(grafted)):
        with pytest.raises(SealRefused) as refused:
            theirs.open(message, Role.REQUEST, now)
        assert refused.value.error_code == code


@pytest.mark.parametrize("kind", ["", "urn:other", "http://docs.oasis-open.org/wss/oasis-wss-kerberos#Sha1"])
def test_an_unknown_kind_of_reference_is_refused(ring: KeyRing, now: datetime, kind: str) -> None:
    root = etree.fromstring(seal(ring, OURS, THEIRS, key_reference="ski").seal(Plain(ENVELOPE), Role.REQUEST, now).body)
    identifier = root.find(".//{*}KeyIdentifier")
    assert identifier is not None
    identifier.set("ValueType", kind)
    identifier.text = base64.b64encode(b"anything").decode()
    with pytest.raises(SealRefused) as refused:
        seal(ring, THEIRS, OURS).open(etree.tostring(root), Role.REQUEST, now)
    assert refused.value.error_code == "seal-form"
