"""The delivery office: turns new events into deliveries, keeps a lane per hospital, and takes operators' wishes."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.lane import Ladder, Lane
from gateway.claims.delivery.rows import PAGE, Rows, Standing, State
from gateway.kernel.errors import Conflict, LianpeiError, NotFound
from gateway.store.api import Row
from gateway.store.errors import StaleWrite
from gateway.store.unit import Unit
from gateway.telemetry.delivery_metrics import DeliveryMetrics
from gateway.telemetry.logs import get_logger

POLL_S = 0.5
"""How soon an event is brought at the latest, when the receiver is well."""
_LOOK_AROUND_S = 5.0
_SHOWN = ("event_id", "hospital", "order_id", "kind", "seq", "at", "state", "attempts", "status", "next_at", "sent_at")

_log = get_logger("webhooks")


class Office:
    """``run`` is done by one process of all that share the database; the questions and wishes may come to any of them."""

    def __init__(self, rows: Rows, endpoints: Mapping[str, Endpoint], ladder: Ladder, metrics: DeliveryMetrics) -> None:
        self.rows = rows
        self.endpoints = endpoints
        self._ladder = ladder
        self._metrics = metrics
        self._lanes: dict[str, tuple[Lane, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Serve until cancelled; without endpoints there is nothing to serve."""
        if not self.endpoints:
            await asyncio.Event().wait()
        try:
            await self._serve()
        finally:
            tasks = [task for _, task in self._lanes.values()]
            self._lanes.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self) -> None:
        loop, looked_at, known = asyncio.get_running_loop(), -_LOOK_AROUND_S, False
        while True:
            taken = 0
            try:
                if not known:
                    await self.rows.know(self.endpoints)
                    known = True
                taken, told = await self.rows.fan_out(self.endpoints)
                if loop.time() - looked_at >= _LOOK_AROUND_S:
                    looked_at = loop.time()
                    told |= await self.rows.store.read(self.rows.with_work)
                for hospital in told:
                    self._wake(hospital)
            except LianpeiError as wrong:
                _log.event("webhooks-stopped", code=wrong.error_code)
            await asyncio.sleep(0 if taken == PAGE else POLL_S)

    def _wake(self, hospital: str) -> None:
        endpoint = self.endpoints.get(hospital)
        known = self._lanes.get(hospital)
        if known is not None and not known[1].done():
            known[0].wake()
        elif endpoint is not None:
            lane = Lane(endpoint, self.rows, self._ladder, self._metrics)
            self._lanes[hospital] = lane, asyncio.get_running_loop().create_task(lane.run())

    async def close(self) -> None:
        for endpoint in self.endpoints.values():
            await endpoint.close()

    async def resend(self, which: str, hospital: str = "") -> dict[str, Any]:
        """Bring an event again, named by its id or its number in the feed, under the id it always had.

        An id is known while its delivery is kept; a number always. ``hospital`` is who asks; an operator asks for all.
        Raises ``NotFound`` or ``Conflict`` (``webhook-missing``).
        """
        row = await self.rows.store.read(self._found, which, hospital)
        if row["hospital"] not in self.endpoints:
            raise Conflict("this hospital has no webhook", code="webhook-missing", hint="Read the event feed instead.")
        await self.rows.store.commit(Unit().upsert("delivery", **row))
        self._wake_if_here(row["hospital"])
        return {name: row[name] for name in _SHOWN}

    def _found(self, which: str, hospital: str) -> Row:
        store = self.rows.store
        known = store.get("delivery", event_id=which)
        seq = known["seq"] if known else int(which) if which.isascii() and which.isdigit() and len(which) < 16 else 0
        event = store.get("event", seq=seq)
        if event is None or (hospital and event["hospital"] != hospital):
            raise NotFound("no such event", code="event-unknown")
        return self.rows.again(event)

    def _wake_if_here(self, hospital: str) -> None:
        """Only the process that has the lanes; another one sees the row when it looks around."""
        if self._lanes:
            self._wake(hospital)

    async def enable(self, hospital: str) -> dict[str, Any]:
        """Serve an endpoint again that was disabled; what waits is brought. Raises ``NotFound`` or ``Conflict``."""
        row = await self.rows.store.read(self.rows.standing, hospital)
        if row is None:
            raise NotFound("this hospital has no webhook", code="webhook-unknown")
        unit = Unit()
        self.rows.stand(unit, row, Standing.ENABLED, 0)
        try:
            await self.rows.store.commit(unit)
        except StaleWrite:
            raise Conflict("the endpoint changed meanwhile", code="webhook-busy", hint="Look again.") from None
        self._wake_if_here(hospital)
        return {"hospital": hospital, "state": Standing.ENABLED.value}

    async def overview(self) -> list[dict[str, Any]]:
        """Every endpoint: its standing, what waits and what was given up."""
        return await self.rows.store.read(self._overview)

    def _overview(self) -> list[dict[str, Any]]:
        find, tally = self.rows.store.find, self.rows.store.tally
        waiting = tally("delivery", "hospital", {"state": State.WAITING.value})
        given_up = tally("delivery", "hospital", {"state": State.GIVEN_UP.value})
        shown = []
        for row in find("webhook", {}, limit=10_000):
            counts = {
                name: counted[row["hospital"]].count if row["hospital"] in counted else 0
                for name, counted in (("waiting", waiting), ("given_up", given_up))
            }
            here = {"configured": row["hospital"] in self.endpoints}
            shown.append({name: row[name] for name in ("hospital", "state", "failing_since")} | counts | here)
        return shown

    async def deliveries(self, hospital: str, state: str, after: int = 0) -> list[dict[str, Any]]:
        where = {"hospital": hospital, "state": state, "seq": (">", after)}
        rows = await self.rows.store.read(self.rows.store.find, "delivery", where, order_by="seq", limit=PAGE)
        return [{name: row[name] for name in _SHOWN} for row in rows]

    def figures(self) -> tuple[int, float, int, int]:
        """Events waiting, seconds of the oldest, events given up, endpoints disabled. Asked inside ``read``."""
        store = self.rows.store
        waiting = store.count("delivery", {"state": State.WAITING.value})
        oldest = 0.0
        if waiting:
            first = store.find("delivery", {"state": State.WAITING.value}, order_by="seq", limit=1)
            oldest = (self.rows.clock.epoch_ms() - first[0]["at"]) / 1000 if first else 0.0
        given_up = store.count("delivery", {"state": State.GIVEN_UP.value})
        return waiting, oldest, given_up, store.count("webhook", {"state": Standing.DISABLED.value})
