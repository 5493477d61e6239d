"""The audit chain: whatever is altered, deleted, added or put back in a chained table is found, and by name."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.room import AUDIT_KEY, Room, open_room

from gateway.kernel import merkle
from gateway.store.chain_check import KeyByName, Report, check
from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import Duplicate, StoreFailed
from gateway.store.snapshot import Snapshot
from gateway.store.unit import Unit


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db")
    yield opened
    await opened.store.close()


def verified(
    room: Room, key: KeyByName = lambda name: AUDIT_KEY.public_key(), kept: dict[int, str] | None = None
) -> Report:
    snapshot = Snapshot(room.path, CLAIMS)
    try:
        return check(snapshot, CLAIMS, key, kept)
    finally:
        snapshot.close()


async def some_history(room: Room, bills: int = 4) -> None:
    for _ in range(bills):
        bill = await room.brought()
        await room.wish("erase", order_id=bill.order_id)


def touch(room: Room, *statements: str) -> None:
    """As somebody with the file and a database tool would."""
    with sqlite3.connect(room.path) as tool:
        for statement in statements:
            tool.execute(statement)
    tool.close()


async def test_an_untouched_history_is_good_also_beside_the_running_writer(room: Room) -> None:
    await some_history(room)
    report = verified(room)
    assert report.findings == []
    assert (report.checkpoints, report.unsigned) == (4, 0)
    assert report.rows == sum(room.store.count(name, {}) for name in ("bill", "change", "message", "audit"))


async def test_what_was_not_signed_yet_is_counted(room: Room) -> None:
    await room.brought()
    assert verified(room).unsigned == 2


TOUCHES = {
    "a state's cause": "UPDATE change SET cause = 'x' WHERE change_no = (SELECT MIN(change_no) FROM change)",
    "a time": "UPDATE message SET at = at + 1 WHERE seq = 3",
    "a digest": "UPDATE message SET digest = 'x' WHERE seq = 3",
    "who read": "UPDATE audit SET who = 'uid:8' WHERE seq = 1",
    "a value taken away": "UPDATE audit SET who = NULL WHERE seq = 1",
    "a deleted change": "DELETE FROM change WHERE change_no = (SELECT MIN(change_no) FROM change)",
    "a deleted message": "DELETE FROM message WHERE seq = 2",
    "the newest message deleted": "DELETE FROM message WHERE seq = (SELECT MAX(seq) FROM message)",
    "the newest audit row deleted": "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
    "an added audit row": "INSERT INTO audit (seq, at, kind, who) VALUES (999, 1, 'x', 'y')",
    "an added change": "INSERT INTO change (order_id, change_no, field) VALUES ('o', 1, 'x')",
    "a bill's total": "UPDATE bill SET total = total + 1 WHERE order_id = (SELECT MIN(order_id) FROM bill)",
    "a bill's state": "UPDATE bill SET state = 'pending' WHERE order_id = (SELECT MIN(order_id) FROM bill)",
    "a claim's state": "UPDATE claim SET state = 'closed'",
    "a deleted claim": "DELETE FROM claim WHERE order_id = (SELECT MAX(order_id) FROM bill)",
    "an approved amount": "UPDATE claim SET approved = approved + 1",
    "an entry's link": "UPDATE chain SET link = 'x' || substr(link, 2) WHERE seq = 2",
    "an entry's references": "UPDATE chain SET refs = 'message x y' WHERE seq = 2",
    "a deleted entry": "DELETE FROM chain WHERE seq = 2",
    "the newest entry deleted": "DELETE FROM chain WHERE seq = (SELECT MAX(seq) FROM chain)",
    "a checkpoint's root": 'UPDATE checkpoint SET body = replace(body, \'"root":"\', \'"root":"0\') WHERE number = 2',
    "a checkpoint's signature": "UPDATE checkpoint SET signature = 'AAAA' WHERE number = 2",
    "a checkpoint that is nothing": "UPDATE checkpoint SET body = 'x' WHERE number = 2",
    "a deleted checkpoint": "DELETE FROM checkpoint WHERE number = 2",
}


@pytest.mark.parametrize("statement", TOUCHES.values(), ids=TOUCHES.keys())
async def test_each_touch_is_found(room: Room, statement: str) -> None:
    await some_history(room)
    assert verified(room).findings == []
    touch(room, statement)
    assert verified(room).findings != []


async def test_two_rows_that_change_places_are_found(room: Room) -> None:
    await some_history(room)
    touch(
        room,
        "UPDATE message SET seq = 1000 WHERE seq = 2",
        "UPDATE message SET seq = 2 WHERE seq = 3",
        "UPDATE message SET seq = 3 WHERE seq = 1000",
    )
    assert any("altered" in finding for finding in verified(room).findings)


async def test_a_finding_names_the_row(room: Room) -> None:
    bill = await room.brought()
    touch(room, "UPDATE change SET cause = 'x'")
    assert any(f"change {bill.order_id} " in finding for finding in verified(room).findings)


async def test_a_history_rewritten_and_signed_with_another_key_is_found(room: Room) -> None:
    await some_history(room)
    stranger = Ed25519PrivateKey.generate().public_key()
    assert len(verified(room, key=lambda name: stranger).findings) == 4
    assert len(verified(room, key=lambda name: None).findings) == 4


CUT = (
    "DELETE FROM message WHERE order_id = (SELECT MAX(order_id) FROM bill)",
    "DELETE FROM change WHERE order_id = (SELECT MAX(order_id) FROM bill)",
    "DELETE FROM audit WHERE order_id = (SELECT MAX(order_id) FROM bill)",
    "DELETE FROM chain WHERE seq > (SELECT last_seq FROM checkpoint WHERE number = 3)",
    "DELETE FROM checkpoint WHERE number = 4",
    "DELETE FROM claim WHERE order_id = (SELECT MAX(order_id) FROM bill)",
    "DELETE FROM bill WHERE order_id = (SELECT MAX(order_id) FROM bill)",
)


async def test_an_end_that_was_cut_off_whole_is_found_by_whoever_kept_a_checkpoint(room: Room) -> None:
    await some_history(room)
    kept = {row["number"]: merkle.digest(row["body"].encode()) for row in room.store.find("checkpoint", {})}
    assert verified(room, kept=kept).findings == []
    touch(room, *CUT)
    assert verified(room).findings == [], "nothing inside the file can tell: that is why digests are kept elsewhere"
    assert verified(room, kept=kept).findings == ["checkpoint 4: it was kept elsewhere and is not here"]
    assert verified(room, kept={3: "another"}).findings == ["checkpoint 3: it is not the one that was kept elsewhere"]


async def test_a_refused_unit_is_in_no_entry_and_those_beside_it_are(room: Room) -> None:
    def line(name: str, **more: str) -> Unit:
        unit = Unit().insert("audit", at=1, kind=name, who="w")
        return unit.insert("setting", name="s", value=name) if more else unit

    first = [room.store.commit(line("a", clash="x")), room.store.commit(line("b", clash="x"))]
    results = await asyncio.gather(*first, room.store.commit(line("c")), return_exceptions=True)

    assert [type(result) for result in results] == [type(None), Duplicate, type(None)]
    assert [row["kind"] for row in room.store.find("audit", {})] == ["a", "c"]
    assert verified(room).findings == []


async def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(3):
        room = open_room(tmp_path / "claims.db")
        await some_history(room, 1)
        report = verified(room)
        await room.store.close()
    assert report.findings == []
    assert report.entries == 9


async def test_a_commit_that_failed_leaves_no_gap(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at COMMIT: what was to be chained is not, and the next entry follows the last one that is there."""
    await room.brought()
    real, full = room.store._writer._execute, apsw.FullError("no room")
    full.extendedresult = apsw.SQLITE_FULL

    def once(statement: str, *values: object) -> object:
        if statement == "COMMIT":
            monkeypatch.undo()
            raise full
        return real(statement, *values)

    monkeypatch.setattr(room.store._writer, "_execute", once)
    with pytest.raises(StoreFailed):
        await room.store.commit(Unit().insert("audit", at=1, kind="lost", who="w"))
    await room.store.commit(Unit().insert("setting", name="s", value="v"))
    await room.store.commit(Unit().insert("audit", at=1, kind="kept", who="w"))

    assert [row["kind"] for row in room.store.find("audit", {})] == ["kept"]
    assert verified(room).findings == []


async def test_a_commit_costs_at_most_one_entry_however_many_wait_for_it(room: Room) -> None:
    lines = [Unit().insert("audit", at=1, kind="k", who="w") for _ in range(100)]
    await asyncio.gather(*(room.store.commit(line) for line in lines))
    assert room.store.count("chain", {}) <= 3
    assert verified(room).findings == []


def _tree(count: int) -> list[str]:
    return [merkle.digest(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 13, 31])
def test_every_leaf_climbs_to_the_root_and_no_other_does(count: int) -> None:
    leaves = _tree(count)
    for place, leaf in enumerate(leaves):
        assert merkle.climb(leaf, merkle.path(leaves, place)) == merkle.root(leaves)
        assert merkle.climb(merkle.digest(b"x"), merkle.path(leaves, place)) != merkle.root(leaves)
