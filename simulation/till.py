"""The payment side in small: carries what the window would, and keeps what moved."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from gateway.store.unit import Unit

if TYPE_CHECKING:
    from simulation.world import World


class Till:
    def __init__(self, world: "World") -> None:
        self._world = world
        self.orders: Counter[tuple[str, str]] = Counter()
        """How often each kind of outbox row was written for each order."""
        self.quiet = True

    async def run(self) -> None:
        """Reads what nodes committed; answers a refund as the payment room does, after a while."""
        seen = 0
        while True:
            await asyncio.sleep(2.0)
            for row in self._world.disk.find("outbox", {"seq": (">", seen)}, limit=1000):
                seen = row["seq"]
                self.orders[row["order_id"], row["kind"]] += 1
                self.quiet = True
                if row["kind"] == "refund":
                    self._refund(row["order_id"])

    def _refund(self, order_id: str) -> None:
        disk = self._world.disk
        for leg in disk.find("undo_leg", {"order_id": order_id, "kind": "cash", "state": "asked"}):
            unit = Unit()
            key = {"undo_id": leg["undo_id"], "leg": "cash"}
            unit.update("undo_leg", key, expect={"state": "asked"}, state="undone", cause="refund")
            unit.update("bill", {"order_id": order_id}, look_at=1)
            self._world.story.tell("till", "refunds", order=order_id, amount=leg["amount"])
            disk.apply(disk.plan(unit))
