"""The hospital's desk for money: deposits before a bill, another channel, another account when a payout did not arrive."""

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.claims.canonical.cover import PayoutAccount
from gateway.claims.conversation.bringing import Account, rebind
from gateway.claims.conversation.clocks import DayRule
from gateway.claims.door.payments import Payments
from gateway.kernel.errors import LianpeiError
from gateway.kernel.settlements import State
from gateway.store.api import Row
from simulation.hospital import DoorRequest, OpenGuard
from simulation.node import Node
from simulation.process import Gone
from simulation.purse import APP, PAY, Purse

if TYPE_CHECKING:
    from simulation.world import World

WAITS = (State.ACCOUNT, State.RETURNED)
_EVERY_S = 5.0


class MoneyDesk:
    def __init__(self, world: "World", numbers: random.Random) -> None:
        self._world, self._numbers = world, numbers
        self._named: dict[tuple[str, int], bool] = {}
        """Payouts that did not arrive, and when: whether another account is known to be taken."""

    async def take_deposits(self, key: str, purse: Purse) -> list[str]:
        """Ids of those that were acknowledged; now and then one is asked back, early or when the bill is there."""
        taken = []
        for number, amount in enumerate(purse.deposits):
            wish = {"channels": purse.channels, "payer_token": "payer-1"}
            body = json.dumps({"amount_fen": amount, "payment": wish}).encode()
            told = await self._ask("takes a deposit", "take_deposit", f"{key}-deposit-{number}", body)
            if told is not None:
                taken.append(told["deposit_id"])
        if taken:
            await asyncio.sleep(self._numbers.choice((0.0, 3.0, 20.0)))
            if purse.changes_mind:
                self._world.spawn(self._ask_back(taken[-1]))
        return taken

    async def _ask_back(self, deposit_id: str) -> None:
        await asyncio.sleep(self._numbers.choice((0.0, 1.0, 6.0, 30.0)))
        await self._ask("asks a deposit back", "refund_deposit", "", b"", deposit_id=deposit_id)

    async def tap(self, order_id: str, purse: Purse) -> None:
        """The patient turns to another channel, while the first may still be at work or on its last day."""
        for pause in (2.0, 6.0, 20.0, 40.0):
            await asyncio.sleep(pause)
            channel = self._numbers.choice((PAY, APP))
            body = json.dumps({"channel": channel, "payer_token": "payer-1"}).encode()
            if await self._ask("turns to another channel", "pay", "", body, order_id=order_id) is not None:
                return

    async def _ask(self, what: str, route: str, key: str, body: bytes, **ids: str) -> dict[str, Any] | None:
        """Ask at any node until it is heard; None when it was refused, or nobody was there for long."""
        for _ in range(20):
            node = self._world.some_node(self._numbers)
            if node is not None:
                self._world.story.tell("hospital", what, key=key, to=node.name, **ids)
                handler = getattr(Payments(OpenGuard(), node.ledger, DayRule()), route)
                try:
                    answer: web.Response = await node.call(handler(DoorRequest(key, body, 1, **ids)))
                except Gone:
                    pass
                except LianpeiError as no:
                    self._world.story.tell("hospital", "is refused", code=no.error_code)
                    if no.http_status in (404, 409, 422):
                        return None
                else:
                    told: dict[str, Any] = json.loads(answer.body or b"{}")  # type: ignore[arg-type]
                    return told
            await asyncio.sleep(self._numbers.uniform(0.5, 3.0))
        return None

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
