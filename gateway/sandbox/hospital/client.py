"""The sample hospital's side of the door: bring a bill, then ask until it is decided."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from gateway.sandbox.common import strictjson
from gateway.sandbox.hospital.signing import Signer

CANONICAL = "canonical"
_POLL_EVERY_S = 0.2
_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door said. ``document`` is its JSON object, with exact numbers."""

    status: int
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def order_id(self) -> str:
        return str(self.document.get("order_id", ""))

    @property
    def is_pending(self) -> bool:
        return self.status == 202 or self.document.get("state") == "pending"


def client_tls(ca: Path, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Trust ``ca`` only; with a certificate and its key the hospital proves itself by mTLS."""
    context = ssl.create_default_context(cafile=str(ca))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


class HospitalClient:
    """One hospital over one connection pool; proves itself by the context's client certificate, by a signer, or both."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, signer: Signer | None = None) -> None:
        self._url = URL(url)
        self._signer = signer
        connector = aiohttp.TCPConnector(ssl=tls if tls is not None else True, limit=_IN_FLIGHT)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=90))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def submit(self, body: bytes, idempotency_key: str, form: str = CANONICAL, wait_s: int = 25) -> Reply:
        """``POST /v1/claims`` or ``/v1/claims/{form}``; sending the same body under the same key again is safe."""
        path = "/v1/claims" if form == CANONICAL else f"/v1/claims/{form}"
        headers = {
            "Idempotency-Key": idempotency_key,
            "Prefer": f"wait={wait_s}",
            "Content-Type": "application/fhir+json" if form == "fhir-r4" else "application/json",
        }
        return await self._send("POST", path, "", headers, body)

    async def order(self, order_id: str) -> Reply:
        return await self._send("GET", f"/v1/orders/{order_id}", "", {}, b"")

    async def events(self, after: int = 0) -> Reply:
        return await self._send("GET", "/v1/events", f"after={after}", {}, b"")

    async def settle(
        self, body: bytes, idempotency_key: str, form: str = CANONICAL, wait_s: int = 25, patience_s: float = 30
    ) -> Reply:
        """Submit and poll until the order is no longer pending. Raises ``TimeoutError`` after ``patience_s``."""
        async with asyncio.timeout(patience_s):
            reply = await self.submit(body, idempotency_key, form, wait_s)
            while reply.is_pending and reply.order_id:
                await asyncio.sleep(_POLL_EVERY_S)
                reply = await self.order(reply.order_id)
            return reply

    async def _send(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Reply:
        proof = {}
        if self._signer is not None:
            proof = self._signer.headers(method, path, query, body, headers.get("Idempotency-Key", ""))
        url = self._url.with_path(path).with_query(query or None)
        async with self._session.request(method, url, data=body or None, headers={**headers, **proof}) as answer:
            content = await answer.read()
            return Reply(answer.status, dict(answer.headers), _document(content))


def _document(content: bytes) -> dict[str, Any]:
    document = strictjson.loads(content) if content else {}
    return document if isinstance(document, dict) else {}
