"""Simulated operators: they press the buttons of the work list, and call the insurer before they put an amount down."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.conversation.correction import Corrections, Proposal
from gateway.claims.operators.roles import Operator, Operators, Role
from gateway.claims.operators.worklist import WorkDesk
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from simulation.node import Node
from simulation.process import Gone

if TYPE_CHECKING:
    from simulation.world import World

_EVERY_S = 7.0
_PATIENCE_S = 60.0
"""So long after the faults a letter of the insurer is certain: nothing is on its way any more."""
_LI, _WANG = (Operator(name, frozenset(Role), proof=f"token of {name}") for name in ("li.na", "wang.wei"))


class Persons:
    def __init__(self, world: "World", numbers: random.Random) -> None:
        self._world, self._numbers = world, numbers

    async def run(self, until: float) -> None:
        """``until`` in the world's seconds: afterwards they go home."""
        while self._world.loop.time() < until:
            await asyncio.sleep(self._numbers.uniform(1.0, _EVERY_S))
            items = self._world.disk.find("work_item", {}, limit=20)
            node = self._world.some_node(self._numbers)
            if items and node is not None:
                await self._press(node, self._numbers.choice(items))

    async def _press(self, node: Node, item: Row) -> None:
        engine = node.engine
        corrections = Corrections(engine)
        desk = WorkDesk(engine, corrections, Operators(()))
        certain = self._world.loop.time() > self._world.peace_at + _PATIENCE_S
        button = self._numbers.choice(("enquire", "reverse", "accept") if certain else ("enquire", "reverse"))
        self._world.story.tell("person", button, item=item["item_id"], claim=item["claim_id"], to=node.name)
        try:
            match button:
                case "enquire":
                    await node.call(desk.enquire(_LI, item["item_id"], "ticket-1"))
                case "reverse":
                    await node.call(desk.reverse(_LI, item["item_id"], "ticket-1"))
                case _ if item["kind"] == "claim":
                    proposed = await node.call(corrections.propose(_LI, self._letter(item)))
                    await node.call(corrections.approve(_WANG, proposed["correction_id"]))
        except Gone:
            pass
        except LianpeiError as no:
            self._world.story.tell("person", "is refused", code=no.error_code)

    def _letter(self, item: Row) -> Proposal:
        """What the insurer says on the telephone that it paid."""
        case = self._world.insurers[item["insurer"]].cases.get(item["claim_id"])
        paid = 0 if case is None else case.paid
        return Proposal("decide" if paid else "close", "letter-1", claim_id=item["claim_id"], approved_fen=paid)
