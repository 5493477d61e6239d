"""``wsse-x509`` in its variants: key references, algorithms, SOAP versions and an encrypted Body."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from support.xml_keys import OURS, OURS_EC, THEIRS, THEIRS_EC, make_ring
from wsse_messages import ENVELOPE

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal
from gateway.wire.seals.xml.names import SOAP11, SOAP12

Ends = Callable[..., tuple[Seal, Seal]]
WEAK = {"exception": {"until": "2099-12-31", "reason": "test"}}

VARIANTS: dict[str, dict[str, Any]] = {
    "token": {},
    "key identifier": {"key_reference": "ski"},
    "thumbprint": {"key_reference": "thumbprint"},
    "issuer and serial": {"key_reference": "issuer-serial"},
    "certificate in X509Data": {"key_reference": "x509-data"},
    "ECDSA": {"signature": "ecdsa-sha256", "digest": "sha512"},
    "ECDSA by thumbprint": {"signature": "ecdsa-sha256", "key_reference": "thumbprint"},
    "PSS": {"signature": "rsa-pss-sha384", "digest": "sha384"},
    "encrypted after signing": {"encryption": {}},
    "encrypted before signing": {"encryption": {"order": "encrypt-first", "content": "aes128-gcm"}},
    "key in the header": {"encryption": {"key_place": "header", "key_transport": "rsa-oaep-mgf1p"}},
    "ECDSA, encrypted": {"signature": "ecdsa-sha256", "encryption": {"own_key": "", "peer_key": ""}},
    "SHA-1 by exception": {"signature": "rsa-sha1", "digest": "sha1", **WEAK},
    "CBC by exception": {"encryption": {"order": "encrypt-first", "content": "aes256-cbc"}, **WEAK},
    "RSA1_5 by exception": {"encryption": {"order": "encrypt-first", "key_transport": "rsa-1_5"}, **WEAK},
}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("wsse-keys"))


@pytest.fixture
def both(ring: KeyRing) -> Ends:
    """Both ends; an ECDSA pair encrypts to the RSA keys, because XML-Enc here wraps by RSA."""

    def end(own: str, peer: str, settings: dict[str, Any], wrap: tuple[str, str]) -> Seal:
        encryption = settings.get("encryption")
        if encryption is not None and "own_key" in encryption:
            settings = settings | {"encryption": encryption | {"own_key": wrap[0], "peer_key": wrap[1]}}
        return build_seal({"profile": "wsse-x509", "own_key": own, "peer_key": peer, **settings}, ring)

    def build(**settings: Any) -> tuple[Seal, Seal]:
        elliptic = "ecdsa" in settings.get("signature", "")
        own, peer = (OURS_EC, THEIRS_EC) if elliptic else (OURS, THEIRS)
        return end(own, peer, settings, (OURS, THEIRS)), end(peer, own, settings, (THEIRS, OURS))

    return build


def content(document: bytes) -> bytes:
    body = etree.fromstring(document).find("{*}Body")
    assert body is not None
    return etree.tostring(body[0], method="c14n", exclusive=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_body_arrives_in_every_variant(both: Ends, now: datetime, variant: str) -> None:
    ours, theirs = both(**VARIANTS[variant])
    sealed = ours.seal(Plain(ENVELOPE), Role.REQUEST, now)
    assert content(theirs.open(sealed.body, Role.REQUEST, now).document) == content(ENVELOPE)
    encrypted = "encryption" in VARIANTS[variant]
    assert ("测试".encode() not in sealed.body) is encrypted


@pytest.mark.parametrize("variant", [name for name, settings in VARIANTS.items() if "exception" in settings])
def test_a_weak_variant_loads_as_a_dated_exception_only(both: Ends, variant: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        both(**{name: value for name, value in VARIANTS[variant].items() if name != "exception"})
    assert refused.value.error_code == "seal-setting"
    with pytest.raises(ConfigRefused) as expired:
        both(**VARIANTS[variant] | {"exception": {"until": "2026-01-01", "reason": "test"}})
    assert expired.value.error_code == "weak-seal-expired"


@pytest.mark.parametrize(("soap", "kind"), [(SOAP11, "text/xml"), (SOAP12, "application/soap+xml")])
def test_the_content_type_is_that_of_the_envelopes_version(both: Ends, now: datetime, soap: str, kind: str) -> None:
    ours, theirs = both(encryption={})
    sealed = ours.seal(Plain(ENVELOPE.replace(SOAP11.encode(), soap.encode())), Role.REQUEST, now)
    assert sealed.content_type == f"{kind}; charset=utf-8"
    assert theirs.open(sealed.body, Role.REQUEST, now).document.startswith(b"<s:Envelope")


def test_any_reference_to_the_agreed_certificate_is_understood(both: Ends, now: datetime) -> None:
    """Which one a partner writes is its own affair: the key is agreed and never taken from the message."""
    _, theirs = both()
    for reference in ("ski", "thumbprint", "issuer-serial", "x509-data"):
        sealed = both(key_reference=reference)[0].seal(Plain(ENVELOPE), Role.REQUEST, now).body
        assert theirs.open(sealed, Role.REQUEST, now).document


@pytest.mark.parametrize("inner", ["just text &amp; more", "", "<a/>tail<b/>", "text<a/>\n"])
def test_any_content_can_be_encrypted(both: Ends, now: datetime, inner: str) -> None:
    ours, theirs = both(encryption={})
    document = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{inner}</s:Body></s:Envelope>'
    sealed = ours.seal(Plain(document.encode()), Role.REQUEST, now).body
    body = etree.fromstring(theirs.open(sealed, Role.REQUEST, now).document).find("{*}Body")
    sent = etree.fromstring(document).find("{*}Body")
    assert body is not None
    assert sent is not None
    assert "".join(map(str, body.itertext())) == "".join(map(str, sent.itertext()))
    assert [child.tag for child in body] == [child.tag for child in sent]


def test_a_message_counts_once_where_that_was_agreed(both: Ends, now: datetime) -> None:
    ours, theirs = both(single_use=300)
    sealed = ours.seal(Plain(ENVELOPE), Role.REQUEST, now).body
    assert theirs.open(sealed, Role.REQUEST, now).once
    with pytest.raises(SealRefused) as refused:
        theirs.open(sealed, Role.REQUEST, now + timedelta(seconds=1))
    assert refused.value.error_code == "seal-replay"


@pytest.mark.parametrize(
    "settings",
    [
        {"signature": "hmac-sha256"},
        {"digest": "md5"},
        {"key_reference": "none"},
        {"key_reference": "key-name"},
        {"encryption": "yes"},
        {"encryption": {"content": "aes256-ecb"}},
        {"encryption": {"key_transport": "direct"}},
        {"encryption": {"order": "both"}},
        {"encryption": {"content": "aes256-cbc"}, **WEAK},
        {"encryption": {"key_transport": "rsa-1_5"}, **WEAK},
        {"encryption": {"key_place": "header", "order": "encrypt-first"}},
    ],
)
def test_a_wrong_setting_does_not_load(both: Ends, settings: dict[str, Any]) -> None:
    """CBC and RSA1_5 also don't where no signature covers the cipher text: they would answer an attacker's questions."""
    with pytest.raises(ConfigRefused) as refused:
        both(**settings)
    assert refused.value.error_code == "seal-setting"


def test_an_elliptic_key_wraps_no_content_key(ring: KeyRing) -> None:
    config = {"profile": "wsse-x509", "own_key": OURS_EC, "peer_key": THEIRS_EC, "signature": "ecdsa-sha256"}
    with pytest.raises(ConfigRefused) as refused:
        build_seal({**config, "encryption": {}}, ring)
    assert refused.value.error_code == "key-kind"
