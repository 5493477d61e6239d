"""An insurer that never calls asks for material in its answer to an enquiry (§3.4 E1): the hospital hears of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Attachment
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.bringing import Documents, supply
from gateway.claims.partners.manifest import Manifest

PAID = ActResult(state="accepted", verdict="paid", approved=900)
REVIEW, ASKS = ActResult(state="pending"), ActResult(state="need_more")
ACTS: dict[str, Any] = {
    "settle": {"role": "claim", "status": "status"},
    "status": {"role": "status"},
    "documents": {"role": "material"},
}


def report() -> Attachment:
    return Attachment(kind="fee-list", ref="file:99990001", sha256="a" * 64)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    manifest = msgspec.convert(MANIFEST | {"acts": ACTS, "poll_every": "0s"}, Manifest)
    made = parlour(tmp_path / "claims.db", InsurerDouble(manifest=manifest))
    yield made
    await made.room.store.close()


async def asked(house: Parlour) -> Bill:
    """First it reviews; then it asks for material."""
    house.insurer.answers["settle"] = [REVIEW]
    house.insurer.answers["status"] = [REVIEW, ASKS]
    return await house.bring()


async def supplied(house: Parlour, bill: Bill, *told_when_asked: ActResult) -> None:
    house.insurer.answers["status"] = list(told_when_asked)
    await supply(house.engine, bill.order_id, Documents(bill.claims[0].claim_id, (report(),)))
    await house.quiet()


def events(house: Parlour, bill: Bill) -> list[str]:
    return [row["kind"] for row in house.rows("event", order_id=bill.order_id)]


async def test_the_hospital_is_told_and_the_case_stays_open(house: Parlour) -> None:
    bill = await asked(house)

    assert house.rows("claim")[0]["state"] == "need_more"
    assert house.rows("act", name="settle")[0]["state"] == "pending"
    assert events(house, bill)[-1] == "more-material"


async def test_an_enquiry_that_the_material_overtook_asks_nobody_again(house: Parlour) -> None:
    bill = await asked(house)

    await supplied(house, bill, ASKS, PAID)

    assert (house.insurer.times("settle"), house.insurer.times("documents")) == (1, 1)
    assert house.rows("claim")[0]["approved"] == 900
    assert events(house, bill).count("more-material") == 1


async def test_once_it_reviewed_the_material_it_may_ask_for_more(house: Parlour) -> None:
    bill = await asked(house)

    await supplied(house, bill, REVIEW, ASKS)

    assert house.rows("claim")[0]["state"] == "need_more"
    assert events(house, bill).count("more-material") == 2
