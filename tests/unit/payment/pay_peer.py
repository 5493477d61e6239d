"""A payment channel on a real socket, written from docs/partners.md: idempotent by number, with trouble on request."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class PayPeer:
    """``applied`` counts how often money moved per number; ``trouble`` lists what happens to the next requests."""

    status: str = "SUCCESS"
    trouble: list[str] = field(default_factory=list)
    applied: dict[str, int] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str, bytes, Mapping[str, str]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """Members put over every answer."""
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> "PayPeer":
        app = web.Application()
        app.router.add_post("/orders", self._post)
        app.router.add_get("/orders/{number}", self._get)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, request.path_qs, body, request.headers))
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble.isdigit():
            return web.Response(status=int(trouble))
        if trouble == "lose_request":
            return self._drop(request)
        order = json.loads(body)
        known = self.orders.setdefault(order["out_trade_no"], order)
        if known["total_amount"] != order["total_amount"]:
            return web.Response(status=409)
        if known is order:
            self.applied[order["out_trade_no"]] = 1
        if trouble == "lose_answer":
            return self._drop(request)
        if trouble == "hang":
            await asyncio.sleep(30)
        return self._answer(order["out_trade_no"])

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path_qs, b"", request.headers))
        number = request.match_info["number"]
        return self._answer(number) if number in self.orders else web.Response(status=404)

    def _answer(self, number: str) -> web.Response:
        order = self.orders[number]
        told = {
            "trade_no": f"T{len(self.applied)}",
            "out_trade_no": number,
            "total_amount": order["total_amount"],
            "status": self.status,
        }
        return web.json_response(told | self.answers)

    @staticmethod
    def _drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def methods(self) -> list[str]:
        return [method for method, _, _, _ in self.seen]
