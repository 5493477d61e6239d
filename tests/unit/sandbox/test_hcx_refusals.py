"""What the exchange refuses at once, what its payer refuses by callback, and with which code."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from development_keys import development_keys
from hcx_support import Gateway, bundle, cny, connected, items, seal_with

from gateway.sandbox.common import strictjson
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture(scope="module")
def ring(keys: Path) -> KeyRing:
    return KeyRing.from_directory(keys)


@pytest.fixture
async def gateway(keys: Path, ring: KeyRing) -> AsyncIterator[Gateway]:
    async with connected(keys, ring) as one:
        yield one


def without(path: tuple[Any, ...], document: dict[str, Any]) -> dict[str, Any]:
    *way, last = path
    node: Any = document
    for step in way:
        node = node[step]
    del node[last]
    return document


MAIN = ("entry", 0, "resource")
BAD_BUNDLES = {
    "total": (bundle(rows=items(("1", "25", "25.00", "A"))), "ERR_INVALID_DOMAIN_PAYLOAD"),
    "net": (bundle(rows=items(("2", "25", "25.00", "A"))), "ERR_INVALID_DOMAIN_PAYLOAD"),
    "reference": (without(("entry", 1), bundle()), "ERR_INVALID_DOMAIN_PAYLOAD"),
    "insurance": (without((*MAIN, "insurance"), bundle()), "ERR_INVALID_DOMAIN_PAYLOAD"),
    "other use": (bundle(use="predetermination"), "ERR_WRONG_DOMAIN_PAYLOAD"),
    "other resource": (bundle("CoverageEligibilityRequest"), "ERR_WRONG_DOMAIN_PAYLOAD"),
}
BAD_BUNDLES["total"][0]["entry"][0]["resource"]["total"] = cny("26.00")


@pytest.mark.parametrize(("document", "code"), BAD_BUNDLES.values(), ids=BAD_BUNDLES.keys())
async def test_a_bundle_that_breaks_a_rule_gets_a_protocol_error_by_callback(
    gateway: Gateway, document: dict[str, Any], code: str
) -> None:
    assert (await gateway.call("claim/submit", document))[0] == 202
    path, said, _ = await gateway.heard()
    assert (path, said["x-hcx-status"]) == ("claim/on_submit", "response.error")
    assert said["x-hcx-error_details"]["code"] == code
    assert await gateway.ledger() == []


async def test_what_cannot_be_decrypted_gets_a_protocol_error_by_callback(gateway: Gateway, ring: KeyRing) -> None:
    seal = seal_with(ring, peer_key="hcx-gateway-rsa")
    plain = Plain(strictjson.dumps(bundle()), gateway.headers())
    status, _ = await gateway.post("claim/submit", seal.seal(plain, Role.REQUEST, datetime.now(UTC)).body)
    assert status == 202
    _, said, _ = await gateway.heard()
    assert said["x-hcx-error_details"]["code"] == "ERR_INVALID_ENCRYPTION"


TOMORROW = str(int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sender_code": "OTHER@test"}, "ERR_INVALID_SENDER"),
        ({"recipient_code": "OTHER@test"}, "ERR_INVALID_RECIPIENT"),
        ({"api_call_id": "1"}, "ERR_INVALID_API_CALL_ID"),
        ({"correlation_id": "1"}, "ERR_INVALID_CORRELATION_ID"),
        ({"timestamp": TOMORROW}, "ERR_INVALID_TIMESTAMP"),
        ({"timestamp": ""}, "ERR_MANDATORY_HEADER_MISSING"),
    ],
)
async def test_the_switch_refuses_a_wrong_header_at_once(gateway: Gateway, changed: dict[str, str], code: str) -> None:
    status, answer = await gateway.call("claim/submit", bundle(), **changed)
    assert (status, answer["error"]["code"]) == (400, code)


async def test_a_cycle_belongs_to_the_call_that_opened_it(gateway: Gateway) -> None:
    cycle = str(uuid.uuid4())
    await gateway.call("claim/submit", bundle(), correlation_id=cycle)
    status, answer = await gateway.call("claim/submit", bundle(number="clm-2"), correlation_id=cycle)
    assert (status, answer["error"]["code"]) == (400, "ERR_INVALID_CORRELATION_ID")


async def test_another_key_algorithm_is_refused(gateway: Gateway, ring: KeyRing) -> None:
    seal = seal_with(ring, alg="RSA-OAEP")
    plain = Plain(strictjson.dumps(bundle()), gateway.headers())
    status, answer = await gateway.post("claim/submit", seal.seal(plain, Role.REQUEST, datetime.now(UTC)).body)
    assert (status, answer["error"]["code"]) == (400, "ERR_INVALID_ENCRYPTION")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"payload": 1}', b'{"payload": "a.b"}', b'{"payload": "", "x": 1}'])
async def test_a_body_that_is_no_compact_jwe_is_refused(gateway: Gateway, body: bytes) -> None:
    status, answer = await gateway.post("claim/submit", body)
    assert (status, answer["error"]["code"]) == (400, "ERR_INVALID_PAYLOAD")


async def test_without_a_token_nothing_is_taken(gateway: Gateway) -> None:
    assert (await gateway.log_in(password="wrong"))[0] == 401
    status, answer = await gateway.call("claim/submit", bundle())
    assert (status, answer["error"]["code"]) == (401, "ERR_ACCESS_DENIED")
