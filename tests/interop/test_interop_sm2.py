"""SM2 against the openssl command line, GmSSL, and published messages."""

import base64
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gmssl_pyx
import pytest

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Role, build_seal
from gateway.wire.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey
from gateway.wire.sm2_forms import CipherForm, cipher_from_wire, cipher_to_wire, der_from_raw, raw_from_der

DATA = '惠医保 {"totalAmount":43000}'.encode()
DISTID = ["-pkeyopt", "distid:1234567812345678"]
Vector = Callable[[str], Any]


def openssl(directory: Path, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, check=True, timeout=20).stdout


@pytest.fixture
def bench(tmp_path: Path) -> tuple[Path, Sm2PrivateKey]:
    """A directory with our key pair as files."""
    key = Sm2PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(key.to_pem())
    (tmp_path / "pub.pem").write_bytes(key.public_key().to_pem())
    (tmp_path / "data").write_bytes(DATA)
    return tmp_path, key


def test_openssl_verifies_our_signature(bench: tuple[Path, Sm2PrivateKey]) -> None:
    directory, key = bench
    (directory / "sig").write_bytes(key.sign(DATA))
    digest = ["-rawin", "-digest", "sm3", *DISTID, "-in", "data", "-sigfile", "sig"]
    assert b"Success" in openssl(directory, "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", *digest)


def test_we_verify_openssls_signature(bench: tuple[Path, Sm2PrivateKey]) -> None:
    directory, key = bench
    digest = ["-rawin", "-digest", "sm3", *DISTID, "-in", "data", "-out", "sig"]
    openssl(directory, "pkeyutl", "-sign", "-inkey", "key.pem", *digest)
    assert key.public_key().verify((directory / "sig").read_bytes(), DATA)


def test_openssl_decrypts_ours_and_we_decrypt_openssls(bench: tuple[Path, Sm2PrivateKey]) -> None:
    directory, key = bench
    (directory / "ours").write_bytes(key.public_key().encrypt(DATA))
    assert openssl(directory, "pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ours") == DATA
    openssl(directory, "pkeyutl", "-encrypt", "-pubin", "-inkey", "pub.pem", "-in", "data", "-out", "theirs")
    assert key.decrypt((directory / "theirs").read_bytes()) == DATA


def test_a_key_made_by_openssl_loads(tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "theirs.key.pem")
    openssl(tmp_path, "pkey", "-in", "theirs.key.pem", "-pubout", "-out", "theirs.pub.pem")
    (tmp_path / "theirs.key.pem").chmod(0o600)
    ring = KeyRing.from_directory(tmp_path)
    assert ring.sm2_public("theirs").verify(ring.sm2_private("theirs").sign(DATA), DATA)


def gmssl_key(key: Sm2PrivateKey) -> tuple[bytes, bytes]:
    """Private scalar (32 bytes) and public point (64 bytes), cut out of the DER."""
    der = base64.b64decode(b"".join(key.to_pem().split(b"\n")[1:-2]))
    scalar = der[der.index(b"\x04\x20") + 2 :][:32]
    return scalar, key.public_key().to_der()[-64:]


@pytest.mark.parametrize("user_id", [DEFAULT_USER_ID, b"H99990100001"])
def test_gmssl_and_we_verify_each_other(user_id: bytes) -> None:
    """GmSSL is an implementation of its own."""
    key = Sm2PrivateKey.generate()
    scalar, point = gmssl_key(key)
    assert gmssl_pyx.sm2_verify(point, DATA, key.sign(DATA, user_id), signer_id=user_id)
    theirs = gmssl_pyx.sm2_sign(scalar, point, DATA, signer_id=user_id)
    assert key.public_key().verify(der_from_raw(raw_from_der(theirs)), DATA, user_id)
    assert not key.public_key().verify(theirs, DATA + b"x", user_id)


def test_gmssl_and_we_decrypt_each_other() -> None:
    key = Sm2PrivateKey.generate()
    scalar, point = gmssl_key(key)
    assert gmssl_pyx.sm2_decrypt(scalar, key.public_key().encrypt(DATA)) == DATA
    assert key.decrypt(gmssl_pyx.sm2_encrypt(point, DATA)) == DATA


def test_the_vendors_published_ciphertext_opens(vector: Vector) -> None:
    demo = vector("huiyibao_vendor_demo.json")
    key = Sm2PrivateKey.from_der(base64.b64decode(demo["demo_private_pkcs8_base64"]))
    public = Sm2PublicKey.from_der(base64.b64decode(demo["demo_public_spki_base64"]))
    assert key.public_key().same_as(public)
    wire = bytes.fromhex(demo["ciphertext_hex"])
    der = cipher_from_wire(wire, CipherForm.C1C3C2)
    assert key.decrypt(der).decode() == demo["plaintext"]
    assert cipher_to_wire(der, CipherForm.C1C3C2) == wire


def test_an_envelope_made_by_openssl_opens(vector: Vector, tmp_path: Path) -> None:
    """Ciphertext, signed text and both signature forms of a whole message."""
    made = vector("huiyibao_envelope.json")
    key = Sm2PrivateKey.from_der(base64.b64decode(made["private_pkcs8_base64"]))
    (tmp_path / "e.key.pem").write_bytes(key.to_pem())
    (tmp_path / "e.key.pem").chmod(0o600)
    config = {"profile": "sm2-envelope", "own_key": "e", "peer_key": "e", "hospital_code": "TEST0001"}
    ring, at = KeyRing.from_directory(tmp_path), datetime.fromtimestamp(1741140720, UTC)
    for form, sign in (("der", made["sign_der_hex"]), ("raw", made["sign_raw_rs_hex"])):
        seal = build_seal({**config, "signature": form}, ring)
        body = str({**made["http_body"], "sign": sign}).replace("'", '"').encode()
        assert seal.open(body, Role.REQUEST, at).document.decode() == made["plaintext"]
