"""The text profiles against the openssl command line, pycryptodome and GmSSL, in both directions."""

import base64
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gmssl_pyx
import pytest
from Crypto.Cipher import AES
from support.seal_ends import EC, ED, HMAC, RSA, SECRETS, SM2, WEAK, both_ends, make_keys

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, open_message

DOCUMENT = '{"total":"430.00","note":"测试"}'.encode()
HEX_SECRET = SECRETS["hmac"].encode().hex()


@dataclass(frozen=True)
class Bench:
    """A key directory in which openssl works too."""

    ring: KeyRing

    @property
    def path(self) -> Path:
        return self.ring.directory

    def openssl(self, *arguments: str) -> bytes:
        command = ["openssl", *arguments]
        return subprocess.run(command, cwd=self.path, capture_output=True, check=True, timeout=20).stdout

    def write(self, name: str, data: bytes) -> None:
        (self.path / name).write_bytes(data)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    ring = make_keys(tmp_path_factory.mktemp("openssl-keys"))
    made = Bench(ring)
    for end in ("gateway", "insurer"):
        for kind in ("rsa", "ec", "ed", "sm2"):
            made.openssl("pkey", "-in", f"{end}-{kind}.key.pem", "-pubout", "-out", f"{end}-{kind}.pub.pem")
    return made


_PSS = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
_SM2_ID = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
SIGNATURES: dict[str, tuple[dict[str, str], str, list[str]]] = {
    # algorithm: its keys, the openssl command, that command's options
    "rsa-sha256": (RSA, "dgst", ["-sha256"]),
    "rsa-sha512": (RSA, "dgst", ["-sha512"]),
    "rsa-sha1": (RSA, "dgst", ["-sha1"]),
    "rsa-pss-sha256": (RSA, "dgst", ["-sha256", *_PSS]),
    "rsa-pss-sha512": (RSA, "dgst", ["-sha512", *_PSS]),
    "ecdsa-sha256": (EC, "dgst", ["-sha256"]),
    "ed25519": (ED, "pkeyutl", ["-rawin"]),
    "sm2-sm3": (SM2, "pkeyutl", _SM2_ID),
}
MACS = {
    "hmac-sha256": "-sha256",
    "hmac-sha512": "-sha512",
    "hmac-sm3": "-sm3",
    "hmac-md5": "-md5",
    "hmac-sha1": "-sha1",
}


def agreement(algorithm: str, keys: dict[str, str]) -> dict[str, Any]:
    weak = WEAK if algorithm in ("rsa-sha1", "hmac-md5", "hmac-sha1") else {}
    return {"profile": "exact-bytes", "algorithm": algorithm, **keys, **weak}


@pytest.mark.parametrize("algorithm", SIGNATURES)
def test_openssl_verifies_our_signature(bench: Bench, now: datetime, algorithm: str) -> None:
    keys, command, options = SIGNATURES[algorithm]
    ours, _ = both_ends(bench.ring, agreement(algorithm, keys))
    sealed = ours.seal(Plain(DOCUMENT), Role.REQUEST, now)
    bench.write("data", sealed.body)
    bench.write("sig", base64.b64decode(sealed.headers["X-Signature"]))
    public = f"{keys['own_key']}.pub.pem"
    if command == "dgst":
        said = bench.openssl("dgst", *options, "-verify", public, "-signature", "sig", "data")
    else:
        said = bench.openssl(
            "pkeyutl", "-verify", "-pubin", "-inkey", public, *options, "-in", "data", "-sigfile", "sig"
        )
    assert b"OK" in said or b"Success" in said


@pytest.mark.parametrize("algorithm", SIGNATURES)
def test_we_verify_openssls_signature(bench: Bench, now: datetime, algorithm: str) -> None:
    keys, command, options = SIGNATURES[algorithm]
    ours, _ = both_ends(bench.ring, agreement(algorithm, keys))
    bench.write("data", DOCUMENT)
    private = f"{keys['peer_key']}.key.pem"
    if command == "dgst":
        bench.openssl("dgst", *options, "-sign", private, "-out", "sig", "data")
    else:
        bench.openssl("pkeyutl", "-sign", "-inkey", private, *options, "-in", "data", "-out", "sig")
    headers = {"x-signature": base64.b64encode((bench.path / "sig").read_bytes()).decode()}
    assert open_message(ours, DOCUMENT, headers, Role.REQUEST, now).document == DOCUMENT


