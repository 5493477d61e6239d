"""A claims room as a process of its own, with an insurer at whose answer about one policy the process dies.

``python poisoned.py bring FILE`` leaves bills that wait; ``… work FILE`` takes them up, and ends when nothing is due.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.conversation.resolver import Resolver
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import Prepared, Reply
from gateway.kernel.errors import NotSent
from support.bills import sample_bill
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour

BILLS = 12
POISON = "POISON"


QUICK_ONLY = msgspec.convert(MANIFEST | {"kinds": {"quick_claim": ["settle"]}, "enquiries": 12}, Manifest)


class Deadly(InsurerDouble):
    away = True

    async def exchange(self, prepared: Prepared, dispatch: Dispatch) -> Reply:
        if self.away:
            raise NotSent("nobody is there", code="not-connected")
        if dispatch.policy.policy_no.startswith(POISON):
            os._exit(9)
        await asyncio.sleep(0.02)
        return Reply(b"answer", 200, ActResult(state="accepted", verdict="paid", approved=100))


async def bring(house: Parlour) -> None:
    for number in range(BILLS):
        bill = await house.bring(
            sample_bill("package", policy=POISON if number == BILLS // 2 else ""), kind="quick_claim"
        )
        assert bill.look_at, "it waits for its insurer"


async def work(house: Parlour) -> None:
    assert isinstance(house.insurer, Deadly)
    house.insurer.away = False
    resolver = asyncio.create_task(Resolver(house.engine).run())
    while True:
        await asyncio.sleep(0.1)
        due = house.room.store.find("bill", {"state": "pending", "look_at": (">", 0)}, limit=1)
        if not due and not house.engine.running:
            break
    resolver.cancel()


async def main(what: str, file: str) -> None:
    house = parlour(Path(file), Deadly(manifest=QUICK_ONLY))
    await (bring if what == "bring" else work)(house)
    await house.room.store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
