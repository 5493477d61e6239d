"""Two claims rooms on one PostgreSQL database: a bill has one owner, and who lost it commits nothing more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.postgres import Server
from support.room import AUDIT_KEY, Room, room_on

from gateway.kernel.errors import LianpeiError
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import StaleWrite
from gateway.store.leases import TTL_MS
from gateway.store.postgres import Store

Two = tuple[Room, Room]


@pytest.fixture
async def rooms(tmp_path: Path, postgres_server: Server) -> AsyncIterator[Two]:
    schema, url = postgres_server.new_schema(CLAIMS), postgres_server.url("postgres")
    first, second = (room_on(Store.open(url, schema), tmp_path / "x", holder=name) for name in ("first", "second"))
    for room in (first, second):
        assert room.ledger.leases is not None
        await room.ledger.leases.hold_node()
    yield first, second
    await first.store.close()
    await second.store.close()


async def test_who_lost_a_bill_can_commit_no_further_act_of_it(rooms: Two) -> None:
    first, second = rooms
    bill = await first.brought()
    taken = await second.ledger.read(second.ledger.load_bill, bill.order_id)
    assert taken is not None
    taking = second.ledger.work()
    await taking.safe.turn_to(bill.order_id, second.ledger.read)
    taking.audit("data-key-used", "gateway", "taken-up-again")
    await taking.flush(taken)

    late = first.ledger.work(bill.order_id)
    late.unit.insert("act", act_id="late", claim_id=bill.claims[0].claim_id, order_id=bill.order_id, prepared_at=1)
    with pytest.raises(StaleWrite):
        await late.flush(bill)
    acts = await second.ledger.read(second.ledger.act_rows, bill.claims[0].claim_id)
    assert "late" not in [act["act_id"] for act in acts]


async def test_a_bill_is_left_to_its_owner_while_that_lives_and_taken_up_when_it_is_gone(rooms: Two) -> None:
    first, second = rooms
    bill = await first.brought()
    bill.claims[0].next_at = first.clock.epoch_ms() - 1
    bill.dirty = True
    work = first.ledger.work(bill.order_id)
    await work.flush(bill)

    async def seen_by(room: Room) -> list[str]:
        return [row["order_id"] for row in await room.ledger.read(room.ledger.due, room.clock.epoch_ms(), 10)]

    assert (await seen_by(first), await seen_by(second)) == ([bill.order_id], [])
    assert await second.ledger.read(second.ledger.elsewhere, bill.order_id)
    assert not await first.ledger.read(first.ledger.elsewhere, bill.order_id)

    second.clock.days = TTL_MS / 86_400_000
    assert await seen_by(second) == [bill.order_id]
    assert not await second.ledger.read(second.ledger.elsewhere, bill.order_id)


async def test_a_process_is_remembered_as_long_as_it_left_a_bill_open(rooms: Two) -> None:
    first, second = rooms
    bill = await first.brought()
    bill.claims[0].next_at = first.clock.epoch_ms() + 1
    bill.dirty = True
    await first.ledger.work(bill.order_id).flush(bill)
    second.clock.days = 1
    assert await second.ledger.read(second.ledger.left_nothing) == []
    bill.claims[0].next_at, bill.dirty = 0, True
    await first.ledger.work(bill.order_id).flush(bill)
    assert await second.ledger.read(second.ledger.left_nothing) == ["first"]


async def test_the_keepers_wishes_are_done_beside_the_other_room(rooms: Two) -> None:
    first, second = rooms
    bill = await first.brought()
    assert (await second.wish("evidence", claim_id=bill.claims[0].claim_id))["bundle"][:2] == b"PK"
    assert (await second.wish("retention"))["classes"]["direct_pay"]["kept"] == 1
    assert (await second.wish("rewrap"))["rewrapped"] == 0
    person = bill.submission.patient.cert_no
    assert len((await second.wish("export", cert_no=person))["bills"]) == 1
    assert (await second.wish("erase", order_id=bill.order_id))["erased"] == [bill.order_id]
    with pytest.raises(LianpeiError) as refused:
        await second.ledger.read(second.ledger.submission, bill.order_id)
    assert refused.value.error_code == "vault-erased"
    await first.wish("checkpoint")
    report = await first.store.read(check, first.store, CLAIMS, lambda name: AUDIT_KEY.public_key())
    assert (report.findings, report.unsigned) == ([], 0)
