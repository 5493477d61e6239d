"""The key ring loads good keys and says what to do about the others; development keys stay in development."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import AES_SECRETS, MARKER, SECRETS, create_development_keys, refuse_development_keys
from gateway.wire.httpsig_keys import Algorithm
from gateway.wire.keys import KeyRing


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "ring").mkdir()
    return tmp_path / "ring"


def put(directory: Path, source: Path, name: str, as_name: str = "") -> Path:
    return Path(shutil.copy(source / name, directory / (as_name or name)))


def refusal_of(call: Callable[[], object]) -> ConfigRefused:
    with pytest.raises(ConfigRefused) as refused:
        call()
    assert refused.value.hint
    return refused.value


def test_the_development_set_loads_whole(keys: KeyRing) -> None:
    assert keys.rsa_private("ant-gateway-rsa").key_size == 2048
    assert keys.sm2_private("huiyibao-gateway-sm2").public_key().same_as(keys.sm2_public("huiyibao-gateway-sm2"))
    assert keys.certificate("eclaimlink-insurer-rsa").subject.rfc4514_string() == "CN=eclaimlink-insurer-rsa"
    assert 700 < keys.days_left("hospital-h1") < 730
    assert all(len(keys.secret(name).expose()) == 64 for name in SECRETS)
    assert all(len(keys.secret(name).expose()) == 16 for name in AES_SECRETS)


def test_keys_come_in_the_form_their_user_needs(keys: KeyRing) -> None:
    assert len(keys.vault_key("vault-claims").expose()) == 32
    assert keys.secret_bytes("package-aes").expose() == keys.secret("package-aes").expose().encode()
    assert keys.verification_key("hospital-h2-sign").algorithm is Algorithm.ED25519
    assert keys.verification_key("hospital-h3-hmac").algorithm is Algorithm.HMAC_SHA256
    assert keys.certificate_days().keys() >= {"ca", "gateway-tls", "eclaimlink-insurer-rsa"}
    assert refusal_of(lambda: keys.vault_key("package-aes")).error_code == "key-form"
    assert refusal_of(lambda: keys.verification_key("huiyibao-insurer-sm2")).error_code == "key-kind"
    assert refusal_of(lambda: keys.verification_key("nobody")).error_code == "key-missing"


def test_secrets_and_keys_never_print_their_value(keys: KeyRing) -> None:
    secret = keys.secret("package-aes")
    assert secret.expose() not in f"{secret} {secret!r}"


def test_creating_again_changes_nothing(key_directory: Path) -> None:
    before = {path.name: path.read_bytes() for path in key_directory.iterdir()}
    create_development_keys(key_directory)
    assert {path.name: path.read_bytes() for path in key_directory.iterdir()} == before


def test_every_development_file_belongs_to_its_owner_alone(key_directory: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in key_directory.iterdir()} == {0o600}


def test_a_directory_with_real_keys_is_not_filled(directory: Path, key_directory: Path) -> None:
    put(directory, key_directory, "package-aes.secret")
    assert refusal_of(lambda: create_development_keys(directory)).error_code == "development-keys"
    assert [path.name for path in directory.iterdir()] == ["package-aes.secret"]


def test_development_keys_work_in_development_only(key_directory: Path, directory: Path) -> None:
    refuse_development_keys(key_directory, "development")
    refuse_development_keys(directory, "production")
    refused = refusal_of(lambda: refuse_development_keys(key_directory, "production"))
    assert refused.error_code == "development-keys"
    assert MARKER in refused.hint


@pytest.mark.parametrize("name", ["ant-gateway-rsa.key.pem", "package-aes.secret"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_private_file_that_others_can_read_is_refused(
    directory: Path, key_directory: Path, name: str, mode: int
) -> None:
    put(directory, key_directory, name).chmod(mode)
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == "key-permissions"


def test_an_expired_certificate_is_refused(directory: Path, key_directory: Path) -> None:
    put(directory, key_directory, "hospital-h1.cert.pem")
    later = datetime.now(UTC) + timedelta(days=731)
    assert refusal_of(lambda: KeyRing.from_directory(directory, later)).error_code == "certificate-expired"
    earlier = datetime.now(UTC) - timedelta(days=3)
    assert refusal_of(lambda: KeyRing.from_directory(directory, earlier)).error_code == "certificate-expired"


def test_with_isolate_one_wrong_key_refuses_only_its_own_name(directory: Path, key_directory: Path) -> None:
    """One partner's expired certificate must not stop the others."""
    put(directory, key_directory, "hospital-h1.cert.pem")
    put(directory, key_directory, "package-aes.secret")
    ring = KeyRing.from_directory(directory, datetime.now(UTC) + timedelta(days=731), isolate=True)
    assert ring.secret("package-aes").expose()
    assert list(ring.refusals) == ["hospital-h1"]
    assert refusal_of(lambda: ring.certificate("hospital-h1")).error_code == "certificate-expired"


@pytest.mark.parametrize("other", ["ant-insurer-rsa.pub.pem", "huiyibao-gateway-sm2.pub.pem"])
def test_files_of_one_name_must_belong_to_one_key(directory: Path, key_directory: Path, other: str) -> None:
    put(directory, key_directory, "ant-gateway-rsa.key.pem", "mixed.key.pem")
    put(directory, key_directory, other, "mixed.pub.pem")
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == "key-mismatch"


def test_a_certificate_of_another_key_is_refused(directory: Path, key_directory: Path) -> None:
    put(directory, key_directory, "gateway-tls.key.pem", "mixed.key.pem")
    put(directory, key_directory, "payment-tls.cert.pem", "mixed.cert.pem")
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == "key-mismatch"


@pytest.mark.parametrize(
    ("key", "code"),
    [(rsa.generate_private_key(65537, 1024), "key-weak"), (ec.generate_private_key(ec.SECP384R1()), "key-weak")],
)
def test_weak_or_unusual_keys_are_refused(
    directory: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, code: str
) -> None:
    path = directory / "weak.key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == code


@pytest.mark.parametrize("name", ["bad.key.pem", "bad.pub.pem", "bad.cert.pem"])
@pytest.mark.parametrize("text", ["", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_unreadable_files_are_refused(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)
    (directory / name).chmod(0o600)
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == "key-form"


def test_an_empty_secret_is_refused_and_a_final_line_end_is_no_part_of_one(directory: Path) -> None:
    path = directory / "a.secret"
    path.write_text("text\n")
    path.chmod(0o600)
    assert KeyRing.from_directory(directory).secret("a").expose() == "text"
    path.write_text("\n")
    assert refusal_of(lambda: KeyRing.from_directory(directory)).error_code == "key-form"


def test_asking_for_the_wrong_thing_names_it(keys: KeyRing) -> None:
    assert refusal_of(lambda: keys.secret("nobody")).error_code == "key-missing"
    assert refusal_of(lambda: keys.private("package-aes")).error_code == "key-missing"
    assert refusal_of(lambda: keys.rsa_private("huiyibao-gateway-sm2")).error_code == "key-kind"
    assert refusal_of(lambda: keys.sm2_public("ant-gateway-rsa")).error_code == "key-kind"
    assert refusal_of(lambda: KeyRing.from_directory(Path("nowhere"))).error_code == "key-missing"
