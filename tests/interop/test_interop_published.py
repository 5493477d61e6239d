"""Vectors that standards and other implementations published, put through the seals as they are configured."""

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import import_key

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.pem import pem_from_der
from gateway.wire.seals import Plain, Role, build_seal, open_message
from gateway.wire.seals.ciphers import Blocks
from gateway.wire.seals.yibao_mobile import content_key
from gateway.wire.sm2 import Sm2PrivateKey

VECTORS = Path(__file__).parent / "vectors"
JOSE = json.loads((VECTORS / "jose_rfc.json").read_text("utf-8"))
NATIONAL = json.loads((VECTORS / "gm_and_ed25519.json").read_text("utf-8"))
YIBAO = json.loads((VECTORS / "yibao_mobile.json").read_text("utf-8"), parse_float=Decimal)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = {"own_key": "k", "peer_key": "k"}
WEAK = {"exception": {"until": "2099-12-31", "reason": "a published vector"}}

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


def ring_of(directory: Path, pem: bytes = b"", **secrets: str) -> KeyRing:
    files = {f"{name}.secret": text.encode() for name, text in secrets.items()} | ({"k.key.pem": pem} if pem else {})
    for name, data in files.items():
        (directory / name).write_bytes(data)
        (directory / name).chmod(0o600)
    return KeyRing.from_directory(directory)


@pytest.mark.parametrize("vector", JOSE, ids=lambda vector: vector["source"])
def test_the_rfcs_tokens_open(vector: dict[str, Any], tmp_path: Path) -> None:
    if "jwk" in vector:
        ring = ring_of(tmp_path, import_key(vector["jwk"]).as_pem(private=True))
        config = {**vector["profile"], **ENDS}
    else:
        name = "key" if vector["profile"]["profile"] == "jwe" else "secret"
        ring = ring_of(tmp_path, s=vector["secret_base64"])
        config = {**vector["profile"], name: "s", "key_form": "base64"}
    headers = vector.get("headers", {})
    plain = open_message(build_seal(config, ring), vector["body"].encode(), headers, Role.REQUEST, NOW)
    assert plain.document.decode() == vector["payload"]


@pytest.mark.parametrize("vector", [one for one in JOSE if one["profile"].get("form") == "detached"])
def test_we_make_the_rfcs_detached_token(vector: dict[str, Any], tmp_path: Path) -> None:
    ring = ring_of(tmp_path, s=vector["secret_base64"])
    seal = build_seal({**vector["profile"], "secret": "s", "key_form": "base64"}, ring)
    made = seal.seal(Plain(vector["payload"].encode()), Role.REQUEST, NOW).headers
    assert made == {"X-JWS-Signature": vector["headers"]["x-jws-signature"]}


@pytest.mark.parametrize("vector", NATIONAL["sm3"], ids=lambda vector: vector["text"][:4])
def test_sm3_as_in_gmt_0004(vector: dict[str, str], tmp_path: Path) -> None:
    """Through a profile: the text's last characters stand in for the shared secret behind it."""
    ring = ring_of(tmp_path, s=vector["text"][-1])
    config = {"profile": "exact-bytes", "algorithm": "sm3", "secret": "s", "key_text": "{secret}", "encoding": "hex"}
    sealed = build_seal(config, ring).seal(Plain(vector["text"][:-1].encode()), Role.REQUEST, NOW)
    assert sealed.headers["X-Signature"] == vector["digest"]


def sm4_seal(tmp_path: Path) -> Any:
    ring = ring_of(tmp_path, s=NATIONAL["sm4"]["key"])
    config = {
        "profile": "encrypted-body",
        "cipher": "sm4-ecb",
        "key": "s",
        "key_form": "hex",
        "encoding": "hex",
        **WEAK,
    }
    return build_seal(config, ring)


def test_sm4_as_in_gmt_0002(tmp_path: Path) -> None:
    vector, seal = NATIONAL["sm4"], sm4_seal(tmp_path)
    body = seal.seal(Plain(bytes.fromhex(vector["plain"])), Role.REQUEST, NOW).body.decode()
    assert body.startswith(vector["once"])
    assert seal.open(body.encode(), Role.REQUEST, NOW).document.hex() == vector["plain"]


@pytest.mark.long
def test_sm4_a_million_times_as_in_gmt_0002() -> None:
    vector = NATIONAL["sm4"]
    cipher = Blocks(Secret(bytes.fromhex(vector["key"])), SM4, chained=False, fixed_iv=None)
    block = bytes.fromhex(vector["plain"])
    for _ in range(1_000_000):
        block = cipher.encrypt(block)[:16]
    assert block.hex() == vector["million_times"]


def sm2_pem() -> bytes:
    """PKCS#8 around the standard's example key."""
    vector = NATIONAL["sm2"]
    head = "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
    der = f"{head}{vector['private']}a14403420004{vector['public_x']}{vector['public_y']}"
    return pem_from_der(bytes.fromhex(der), "PRIVATE KEY")


