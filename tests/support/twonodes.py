"""Two gateways' engines on one PostgreSQL database and one insurer: what each commits, and when, is the test's to say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.resolver import Resolver
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import Partner
from gateway.store.api import Row
from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store
from gateway.store.unit import Unit
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour
from support.postgres import Server
from support.room import room_on


@dataclass
class HeldCommit:
    """The first commit that ``wanted`` picks waits for ``go``."""

    reached: asyncio.Event
    go: asyncio.Event


def hold_commit(node: Parlour, wanted: Callable[[Unit], bool]) -> HeldCommit:
    store: Any = node.room.store
    commit, held = store.commit, HeldCommit(asyncio.Event(), asyncio.Event())

    async def later(unit: Unit) -> None:
        if not held.reached.is_set() and wanted(unit):
            held.reached.set()
            await held.go.wait()
        await commit(unit)

    store.commit = later
    return held


def die_after(node: Parlour, wanted: Callable[[Unit], bool]) -> asyncio.Event:
    """The process is gone once the first commit that ``wanted`` picks is on the disk: it writes and reads nothing more."""
    store: Any = node.room.store
    commit, dead = store.commit, asyncio.Event()

    async def last(unit: Unit) -> None:
        if not dead.is_set():
            await commit(unit)
            if not wanted(unit):
                return
            dead.set()
        await asyncio.Event().wait()

    async def nothing(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    read = store.read

    async def while_alive(*asked: Any, **named: Any) -> Any:
        return await (nothing if dead.is_set() else read)(*asked, **named)

    store.commit, store.read = last, while_alive
    return dead


def decides(unit: Unit) -> bool:
    """Whether it holds a claim's final word."""
    return any(step.table == "claim" and "decided" in step.values for step in unit.steps)


def keeps_a_result(unit: Unit) -> bool:
    """Whether it holds what a call of the insurer brought."""
    return any(step.table == "vault" and "result" in step.values for step in unit.steps)


@dataclass
class TwoNodes:
    first: Parlour
    second: Parlour

    @property
    def insurer(self) -> InsurerDouble:
        return self.first.insurer

    def bring(self) -> "asyncio.Task[Bill]":
        """A bill at the first node."""
        return asyncio.create_task(self.first.bring())

    async def rows(self, table: str, **where: Any) -> list[Row]:
        store = self.second.room.store
        return await store.read(store.find, table, where, limit=100)

    async def called(self, result: ActResult, body: bytes = b"called", at: Parlour | None = None) -> None:
        """The insurer's word about the settling act, at the second node or ``at``. Raises what its door would answer with."""
        engine = (at or self.second).engine
        acts = [row for row in await self.rows("act") if row["name"] == "settle"]
        await Callbacks(engine).settle(
            cast(Partner, self.insurer), acts[0]["act_id"], result, body, engine.ledger.work()
        )

    async def take_over(self) -> None:
        """The second node takes the first one's bill, as when that has not been heard of for the length of a lease."""
        self.second.room.clock.days = 1
        await self.second.room.ledger.leases.hold_node()  # type: ignore[union-attr]
        await self.round(self.second)

    async def round(self, node: Parlour) -> list[str]:
        """What the resolver of ``node`` does twice a second; the orders that it found due."""
        found = [row["order_id"] for row in await Resolver(node.engine).due()]
        for order_id in found:
            await node.engine.look(order_id)
        await node.quiet()
        return found

    async def settled(self) -> tuple[int, set[tuple[str, str]], list[Row]]:
        """The amount that stands (分), the differences that were noted (ours, told), and the work list."""
        claims, noted = await self.rows("claim"), await self.rows("change", field="claim.late-amount")
        assert [row["state"] for row in claims] == ["decided"]
        return claims[0]["approved"], {(row["old"], row["new"]) for row in noted}, await self.rows("work_item")


@asynccontextmanager
async def two_nodes(server: Server, home: Path, **manifest: Any) -> AsyncIterator[TwoNodes]:
    schema, url = server.new_schema(CLAIMS), server.url("postgres")
    insurer = InsurerDouble(manifest=msgspec.convert(MANIFEST | manifest, Manifest))
    rooms = [room_on(Store.open(url, schema), home / "x", holder=name) for name in ("first", "second")]
    for room in rooms:
        assert room.ledger.leases is not None
        await room.ledger.leases.hold_node()
    try:
        yield TwoNodes(*(parlour(home / "x", insurer, room) for room in rooms))
    finally:
        for room in rooms:
            await room.store.close()
