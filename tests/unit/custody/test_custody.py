"""The keeper: erased is erased, exported is audited, a new master key touches no record, retention says what it does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.room import ANSWER, Room, open_room

from gateway.claims.conversation.falling import fall
from gateway.claims.conversation.states import ClaimEvent
from gateway.kernel.errors import LianpeiError
from gateway.sandbox.hospital.marks import planted
from gateway.store.errors import VaultRefused


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db", direct_pay=5, notice=1)
    yield opened
    await opened.store.close()


async def refused(room: Room, action: str, **more: object) -> str:
    with pytest.raises(LianpeiError) as wrong:
        await room.wish(action, **more)
    return wrong.value.error_code


def bytes_on_disk(room: Room) -> bytes:
    return b"".join(file.read_bytes() for file in room.path.parent.iterdir())


async def test_an_erased_order_opens_for_nobody_and_its_key_is_nowhere_on_the_disk(room: Room) -> None:
    gone, stays = await room.brought(), await room.brought()
    wrapped = room.store.get("data_key", order_id=gone.order_id)
    assert wrapped is not None
    assert wrapped["wrapped"].encode() in bytes_on_disk(room)
    assert wrapped["person"].encode() in bytes_on_disk(room)

    assert (await room.wish("erase", order_id=gone.order_id))["erased"] == [gone.order_id]

    assert wrapped["wrapped"].encode() not in bytes_on_disk(room)
    assert wrapped["person"].encode() not in bytes_on_disk(room)
    with pytest.raises(VaultRefused) as closed:
        room.ledger.submission(gone.order_id)
    assert closed.value.error_code == "vault-erased"
    assert room.ledger.submission(stays.order_id) == stays.encoded
    told = room.store.find("audit", {"order_id": gone.order_id})
    assert [(row["kind"], row["who"], row["reason"]) for row in told] == [("erased", "uid:7", "case-1")]


async def test_what_comes_for_an_erased_order_is_kept_by_its_digest_alone(room: Room) -> None:
    bill = await room.brought()
    await room.wish("erase", order_id=bill.order_id)
    work = room.ledger.work(bill.order_id)
    work.message("act_late", "in", b"late and medical", "d1", "", 200)
    await work.flush()
    row = room.store.find("message", {"owner_id": "act_late"})[0]
    assert (row["digest"], row["size"], row["body"]) == ("d1", 16, None)


async def test_a_person_is_erased_in_all_bills_and_others_are_not(room: Room) -> None:
    mine, other = sample_bill("package"), await room.brought()
    later = mine.changed(lambda bill: bill["invoice"].update(bill_no="0000000002"))
    first, second = await room.brought(mine), await room.brought(later)
    number = mine.submission["patient"]["cert_no"]

    answer = await room.wish("erase", cert_no=f" {number.lower()} ")

    assert set(answer["erased"]) == {first.order_id, second.order_id}
    assert room.ledger.submission(other.order_id)
    assert (await room.wish("export", cert_no=number))["bills"] == []


async def test_an_order_that_is_still_worked_on_is_not_erased(room: Room) -> None:
    bill = await room.brought()
    work = room.ledger.work(bill.order_id)
    work.unit.update("bill", {"order_id": bill.order_id}, look_at=1)
    await work.flush()
    assert await refused(room, "erase", order_id=bill.order_id) == "order-open"
    number = bill.submission.patient.cert_no
    assert await room.wish("erase", cert_no=number) == {"erased": [], "left_because_open": [bill.order_id]}
    assert room.ledger.submission(bill.order_id)


async def test_an_export_opens_everything_of_the_person_and_is_in_the_audit_before(room: Room) -> None:
    sample = sample_bill("package", marks=True)
    bill, _ = await room.brought(sample), await room.brought()

    answer = await room.wish("export", cert_no=sample.submission["patient"]["cert_no"])

    (shown,) = answer["bills"]
    assert shown["bill"]["order_id"] == bill.order_id
    assert all(mark.encode() in bytes(shown["submission"]) for mark in planted(sample.submission))
    assert [one["direction"] for one in shown["messages"]] == ["out", "in"]
    assert shown["messages"][1]["text"] == ANSWER.decode()
    assert [row["kind"] for row in room.store.find("audit", {"order_id": bill.order_id})] == ["person-exported"]


@pytest.mark.parametrize("reason", ["", "a reason with blanks", "110105194912310021", "诊断"])
async def test_nothing_is_done_without_a_reason_that_can_be_kept(room: Room, reason: str) -> None:
    bill = await room.brought()
    for action, more in (
        ("export", {"cert_no": bill.submission.patient.cert_no}),
        ("erase", {"order_id": bill.order_id}),
        ("rewrap", {}),
        ("retention", {"apply": True}),
        ("evidence", {"claim_id": bill.claims[0].claim_id}),
    ):
        assert await refused(room, action, reason=reason, **more) == "reason-needed"
    assert room.store.count("audit", {}) == 0


async def test_a_new_master_key_is_taken_without_touching_a_record(tmp_path: Path) -> None:
    room = open_room(tmp_path / "claims.db")
    bill, erased = await room.brought(), await room.brought()
    await room.wish("erase", order_id=erased.order_id)
    records = room.store.find("message", {})
    await room.store.close()

    both = open_room(tmp_path / "claims.db", "m2", ("m1", "m2"))
    assert await both.wish("rewrap") == {"rewrapped": 1, "keys_by_master": {"m2": 1}}
    assert await both.wish("rewrap") == {"rewrapped": 0, "keys_by_master": {"m2": 1}}
    assert both.store.find("message", {}) == records
    await both.store.close()

    only_new = open_room(tmp_path / "claims.db", "m2", ("m2",))
    assert only_new.ledger.submission(bill.order_id) == bill.encoded
    await only_new.store.close()


async def test_retention_says_what_it_will_do_and_does_it_only_when_told(room: Room) -> None:
    old = await room.brought()
    notice = room.ledger.work()
    notice.message("notice:package", "in", b"x", "d", "", 200)
    await notice.flush()
    room.clock.days = 5 * 366
    fresh = await room.brought()
    plan = {
        "direct_pay": {"years": 5, "kept": 1, "due": 1, "due_but_open": 0},
        "notice": {"years": 1, "kept": 0, "due": 1, "due_but_open": 0},
    }

    assert await room.wish("retention", reason="") == {"applied": False, "classes": plan}
    assert room.ledger.submission(old.order_id)
    assert await room.wish("retention", apply=True) == {"applied": True, "classes": plan}

    assert room.ledger.keys.unless_erased(old.order_id) is None
    assert room.ledger.submission(fresh.order_id)
    assert room.store.count("data_key", {"erased_at": 0}) == 1


async def test_a_class_without_years_is_kept_for_ever(room: Room) -> None:
    await room.brought(sample_bill("ant"))
    room.clock.days = 40_000
    answer = await room.wish("retention", apply=True)
    assert answer["classes"] == {"quick_claim": {"years": 0, "kept": 1, "due": 0, "due_but_open": 0}}


async def test_an_unknown_order_claim_or_an_unnamed_person_is_refused(room: Room) -> None:
    assert await refused(room, "erase", order_id="ord_none") == "order-unknown"
    assert await refused(room, "evidence", claim_id="clm_none") == "claim-unknown"
    assert await refused(room, "erase") == "erase-whom"
    assert await refused(room, "export") == "export-whom"


async def test_a_decided_order_whose_quick_claim_waits_for_material_is_not_erased(room: Room) -> None:
    bill = await room.brought()
    work = room.ledger.work(bill.order_id)
    follower = fall(bill, bill.claims[0], work)
    work.move_claim(bill, follower, ClaimEvent.SEND, "claim")
    work.move_claim(bill, follower, ClaimEvent.ASK_MORE, "more-material")
    await work.flush(bill)

    assert await refused(room, "erase", order_id=bill.order_id) == "order-open"
