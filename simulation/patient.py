"""A simulated patient at the counter: sees quotes, agrees, hesitates, agrees to what is no longer shown, or walks away."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.conversation.confirming import Answer, Shown, answer_quotes
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from simulation.node import Node
from simulation.process import Gone

if TYPE_CHECKING:
    from simulation.hospital import Brought
    from simulation.world import World

_OPEN = ("pending", "quoted")


class Patient:
    """Of one bill that asks."""

    def __init__(self, world: "World", bill: "Brought", numbers: random.Random) -> None:
        self._world, self._bill, self._numbers = world, bill, numbers
        self.agreed: dict[str, int] = {}
        """Claim id and 分 of every quote that this patient agreed to, as it was shown last."""
        self._mood = numbers.choice(("agrees", "agrees", "agrees", "twice", "stale", "declines", "leaves"))

    async def answer(self) -> None:
        """Look at the screen until the bill has its end."""
        for _ in range(80):
            await asyncio.sleep(1.0)
            row = self._row()
            if row is None or self._mood == "leaves":
                continue
            if row["state"] not in _OPEN:
                return
            if row["state"] == "quoted":
                await self._reply()

    def _row(self) -> Row | None:
        return self._world.disk.get("bill", order_id=self._bill.order_id) if self._bill.order_id else None

    async def _reply(self) -> None:
        claims = self._world.disk.find("claim", {"order_id": self._bill.order_id, "state": "quoted"}, limit=100)
        shown = {claim["claim_id"]: claim["quoted"] or 0 for claim in claims}
        await asyncio.sleep(self._numbers.choice((0.1, 2.0, 15.0, 25.0)))
        match self._mood:
            case "declines":
                await self._say(shown, agreed=False)
            case "stale":
                self._mood = "agrees"
                old = {claim_id: amount + 1 for claim_id, amount in shown.items()}
                if await self._say(old) and old:
                    self._world.story.broke("a-stale-quote-is-refused", order=self._bill.order_id)
            case _:
                self.agreed |= shown
                again = [self._say(shown)] if self._mood == "twice" else []
                await asyncio.gather(self._say(shown), *again)

    async def _say(self, shown: dict[str, int], *, agreed: bool = True) -> bool:
        """True when it was taken."""
        node = self._world.some_node(self._numbers)
        if node is None:
            return False
        answer = Answer(tuple(Shown(claim_id, amount) for claim_id, amount in shown.items()), agreed)
        self._world.story.tell("patient", "agrees" if agreed else "declines", key=self._bill.key, to=node.name)
        try:
            await node.call(self._told(node, answer))
        except Gone:
            return False
        except LianpeiError as no:
            self._world.story.tell("patient", "is refused", key=self._bill.key, code=no.error_code)
            return False
        return True

    async def _told(self, node: Node, answer: Answer) -> None:
        await answer_quotes(node.engine, self._bill.order_id, answer)
