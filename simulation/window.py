"""The window of one node: the real carrier and its errands, with this world's network between it and the payment room."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.clearing.carrier import CUTOFF, Carrier
from gateway.clearing.complaint import Complaint
from gateway.clearing.door import PaymentDoor
from gateway.clearing.errands import Errands
from gateway.clearing.rows import Rows
from gateway.kernel.errors import NotSent, OutcomeUnknown
from gateway.wire.http import HttpAnswer, PartnerClient
from simulation.payroom import SECRET, PayRoom
from simulation.process import Gone
from simulation.purse import CHANNELS
from simulation.wire import NEVER

if TYPE_CHECKING:
    from simulation.node import Node

_EVERY_S = 3.0


class SimulatedCarrier(Carrier):
    def __init__(self, node: "Node", room: PayRoom) -> None:
        self._rows = Rows(node.store, node.clock)
        self._door = PaymentDoor(RoomWire(node, room), SECRET, node.clock)
        self._errands = Errands(self._rows, self._door, tuple(CHANNELS.values()), CUTOFF)
        self._poll = _EVERY_S
        self._decided = asyncio.Event()
        self._idle = 0
        self._complaint = Complaint(node.clock)


class _Request:
    """What the room's intake reads of a request."""

    def __init__(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> None:
        self.method, self.path, self.query, self.headers = method, path, query, headers
        self.raw_path = path + "".join(f"?{name}={value}" for name, value in query.items())
        self.match_info = {"settlement_id": path.split("/")[2]} if path.count("/") > 1 else {}
        self._body = body

    async def read(self) -> bytes:
        return self._body


class RoomWire(PartnerClient):
    """The window's HTTP client without a socket."""

    def __init__(self, node: "Node", room: PayRoom) -> None:
        self._node, self._payroom = node, room

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,
    ) -> HttpAnswer:
        self._node.require_alive()
        fate, request = self._payroom.weather.message(), _Request(method, path, query, headers, body)
        if fate.refused or self._payroom.process is None:
            await asyncio.sleep(0.01)
            raise NotSent("refused", code="not-connected")
        waits: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        if fate.there < NEVER:
            self._node.world.spawn(self._arrive(request, fate.there, fate.back, waits))
        try:
            async with asyncio.timeout(deadline_s):
                answer = await waits
        except TimeoutError:
            raise OutcomeUnknown("no answer in time", code="answer-timeout") from None
        if fate.garbled:
            raise OutcomeUnknown("not readable", code="answer-form")
        return answer

    async def _arrive(self, request: _Request, there: float, back: float, waits: "asyncio.Future[HttpAnswer]") -> None:
        await asyncio.sleep(there)
        room = self._payroom.process
        if room is None:
            return
        try:
            status, told = await room.answer(request)
        except Gone:
            return
        await asyncio.sleep(back)
        if not waits.done():
            waits.set_result(HttpAnswer(status, {}, told))
