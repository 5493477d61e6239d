"""The sample hospital's client over real sockets: its proofs hold at the gateway's own verifier, and it asks until told."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from development_keys import development_keys

from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import NotAllowed
from gateway.sandbox.hospital.client import HospitalClient, client_tls
from gateway.sandbox.hospital.signing import Signer
from gateway.wire.httpsig import verify_request
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.keys import KeyRing


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


class Door:
    """Remembers what came and answers 202 until it was asked twice."""

    def __init__(self) -> None:
        self.seen: list[tuple[web.Request, bytes]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/claims", self.submit)
        app.router.add_post("/v1/claims/{format}", self.submit)
        app.router.add_get("/v1/orders/{order_id}", self.order)
        app.router.add_get("/v1/events", self.submit)
        return app

    async def submit(self, request: web.Request) -> web.Response:
        self.seen.append((request, await request.read()))
        return web.json_response({"order_id": "ord_1", "state": "pending"}, status=202)

    async def order(self, request: web.Request) -> web.Response:
        self.seen.append((request, await request.read()))
        state = "decided" if len(self.seen) > 2 else "pending"
        return web.json_response({"order_id": request.match_info["order_id"], "state": state})


@pytest.fixture
async def door() -> AsyncIterator[tuple[Door, str]]:
    one = Door()
    async with TestServer(one.app()) as server:
        yield one, str(server.make_url("")).rstrip("/")


def registered(keys: Path) -> RequestKey:
    return RequestKey("hospital-h2-sign", KeyRing.from_directory(keys).public("hospital-h2-sign"))


def verify(key: RequestKey, request: web.Request, body: bytes) -> Any:
    path, _, query = request.raw_path.partition("?")
    return verify_request(request.method, path, query, request.headers, body, lambda _: key, datetime.now(UTC), 300)


async def test_signed_requests_hold_at_the_gateways_own_verifier(keys: Path, door: tuple[Door, str]) -> None:
    signer = Signer.load(keys / "hospital-h2-sign.key.pem", "hospital-h2-sign")
    async with HospitalClient(door[1], signer=signer) as client:
        await client.submit(b'{"a":1}', "key-1", "fhir-r4", wait_s=3)
        await client.order("ord_1")
        await client.events(7)
    key = registered(keys)
    nonces = {verify(key, request, body).nonce for request, body in door[0].seen}
    assert len(nonces) == 3
    submitted = door[0].seen[0][0]
    assert submitted.path == "/v1/claims/fhir-r4"
    assert submitted.headers["Prefer"] == "wait=3"
    assert '"idempotency-key"' in submitted.headers["Signature-Input"]
    with pytest.raises(NotAllowed):
        verify(key, submitted, b'{"a":2}')


async def test_another_hospitals_key_is_not_taken_for_this_one(keys: Path, door: tuple[Door, str]) -> None:
    stranger = Signer(Ed25519PrivateKey.generate(), "hospital-h2-sign", SystemClock())
    async with HospitalClient(door[1], signer=stranger) as client:
        await client.submit(b"{}", "key-1")
    key = registered(keys)
    with pytest.raises(NotAllowed):
        verify(key, *door[0].seen[0])


async def test_a_pending_bill_is_asked_for_until_it_is_decided(door: tuple[Door, str]) -> None:
    async with HospitalClient(door[1]) as client:
        reply = await client.settle(b"{}", "key-1")
    assert reply.document == {"order_id": "ord_1", "state": "decided"}
    assert [request.method for request, _ in door[0].seen] == ["POST", "GET", "GET"]


async def test_the_client_certificate_names_the_hospital_and_the_servers_is_checked(keys: Path) -> None:
    names: list[str] = []

    async def submit(request: web.Request) -> web.Response:
        assert request.transport is not None
        peer = request.transport.get_extra_info("peercert")
        names.append(dict(part[0] for part in peer["subject"])["commonName"])
        return web.json_response({"state": "decided"})

    app = web.Application()
    app.router.add_post("/v1/claims", submit)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys / "ca.cert.pem"))
    context.load_cert_chain(keys / "gateway-tls.cert.pem", keys / "gateway-tls.key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    tls = client_tls(keys / "ca.cert.pem", keys / "hospital-h1.cert.pem", keys / "hospital-h1.key.pem")
    async with HospitalClient(f"https://127.0.0.1:{server.port}", tls) as client:
        assert (await client.submit(b"{}", "key-1")).status == 200
    await server.close()
    assert names == ["H99990100001"]
