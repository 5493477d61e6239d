"""Request signatures against the ``http_message_signatures`` package, both directions, every algorithm."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import MappingKeyResolver

from gateway.kernel.secret import Secret
from gateway.wire.httpsig import content_digest, sign_request, verify_request
from gateway.wire.httpsig_keys import RequestKey

BODY = '{"report_no":"测试"}'.encode()
URL = "https://gateway.example/v1/claims?dry=1"
COVERED = ("@method", "@path", "@query", "content-digest", "idempotency-key")
HMAC = b"k" * 32
CASES = [
    (algorithms.ED25519, ed25519.Ed25519PrivateKey.generate()),
    (algorithms.RSA_PSS_SHA512, rsa.generate_private_key(65537, 2048)),
    (algorithms.ECDSA_P256_SHA256, ec.generate_private_key(ec.SECP256R1())),
    (algorithms.HMAC_SHA256, HMAC),
]


def resolver(key: Any) -> MappingKeyResolver:
    public = key if isinstance(key, bytes) else key.public_key()
    return MappingKeyResolver(public_keys={"hospital": public}, private_keys={"hospital": key})


def ours(key: Any) -> RequestKey:
    return RequestKey("hospital", Secret(key) if isinstance(key, bytes) else key)


def message(headers: dict[str, str]) -> Any:
    return SimpleNamespace(method="POST", url=URL, headers=headers)


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=lambda item: getattr(item, "algorithm_id", "key"))
def test_they_verify_what_we_sign(algorithm: Any, key: Any, now: datetime) -> None:
    headers = {"Idempotency-Key": "order-1"}
    headers |= sign_request("POST", "/v1/claims", "dry=1", headers, BODY, ours(key), now)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver(key))
    (result,) = verifier.verify(message(headers), body=BODY, max_age=None)
    assert result.parameters["keyid"] == "hospital"
    assert {name.strip('"') for name in result.covered_components} >= set(COVERED)


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=lambda item: getattr(item, "algorithm_id", "key"))
def test_we_verify_what_they_sign(algorithm: Any, key: Any, now: datetime) -> None:
    sent = message({"Idempotency-Key": "order-1", "Content-Digest": content_digest(BODY)})
    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver(key))
    signer.sign(
        sent,
        key_id="hospital",
        created=now,
        nonce="n-1",
        covered_component_ids=COVERED,
        body=BODY,
        use_existing_digest=True,
    )
    found = verify_request(
        "POST",
        "/v1/claims",
        "dry=1",
        sent.headers,
        BODY,
        lambda name: ours(key) if name == "hospital" else None,
        now,
        60,
    )
    assert (found.keyid, found.nonce, found.created) == ("hospital", "n-1", int(now.timestamp()))
