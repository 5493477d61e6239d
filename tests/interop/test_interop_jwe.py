"""JWE against jwcrypto, and tokens that openssl made."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jwcrypto import jwe, jwk

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

BUNDLE = '{"resourceType":"Bundle","note":"测试"}'.encode()
HEADERS = {"x-hcx-sender_code": "TESTPROVIDER@test", "x-hcx-api_call_id": "1", "x-hcx-timestamp": "1741141200000"}
GATEWAY, INSURER = "hcx-gateway-rsa", "hcx-insurer-rsa"


def key_of(keys: KeyRing, name: str, suffix: str) -> jwk.JWK:
    return jwk.JWK.from_pem((keys.directory / f"{name}.{suffix}.pem").read_bytes())


@pytest.fixture
def seal(keys: KeyRing) -> Seal:
    return build_seal({"profile": "jwe-compact", "own_key": GATEWAY, "peer_key": INSURER}, keys)


def test_jwcrypto_opens_our_token(seal: Seal, keys: KeyRing, now: datetime) -> None:
    body = seal.seal(Plain(BUNDLE, HEADERS), Role.REQUEST, now).body
    token = jwe.JWE(algs=["RSA-OAEP-256", "A256GCM"])
    token.deserialize(json.loads(body)["payload"], key_of(keys, INSURER, "key"))
    assert token.payload == BUNDLE
    assert token.jose_header == {"alg": "RSA-OAEP-256", "enc": "A256GCM", **HEADERS}


def test_we_open_jwcryptos_token(seal: Seal, keys: KeyRing, now: datetime) -> None:
    header = json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", **HEADERS})
    token = jwe.JWE(BUNDLE, header, recipient=key_of(keys, GATEWAY, "pub"))
    opened = seal.open(json.dumps({"payload": token.serialize(compact=True)}).encode(), Role.REQUEST, now)
    assert opened.document == BUNDLE
    assert dict(opened.protected) == HEADERS


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(("member", "alg"), [("hcx_body", "RSA-OAEP"), ("nhcx_style_body", "RSA-OAEP-256")])
def test_published_tokens_open_under_their_own_algorithm_only(
    vector: Callable[[str], Any], tmp_path: Path, now: datetime, member: str, alg: str
) -> None:
    made = vector("hcx_jwe.json")
    (tmp_path / "own.key.pem").write_text(made["recipient_private_key_pem"])
    (tmp_path / "own.key.pem").chmod(0o600)
    ring = KeyRing.from_directory(tmp_path)
    body = json.dumps(made[member]).encode()
    config = {"profile": "jwe-compact", "own_key": "own", "peer_key": "own"}
    opened = build_seal({**config, "alg": alg}, ring).open(body, Role.REQUEST, now)
    assert hashlib.sha256(opened.document).hexdigest() == made["plaintext_sha256"]
    other = "RSA-OAEP" if alg == "RSA-OAEP-256" else "RSA-OAEP-256"
    with pytest.raises(SealRefused) as refused:
        build_seal({**config, "alg": other}, ring).open(body, Role.REQUEST, now)
    assert refused.value.error_code == "seal-algorithm"
