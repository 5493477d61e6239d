"""``jws`` and ``jwe`` against jwcrypto, an implementation of its own, in both directions."""

import json
from datetime import datetime
from typing import Any

import pytest
from jwcrypto import jwe, jwk, jws
from support.seal_ends import EC, ED, HMAC, RSA, SECRETS, both_ends, lower, make_keys

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Sealed, open_message

DOCUMENT = '{"resourceType":"Bundle","note":"测试"}'.encode()
SIGNED: dict[str, dict[str, Any]] = {
    "RS256": RSA,
    "RS512": RSA,
    "PS256": RSA,
    "PS512": RSA,
    "ES256": EC,
    "EdDSA": ED,
    "HS256": HMAC,
    "HS512": HMAC,
}
ENCRYPTED: dict[str, dict[str, Any]] = {
    "RSA-OAEP-256": RSA,
    "RSA-OAEP": RSA,
    "ECDH-ES+A256KW": EC,
    "dir": {"key": "key-32"},
}

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("jose-keys"))


def key(ring: KeyRing, config: dict[str, Any], which: str) -> jwk.JWK:
    """jwcrypto's key: a private one, or the shared secret."""
    secret = config.get("secret") or config.get("key")
    if secret:
        return jwk.JWK(kty="oct", k=jwk.base64url_encode(SECRETS[secret].encode()))
    return jwk.JWK.from_pem((ring.directory / f"{config[which]}.key.pem").read_bytes())


def verified(token: str, made_with: jwk.JWK, alg: str, body: bytes | None = None) -> bytes:
    theirs = jws.JWS()
    theirs.allowed_algs = [alg]
    theirs.deserialize(token)
    theirs.verify(made_with, detached_payload=body)
    return bytes(body if body is not None else theirs.payload)


@pytest.mark.parametrize("alg", SIGNED)
@pytest.mark.parametrize("form", ["compact", "flattened", "detached"])
def test_jwcrypto_verifies_our_jws(ring: KeyRing, now: datetime, alg: str, form: str) -> None:
    config = {"profile": "jws", "alg": alg, "form": form, **SIGNED[alg]}
    sealed = both_ends(ring, config)[0].seal(Plain(DOCUMENT, {"x-call": "1"}), Role.REQUEST, now)
    token = sealed.headers.get("X-JWS-Signature") or sealed.body.decode()
    body = DOCUMENT if form == "detached" else None
    assert verified(token, key(ring, config, "own_key"), alg, body) == DOCUMENT


@pytest.mark.parametrize("alg", SIGNED)
@pytest.mark.parametrize("form", ["compact", "flattened", "detached"])
def test_we_verify_jwcryptos_jws(ring: KeyRing, now: datetime, alg: str, form: str) -> None:
    config = {"profile": "jws", "alg": alg, "form": form, **SIGNED[alg]}
    header = {"alg": alg, "x-call": "1"} | ({"b64": False, "crit": ["b64"]} if form == "detached" else {})
    theirs = jws.JWS(DOCUMENT)
    theirs.allowed_algs = [alg]
    theirs.add_signature(key(ring, config, "peer_key"), alg, json.dumps(header))
    if form == "detached":
        theirs.detach_payload()
    text = theirs.serialize(compact=form != "flattened")
    sealed = Sealed(DOCUMENT, "", {"X-JWS-Signature": text}) if form == "detached" else Sealed(text.encode(), "")
    plain = open_message(both_ends(ring, config)[0], sealed.body, lower(sealed.headers), Role.REQUEST, now)
    assert (plain.document, dict(plain.protected)) == (DOCUMENT, {"x-call": "1"})


@pytest.mark.parametrize("alg", ENCRYPTED)
@pytest.mark.parametrize("enc", ["A256GCM", "A128GCM"])
def test_jwcrypto_and_we_open_each_others_jwe(ring: KeyRing, now: datetime, alg: str, enc: str) -> None:
    keys = {"key": "key-16"} if (alg, enc) == ("dir", "A128GCM") else ENCRYPTED[alg]
    config = {"profile": "jwe", "alg": alg, "enc": enc, **keys}
    seal = both_ends(ring, config)[0]
    theirs = jwe.JWE(algs=[alg, enc])
    body = seal.seal(Plain(DOCUMENT, {"x-call": "1"}), Role.REQUEST, now).body
    theirs.deserialize(body.decode(), key(ring, config, "peer_key"))
    assert theirs.payload == DOCUMENT
    header = json.dumps({"alg": alg, "enc": enc, "x-call": "1"})
    made = jwe.JWE(DOCUMENT, header, recipient=key(ring, config, "own_key"), algs=[alg, enc])
    plain = seal.open(made.serialize(compact=True).encode(), Role.REQUEST, now)
    assert (plain.document, dict(plain.protected)) == (DOCUMENT, {"x-call": "1"})


def test_jwcrypto_and_we_open_each_others_nested_token(ring: KeyRing, now: datetime) -> None:
    inner = {"alg": "ES256", **EC}
    seal = both_ends(ring, {"profile": "jwe", **RSA, "nested": inner})[0]
    theirs = jwe.JWE(algs=["RSA-OAEP-256", "A256GCM"])
    theirs.deserialize(seal.seal(Plain(DOCUMENT), Role.REQUEST, now).body.decode(), key(ring, RSA, "peer_key"))
    assert theirs.jose_header["cty"] == "JWS"
    assert verified(theirs.payload.decode(), key(ring, EC, "own_key"), "ES256") == DOCUMENT
    signed = jws.JWS(DOCUMENT)
    signed.add_signature(key(ring, EC, "peer_key"), "ES256", json.dumps({"alg": "ES256"}))
    header = json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWS"})
    made = jwe.JWE(signed.serialize(compact=True).encode(), header, recipient=key(ring, RSA, "own_key"))
    assert seal.open(made.serialize(compact=True).encode(), Role.REQUEST, now).document == DOCUMENT