@pytest.mark.parametrize("algorithm", MACS)
def test_openssl_makes_the_same_mac(bench: Bench, now: datetime, algorithm: str) -> None:
    config = {**agreement(algorithm, HMAC), "encoding": "hex"}
    sealed = both_ends(bench.ring, config)[0].seal(Plain(DOCUMENT), Role.REQUEST, now)
    bench.write("data", DOCUMENT)
    said = bench.openssl("dgst", MACS[algorithm], "-mac", "hmac", "-macopt", f"hexkey:{HEX_SECRET}", "-r", "data")
    assert said.split()[0].decode() == sealed.headers["X-Signature"]


@pytest.mark.parametrize(
    ("algorithm", "option"), [("md5", "-md5"), ("sha1", "-sha1"), ("sha256", "-sha256"), ("sm3", "-sm3")]
)
def test_openssl_makes_the_same_hash_over_sorted_pairs(
    bench: Bench, now: datetime, algorithm: str, option: str
) -> None:
    weak = WEAK if algorithm in ("md5", "sha1") else {}
    config = {"profile": "sorted-pairs", "algorithm": algorithm, **HMAC, "key_text": "&key={secret}", **weak}
    seal = both_ends(bench.ring, {**config, "encoding": "hex"})[0]
    sealed = seal.seal(Plain('{"b":"测试","a":1.50,"e":"","c":{"z":1,"y":"x"}}'.encode()), Role.REQUEST, now)
    bench.write("data", f'a=1.50&b=测试&c={{"y":"x","z":1}}&key={SECRETS["hmac"]}'.encode())
    assert f'"sign":"{bench.openssl("dgst", option, "-r", "data").split()[0].decode()}"'.encode() in sealed.body


_KEY_16, _KEY_24 = SECRETS["key-16"].encode().hex(), SECRETS["key-24"].encode().hex()
_IV_16, _IV_8 = SECRETS["iv-16"].encode().hex(), SECRETS["iv-8"].encode().hex()
CIPHERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "sm4-ecb": ({"key": "key-16"}, ["-sm4-ecb", "-K", _KEY_16]),
    "sm4-cbc": ({"key": "key-16", "iv_key": "iv-16"}, ["-sm4-cbc", "-K", _KEY_16, "-iv", _IV_16]),
    "aes-ecb": ({"key": "key-16"}, ["-aes-128-ecb", "-K", _KEY_16]),
    "aes-cbc": ({"key": "key-16", "iv_key": "iv-16"}, ["-aes-128-cbc", "-K", _KEY_16, "-iv", _IV_16]),
    "3des-ecb": ({"key": "key-24"}, ["-des-ede3", "-K", _KEY_24]),
    "3des-cbc": ({"key": "key-24", "iv_key": "iv-8"}, ["-des-ede3-cbc", "-K", _KEY_24, "-iv", _IV_8]),
}


@pytest.mark.parametrize("cipher", CIPHERS)
def test_openssl_and_we_encrypt_alike(bench: Bench, now: datetime, cipher: str) -> None:
    keys, options = CIPHERS[cipher]
    seal = both_ends(bench.ring, {"profile": "encrypted-body", "cipher": cipher, **keys, **WEAK})[0]
    bench.write("data", DOCUMENT)
    theirs = base64.b64encode(bench.openssl("enc", *options, "-in", "data"))
    assert seal.seal(Plain(DOCUMENT), Role.REQUEST, now).body == theirs
    assert seal.open(theirs, Role.REQUEST, now).document == DOCUMENT


def test_a_vector_in_front_is_where_openssl_finds_it(bench: Bench, now: datetime) -> None:
    config = {"profile": "encrypted-body", "cipher": "sm4-cbc", "key": "key-16", **WEAK}
    seal = both_ends(bench.ring, config)[0]
    made = base64.b64decode(seal.seal(Plain(DOCUMENT), Role.REQUEST, now).body)
    bench.write("data", made[16:])
    assert bench.openssl("enc", "-d", "-sm4-cbc", "-K", _KEY_16, "-iv", made[:16].hex(), "-in", "data") == DOCUMENT


