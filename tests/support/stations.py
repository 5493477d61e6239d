"""Places on a bill's way where it stands still until its process is killed: the crash points K1 to K8 of the catalogue.

K1 received, K3 signed and not committed, K2 the intent committed and not sent, K4 connected and nothing written, K5 the
last byte sent and no answer read, K6 the answer read, K7 the answer committed. (K8, answered, needs no place.) In this
gateway the signature comes before the intent's commit. Of a message that comes in by itself (``incoming-`` and the act
that it answers) K1 is before it is opened and K6 after.
"""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import Dispatch, read_result
from gateway.claims.conversation import courier
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.errand import Errand
from gateway.claims.door.handlers import Handlers
from gateway.claims.door.undo import UndoHandlers
from gateway.claims.partners.partner import Partner, Prepared, Reply, Tokens
from gateway.claims.work import Work
from gateway.mapping.api import Incoming
from gateway.wire.link import HttpAnswer, Link


@dataclass(frozen=True)
class Here:
    key: str = ""
    """The bill's idempotency key."""
    role: str = ""
    step: Literal["", "signed", "sending", "answered"] = ""


_here: ContextVar[Here] = ContextVar("here", default=Here())  # noqa: B039 - frozen
Stops = dict[str, tuple[str, str]]


class Stations:
    def __init__(self, stops: Stops, reached: Path) -> None:
        self._stops = stops
        self._reached = reached

    def is_stop(self, key: str, place: str, role: str) -> bool:
        return self._stops.get(key) == (place, role)

    def report(self, key: str) -> None:
        (self._reached / key.replace(":", "_")).touch()

    async def pass_by(self, key: str, place: str, role: str) -> None:
        if self.is_stop(key, place, role):
            self.report(key)
            await asyncio.Event().wait()


def install(stops: dict[str, list[str]], reached: str) -> None:
    """``stops``: idempotency key -> place and role; who stands there has a file of the key's name in ``reached``."""
    stations = Stations({key: (place, role) for key, (place, role) in stops.items()}, Path(reached))
    _doors(stations)
    _callbacks(stations)
    _errands(stations)
    _commits(stations)
    _links(stations)


def _doors(stations: Stations) -> None:
    for door, name in ((Handlers, "submit"), (UndoHandlers, "ask")):
        _door(stations, door, name)


def _door(stations: Stations, door: type[Any], name: str) -> None:
    serve = getattr(door, name)

    async def stopping(self: Any, request: web.Request) -> web.Response:
        await stations.pass_by(request.headers.get("Idempotency-Key", ""), "K1", "door")
        answer: web.Response = await serve(self, request)
        return answer

    setattr(door, name, stopping)


def _callbacks(stations: Stations) -> None:
    receive, settle, commit = Callbacks.receive, Callbacks.settle, Callbacks._commit

    async def told_of(self: Callbacks, partner: Partner, correlation: str) -> Here:
        ledger = self.engine.ledger
        act = await ledger.read(ledger.act_by_correlation, partner.code, correlation)
        bill = None if act is None else await ledger.read(ledger.bill_row, act["order_id"])
        return Here() if act is None or bill is None else Here(bill["idem_key"], f"incoming-{act['name']}")

    async def receiving(self: Callbacks, partner: Partner, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        found = partner.callback(path)
        if found is not None:
            plain = partner.open_callback(body, headers)
            result = read_result(found[1].read_callback(Incoming(plain.document, 200, plain.protected)))
            if isinstance(result.correlation, str):
                here = await told_of(self, partner, result.correlation)
                await stations.pass_by(here.key, "K1", here.role)
        return await receive(self, partner, path, body, headers)

    async def settling(self: Callbacks, partner: Partner, correlation: str, *more: Any) -> None:
        here = await told_of(self, partner, correlation)
        await stations.pass_by(here.key, "K6", here.role)
        _here.set(here)
        await settle(self, partner, correlation, *more)

    async def committing(self: Callbacks, *more: Any) -> None:
        await commit(self, *more)
        await stations.pass_by(_here.get().key, "K7", _here.get().role)

    Callbacks.receive, Callbacks.settle, Callbacks._commit = receiving, settling, committing  # type: ignore[method-assign]


def _errands(stations: Stations) -> None:
    send, ask, prepare, exchange = Courier._send, courier.ask, Partner.prepare, Partner.exchange

    async def sending(self: Courier, errand: Errand, *more: Any) -> Any:
        _here.set(Here(errand.bill.idem_key, errand.step.rule.role))
        return await send(self, errand, *more)

    async def asking(errand: Errand, *more: Any) -> Any:
        _here.set(Here(errand.bill.idem_key, "status"))
        return await ask(errand, *more)

    def preparing(self: Partner, dispatch: Dispatch) -> Prepared:
        made = prepare(self, dispatch)
        _here.set(replace(_here.get(), step="signed"))
        return made

    async def exchanging(self: Partner, prepared: Prepared, dispatch: Dispatch, *more: Any, **named: Any) -> Reply:
        here = _here.get()
        _here.set(replace(here, step="sending"))
        reply = await exchange(self, prepared, dispatch, *more, **named)
        await stations.pass_by(here.key, "K6", here.role)
        _here.set(replace(here, step="answered"))
        return reply

    Courier._send = sending  # type: ignore[method-assign]
    courier.ask = asking
    Partner.prepare, Partner.exchange = preparing, exchanging  # type: ignore[method-assign]


def _commits(stations: Stations) -> None:
    flush = Work.flush

    async def flushing(self: Work, bill: Bill | None = None) -> None:
        here = _here.get()
        if here.step == "signed":
            await stations.pass_by(here.key, "K3", here.role)
        await flush(self, bill)
        place = {"signed": "K2", "answered": "K7"}.get(here.step)
        if place:
            await stations.pass_by(here.key, place, here.role)

    Work.flush = flushing  # type: ignore[method-assign]


def _links(stations: Stations) -> None:
    ask, fetch = Link.ask, Tokens._fetch

    async def asking(self: Link, request: bytes, end: float) -> HttpAnswer:
        here = _here.get()
        if here.step == "sending":
            await stations.pass_by(here.key, "K4", here.role)
        answer = await ask(self, request, end)
        if here.step == "sending":
            await stations.pass_by(here.key, "K5", here.role)  # the peer surely has it
        return answer

    async def fetching(self: Tokens, act: str) -> Any:
        """A token's call is not the act's."""
        before = _here.set(Here())
        try:
            return await fetch(self, act)
        finally:
            _here.reset(before)

    Link.ask, Tokens._fetch = asking, fetching  # type: ignore[method-assign]
