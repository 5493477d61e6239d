"""``wsse-x509`` under attack: what was signed is what is used, and every known way to part the two is refused."""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from wsse_messages import (
    ENVELOPE,
    NS,
    Change,
    change_body,
    change_expiry,
    code_of,
    drop_body_reference,
    drop_timestamp_reference,
    empty_reference,
    hmac_signature,
    inclusive_c14n,
    nine_references,
    no_key_info,
    one,
    remote_reference,
    second_security,
    second_signature,
    sha1_digest,
    sha1_signature,
    strip_header,
    strip_security,
    strip_signature,
    token_elsewhere,
    two_bodies,
    wrap_timestamp,
    wrap_with_other_id,
    wrap_with_plain_id,
    wrap_with_same_id,
    wrap_without_id,
    xpath_transform,
)

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal

Ends = Callable[..., tuple[Seal, Seal]]


@pytest.fixture
def pair(ends: Ends) -> tuple[Seal, Seal]:
    return ends("wsse-x509", "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa")


@pytest.fixture
def signed(pair: tuple[Seal, Seal], now: datetime) -> bytes:
    return pair[0].seal(Plain(ENVELOPE), Role.REQUEST, now).body


def after(signed: bytes, change: Change) -> bytes:
    root = etree.fromstring(signed)
    change(root)
    return etree.tostring(root, encoding="UTF-8")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (wrap_without_id, "seal-not-covered"),
        (wrap_with_other_id, "seal-not-covered"),
        (wrap_with_same_id, "seal-duplicate-id"),
        (wrap_with_plain_id, "seal-duplicate-id"),
        (two_bodies, "seal-form"),
        (wrap_timestamp, "seal-not-covered"),
        (strip_signature, "seal-unsigned"),
        (strip_header, "seal-unsigned"),
        (strip_security, "seal-unsigned"),
        (second_security, "seal-form"),
        (second_signature, "seal-form"),
        (change_body, "seal-bad-signature"),
        (change_expiry, "seal-bad-signature"),
        (drop_body_reference, "seal-bad-signature"),
        (sha1_signature, "seal-algorithm"),
        (hmac_signature, "seal-algorithm"),
        (inclusive_c14n, "seal-algorithm"),
        (xpath_transform, "seal-bad-signature"),
        (empty_reference, "seal-bad-signature"),
        (remote_reference, "seal-bad-signature"),
        (token_elsewhere, "seal-form"),
        (no_key_info, "seal-form"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_an_altered_message_is_refused(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime, change: Change, code: str
) -> None:
    assert code_of(pair[1], after(signed, change), now) == code


def signed_anew(root: etree._Element, keys: KeyRing) -> bytes:
    """The sender's own valid signature over a SignedInfo that breaks the profile."""
    info = one(root, "//ds:SignedInfo")
    canonical = etree.tostring(info, method="c14n", exclusive=True)
    value = keys.rsa_private("eclaimlink-gateway-rsa").sign(canonical, PKCS1v15(), SHA256())
    one(root, "//ds:SignatureValue").text = base64.b64encode(value).decode()
    return etree.tostring(root, encoding="UTF-8")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (drop_body_reference, "seal-not-covered"),
        (drop_timestamp_reference, "seal-not-covered"),
        (wrap_without_id, "seal-not-covered"),
        (sha1_signature, "seal-algorithm"),
        (sha1_digest, "seal-algorithm"),
        (xpath_transform, "seal-algorithm"),
        (empty_reference, "seal-form"),
        (remote_reference, "seal-form"),
        (nine_references, "seal-form"),
        (change_body, "seal-bad-signature"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_even_a_valid_signature_must_follow_the_profile(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime, keys: KeyRing, change: Change, code: str
) -> None:
    """A signature over the Timestamp alone, say, is valid and says nothing about the Body."""
    root = etree.fromstring(signed)
    change(root)
    assert code_of(pair[1], signed_anew(root, keys), now) == code


def test_inclusive_prefixes_of_a_foreign_signer_are_honoured(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime, keys: KeyRing
) -> None:
    """Other stacks list the prefixes that a Body's values use; the digest then covers those declarations."""
    root = etree.fromstring(signed)
    exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
    transform = root.xpath("//ds:Reference[last()]//ds:Transform", namespaces=NS)[0]
    etree.SubElement(transform, f"{{{exclusive}}}InclusiveNamespaces", PrefixList="xs")
    body = one(root, "/s:Envelope/s:Body")
    canonical = etree.tostring(body, method="c14n", exclusive=True, inclusive_ns_prefixes=["xs"])
    assert canonical != etree.tostring(body, method="c14n", exclusive=True)
    digest = root.xpath("//ds:Reference[last()]/ds:DigestValue", namespaces=NS)[0]
    digest.text = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    assert pair[1].open(signed_anew(root, keys), Role.REQUEST, now).document


def test_a_doctype_is_refused(pair: tuple[Seal, Seal], signed: bytes, now: datetime) -> None:
    start = signed.index(b"<s:Envelope")
    attack = signed[:start] + b'<!DOCTYPE x [<!ENTITY e "v">]>' + signed[start:]
    assert code_of(pair[1], attack, now) == "seal-form"


def test_a_message_signed_with_another_certificate_is_refused(
    pair: tuple[Seal, Seal], now: datetime, keys: KeyRing
) -> None:
    """The insurer's own signature, sent back to it: valid, but not the agreed peer."""
    ours, theirs = pair
    body = theirs.seal(Plain(ENVELOPE), Role.REQUEST, now).body
    assert code_of(theirs, body, now) == "seal-untrusted-key"
    assert ours.open(body, Role.REQUEST, now).document


def test_the_right_certificate_over_a_strangers_signature_is_refused(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime
) -> None:
    """Certificates are public; showing one proves nothing."""
    stranger = etree.fromstring(pair[1].seal(Plain(ENVELOPE), Role.REQUEST, now).body)
    token = one(stranger, "//wsse:BinarySecurityToken")
    token.text = one(etree.fromstring(signed), "//wsse:BinarySecurityToken").text
    assert code_of(pair[1], etree.tostring(stranger), now) == "seal-bad-signature"


def test_a_signed_part_without_a_canonical_form_is_refused(
    pair: tuple[Seal, Seal], signed: bytes, now: datetime
) -> None:
    """A relative namespace has no canonical form, so what was signed can't be known."""
    hostile = signed.replace(b"<ds:SignedInfo", b'<ds:SignedInfo xmlns:x="a/b"', 1)
    assert hostile != signed
    assert code_of(pair[1], hostile, now) == "seal-form"
