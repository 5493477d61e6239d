"""Plays journeys on a running stage as hospital, insurer and stranger, and keeps what our doors answered."""

import asyncio
import io
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from gateway.cli.wall.stage import WallStage
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.visits import Wish, submission

_DEADLINE = aiohttp.ClientTimeout(total=40)
_POLL_S = 0.1
_LARGE = 1 << 20
"""Larger bodies are handed to the client as a stream, as it wants them."""
QUICK_ONLY = frozenset({"ant", "eclaimlink"})


@dataclass(frozen=True)
class Bill:
    wish: Wish
    submission: dict[str, Any]
    key: str
    """Its idempotency key."""

    @property
    def body(self) -> bytes:
        return to_json(self.submission)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


@dataclass
class Player:
    """Use as an async context manager."""

    stage: WallStage
    first_seed: int = 1
    bills: list[dict[str, Any]] = field(default_factory=list)
    """Everything that was planted."""
    refusals: list[bytes] = field(default_factory=list)
    """Body of every answer of our own doors that was no success."""
    answers: int = 0
    shown: list[bytes] = field(default_factory=list)
    """What operators and commands were shown, but for what opens a message or a person's data on purpose."""

    async def __aenter__(self) -> Self:
        self._known, self._stranger = self._session(proven=True), self._session(proven=False)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._known.close()
        await self._stranger.close()

    def bill(self, *insurers: str, story: str = "", kind: str = "", policy: str = "", every: bool = True) -> Bill:
        """A bill with a mark in each medical and identity leaf; of another patient than every other."""
        seed = self.first_seed + len(self.bills)
        kind = kind or ("quick_claim" if insurers[0] in QUICK_ONLY else "direct_pay")
        story = story or ("self-pay" if insurers[0] in QUICK_ONLY else "outpatient")
        numbers = (f"{policy}{seed:08d}",) if policy else ()
        wish = Wish(story, seed, kind, insurers, numbers, marks=True, every=every)
        made = submission(wish)
        self.bills.append(made)
        return Bill(wish, made, f"wall-{seed}")

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        door: str = "hospital",
        proven: bool = True,
    ) -> Reply:
        """One request with exactly this path and these headers. A broken connection is status 0."""
        scheme = "http" if door == "operator" else "https"
        url = URL(f"{scheme}://localhost:{self.stage.ports[door]}{path}", encoded=True)
        session = self._known if proven else self._stranger
        content = io.BytesIO(body) if len(body) > _LARGE else body or None
        try:
            async with session.request(method, url, data=content, headers=headers, timeout=_DEADLINE) as answer:
                reply = Reply(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return Reply(0, b"")
        if door in ("hospital", "partner", "operator", "payment"):
            self.answers += 1
            if reply.status >= 300:
                self.refusals.append(reply.body)
        return reply

    async def submit(self, bill: Bill, body: bytes = b"", form: str = "") -> Reply:
        headers = {"Idempotency-Key": bill.key, "Prefer": "wait=25", "Content-Type": "application/json"}
        return await self.call("POST", f"/v1/claims/{form}" if form else "/v1/claims", body or bill.body, headers)

    async def ask(self, who: str, path: str, body: Any = None, method: str = "") -> Reply:
        """An operator at the door. What comes back is kept, but for an opened message."""
        headers = {"Authorization": f"Bearer {self.stage.tokens[who]}", "X-Reason": "case-7"}
        content = b"" if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        reply = await self.call(method, f"/admin/{path}", content, headers, door="operator")
        if "/messages/" not in path:
            self.shown.append(reply.body)
        return reply

    async def settle(self, bill: Bill, patience_s: float = 45) -> str:
        """Submit, send again while nobody answers, and ask until it is decided. How it ended: ``paid``, ``refused``, ``manual`` …"""
        until = time.monotonic() + patience_s
        reply = await self.submit(bill)
        while time.monotonic() < until:
            document = reply.document
            if reply.status not in (0, 200, 202, 503):
                return f"{reply.status} {document.get('code', '')}".strip()
            if ended := _ended(document):
                return ended
            await asyncio.sleep(_POLL_S)
            order = document.get("order_id")
            again = await (self.call("GET", f"/v1/orders/{order}") if order else self.submit(bill))
            reply = again if again.status == 200 or not order else reply
        return "open"

    async def script(self, code: str, op: str, do: str, seconds: float = 0) -> None:
        """Ask a simulator for trouble at its next ``op``."""
        wish = {"match": {"op": op}, "do": do, "seconds": seconds, "times": 1}
        reply = await self.call("POST", "/_script", json.dumps(wish).encode(), door=code)
        assert reply.status == 200, f"{code} knows no {op} {do}"

    async def orders(self) -> list[dict[str, Any]]:
        """What the payment channel has in its books."""
        books: list[dict[str, Any]] = (await self.call("GET", "/_ledger", door="pay")).document["settlements"]
        return books

    async def paid_out(self, more_than: int, patience_s: float = 20) -> str:
        """Wait until the channel has more orders than before, all at their end."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            orders = await self.orders()
            if len(orders) > more_than and all(order["state"] != "open" for order in orders):
                return str(orders[-1]["state"])
            await asyncio.sleep(_POLL_S)
        return "open"

    def _session(self, *, proven: bool) -> aiohttp.ClientSession:
        keys = self.stage.keys
        context = ssl.create_default_context(cafile=str(keys / "ca.cert.pem"))
        if proven:
            context.load_cert_chain(keys / "hospital-h1.cert.pem", keys / "hospital-h1.key.pem")
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0))


def _ended(document: Mapping[str, Any]) -> str:
    claims = document.get("claims", [])
    if document.get("state") == "decided":
        return "+".join(claim["outcome"] or claim["state"] for claim in claims)
    return "manual" if claims and any(claim["state"] == "manual" for claim in claims) else ""
