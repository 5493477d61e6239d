"""A delivery office over a store, without a gateway around it: events are written as the engine writes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.lane import Ladder
from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import Rows
from gateway.kernel.clock import Clock, SystemClock
from gateway.kernel.ids import new_event_id, new_order_id
from gateway.kernel.secret import Secret
from gateway.store.api import AnyStore
from gateway.store.unit import Unit
from gateway.telemetry.delivery_metrics import DeliveryMetrics
from gateway.wire.http import Bounds, PartnerClient
from gateway.wire.keys import Entry, KeyRing
from gateway.wire.targets import Targets
from gateway.wire.webhook import Signer
from support.patience import until
from support.receiver import Receiver

HOSPITAL = "H99990100001"
SECRET = b"s" * 32
FAST = Ladder((0.05, 0.1, 0.2, 0.4), disable_after_s=60)


def ring(**secrets: str) -> KeyRing:
    entries = {name: Entry(secret=Secret(text)) for name, text in secrets.items()}
    return KeyRing(Path(), entries, {}, {})


def endpoint(
    receiver: Receiver, hospital: str = HOSPITAL, networks: tuple[str, ...] = ("127.0.0.0/8",), **more: Any
) -> Endpoint:
    targets = Targets([receiver.port], [ip_network(one) for one in networks], plain=True)
    base = f"http://127.0.0.1:{receiver.port}"
    signer = Signer(ring(hook=SECRET.decode()), "hook")
    return Endpoint(
        hospital, "/hook", {}, signer, lambda: PartnerClient(base, bounds=Bounds(attempts=1), targets=targets), **more
    )


def office_on(
    store: AnyStore, *endpoints: Endpoint, ladder: Ladder = FAST, clock: Clock | None = None
) -> tuple[Office, DeliveryMetrics]:
    metrics = DeliveryMetrics(CollectorRegistry())
    rows = Rows(store, clock or SystemClock())
    return Office(rows, {one.hospital: one for one in endpoints}, ladder, metrics), metrics


@asynccontextmanager
async def at_work(office: Office) -> AsyncIterator[Office]:
    """The office knows its endpoints and serves, until the block ends."""
    await office.rows.know(office.endpoints)
    task = asyncio.ensure_future(office.run())
    try:
        yield office
    finally:
        task.cancel()
        await asyncio.wait({task})
        await office.close()


async def happens(store: AnyStore, kind: str = "decided", order_id: str = "", hospital: str = HOSPITAL) -> str:
    """An event, with a bill under it unless the order is there. Returns the order's id."""
    unit, order = Unit(), order_id or new_order_id()
    if not order_id:
        unit.insert("bill", order_id=order, hospital=hospital, idem_key=order, kind="direct_pay", state="decided")
    at = SystemClock().epoch_ms()
    unit.insert("event", event_id=new_event_id(), hospital=hospital, order_id=order, kind=kind, at=at)
    await store.commit(unit)
    return order


async def states(store: AnyStore) -> dict[str, int]:
    """How many deliveries are in each state."""
    return {name: one.count for name, one in (await store.read(store.tally, "delivery", "state", {})).items()}


async def becomes(store: AnyStore, wanted: dict[str, int], seconds: float = 10) -> None:
    async def reached() -> bool:
        return await states(store) == wanted

    await until(reached, seconds)
