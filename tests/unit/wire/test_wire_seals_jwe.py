"""``jwe-compact``: one algorithm, readable headers, protocol answers, and no confusion."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey, RSAKey

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal

HEADERS = {
    "x-hcx-sender_code": "TESTPROVIDER@test",
    "x-hcx-api_call_id": "00000000-0000-4000-8000-000000000900",
    "x-hcx-correlation_id": "00000000-0000-4000-8000-000000000901",
}
BUNDLE = '{"resourceType":"Bundle","n":"测试"}'.encode()
Ends = Callable[..., tuple[Seal, Seal]]


@pytest.fixture
def pair(ends: Ends) -> tuple[Seal, Seal]:
    return ends("jwe-compact", "hcx-gateway-rsa", "hcx-insurer-rsa")


def code_of(seal: Seal, body: bytes, now: datetime) -> str:
    with pytest.raises(SealRefused) as refused:
        seal.open(body, Role.REQUEST, now)
    return refused.value.error_code


def payload(token: str) -> bytes:
    return json.dumps({"payload": token}).encode()


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_document_and_headers_arrive(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    body = ours.seal(Plain(BUNDLE, HEADERS), Role.REQUEST, now).body
    opened = theirs.open(body, Role.REQUEST, now)
    assert opened.document == BUNDLE
    assert dict(opened.protected) == HEADERS
    assert opened.once == "TESTPROVIDER@test+00000000-0000-4000-8000-000000000900"


def test_a_long_stay_is_not_too_large(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    document = b'"' + b"x" * 2_000_000 + b'"'
    assert theirs.open(ours.seal(Plain(document), Role.REQUEST, now).body, Role.REQUEST, now).document == document


def test_a_token_without_a_call_id_is_still_usable_once(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, theirs = pair
    one, two = (ours.seal(Plain(BUNDLE), Role.REQUEST, now).body for _ in range(2))
    assert theirs.open(one, Role.REQUEST, now).once != theirs.open(two, Role.REQUEST, now).once
    assert theirs.open(one, Role.REQUEST, now).once == theirs.open(one, Role.REQUEST, now).once


def test_a_protocol_answer_gives_its_headers(pair: tuple[Seal, Seal], now: datetime) -> None:
    error = {**HEADERS, "x-hcx-status": "response.error", "x-hcx-error_details": {"code": "ERR_INVALID_ENCRYPTION"}}
    body = json.dumps(error).encode()
    opened = pair[0].open(body, Role.REQUEST, now)
    assert opened.document == body
    assert dict(opened.protected) == error


def test_a_plain_acknowledgement_passes_only_as_an_answer(ends: Ends, now: datetime) -> None:
    acknowledgement = b'{"timestamp":"1","api_call_id":"a","correlation_id":"b"}'
    seal, _ = ends("jwe-compact", "hcx-gateway-rsa", "hcx-insurer-rsa", answers="plain")
    assert seal.open(acknowledgement, Role.ANSWER, now).document == acknowledgement
    assert seal.seal(Plain(acknowledgement), Role.ANSWER, now).body == acknowledgement
    assert code_of(seal, acknowledgement, now) == "seal-form"


@pytest.mark.parametrize("name", ["alg", "enc", "zip", "crit"])
def test_a_mapping_cannot_set_the_seals_own_headers(pair: tuple[Seal, Seal], now: datetime, name: str) -> None:
    with pytest.raises(SealRefused) as refused:
        pair[0].seal(Plain(BUNDLE, {name: "dir"}), Role.REQUEST, now)
    assert refused.value.error_code == "seal-algorithm"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("algorithm", ["RSA1_5", "RSA-OAEP"])
def test_another_rsa_algorithm_is_refused(
    pair: tuple[Seal, Seal], now: datetime, keys: KeyRing, algorithm: str
) -> None:
    key = RSAKey.import_key(keys.rsa_public("hcx-insurer-rsa"))
    header = {"alg": algorithm, "enc": "A256GCM"}
    token = jwe.encrypt_compact(header, BUNDLE, key, algorithms=[algorithm, "A256GCM"])
    assert code_of(pair[1], payload(token), now) == "seal-algorithm"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_other_content_algorithms_and_compression_are_refused(
    pair: tuple[Seal, Seal], now: datetime, keys: KeyRing
) -> None:
    """CBC is outside the agreement, and a compressed token could blow up in memory."""
    key = RSAKey.import_key(keys.rsa_public("hcx-insurer-rsa"))
    for extra in ({"enc": "A128CBC-HS256"}, {"enc": "A256GCM", "zip": "DEF"}):
        header = {"alg": "RSA-OAEP-256", **extra}
        token = jwe.encrypt_compact(header, BUNDLE, key, algorithms=["RSA-OAEP-256", *extra.values()])
        assert code_of(pair[1], payload(token), now) == "seal-algorithm"


def test_alg_none_and_hs256_tokens_are_no_message(pair: tuple[Seal, Seal], now: datetime, keys: KeyRing) -> None:
    """A signed token made with our own public key as HMAC secret must not pass as an encrypted one."""
    public = (keys.directory / "hcx-insurer-rsa.pub.pem").read_bytes()
    signed = jws.serialize_compact({"alg": "HS256"}, BUNDLE, OctKey.import_key(base64.b64encode(public)), ["HS256"])
    unsigned = f"{encoded({'alg': 'none'})}.{encoded({'resourceType': 'Bundle'})}."
    for token in (signed, unsigned):
        assert code_of(pair[1], payload(token), now) == "seal-form"
    for alg, code in ({"none": "seal-unsigned"} | dict.fromkeys(("HS256", "dir", "A256KW"), "seal-algorithm")).items():
        token = f"{encoded({'alg': alg, 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA"
        assert code_of(pair[1], payload(token), now) == code


@pytest.mark.parametrize("part", range(5))
def test_a_change_in_any_part_is_refused(pair: tuple[Seal, Seal], now: datetime, part: int) -> None:
    ours, theirs = pair
    token = json.loads(ours.seal(Plain(BUNDLE, HEADERS), Role.REQUEST, now).body)["payload"]
    parts = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    raw[-3] ^= 4
    parts[part] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    assert code_of(theirs, payload(".".join(parts)), now) in {"seal-decrypt", "seal-form"}


def test_a_token_for_somebody_else_does_not_open(pair: tuple[Seal, Seal], now: datetime) -> None:
    ours, _ = pair
    assert code_of(ours, ours.seal(Plain(BUNDLE), Role.REQUEST, now).body, now) == "seal-decrypt"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"payload":1}', b'{"payload":"a.b.c"}', b'{"payload":"~.b.c.d.e"}', b'{"a":1}']
)
def test_other_bodies_are_no_message(pair: tuple[Seal, Seal], now: datetime, body: bytes) -> None:
    assert code_of(pair[0], body, now) == "seal-form"
