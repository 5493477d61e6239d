"""The sandbox's own SM2 agrees with two implementations that other people wrote."""

import json
import subprocess
from pathlib import Path

import gmssl_pyx
import pytest
from huiyibao_support import from_asn1, openssl_decrypt, openssl_encrypt, to_asn1
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_support import SAMPLES, make_sm2

from gateway.sandbox.common import sm2

DISTID = "distid:1234567812345678"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sm2")
    make_sm2(path / "one")
    make_sm2(path / "other")
    return path


@pytest.fixture(scope="module")
def key(folder: Path) -> sm2.PrivateKey:
    return sm2.load_private(folder / "one.key.pem")


def raw_public(key: sm2.PrivateKey) -> bytes:
    return sm2.point_to_bytes(key.public)[1:]


def openssl(folder: Path, *arguments: str) -> bool:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def test_the_standard_check_value_of_sm3() -> None:
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_vendors_published_cipher_text_opens(tmp_path: Path) -> None:
    vector = json.loads((SAMPLES / "huiyibao/vendor_demo_vector.json").read_text("utf-8"))
    pem = f"-----BEGIN PRIVATE KEY-----\n{vector['demo_private_pkcs8_base64']}\n-----END PRIVATE KEY-----\n"
    (tmp_path / "demo.pem").write_text(pem)

    plain = sm2.decrypt(sm2.load_private(tmp_path / "demo.pem"), bytes.fromhex(vector["ciphertext_hex"]))

    assert plain.decode() == vector["plaintext"]


def test_the_envelope_sample_verifies_and_opens(tmp_path: Path) -> None:
    wire = json.loads((SAMPLES / "huiyibao/wire_4_1_own_key.json").read_text("utf-8"))
    pem = f"-----BEGIN PRIVATE KEY-----\n{wire['private_pkcs8_base64']}\n-----END PRIVATE KEY-----\n"
    (tmp_path / "own.pem").write_text(pem)
    key = sm2.load_private(tmp_path / "own.pem")

    assert sm2.verify(key.public, wire["string_signed"].encode(), bytes.fromhex(wire["sign_der_hex"]))
    assert sm2.decrypt(key, bytes.fromhex(wire["http_body"]["data"])).decode() == wire["plaintext"]


def test_openssl_verifies_our_signature(folder: Path, key: sm2.PrivateKey) -> None:
    (folder / "message").write_bytes("测试报文".encode())
    (folder / "ours.sig").write_bytes(sm2.sign(key, "测试报文".encode()))
    arguments = ("pkeyutl", "-verify", "-pubin", "-inkey", "one.pub.pem", "-rawin", "-in", "message")

    assert openssl(folder, *arguments, "-digest", "sm3", "-sigfile", "ours.sig", "-pkeyopt", DISTID)


def test_we_verify_openssls_signature_and_no_changed_one(folder: Path, key: sm2.PrivateKey) -> None:
    (folder / "message").write_bytes(b"message")
    arguments = ("pkeyutl", "-sign", "-inkey", "one.key.pem", "-rawin", "-in", "message", "-out", "theirs.sig")
    assert openssl(folder, *arguments, "-digest", "sm3", "-pkeyopt", DISTID)
    signature = (folder / "theirs.sig").read_bytes()
    stranger = sm2.load_public(folder / "other.pub.pem")

    assert sm2.verify(key.public, b"message", signature)
    assert not sm2.verify(key.public, b"massage", signature)
    assert not sm2.verify(key.public, b"message", signature, b"another id")
    assert not sm2.verify(stranger, b"message", signature)
    assert not sm2.verify(key.public, b"message", signature + b"\x00")
    assert not sm2.verify(key.public, b"message", bytes.fromhex("3006020100020100"))
    assert not sm2.verify(key.public, b"message", b"")


@settings(max_examples=15, deadline=None)
@given(message=st.binary(min_size=1, max_size=200))
def test_gmssl_and_we_read_each_others_work(message: bytes, key: sm2.PrivateKey) -> None:
    private, public = key.d.to_bytes(32, "big"), raw_public(key)

    assert gmssl_pyx.sm2_verify(public, message, sm2.sign(key, message), signer_id=sm2.DEFAULT_ID)
    assert sm2.verify(key.public, message, gmssl_pyx.sm2_sign(private, public, message, signer_id=sm2.DEFAULT_ID))
    assert sm2.decrypt(key, sm2.encrypt(key.public, message)) == message


@settings(max_examples=10, deadline=None)
@given(message=st.binary(min_size=1, max_size=200))
def test_gmssl_and_we_open_each_others_cipher_texts(message: bytes, key: sm2.PrivateKey) -> None:
    theirs = gmssl_pyx.sm2_encrypt(raw_public(key), message)

    assert sm2.decrypt(key, from_asn1(theirs)) == message
    ours = to_asn1(sm2.encrypt(key.public, message))
    assert gmssl_pyx.sm2_decrypt(key.d.to_bytes(32, "big"), ours) == message


def test_openssl_and_we_open_each_others_long_cipher_texts(folder: Path, key: sm2.PrivateKey) -> None:
    message = "测试".encode() * 2000

    assert sm2.decrypt(key, openssl_encrypt(folder / "one.pub.pem", message)) == message
    assert openssl_decrypt(folder / "one.key.pem", sm2.encrypt(key.public, message)) == message


def test_a_changed_cipher_text_does_not_open(folder: Path, key: sm2.PrivateKey) -> None:
    cipher = sm2.encrypt(key.public, b"x" * 400)

    assert sm2.decrypt(key, cipher) == b"x" * 400
    for place in (1, 70, len(cipher) - 1):
        changed = bytearray(cipher)
        changed[place] ^= 1
        with pytest.raises(sm2.Sm2Error):
            sm2.decrypt(key, bytes(changed))
    with pytest.raises(sm2.Sm2Error):
        sm2.decrypt(sm2.load_private(folder / "other.key.pem"), cipher)
    with pytest.raises(sm2.Sm2Error):
        sm2.decrypt(key, cipher[:97])


def test_the_group_has_the_order_of_the_standard() -> None:
    before_last = sm2.multiply(sm2.N - 1, sm2.G)

    assert before_last == (sm2.G[0], sm2.P - sm2.G[1])
    with pytest.raises(sm2.Sm2Error):
        sm2.multiply(sm2.N, sm2.G)


def test_a_private_key_does_not_print_itself(key: sm2.PrivateKey) -> None:
    assert str(key.d) not in repr(key)
