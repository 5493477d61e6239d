"""Real sockets and synthetic keys for the simulator tests."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.sandbox.common.base import Simulator

SAMPLES = Path(__file__).parent / "samples"
AES_KEY = b"TESTKEY-AES-0001"
APP_SECRET = "TESTSECRET-0001"


def make_keys(folder: Path) -> Path:
    """Every key that the four simulators want, made by other hands than the simulators'."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package-aes.secret").write_bytes(AES_KEY)
    (folder / "package-app.secret").write_text(APP_SECRET)
    for name in ("huiyibao-gateway-sm2", "huiyibao-insurer-sm2", "stranger-sm2"):
        make_sm2(folder / name)
    for name in ("ant-gateway-rsa", "ant-insurer-rsa", "stranger-rsa"):
        make_rsa(folder / name)
    return folder


def make_sm2(stem: Path) -> None:
    key, public = f"{stem}.key.pem", f"{stem}.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "SM2", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)


def make_rsa(stem: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    Path(f"{stem}.key.pem").write_bytes(private)
    Path(f"{stem}.pub.pem").write_bytes(public)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text("utf-8"), parse_float=Decimal)


class Peer:
    """A client of one simulator, over a real socket."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ledger(self) -> dict[str, Any]:
        async with self.session.get(self.url + "/_ledger") as reply:
            return await reply.json()

    async def received(self, last: int) -> list[dict[str, Any]]:
        async with self.session.get(self.url + f"/_received?last={last}") as reply:
            return await reply.json()

    async def script(self, op: str, do: str, **more: Any) -> int:
        async with self.session.post(self.url + "/_script", json={"match": {"op": op}, "do": do, **more}) as reply:
            return reply.status


@asynccontextmanager
async def serving(simulator: Simulator) -> AsyncIterator[Peer]:
    async with TestServer(simulator.app()) as server, aiohttp.ClientSession() as session:
        yield Peer(session, str(server.make_url("")).rstrip("/"))
        await simulator.close()


class Gateway:
    """Stands for our callback door: keeps what it is told and answers as each test wants."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.replies: list[web.Response] = []
        self.answer: Any = None
        self._rang = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls.append((request.path, body))
        self._rang.set()
        if self.replies:
            return self.replies.pop(0)
        return self.answer(body)

    async def told(self, path: str, times: int = 1) -> bytes:
        """Waits for the callback and gives the body of the last one."""
        async with asyncio.timeout(5):
            while sum(one == path for one, _ in self.calls) < times:
                self._rang.clear()
                await self._rang.wait()
        return [body for one, body in self.calls if one == path][-1]


@asynccontextmanager
async def gateway_door(gateway: Gateway) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/partners/{tail:.*}", gateway.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
