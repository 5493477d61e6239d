"""The hospital's desk for money: asks patients for another account when a payout did not arrive."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.canonical.cover import PayoutAccount
from gateway.claims.conversation.bringing import Account, rebind
from gateway.kernel.errors import LianpeiError
from gateway.kernel.settlements import State
from gateway.store.api import Row
from simulation.node import Node
from simulation.process import Gone

if TYPE_CHECKING:
    from simulation.world import World

WAITS = (State.ACCOUNT, State.RETURNED)
_EVERY_S = 5.0


class MoneyDesk:
    def __init__(self, world: "World", numbers: random.Random) -> None:
        self._world, self._numbers = world, numbers
        self._named: dict[tuple[str, int], bool] = {}
        """Payouts that did not arrive, and when: whether another account is known to be taken."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._numbers.uniform(1.0, _EVERY_S))
            node = self._world.some_node(self._numbers)
            waits = self._world.disk.find("settlement", {"state": ("in", [one.value for one in WAITS])}, limit=10)
            open_still = [row for row in waits if not self._named.get((row["settlement_id"], row["updated_at"]))]
            if node is not None and open_still:
                await self._name_another(node, self._numbers.choice(open_still))

    async def _name_another(self, node: Node, payout: Row) -> None:
        """Once for each time that it did not arrive; the same account again when nobody heard that it was taken."""
        key = (payout["settlement_id"], payout["updated_at"])
        self._named.setdefault(key, False)
        token, order_id = f"acct-{list(self._named).index(key) + 2}", payout["order_id"]
        account = PayoutAccount(account_token=token, payee_name="测试甲", bank_code="B1")
        self._world.story.tell("hospital", "names another account", order=order_id, token=token, to=node.name)
        try:
            await node.call(rebind(node.engine, order_id, Account(account)))
        except Gone:
            return
        except LianpeiError as no:
            self._world.story.tell("hospital", "is refused", code=no.error_code)
        else:
            self._named[key] = True
