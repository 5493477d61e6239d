"""The deliveries' rows: made from events, read by lanes, and marked once an attempt ended."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any

from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.message import message_of
from gateway.kernel.clock import Clock
from gateway.store.api import AnyStore, Row
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

CURSOR = "webhooks.events.after"
"""The setting that holds the last event that was looked at."""
PAGE = 200
WINDOW = 500
"""Undelivered events of one hospital that are looked at together, oldest first."""
KEPT_MS = 7 * 86_400_000


class State(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Standing(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Rows:
    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def know(self, hospitals: Collection[str]) -> None:
        """An endpoint that is set for the first time starts with the events after now."""
        newest = await self.store.read(self._newest)
        now = self.clock.epoch_ms()
        for hospital in hospitals:
            fresh = {"since": newest, "failing_since": 0, "version": 1, "updated_at": now}
            with suppress(Duplicate):
                await self.store.commit(
                    Unit().insert_new("webhook", hospital=hospital, state=Standing.ENABLED.value, **fresh)
                )

    def _newest(self) -> int:
        found = self.store.find("event", {}, order_by="-seq", limit=1)
        return int(found[0]["seq"]) if found else 0

    async def fan_out(self, endpoints: Mapping[str, Endpoint]) -> tuple[int, frozenset[str]]:
        """One page of events into deliveries, with the cursor in one commit: how many, and for which hospitals."""
        after, rows = await self.store.read(self._new_events)
        if not rows:
            return 0, frozenset()
        unit, told = Unit(), set()
        for event in rows:
            endpoint = endpoints.get(event["hospital"])
            if endpoint is not None and endpoint.wants(event["kind"]):
                delivery = await self.store.read(self._delivery, event)
                if delivery is not None:
                    unit.upsert("delivery", **delivery)
                    told.add(event["hospital"])
        newest = str(rows[-1]["seq"])
        if after is None:
            unit.insert("setting", name=CURSOR, value=newest)
        else:
            unit.update("setting", {"name": CURSOR}, expect={"value": str(after)}, value=newest)
        with suppress(Duplicate, StaleWrite):  # another process was faster: what it wrote stands
            await self.store.commit(unit)
        return len(rows), frozenset(told)

    def _new_events(self) -> tuple[int | None, list[Row]]:
        row = self.store.get("setting", name=CURSOR)
        after = None if row is None else int(row["value"])
        return after, self.store.find("event", {"seq": (">", after or 0)}, order_by="seq", limit=PAGE)

    def _delivery(self, event: Row) -> dict[str, Any] | None:
        """The row of a new delivery; None for what happened before the endpoint was set."""
        standing = self.store.get("webhook", hospital=event["hospital"])
        if standing is None or event["seq"] <= standing["since"]:
            return None
        return self.delivery(event)

    def delivery(self, event: Row) -> dict[str, Any]:
        """Asked inside ``read``."""
        ids = {name: event[name] for name in ("event_id", "hospital", "order_id", "kind", "seq", "at")}
        fresh = {"state": State.WAITING.value, "attempts": 0, "status": 0, "next_at": 0, "sent_at": 0}
        return ids | {"body": message_of(self.store, event).decode()} | fresh

    def again(self, event: Row) -> dict[str, Any]:
        """To be brought anew, with the bytes that went out under its id as long as these are kept. Asked inside ``read``."""
        fresh, known = self.delivery(event), self.store.get("delivery", event_id=event["event_id"])
        return fresh if known is None else fresh | {"body": known["body"]}

    def standing(self, hospital: str) -> Row | None:
        return self.store.get("webhook", hospital=hospital)

    def waiting(self, hospital: str) -> list[Row]:
        """What is not yet delivered, oldest first, of each bill only the first: a bill's events arrive in order."""
        where = {"state": State.WAITING.value, "hospital": hospital}
        rows = self.store.find("delivery", where, order_by="seq", limit=WINDOW)
        first: dict[str, Row] = {}
        for row in rows:
            first.setdefault(row["order_id"], row)
        return list(first.values())

    def with_work(self) -> frozenset[str]:
        return frozenset(self.store.tally("delivery", "hospital", {"state": State.WAITING.value}))

    def mark(self, unit: Unit, row: Row, state: State, status: int, next_at: int, before: int | None = None) -> None:
        """How the attempt of ``row`` ended, the next after ``before``; refused with ``StaleWrite`` when somebody else marked it."""
        unit.update(
            "delivery",
            {"event_id": row["event_id"]},
            expect={"attempts": row["attempts"], "state": row["state"]},
            state=state.value,
            attempts=(row["attempts"] if before is None else before) + 1,
            status=status,
            next_at=next_at,
            sent_at=self.clock.epoch_ms(),
        )

    def stand(self, unit: Unit, row: Row, state: Standing, failing_since: int) -> None:
        unit.update(
            "webhook",
            {"hospital": row["hospital"]},
            expect={"version": row["version"]},
            state=state.value,
            failing_since=failing_since,
            version=row["version"] + 1,
            updated_at=self.clock.epoch_ms(),
        )

    async def forget_taken(self, hospital: str) -> None:
        """Deliveries that were taken long ago are history that the feed has as well."""
        old = {"state": State.DELIVERED.value, "hospital": hospital, "at": ("<", self.clock.epoch_ms() - KEPT_MS)}
        await self.store.commit(Unit().delete("delivery", old))
