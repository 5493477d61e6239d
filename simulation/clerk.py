"""The hospital's clerk for quick-claims: brings the material that an insurer asks for, soon, late, or twice."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.canonical.claim import Attachment
from gateway.claims.conversation.bringing import Documents, supply
from gateway.claims.conversation.states import ClaimState
from gateway.kernel.errors import LianpeiError
from simulation.node import Node
from simulation.process import Gone

if TYPE_CHECKING:
    from simulation.world import World

_EVERY_S = 5.0
_ITEM = Attachment(kind="invoice", ref="scan-1", sha256="0" * 64)


class Clerk:
    def __init__(self, world: "World", numbers: random.Random) -> None:
        self._world, self._numbers = world, numbers
        self.brought: dict[str, float] = {}
        """When material for a claim was last acknowledged, in the world's seconds."""
        self._diligent = numbers.choice((0.1, 0.5, 1.0))
        """How likely it is that what is asked is brought at a look."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._numbers.uniform(1.0, _EVERY_S))
            node = self._world.some_node(self._numbers)
            asked = self._world.disk.find("claim", {"state": ClaimState.NEED_MORE.value}, limit=10)
            if node is None or not asked or self._numbers.random() > self._diligent:
                continue
            claim = self._numbers.choice(asked)
            await self._bring(node, claim["order_id"], claim["claim_id"])
            if self._numbers.random() < 0.2:  # the clerk presses twice
                await self._bring(node, claim["order_id"], claim["claim_id"])

    async def _bring(self, node: Node, order_id: str, claim_id: str) -> None:
        self._world.story.tell("hospital", "brings material", claim=claim_id, to=node.name)
        try:
            await node.call(supply(node.engine, order_id, Documents(claim_id, (_ITEM,))))
        except Gone:
            return
        except LianpeiError as no:
            self._world.story.tell("hospital", "is refused", code=no.error_code)
        else:
            self.brought[claim_id] = self._world.loop.time()