@pytest.mark.parametrize("form", ["raw", "der"])
def test_sm2_signatures_as_in_gmt_0003(tmp_path: Path, form: str) -> None:
    vector, ring = NATIONAL["sm2"], ring_of(tmp_path, sm2_pem())
    config = {"profile": "exact-bytes", "algorithm": "sm2-sm3", **ENDS, "encoding": "hex", "signature_form": form}
    signature = vector["r"] + vector["s"]
    if form == "der":
        signature = f"3046022100{vector['r']}022100{vector['s']}"
    seal = build_seal({**config, "user_id": vector["user_id"]}, ring)
    body = vector["message"].encode()
    assert open_message(seal, body, {"x-signature": signature}, Role.REQUEST, NOW).document == body


@pytest.mark.parametrize("form", ["c1c3c2", "c1c2c3", "asn1"])
@pytest.mark.parametrize("leading", ["keep", "drop"])
def test_sm2_ciphertexts_as_in_gmt_0003(tmp_path: Path, form: str, leading: str) -> None:
    vector, ring = NATIONAL["sm2"], ring_of(tmp_path, sm2_pem())
    point = vector["c1"] if leading == "keep" else vector["c1"][2:]
    body = point + (vector["c3"] + vector["c2"] if form == "c1c3c2" else vector["c2"] + vector["c3"])
    if form == "asn1":
        x, y = vector["c1"][2:66], vector["c1"][66:]
        inner = f"0220{x}022100{y}0420{vector['c3']}0413{vector['c2']}"
        body = f"30{len(inner) // 2:02x}{inner}"
    config = {"profile": "encrypted-body", "cipher": "sm2", **ENDS, "encoding": "hex", "cipher_form": form}
    seal = build_seal({**config, "leading_04": leading}, ring)
    assert seal.open(body.encode(), Role.REQUEST, NOW).document.decode() == vector["plain"]


@pytest.mark.parametrize("vector", NATIONAL["ed25519"], ids=lambda vector: vector["message"] or "empty")
def test_ed25519_as_in_rfc_8032(vector: dict[str, str], tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["private"]))
    ring = ring_of(tmp_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    seal = build_seal({"profile": "exact-bytes", "algorithm": "ed25519", **ENDS, "encoding": "hex"}, ring)
    sealed = seal.seal(Plain(bytes.fromhex(vector["message"])), Role.REQUEST, NOW)
    assert sealed.headers["X-Signature"] == vector["signature"]
    assert open_message(seal, sealed.body, {"x-signature": vector["signature"]}, Role.REQUEST, NOW)


def yibao_seal(tmp_path: Path) -> Any:
    pem = pem_from_der(base64.b64decode(YIBAO["sign_input_example"]["private_pkcs8_base64"]), "PRIVATE KEY")
    ring = ring_of(tmp_path, pem, app=YIBAO["appSecret"])
    config = {"profile": "yibao-mobile", **ENDS, "secret": "app", "app_id": YIBAO["appId"], **WEAK}
    return build_seal(config, ring)


def test_yibao_keys_and_ciphertexts() -> None:
    key = content_key(YIBAO["appId"], Secret(YIBAO["appSecret"]))
    assert key.expose().decode() == YIBAO["derived_key_ascii"]
    for case in YIBAO["cases"]:
        cipher = Blocks(key, SM4, chained=False, fixed_iv=None)
        assert cipher.encrypt(case["plaintext"].encode()).hex().upper() == case["encData"]


def test_yibao_signed_text_and_signature(tmp_path: Path) -> None:
    made = YIBAO["sign_input_example"]
    seal = yibao_seal(tmp_path)._seal
    text = seal.canonical.write(made["message"]).text
    assert text.decode() == made["string_to_sign"]
    assert seal.signatures.verify(base64.b64decode(made["signData_raw_rs_base64"]), text)


def test_a_whole_yibao_message_opens(tmp_path: Path) -> None:
    made = YIBAO["sign_input_example"]
    message: dict[str, Any] = dict(made["message"])
    data = json.dumps(message.pop("data"), ensure_ascii=True, default=float).encode()
    cipher = Blocks(content_key(YIBAO["appId"], Secret(YIBAO["appSecret"])), SM4, chained=False, fixed_iv=None)
    message |= {"encData": cipher.encrypt(data).hex().upper(), "signData": made["signData_raw_rs_base64"]}
    at = datetime.fromtimestamp(int(message["timestamp"]) / 1000, UTC)
    plain = yibao_seal(tmp_path).open(json.dumps(message).encode(), Role.REQUEST, at)
    assert json.loads(plain.document)["userName"] == "测试患者甲"
    assert "emptyText" not in json.loads(plain.document)


def test_an_sm2_key_of_the_standard_signs_what_it_verifies() -> None:
    key = Sm2PrivateKey.from_der(base64.b64decode(b"".join(sm2_pem().split(b"\n")[1:-2])))
    assert key.public_key().verify(key.sign(b"x"), b"x")
    assert key.public_key().to_der().hex().endswith(NATIONAL["sm2"]["public_x"] + NATIONAL["sm2"]["public_y"])
