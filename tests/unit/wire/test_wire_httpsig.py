"""Signed hospital requests: the whole request is covered, fresh, and by the key's own algorithm."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.kernel.errors import ConfigRefused, NotAllowed
from gateway.kernel.secret import Secret
from gateway.wire.httpsig import Verified, content_digest, sign_request, verify_request
from gateway.wire.httpsig_keys import Algorithm, RequestKey

NOW = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
BODY = '{"report_no":"测试"}'.encode()
PRIVATE = {
    Algorithm.ED25519: ed25519.Ed25519PrivateKey.generate(),
    Algorithm.RSA_PSS_SHA512: rsa.generate_private_key(65537, 2048),
    Algorithm.ECDSA_P256_SHA256: ec.generate_private_key(ec.SECP256R1()),
}
SIGN = {algorithm: RequestKey(f"h-{algorithm}", key) for algorithm, key in PRIVATE.items()}
SIGN[Algorithm.HMAC_SHA256] = RequestKey("h-hmac-sha256", Secret(b"k" * 32))
VERIFY = {
    algorithm: RequestKey(key.keyid, PRIVATE[algorithm].public_key()) if algorithm in PRIVATE else key
    for algorithm, key in SIGN.items()
}
ED = SIGN[Algorithm.ED25519]


def lookup(keyid: str) -> RequestKey | None:
    return next((key for key in VERIFY.values() if key.keyid == keyid), None)


def signed(key: RequestKey = ED, body: bytes = BODY, **headers: str) -> dict[str, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**sent, **sign_request("POST", "/v1/claims", "dry=1", sent, body, key, NOW)}


def verify(headers: Mapping[str, str], now: datetime = NOW, **other: object) -> Verified:
    request = {"method": "POST", "path": "/v1/claims", "query": "dry=1", "body": BODY, "lookup_key": lookup, **other}
    return verify_request(headers=headers, now=now, window_s=300, **request)  # type: ignore[arg-type]


def code_of(headers: Mapping[str, str], now: datetime = NOW, **other: object) -> str:
    with pytest.raises(NotAllowed) as refused:
        verify(headers, now, **other)
    assert refused.value.hint
    return refused.value.error_code


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("body", [BODY, b""])
def test_every_algorithm_signs_and_verifies(algorithm: Algorithm, body: bytes) -> None:
    key = SIGN[algorithm]
    headers = signed(key, body, Idempotency_Key="order-1")
    found = verify(headers, body=body)
    assert found == Verified(key.keyid, found.nonce, int(NOW.timestamp()))
    assert len(found.nonce) >= 20


def test_every_request_gets_a_nonce_of_its_own() -> None:
    assert verify(signed()).nonce != verify(signed()).nonce


@pytest.mark.parametrize(
    "changed",
    [{"method": "PUT"}, {"path": "/v1/claims/x"}, {"query": "dry=0"}, {"query": ""}],
    ids=lambda item: str(item),
)
def test_method_path_and_query_are_guarded(changed: dict[str, str]) -> None:
    assert code_of(signed(), **changed) == "signature-bad"


def test_the_body_is_guarded() -> None:
    assert code_of(signed(), body=BODY + b" ") == "digest-mismatch"
    forged = {**signed(), "Content-Digest": content_digest(b"other")}
    assert code_of(forged, body=b"other") == "signature-bad"


def test_the_idempotency_key_is_guarded() -> None:
    assert code_of({**signed(Idempotency_Key="a"), "Idempotency-Key": "b"}) == "signature-bad"
    assert code_of({**signed(), "Idempotency-Key": "added"}) == "signature-coverage"
    without = {name: value for name, value in signed(Idempotency_Key="a").items() if name != "Idempotency-Key"}
    assert code_of(without) == "signature-coverage"


@pytest.mark.parametrize("name", ["@method", "@path", "@query", "content-digest"])
def test_leaving_a_component_out_is_refused(name: str) -> None:
    headers = signed()
    headers["Signature-Input"] = headers["Signature-Input"].replace(f'"{name}" ', "").replace(f' "{name}")', ")")
    assert code_of(headers) == "signature-coverage"


def test_an_unlisted_component_is_refused() -> None:
    headers = signed(Date="today")
    headers["Signature-Input"] = headers["Signature-Input"].replace('"@method"', '"@method" "date"')
    assert code_of(headers) == "signature-coverage"


@pytest.mark.parametrize(("seconds", "fresh"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_a_signature_counts_for_its_window_only(seconds: int, fresh: bool) -> None:
    moment = NOW + timedelta(seconds=seconds)
    if fresh:
        assert verify(signed(), moment).keyid == ED.keyid
    else:
        assert code_of(signed(), moment) == "signature-stale"


def test_the_key_decides_the_algorithm_not_the_message() -> None:
    """The classic confusion: a public key taken as an HMAC secret."""
    headers = signed()
    headers["Signature-Input"] = headers["Signature-Input"].replace('alg="ed25519"', 'alg="hmac-sha256"')
    assert code_of(headers) == "signature-algorithm"


def test_an_unknown_or_wrong_key_is_refused() -> None:
    assert code_of(signed(RequestKey("nobody", PRIVATE[Algorithm.ED25519]))) == "signature-unknown-key"
    assert code_of(signed(RequestKey(ED.keyid, ed25519.Ed25519PrivateKey.generate()))) == "signature-bad"


def test_an_unsigned_request_is_refused() -> None:
    assert code_of({}) == "signature-missing"
    assert code_of({"Signature": signed()["Signature"]}) == "signature-missing"


def alter(change: Callable[[str], str], name: str = "Signature-Input") -> dict[str, str]:
    headers = signed()
    return {**headers, name: change(headers[name])}


@pytest.mark.parametrize(
    "headers",
    [
        alter(lambda text: text + ", " + text.replace("sig1", "sig2")),
        alter(lambda text: text.replace("sig1", "sig2")),
        alter(lambda text: text.replace(";created=", ";created=x")),
        alter(lambda text: text + ';nonce="again"'),
        alter(lambda text: text + ";unknown=1"),
        alter(lambda text: text + ";tag=1"),
        alter(lambda text: text.split(";nonce")[0]),
        alter(lambda text: text.split(";nonce")[0] + ';nonce="";keyid="h"'),
        alter(lambda text: text.split(";nonce")[0] + ';nonce=1;keyid="h"'),
        alter(lambda text: text.replace(";created=" + str(int(NOW.timestamp())), ';created="1"')),
        alter(lambda text: text.replace("sig1=:", "sig1=:!"), "Signature"),
        alter(lambda text: text.replace("sig1=:", "sig1=:A"), "Signature"),
    ],
)
def test_headers_outside_the_profile_are_refused(headers: dict[str, str]) -> None:
    assert code_of(headers) == "signature-form"


def test_a_header_that_comes_twice_is_refused() -> None:
    headers = signed()
    assert code_of({**headers, "SIGNATURE": headers["Signature"]}) == "signature-form"


@pytest.mark.parametrize("digest", ["md5=:AAAA:", "sha-256=AAAA", ""])
def test_an_unknown_digest_is_refused(digest: str) -> None:
    """Also when the sender signed it properly: we must be able to hold the body against it."""
    sent = signed()
    covered = sent["Signature-Input"].removeprefix("sig1=")
    base = "\n".join(
        [
            '"@method": POST',
            '"@path": /v1/claims',
            '"@query": ?dry=1',
            f'"content-digest": {digest}',
            f'"@signature-params": {covered}',
        ]
    )
    value = base64.b64encode(ED.sign(base.encode())).decode()
    headers = {**sent, "Content-Digest": digest, "Signature": f"sig1=:{value}:"}
    assert code_of(headers) == "signature-form"


def test_a_short_secret_a_key_id_with_quotes_and_a_public_key_do_not_sign() -> None:
    for wrong in (
        lambda: RequestKey("h", Secret(b"short")),
        lambda: RequestKey('h"', PRIVATE[Algorithm.ED25519]),
        lambda: VERIFY[Algorithm.ED25519].sign(b"x"),
    ):
        with pytest.raises(ConfigRefused):
            wrong()
