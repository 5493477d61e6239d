"""A certificate counts for what its issuer made it for, when it leads to the agreed authority, and until it is revoked."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import CLIENT, SERVER, Issuer, put_certificate, put_key, rsa_key
from test_wire_tls import handshake

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.purpose import Purpose, require_purpose
from gateway.wire.seals import build_seal
from gateway.wire.tls import client_context, server_context
from gateway.wire.trust import Trust, read_crls

ROOT, STRANGER = Issuer("Root"), Issuer("Stranger")
MIDDLE = ROOT.below("Middle")
LEAF = MIDDLE.issue("insurer", rsa_key())
ANCHORS = (ROOT.certificate,)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigRefused) as refused:
        call()
    assert refused.value.hint
    return refused.value.error_code


def judged(trust: Trust, *, chain: tuple[Issuer, ...] = (MIDDLE,)) -> str:
    return code_of(lambda: trust.require("insurer", LEAF, [one.certificate for one in chain], datetime.now(UTC)))


def trust(tmp_path: Path, *lists: bytes) -> Trust:
    crl = tmp_path / "insurer.crl.pem"
    crl.write_bytes(b"".join(lists))
    return Trust.from_files(put_certificate(tmp_path, "root", *ANCHORS), crl)


def test_a_chain_must_lead_to_the_partners_authority() -> None:
    Trust(ANCHORS).require("insurer", LEAF, [MIDDLE.certificate], datetime.now(UTC))
    assert judged(Trust(ANCHORS), chain=()) == "certificate-untrusted"
    assert judged(Trust((STRANGER.certificate,))) == "certificate-untrusted"


def test_an_issuer_of_the_same_name_is_not_the_issuer() -> None:
    assert judged(Trust((Issuer("Root").certificate,))) == "certificate-untrusted"


def test_a_certificate_that_may_issue_none_is_no_link_of_a_chain() -> None:
    leaf_as_issuer = Issuer("insurer", key=rsa_key())
    forged = leaf_as_issuer.issue("forged", rsa_key(1))
    assert code_of(lambda: Trust(ANCHORS).require("forged", forged, [LEAF, MIDDLE.certificate], datetime.now(UTC))) == (
        "certificate-untrusted"
    )


def test_with_lists_every_link_must_be_covered_and_not_named(tmp_path: Path) -> None:
    trust(tmp_path, MIDDLE.revoking(), ROOT.revoking()).require(
        "insurer", LEAF, [MIDDLE.certificate], datetime.now(UTC)
    )
    assert judged(trust(tmp_path, MIDDLE.revoking(LEAF), ROOT.revoking())) == "certificate-revoked"
    assert judged(trust(tmp_path, MIDDLE.revoking(), ROOT.revoking(MIDDLE.certificate))) == "certificate-revoked"
    assert judged(trust(tmp_path, MIDDLE.revoking())) == "crl-stale"


def test_a_list_that_ended_or_was_signed_by_another_covers_nothing(tmp_path: Path) -> None:
    assert judged(trust(tmp_path, MIDDLE.revoking(days=-1), ROOT.revoking())) == "crl-stale"
    assert judged(trust(tmp_path, Issuer("Middle").revoking(), ROOT.revoking())) == "crl-stale"


def test_what_is_no_list_and_no_authority_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no list")
    assert code_of(lambda: read_crls(bad)) == "crl-form"
    assert code_of(lambda: read_crls(tmp_path / "none.pem")) == "crl-form"
    assert code_of(lambda: Trust.from_files(tmp_path / "none.pem")) == "tls-setting"


@pytest.mark.parametrize(
    ("purpose", "uses", "purposes", "allowed"),
    [
        (Purpose.TLS_SERVER, ("digital_signature",), (SERVER,), True),
        (Purpose.TLS_SERVER, ("digital_signature",), (CLIENT,), False),
        (Purpose.TLS_SERVER, ("key_cert_sign",), (), False),
        (Purpose.TLS_CLIENT, ("digital_signature",), (SERVER, CLIENT), True),
        (Purpose.TLS_CLIENT, ("digital_signature",), (SERVER,), False),
        (Purpose.TLS_CLIENT, (), (), True),
        (Purpose.SIGN, ("content_commitment",), (), True),
        (Purpose.SIGN, ("key_encipherment",), (), False),
        (Purpose.SEAL, ("key_encipherment",), (), True),
        (Purpose.SEAL, ("key_cert_sign", "crl_sign"), (), False),
    ],
)
def test_a_certificate_serves_what_it_was_made_for(
    purpose: Purpose, uses: tuple[str, ...], purposes: tuple[object, ...], allowed: bool
) -> None:
    one = ROOT.issue("one", rsa_key(), uses=uses, purposes=purposes)  # type: ignore[arg-type]
    if allowed:
        require_purpose("one", one, purpose)
    else:
        assert code_of(lambda: require_purpose("one", one, purpose)) == "certificate-purpose"


def test_a_door_and_a_seal_refuse_a_certificate_of_another_purpose(tmp_path: Path) -> None:
    for name, uses, purposes in (
        ("door", ("digital_signature",), (CLIENT,)),
        ("ours", ("key_encipherment",), ()),
        ("authority", ("key_cert_sign",), ()),
    ):
        put_key(tmp_path, name, rsa_key())
        put_certificate(tmp_path, name, ROOT.issue(name, rsa_key(), uses=uses, purposes=purposes))
    put_certificate(tmp_path, "theirs", ROOT.issue("theirs", rsa_key(1)))
    ring = KeyRing.from_directory(tmp_path)
    assert code_of(lambda: server_context(ring, "door")) == "certificate-purpose"
    for profile, own in (("wsse-x509", "ours"), ("detached-text", "authority")):
        config = {"profile": profile, "own_key": own, "peer_key": "theirs"}
        assert code_of(lambda config=config: build_seal(config, ring)) == "certificate-purpose"


@pytest.fixture
def hospital(tmp_path: Path) -> Callable[..., str]:
    """A handshake at a door that knows ``ROOT``, by a client with the certificate given."""
    put_certificate(tmp_path, "root", ROOT.certificate)
    door = ec.generate_private_key(ec.SECP256R1())
    put_key(tmp_path, "door", door)
    put_certificate(tmp_path, "door", ROOT.issue("localhost", door, purposes=(SERVER,)))

    def shake(
        *, issuer: Issuer = ROOT, days: float = 30, purpose: object = CLIENT, revoked: bool = False, lasts: float = 7
    ) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issuer.issue("H1", key, days=days, purposes=(purpose,))  # type: ignore[arg-type]
        put_key(tmp_path, "client", key), put_certificate(tmp_path, "client", certificate)
        crl = tmp_path / "root.crl.pem"
        crl.write_bytes(ROOT.revoking(*([certificate] if revoked else []), days=lasts))
        ring = KeyRing.from_directory(tmp_path, isolate=True)
        root = tmp_path / "root.cert.pem"
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(root)
        client.load_cert_chain(tmp_path / "client.cert.pem", tmp_path / "client.key.pem")
        return handshake(server_context(ring, "door", root, client_crl=crl, require_client=True), client)

    return shake


def test_a_hospital_with_a_good_certificate_comes_in(hospital: Callable[..., str]) -> None:
    assert hospital() == "TLSv1.3"


@pytest.mark.parametrize(
    "wrong",
    [{"revoked": True}, {"lasts": -1}, {"days": -1}, {"issuer": STRANGER}, {"purpose": SERVER}],
    ids=["revoked", "list ended", "expired", "another authority", "made for servers"],
)
def test_a_hospital_with_a_bad_certificate_stays_outside(
    hospital: Callable[..., str], wrong: dict[str, object]
) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        hospital(**wrong)


def test_our_client_shows_no_certificate_that_was_made_for_servers(tmp_path: Path) -> None:
    put_key(tmp_path, "us", rsa_key())
    put_certificate(tmp_path, "us", ROOT.issue("us", rsa_key(), purposes=(SERVER,)))
    ring = KeyRing.from_directory(tmp_path)
    assert code_of(lambda: client_context(None, ring, "us")) == "certificate-purpose"