_OAEP = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"]
FIELDS: dict[str, tuple[dict[str, str], list[str], dict[str, Any]]] = {
    "rsa-oaep-sha256": (RSA, _OAEP, {}),
    "rsa1_5": (RSA, ["-pkeyopt", "rsa_padding_mode:pkcs1"], WEAK),
    "sm2": (SM2, [], {}),
}


@pytest.mark.parametrize("cipher", FIELDS)
def test_openssl_opens_our_encrypted_field(bench: Bench, now: datetime, cipher: str) -> None:
    keys, options, weak = FIELDS[cipher]
    encrypt = {"cipher": cipher, **keys, "cipher_form": "asn1", "encoding": "hex"}
    config = {"profile": "sorted-json", "algorithm": "hmac-sha256", **HMAC, "encrypt": encrypt, **weak}
    sealed = both_ends(bench.ring, config)[0].seal(Plain(b'{"data":"x","a":"1"}'), Role.REQUEST, now)
    bench.write("data", bytes.fromhex(sealed.body.decode().split('"data":"')[1].split('"')[0]))
    private = f"{keys['peer_key']}.key.pem"
    assert bench.openssl("pkeyutl", "-decrypt", "-inkey", private, *options, "-in", "data") == b'"x"'


@pytest.mark.parametrize("cipher", ["rsa-oaep-sha256", "sm2"])
def test_we_open_what_openssl_encrypted(bench: Bench, now: datetime, cipher: str) -> None:
    keys, options, _ = FIELDS[cipher]
    bench.write("data", b'"x"')
    public = f"{keys['own_key']}.pub.pem"
    made = bench.openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, *options, "-in", "data").hex()
    text = f'{{"a":"1","data":"{made}"}}'.encode()
    bench.write("text", text)
    mac = bench.openssl("dgst", "-sha256", "-mac", "hmac", "-macopt", f"hexkey:{HEX_SECRET}", "-r", "text").split()[0]
    encrypt = {"cipher": cipher, **keys, "cipher_form": "asn1", "encoding": "hex"}
    config = {"profile": "sorted-json", "algorithm": "hmac-sha256", **HMAC, "encrypt": encrypt, "encoding": "hex"}
    body = text[:-1] + b',"sign":"' + mac + b'"}'
    assert both_ends(bench.ring, config)[0].open(body, Role.REQUEST, now).document == b'{"a":"1","data":"x"}'


def test_pycryptodome_and_we_open_each_others_aes_gcm(bench: Bench, now: datetime) -> None:
    key = bytes.fromhex(SECRETS["key-hex"])
    seal = both_ends(bench.ring, "body aes-gcm")[0]
    made = base64.b64decode(seal.seal(Plain(DOCUMENT), Role.REQUEST, now).body)
    assert AES.new(key, AES.MODE_GCM, nonce=made[:12]).decrypt_and_verify(made[12:-16], made[-16:]) == DOCUMENT
    text, tag = AES.new(key, AES.MODE_GCM, nonce=b"n" * 12).encrypt_and_digest(DOCUMENT)
    body = base64.b64encode(b"n" * 12 + text + tag)
    assert seal.open(body, Role.REQUEST, now).document == DOCUMENT


def test_gmssl_and_we_open_each_others_sm4_gcm(bench: Bench, now: datetime) -> None:
    key = base64.b64decode(SECRETS["key-base64"])
    config = {"profile": "encrypted-body", "cipher": "sm4-gcm", "key": "key-base64", "key_form": "base64"}
    seal = both_ends(bench.ring, config)[0]
    made = base64.b64decode(seal.seal(Plain(DOCUMENT), Role.REQUEST, now).body)
    parts = {"iv": made[:12], "aad": b"", "ciphertext": made[12:-16], "tag": made[-16:]}
    assert gmssl_pyx.sm4_gcm_decrypt(key=key, **parts) == DOCUMENT
    text, tag = gmssl_pyx.sm4_gcm_encrypt(key=key, iv=b"n" * 12, aad=b"", plaintext=DOCUMENT)
    assert seal.open(base64.b64encode(b"n" * 12 + text + tag), Role.REQUEST, now).document == DOCUMENT
