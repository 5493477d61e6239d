"""When the faults are over: an operator enables the webhook, and the hospital asks for what its feed has and nobody brought."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.delivery.rows import Standing, State
from gateway.kernel.errors import LianpeiError
from gateway.sandbox.hospital.visits import HOSPITAL_CODE
from simulation.node import Node
from simulation.process import Gone
from simulation.receiver import Receiver

if TYPE_CHECKING:
    from simulation.world import World

_EVERY_S = 10.0


class Aftercare:
    def __init__(self, world: "World", receiver: Receiver, numbers: random.Random) -> None:
        self._world, self._receiver, self._numbers = world, receiver, numbers

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            node = self._world.some_node(self._numbers)
            if node is None or self._world.loop.time() < self._world.peace_at:
                continue
            try:
                await self._mend(node)
            except (Gone, LianpeiError):
                continue

    async def _mend(self, node: Node) -> None:
        office = node.office
        assert office is not None
        standing = self._world.disk.get("webhook", hospital=HOSPITAL_CODE)
        if standing is not None and standing["state"] == Standing.DISABLED:
            self._world.story.tell("operator", "enables the webhook", to=node.name)
            await node.call(office.enable(HOSPITAL_CODE))
        for row in self._world.disk.find("delivery", {"state": State.GIVEN_UP.value}, limit=20):
            which = self._numbers.choice((row["event_id"], str(row["seq"])))
            self._receiver.asked_again.add(row["event_id"])
            self._world.story.tell("hospital", "asks for an event", event=row["event_id"], to=node.name)
            await node.call(office.resend(which, HOSPITAL_CODE))
