"""The signed text of ant and the encrypted body of package, against other libraries and published facts."""

import base64
import hashlib
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from Crypto.Util.Padding import pad, unpad

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal
from gateway.wire.seals.detached_text import Layout, cut

ANT = Path(__file__).parent / "vectors" / "ant"
SAMPLES = sorted(path.name for path in ANT.glob("*.xml"))
GATEWAY, INSURER = "ant-gateway-rsa", "ant-insurer-rsa"
Vector = Callable[[str], Any]


def role_of(name: str) -> Role:
    return Role.ANSWER if "answer" in name else Role.REQUEST


@pytest.fixture
def ant(keys: KeyRing) -> Seal:
    return build_seal({"profile": "detached-text", "own_key": GATEWAY, "peer_key": INSURER}, keys)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_cut_takes_exactly_the_documented_bytes(vector: Vector, name: str) -> None:
    facts = vector("ant/sign_inputs.json")["files"][name]
    inner, _ = cut(
        (ANT / name).read_bytes(),
        Layout.of("document", "signature", "response" if role_of(name) is Role.ANSWER else "request"),
    )
    text = base64.b64encode(inner)
    assert (len(inner), len(text)) == (facts["inner_utf8_bytes"], facts["base64_text_length"])
    assert hashlib.sha256(inner).hexdigest() == facts["sha256_of_inner_bytes"]
    assert hashlib.sha256(text).hexdigest() == facts["sha256_of_base64_text"]


def parts(body: bytes) -> tuple[bytes, bytes]:
    signature = body.split(b"<signature>")[1].split(b"</signature>")[0]
    element = b"response" if b"<response>" in body else b"request"
    return base64.b64decode(signature), body.split(b"<%s>" % element)[1].split(b"</%s>" % element)[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_pycryptodome_verifies_our_signature(ant: Seal, keys: KeyRing, now: datetime, name: str) -> None:
    body = ant.seal(Plain((ANT / name).read_bytes()), role_of(name), now).body
    signature, inner = parts(body)
    public = RSA.import_key((keys.directory / f"{GATEWAY}.pub.pem").read_bytes())
    pkcs1_15.new(public).verify(SHA256.new(base64.b64encode(inner)), signature)


@pytest.mark.parametrize("name", SAMPLES)
def test_we_verify_pycryptodomes_signature(ant: Seal, keys: KeyRing, now: datetime, name: str) -> None:
    whole = (ANT / name).read_bytes()
    _, inner = parts(whole)
    private = RSA.import_key((keys.directory / f"{INSURER}.key.pem").read_bytes())
    signature = base64.b64encode(pkcs1_15.new(private).sign(SHA256.new(base64.b64encode(inner))))
    signed = whole.replace(b"<signature></signature>", b"<signature>%s</signature>" % signature)
    assert ant.open(signed, role_of(name), now).document == whole


def test_openssl_verifies_our_signature(ant: Seal, keys: KeyRing, now: datetime, tmp_path: Path) -> None:
    body = ant.seal(Plain((ANT / SAMPLES[1]).read_bytes()), Role.REQUEST, now).body
    signature, inner = parts(body)
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "text").write_bytes(base64.b64encode(inner))
    public = str(keys.directory / f"{GATEWAY}.pub.pem")
    command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", "sig", "text"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=20)


def test_we_verify_openssls_signature(ant: Seal, keys: KeyRing, now: datetime, tmp_path: Path) -> None:
    whole = (ANT / SAMPLES[1]).read_bytes()
    (tmp_path / "text").write_bytes(base64.b64encode(parts(whole)[1]))
    private = str(keys.directory / f"{INSURER}.key.pem")
    command = ["openssl", "dgst", "-sha256", "-sign", private, "-out", "sig", "text"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=20)
    signature = base64.b64encode((tmp_path / "sig").read_bytes())
    signed = whole.replace(b"<signature></signature>", b"<signature>%s</signature>" % signature)
    assert ant.open(signed, Role.REQUEST, now).document == whole


def aes_seal(directory: Path, key: str) -> Seal:
    (directory / "a.secret").write_text(key)
    (directory / "a.secret").chmod(0o600)
    exception = {"until": "2099-12-31", "reason": "test"}
    return build_seal(
        {"profile": "aes-ecb-body", "key": "a", "exception": exception}, KeyRing.from_directory(directory)
    )


def test_the_package_body_equals_openssls_byte_for_byte(vector: Vector, tmp_path: Path, now: datetime) -> None:
    made = vector("package_aes.json")
    seal = aes_seal(tmp_path, made["aes_ecb_pkcs5"]["key_ascii"])
    body = made["aes_ecb_pkcs5"]["body_base64"].encode()
    assert seal.seal(Plain(made["plaintext"].encode()), Role.REQUEST, now).body == body
    assert seal.open(body, Role.ANSWER, now).document.decode() == made["plaintext"]


def test_pycryptodome_and_we_read_each_others_package_body(tmp_path: Path, now: datetime) -> None:
    seal, cipher = aes_seal(tmp_path, "TESTKEY-AES-0001"), AES.new(b"TESTKEY-AES-0001", AES.MODE_ECB)
    ours = base64.b64decode(seal.seal(Plain(b"{}"), Role.REQUEST, now).body)
    assert unpad(cipher.decrypt(ours), 16) == b"{}"
    theirs = base64.b64encode(cipher.encrypt(pad(b"[]", 16)))
    assert seal.open(theirs, Role.ANSWER, now).document == b"[]"
