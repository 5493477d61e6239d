"""A key may lie in a PEM file, in a PKCS#12 file or, when it is a secret, in the environment; each place is held to the same rules."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from support.certificates import Issuer, key_pem, put_certificate, put_key, put_private, rsa_key
from test_wire_tls import handshake

from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import refuse_development_certificates
from gateway.wire.keys import KeyRing
from gateway.wire.pem import der_from_pem, pem_from_der
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.tls import client_context, server_context

PASSPHRASE = "TEST-passphrase-0001"
ISSUER = Issuer()


def put_pkcs12(
    directory: Path, name: str, key: Any, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...] = ()
) -> None:
    sealed = BestAvailableEncryption(PASSPHRASE.encode())
    put_private(
        directory / f"{name}.p12", pkcs12.serialize_key_and_certificates(b"", key, certificate, list(chain), sealed)
    )
    put_private(directory / f"{name}.p12.secret", PASSPHRASE.encode())


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigRefused) as refused:
        call()
    assert refused.value.hint
    assert PASSPHRASE not in f"{refused.value} {refused.value.hint}"
    return refused.value.error_code


def loading(directory: Path) -> str:
    return code_of(lambda: KeyRing.from_directory(directory))


def test_a_pkcs12_file_gives_key_certificate_and_chain(tmp_path: Path) -> None:
    middle = ISSUER.below("Middle")
    put_pkcs12(tmp_path, "ours", rsa_key(), middle.issue("ours", rsa_key()), (middle.certificate,))
    ring = KeyRing.from_directory(tmp_path)
    assert ring.rsa_private("ours").private_numbers() == rsa_key().private_numbers()
    assert ring.rsa_public("ours").public_numbers() == rsa_key().public_key().public_numbers()
    assert ring.certificate("ours").issuer == middle.certificate.subject
    assert ring.entry("ours").chain == (middle.certificate,)
    assert ring.certificate_days()["ours"] == 364


def test_openssls_own_pkcs12_is_read_and_seals(tmp_path: Path) -> None:
    key, certificate = put_key(tmp_path, "a", rsa_key()), put_certificate(tmp_path, "a", ISSUER.issue("a", rsa_key()))
    words = [
        "openssl",
        "pkcs12",
        "-export",
        "-inkey",
        str(key),
        "-in",
        str(certificate),
        "-out",
        str(tmp_path / "b.p12"),
    ]
    subprocess.run([*words, "-passout", f"pass:{PASSPHRASE}"], check=True, capture_output=True)
    (tmp_path / "b.p12").chmod(0o600)
    put_private(tmp_path / "b.p12.secret", PASSPHRASE.encode())
    ring = KeyRing.from_directory(tmp_path)
    ours = build_seal({"profile": "detached-text", "own_key": "b", "peer_key": "a"}, ring)
    theirs = build_seal({"profile": "detached-text", "own_key": "a", "peer_key": "b"}, ring)
    document = b"<document><signature></signature><request>x</request></document>"
    now = ring.certificate("a").not_valid_before_utc
    assert (
        b"<request>x</request>"
        in theirs.open(ours.seal(Plain(document), Role.REQUEST, now).body, Role.REQUEST, now).document
    )


def test_a_tls_door_opens_with_a_pkcs12_identity_that_no_disk_holds_in_clear(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    middle = ISSUER.below("Middle")
    put_pkcs12(tmp_path, "door", key, middle.issue("localhost", key), (middle.certificate,))
    authority = put_certificate(tmp_path, "authority", ISSUER.certificate)
    ring = KeyRing.from_directory(tmp_path)
    assert handshake(server_context(ring, "door"), client_context(authority, ring)) == "TLSv1.3"
    assert all(b"PRIVATE KEY" not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_pkcs12_file_is_held_to_the_same_rules(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    put_pkcs12(tmp_path, "ours", weak, ISSUER.issue("ours", weak))
    assert loading(tmp_path) == "key-weak"
    put_pkcs12(tmp_path, "ours", rsa_key(), ISSUER.issue("ours", rsa_key(), days=-1))
    assert loading(tmp_path) == "certificate-expired"
    put_pkcs12(tmp_path, "ours", rsa_key(), ISSUER.issue("ours", rsa_key()))
    (tmp_path / "ours.p12").chmod(0o644)
    assert loading(tmp_path) == "key-permissions"


def test_a_pkcs12_file_needs_its_passphrase(tmp_path: Path) -> None:
    put_pkcs12(tmp_path, "ours", rsa_key(), ISSUER.issue("ours", rsa_key()))
    (tmp_path / "ours.p12.secret").write_text("another")
    assert loading(tmp_path) == "key-passphrase"
    (tmp_path / "ours.p12.secret").unlink()
    assert loading(tmp_path) == "key-missing"
    environment = {"LIANPEI_SECRET_OURS_P12": PASSPHRASE}
    assert KeyRing.from_directory(tmp_path, environment=environment).rsa_private("ours").key_size == 2048
    (tmp_path / "ours.p12").write_bytes(b"no such thing")
    assert code_of(lambda: KeyRing.from_directory(tmp_path, environment=environment)) == "key-passphrase"


def test_one_name_has_one_private_key(tmp_path: Path) -> None:
    put_pkcs12(tmp_path, "ours", rsa_key(), ISSUER.issue("ours", rsa_key()))
    put_key(tmp_path, "ours", rsa_key())
    assert loading(tmp_path) == "key-twice"


def test_a_secret_may_come_from_the_environment_but_from_one_place_only(tmp_path: Path) -> None:
    environment = {"LIANPEI_SECRET_PACKAGE_AES": "TESTKEY-AES-0001", "LIANPEI_SECRET_EMPTY": "", "PATH": "/bin"}
    ring = KeyRing.from_directory(tmp_path, environment=environment)
    assert ring.names() == ("package-aes",)
    assert ring.secret("package-aes").expose() == "TESTKEY-AES-0001"
    put_private(tmp_path / "package-aes.secret", b"TESTKEY-AES-0002")
    assert code_of(lambda: KeyRing.from_directory(tmp_path, environment=environment)) == "key-twice"


def test_a_wrong_key_tells_its_days_though_it_is_refused(tmp_path: Path) -> None:
    """Else the alert would fall silent just when the certificate has ended."""
    put_certificate(tmp_path, "theirs", ISSUER.issue("theirs", rsa_key(), days=-2))
    ring = KeyRing.from_directory(tmp_path, isolate=True)
    assert ring.certificate_days() == {"theirs": -3}
    assert code_of(lambda: ring.certificate("theirs")) == "certificate-expired"


def test_the_first_end_of_a_chain_counts(tmp_path: Path) -> None:
    short = ISSUER.issue("Middle", rsa_key(1), days=5)
    put_certificate(tmp_path, "theirs", ISSUER.issue("theirs", rsa_key()), short)
    assert KeyRing.from_directory(tmp_path).certificate_days() == {"theirs": 4}


@pytest.mark.parametrize("form", ["cert.pem", "p12"])
def test_a_development_key_that_was_copied_is_refused_in_every_form(
    key_directory: Path, keys: KeyRing, tmp_path: Path, form: str
) -> None:
    if form == "p12":
        put_pkcs12(tmp_path, "door", keys.private("gateway-tls"), keys.certificate("gateway-tls"))
    else:
        shutil.copy(key_directory / "gateway-tls.cert.pem", tmp_path / "door.cert.pem")
        put_private(tmp_path / "door.key.pem", key_pem(keys.private("gateway-tls")))
    ring = KeyRing.from_directory(tmp_path)
    refuse_development_certificates(ring, "development")
    assert code_of(lambda: refuse_development_certificates(ring, "production")) == "development-keys"


def test_a_key_that_was_not_issued_for_development_is_not_refused_for_it(tmp_path: Path) -> None:
    put_pkcs12(tmp_path, "door", rsa_key(), ISSUER.issue("door", rsa_key()))
    refuse_development_certificates(KeyRing.from_directory(tmp_path), "production")


def test_a_key_without_its_certificate_is_no_tls_identity(tmp_path: Path) -> None:
    put_key(tmp_path, "door", rsa_key())
    assert code_of(lambda: server_context(KeyRing.from_directory(tmp_path), "door")) == "key-missing"


def broken_rsa() -> bytes:
    """A PKCS#8 file whose private exponent was changed and whose other numbers were not."""
    numbers = rsa_key().private_numbers()
    whole = key_pem(rsa_key())
    der = der_from_pem(whole, "PRIVATE KEY")
    for number in (numbers.d, numbers.dmp1):
        size = (number.bit_length() + 7) // 8
        der = der.replace(number.to_bytes(size, "big"), (number ^ 2).to_bytes(size, "big"))
    return pem_from_der(der, "PRIVATE KEY")


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    put_private(tmp_path / "ours.key.pem", broken_rsa())
    assert loading(tmp_path) == "key-form"
