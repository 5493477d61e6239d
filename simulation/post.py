"""The way of a webhook: a node's delivery office with its real lanes, over this world's network to the hospital's receiver."""

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import Rows
from gateway.kernel.errors import NotSent, OutcomeUnknown
from gateway.kernel.secret import Secret
from gateway.sandbox.hospital.visits import HOSPITAL_CODE
from gateway.wire.http import HttpAnswer, PartnerClient
from gateway.wire.keys import Entry, KeyRing
from gateway.wire.webhook import Signer
from simulation.receiver import Answer, Receiver
from simulation.wire import NEVER, Fate, give

if TYPE_CHECKING:
    from simulation.node import Node

_ANSWER_S = 5.0


@cache
def _signer() -> Signer:
    return Signer(KeyRing(Path(), {"hook": Entry(secret=Secret("s" * 32))}, {}, {}), "hook")


def office_of(node: "Node", receiver: Receiver) -> Office:
    way = Endpoint(HOSPITAL_CODE, "/hook", {}, _signer(), lambda: ReceiverWire(node, receiver), answer_s=_ANSWER_S)
    rows = Rows(node.store, node.clock)
    return Office(rows, {HOSPITAL_CODE: way}, receiver.ladder, node.world.metrics.delivery)


class ReceiverWire(PartnerClient):
    """The gateway's HTTP client without a socket."""

    def __init__(self, node: "Node", receiver: Receiver) -> None:
        self._node, self._receiver = node, receiver

    async def close(self) -> None:
        """There is no connection."""

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,
    ) -> HttpAnswer:
        node, loop = self._node, asyncio.get_running_loop()
        node.require_alive()
        fate = self._receiver.weather.message()
        node.tell("brings", event=headers["webhook-id"])
        if fate.refused or self._receiver.is_down:
            await asyncio.sleep(fate.there if fate.refused else 0.01)
            raise NotSent("refused", code="not-connected")
        waits: asyncio.Future[Answer] = loop.create_future()
        loop.call_later(fate.there, self._arrive, dict(headers), body, fate, waits)
        try:
            async with asyncio.timeout(deadline_s):
                answer = await waits
        except TimeoutError:
            raise OutcomeUnknown("no answer in time", code="answer-timeout") from None
        if fate.garbled:
            raise OutcomeUnknown("not readable", code="answer-form")
        return HttpAnswer(answer.status, answer.headers, b"")

    def _arrive(self, headers: dict[str, str], body: bytes, fate: Fate, waits: "asyncio.Future[Answer]") -> None:
        """It reaches the hospital, whoever still waits for the answer."""
        if fate.there >= NEVER:
            return
        answer = self._receiver.arrive(headers, body)
        if fate.back < NEVER:
            asyncio.get_running_loop().call_later(answer.after + fate.back, give, waits, answer)
