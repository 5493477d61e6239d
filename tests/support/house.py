"""The running house as a test meets it: doors called byte by byte, the simulators' books, and trouble by name."""

import asyncio
import io
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from gateway.cli.stage import Stage
from gateway.sandbox.common.desk import KEPT_MESSAGES
from support.bills import SampleBill

_LARGE = 1 << 20
"""Larger bodies are handed to the client as a stream, as it wants them."""
_TAKEN_UP_S = 2
"""An undo that is stuck for so long is stuck: a person's word is taken up sooner."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.document.get("code", ""))

    @property
    def is_decided(self) -> bool:
        return self.status == 200 and self.document["state"] == "decided"


class House:
    """Calls as hospital one (client certificate), or without any proof when ``proven`` is False."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._known = aiohttp.ClientSession(connector=_connector(stage, proven=True))
        self._stranger = aiohttp.ClientSession(connector=_connector(stage, proven=False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._known.close()
        await self._stranger.close()

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        door: str = "hospital",
        proven: bool = True,
    ) -> Answer:
        """One request with exactly this path (no normalising) and these headers."""
        scheme = "http" if door == "operator" else "https"
        url = URL(f"{scheme}://localhost:{self.stage.ports[door]}{path}", encoded=True)
        session = self._known if proven else self._stranger
        deadline = aiohttp.ClientTimeout(total=40)
        content = io.BytesIO(body) if len(body) > _LARGE else body or None
        async with session.request(method, url, data=content, headers=headers, timeout=deadline) as reply:
            names = {name.lower(): value for name, value in reply.headers.items()}
            return Answer(reply.status, names, await reply.read())

    async def submit(
        self, bill: SampleBill, wait: int = 25, form: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        named = {"Idempotency-Key": bill.key, "Prefer": f"wait={wait}", "Content-Type": "application/json"}
        path = f"/v1/claims/{form}" if form else "/v1/claims"
        return await self.call("POST", path, bill.body, named | dict(headers or {}))

    async def insist(self, bill: SampleBill, patience_s: float = 40) -> Answer:
        """Submit under the same key until there is an answer, as hospitals do when a connection was cut."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return await self.submit(bill)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                assert time.monotonic() < until, "the door never answered"
                await asyncio.sleep(0.1)

    async def order(self, order_id: str) -> Answer:
        return await self.call("GET", f"/v1/orders/{order_id}")

    async def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Every event after ``after``, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = (await self.call("GET", f"/v1/events?after={after}")).document["events"]
            found += page
            if not page:
                return found
            after = page[-1]["seq"]

    async def decided(self, order_id: str, patience_s: float = 40) -> Answer:
        """Poll as a hospital does, until the order is decided. Raises ``AssertionError`` with the last view."""
        until = time.monotonic() + patience_s
        while True:
            answer = await self.order(order_id)
            if answer.is_decided:
                return answer
            assert time.monotonic() < until, f"still not decided: {answer.document}"
            await asyncio.sleep(0.1)

    async def settle(self, bill: SampleBill, patience_s: float = 40) -> dict[str, Any]:
        """Submit and poll; the decided view."""
        answer = await self.submit(bill)
        assert answer.status in (200, 202), answer.body
        document: dict[str, Any] = (await self.decided(answer.document["order_id"], patience_s)).document
        return document

    async def ledger(self, code: str) -> dict[str, Any]:
        books: dict[str, Any] = (await self.call("GET", "/_ledger", door=code)).document
        return books

    async def settlements(self, code: str, bill: SampleBill) -> list[dict[str, Any]]:
        """What the insurer's books hold for this bill's patient or policies."""
        return [one for one in (await self.ledger(code))["settlements"] if one["policy_no"] in bill.holders]

    async def received(self, code: str, last: int = KEPT_MESSAGES) -> list[dict[str, Any]]:
        """Every message that the partner had, or the ``last`` ones."""
        found: list[dict[str, Any]] = (await self.call("GET", f"/_received?last={last}", door=code)).document
        assert len(found) < KEPT_MESSAGES, (
            "older messages are forgotten, so nothing can be counted: ask for the last ones"
        )
        return found

    async def undo(
        self, order_id: str, key: str, scope: str = "whole", lines: list[dict[str, Any]] | None = None, **also: Any
    ) -> Answer:
        wish = {
            "scope": scope,
            "reason": "treatment-cancelled",
            "requested_by": "cashier-7",
            "lines": lines or [],
        } | also
        return await self.call(
            "POST", f"/v1/orders/{order_id}/undo", json.dumps(wish).encode(), {"Idempotency-Key": key}
        )

    async def undone(self, undo_id: str, *states: str, leg: str = "", patience_s: float = 20) -> dict[str, Any]:
        """Poll until the undo (or its first leg of this kind) is in one of these states; the view then.

        An undo that is stuck waits for a person: whoever waits for another state is told so, with the order's payments.
        """
        until = time.monotonic() + patience_s
        while True:
            seen: dict[str, Any] = (await self.call("GET", f"/v1/undos/{undo_id}")).document
            found = next((one["state"] for one in seen["legs"] if one["kind"] == leg), "") if leg else seen["state"]
            if found in states:
                return seen
            if seen["state"] == "stuck":  # unless a person's word is being taken up just now
                until = min(until, time.monotonic() + _TAKEN_UP_S)
            if time.monotonic() > until:
                paid = (await self.call("GET", f"/v1/orders/{seen['order_id']}/payments")).body.decode()
                raise AssertionError(f"{found}, not {' or '.join(states)}: {seen}\nits payments: {paid}")
            await asyncio.sleep(0.1)

    async def yibao(self, undo_id: str, outcome: str = "undone") -> Answer:
        word = {"outcome": outcome, "reference": "yb-2208-1"}
        return await self.call("POST", f"/v1/undos/{undo_id}/yibao", json.dumps(word).encode())

    async def pay_out(self, code: str, bill: SampleBill) -> None:
        for holder in bill.holders:
            await self.call("POST", "/_pay_out", json.dumps({"policy_no": holder}).encode(), door=code)

    async def script(self, code: str, op: str, do: str, *, seconds: float = 0, times: int = 1) -> None:
        wish = {"match": {"op": op}, "do": do, "seconds": seconds, "times": times}
        answer = await self.call("POST", "/_script", json.dumps(wish).encode(), door=code)
        assert answer.status == 200, answer.body


def _connector(stage: Stage, *, proven: bool) -> aiohttp.TCPConnector:
    context = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem"))
    if proven:
        context.load_cert_chain(stage.keys / "hospital-h1.cert.pem", stage.keys / "hospital-h1.key.pem")
    return aiohttp.TCPConnector(ssl=context, limit=0)
