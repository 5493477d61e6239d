"""The front desk that every simulator shares: it keeps what came in, plays scripted trouble and shows the books."""

import asyncio
import base64
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from gateway.kernel.errors import InputRefused
from gateway.sandbox.common.ledger import Ledger
from gateway.sandbox.common.script import HEADER, Script, play, playing
from gateway.sandbox.common.trouble import Do, Repertoire, Trouble

SCRIPT = web.AppKey("script", Script)
"""Under which an application holds what it shall play."""
KEPT_MESSAGES = 5000
GARBAGE = b"<<<not an answer>>>"
MAX_BODY = 16 * 1024 * 1024
Work: TypeAlias = Callable[[], Awaitable[web.Response]]


@dataclass(slots=True)
class Received:
    op: str
    path: str
    headers: dict[str, str]
    body: bytes

    def as_json(self) -> dict[str, Any]:
        return {
            "op": self.op,
            "path": self.path,
            "headers": self.headers,
            "body": base64.b64encode(self.body).decode("ascii"),
        }


@dataclass(slots=True)
class Notice:
    """One callback as the insurer sees it."""

    op: str
    reference: str
    attempts: int = 0
    acknowledged: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "op": self.op,
            "reference": self.reference,
            "attempts": self.attempts,
            "acknowledged": self.acknowledged,
        }


@dataclass(slots=True)
class Desk:
    code: str
    repertoire: Repertoire
    ledger: Ledger = field(default_factory=Ledger)
    notices: list[Notice] = field(default_factory=list)
    script: Script = field(init=False)
    _received: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES))

    def __post_init__(self) -> None:
        self.script = Script(self.repertoire)

    def app(self) -> web.Application:
        """An application with the control paths; the simulator adds its partner's own."""
        app = web.Application(client_max_size=MAX_BODY)
        app[SCRIPT] = self.script
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_get("/_received", self._show_received)
        app.router.add_get("/_health", self._show_health)
        app.router.add_post("/_script", self._add_script)
        app.router.add_get("/_script", self._show_repertoire)
        app.router.add_post("/_pay_out", self._pay_out)
        return app

    async def receive(self, request: web.Request, op: str = "") -> Received:
        """Read and keep a message. ``op`` may be filled in later, when only the opened message tells it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = Received(op, request.path_qs, headers, await request.read())
        self._received.append(message)
        return message

    async def serve(self, request: web.Request, op: str, work: Work) -> web.Response:
        """Do the work and answer, unless the request's header, the script or (once it is read) its policy says otherwise."""
        try:
            trouble = self.script.asked(request.headers.get(HEADER, ""), op) or self.script.take(op)
        except InputRefused as error:
            return web.json_response({"refused": error.message}, status=400)
        play(trouble)
        match trouble.do if trouble else None:
            case Do.DROP_CONNECTION:
                return hang_up(request)
            case Do.ERROR500:
                return web.Response(status=500, text="Internal Server Error")
        return await self._answered(request, await work())

    async def _answered(self, request: web.Request, answer: web.Response) -> web.Response:
        """The answer to work that is done, with the trouble that shows in answers."""
        trouble = playing()
        match trouble.do if trouble else None:
            case Do.LOSE_ANSWER:
                return hang_up(request)
            case Do.GARBAGE:
                return web.Response(body=GARBAGE, content_type="text/plain")
            case Do.HALF_OPEN:
                await asyncio.sleep(_seconds(trouble))
                return hang_up(request)
            case Do.DELAY:
                await asyncio.sleep(_seconds(trouble))
            case Do.DRIP:
                return web.Response(
                    body=_drip(_bytes(answer), _seconds(trouble)), status=answer.status, headers=_typed(answer)
                )
            case Do.WRONG_SIGNATURE:
                answer.body = self.forged(_bytes(answer))
        return answer

    def forged(self, message: bytes) -> bytes:
        """The message with another character in its signature; one without a signature stays as it is."""
        found = re.search(self.repertoire.signature, message, re.DOTALL) if self.repertoire.signature else None
        if found is None:
            return message
        other = b"1" if found[1] != b"1" else b"2"
        return message[: found.start(1)] + other + message[found.end(1) :]

    async def _show_ledger(self, _request: web.Request) -> web.Response:
        notices = [notice.as_json() for notice in self.notices]
        return web.json_response({"settlements": self.ledger.as_json(), "notices": notices})

    async def _show_received(self, request: web.Request) -> web.Response:
        last = request.query.get("last", "100")
        count = int(last) if last.isdecimal() else 100
        return web.json_response([message.as_json() for message in list(self._received)[-count:] if count])

    async def _show_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"code": self.code})

    async def _pay_out(self, request: web.Request) -> web.Response:
        """``{policy_no}``: the insurer transfers what it settled for this policy."""
        wish = await request.json()
        return web.json_response({"paid_out": self.ledger.pay_out(str(wish["policy_no"]))})

    async def _show_repertoire(self, _request: web.Request) -> web.Response:
        return web.json_response(self.repertoire.as_json())

    async def _add_script(self, request: web.Request) -> web.Response:
        try:
            self.script.add(await request.json())
        except (InputRefused, ValueError) as error:
            refused = {"refused": str(error), "hint": getattr(error, "hint", "")}
            return web.json_response(refused, status=400)
        return web.json_response({"scripted": True})


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection: the caller learns nothing of what was done."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _seconds(trouble: Trouble | None) -> float:
    return trouble.seconds if trouble else 0.0


def _bytes(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


def _typed(answer: web.Response) -> dict[str, str]:
    """Honest about its length, so that a reader knows what it still waits for."""
    return {"Content-Type": answer.headers["Content-Type"], "Content-Length": str(len(_bytes(answer)))}


async def _drip(content: bytes, pause_s: float) -> AsyncIterator[bytes]:
    for place in range(len(content)):
        yield content[place : place + 1]
        await asyncio.sleep(pause_s)
