"""What every store promises, held by one suite for each of them: rows in, rows out, and nothing half done."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support.postgres import Server
from support.store_tables import CLAIMS

from gateway.kernel.errors import Busy
from gateway.store.api import AnyStore, Row, Tally
from gateway.store.errors import BadUnit, Duplicate, StaleWrite, StoreFailed
from gateway.store.postgres import Store as PostgresStore
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from simulation.disk import Disk, DiskEnd, DiskTrouble

Opener = Callable[..., AnyStore]


@pytest.fixture(params=["postgres", "simulated", "sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same database again each time it is called."""
    if request.param == "sqlite":
        return lambda **options: Store.open(tmp_path / "claims.db", CLAIMS, **options)
    if request.param == "simulated":  # worlds are worth as much as their disk is like the real ones
        disk, no_trouble = Disk(CLAIMS), DiskTrouble(random.Random(0), slow=0.0, fails=0.0, far=False)
        return lambda **options: DiskEnd(disk, no_trouble, **options)
    server: Server = request.getfixturevalue("postgres_server")
    schema = server.new_schema(CLAIMS)
    return lambda **options: PostgresStore.open(server.url("postgres"), schema, **options)


@pytest.fixture
async def store(open_store: Opener) -> AsyncIterator[AnyStore]:
    opened = open_store()
    yield opened
    await opened.close()


def bill(number: int = 1, **changes: str | int | None) -> dict[str, str | int | None]:
    row: dict[str, str | int | None] = {"order_id": f"ord_{number}", "hospital": "h1", "idem_key": f"k{number}"}
    return row | {"state": "received", "version": 1, "created_at": 1000 + number, "total": 12345} | changes


def new_bill(number: int = 1, **changes: str | int | None) -> Unit:
    return Unit().insert("bill", **bill(number, **changes))


def claim(number: int, insurer: str, state: str, claimed: int, next_at: int | None = None) -> Unit:
    row = {"claim_id": f"clm_{number}", "order_id": "ord_1", "insurer": insurer, "state": state}
    return Unit().insert("claim", **row, claimed=claimed, next_at=next_at)


def change(field: str) -> dict[str, str | int]:
    return {"order_id": "ord_1", "field": field, "new": "x", "cause": "test", "at": 1}


def seen(rows: list[Row], column: str) -> list[object]:
    return [row[column] for row in rows]


async def test_a_committed_row_is_read_back_as_it_was_written(store: AnyStore) -> None:
    await store.commit(new_bill(visit_id="visit-门诊-1"))
    row = await store.read(store.get, "bill", order_id="ord_1")
    assert row is not None
    assert {name: row[name] for name in ("total", "visit_id", "approved")} == {
        "total": 12345,
        "visit_id": "visit-门诊-1",
        "approved": None,
    }
    assert await store.read(store.get, "bill", hospital="h1", idem_key="k1") == row
    assert await store.read(store.get, "bill", order_id="ord_2") is None


async def test_bytes_and_large_numbers_come_back_unchanged(store: AnyStore) -> None:
    blob = bytes(range(256)) * 900
    await store.commit(Unit().insert("vault", record_id="r", kind="bill", blob=blob))
    await store.commit(new_bill(total=-(10**15)))
    assert await store.read(store.get, "vault", record_id="r") == {"record_id": "r", "kind": "bill", "blob": blob}
    assert await store.read(store.sum, "bill", "total", {}) == -(10**15)


async def test_a_unit_is_kept_whole_or_not_at_all(store: AnyStore) -> None:
    await store.commit(new_bill(1))
    unit = new_bill(2).insert("change", **change("state")).insert("bill", **bill(3, idem_key="k1"))
    with pytest.raises(Duplicate):
        await store.commit(unit)
    assert await store.read(store.get, "bill", order_id="ord_2") is None
    assert await store.read(store.count, "change", {}) == 0
    assert store.counters.refused == 1


async def test_a_clash_names_the_table_and_no_value(store: AnyStore) -> None:
    await store.commit(new_bill(1))
    with pytest.raises(Duplicate) as clash:
        await store.commit(new_bill(1))
    assert (clash.value.table, clash.value.error_code) == ("bill", "duplicate")
    assert "ord_1" not in str(clash.value)


async def test_clashes_in_a_group_touch_no_other_unit_of_the_group(store: AnyStore) -> None:
    units = [new_bill(number // 2).insert("change", **change(f"unit{number}")) for number in range(100)]
    results = await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)
    assert sum(isinstance(result, Duplicate) for result in results) == 50
    kept = {f"unit{number}" for number, result in enumerate(results) if result is None}
    assert set(seen(await store.read(store.find, "change", {}, limit=200), "field")) == kept
    assert await store.read(store.count, "bill", {}) == 50


async def test_of_fifty_identical_submissions_exactly_one_is_kept(store: AnyStore) -> None:
    units = [new_bill(number, idem_key="the-same") for number in range(50)]
    results = await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Duplicate] * 49


async def test_an_update_that_expects_another_state_changes_nothing_of_its_unit(store: AnyStore) -> None:
    await store.commit(new_bill())
    unit = Unit().insert("change", **change("state"))
    unit.update("bill", {"order_id": "ord_1"}, expect={"version": 2}, state="decided", version=3)
    with pytest.raises(StaleWrite) as stale:
        await store.commit(unit)
    assert stale.value.table == "bill"
    assert await store.read(store.count, "change", {}) == 0
    row = await store.read(store.get, "bill", order_id="ord_1")
    assert row is not None
    assert row["state"] == "received"


async def test_an_update_can_expect_that_nothing_is_there_yet(store: AnyStore) -> None:
    await store.commit(new_bill())
    decide = [
        Unit().update("bill", {"order_id": "ord_1"}, expect={"approved": None}, approved=amount) for amount in (5, 6)
    ]
    await store.commit(decide[0])
    with pytest.raises(StaleWrite):
        await store.commit(decide[1])
    assert await store.read(store.sum, "bill", "approved", {}) == 5


async def test_an_update_of_a_row_that_is_not_there_is_not_silent(store: AnyStore) -> None:
    with pytest.raises(StaleWrite):
        await store.commit(Unit().update("bill", {"order_id": "ord_9"}, state="decided"))


async def test_of_many_racing_updates_on_one_version_exactly_one_wins(store: AnyStore) -> None:
    await store.commit(new_bill())
    units = [
        Unit().update("bill", {"order_id": "ord_1"}, expect={"version": 1}, version=2, total=number)
        for number in range(40)
    ]
    results = await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)
    assert results.count(None) == 1
    assert await store.read(store.sum, "bill", "total", {}) == results.index(None)


async def test_a_unit_sees_its_own_earlier_steps(store: AnyStore) -> None:
    unit = new_bill().update("bill", {"order_id": "ord_1"}, expect={"state": "received"}, state="checked")
    await store.commit(unit)
    assert await store.read(store.count, "bill", {"state": "checked"}) == 1


async def test_steps_on_one_table_take_effect_in_the_order_given_whoever_else_is_in_the_group(store: AnyStore) -> None:
    def unit(number: int) -> Unit:
        name = f"s{number}"
        made = Unit().insert("setting", name=name, value="a").insert("ref", claim_id=name, name="x", value="1")
        made.delete("setting", {"name": name}).upsert("setting", name=name, value="b")
        return made.update("setting", {"name": name}, expect={"value": "b"}, value="c").delete(
            "ref", {"claim_id": name}
        )

    await asyncio.gather(*(store.commit(unit(number)) for number in range(20)))
    assert seen(await store.read(store.find, "setting", {}), "value") == ["c"] * 20
    assert await store.read(store.count, "ref", {}) == 0


async def test_numbers_follow_the_order_given_also_where_rows_name_different_columns(store: AnyStore) -> None:
    unit = Unit()
    for number in range(6):
        unit.insert("change", **(change(f"f{number}") if number % 2 else {"order_id": "ord_1", "field": f"f{number}"}))
    await store.commit(unit)
    assert seen(await store.read(store.find, "change", {}), "field") == [f"f{number}" for number in range(6)]


async def test_upsert_writes_a_row_and_then_over_it(store: AnyStore) -> None:
    for value in ("a", "b"):
        await store.commit(Unit().upsert("setting", name="paused", value=value))
    assert await store.read(store.find, "setting", {}) == [{"name": "paused", "value": "b"}]


async def test_upsert_still_refuses_a_clash_with_another_rows_unique_value(store: AnyStore) -> None:
    await store.commit(new_bill(1))
    with pytest.raises(Duplicate):
        await store.commit(Unit().upsert("bill", **bill(2, idem_key="k1")))


async def test_delete_removes_what_its_conditions_name_and_nothing_else(store: AnyStore) -> None:
    unit = Unit()
    for number in range(10):
        unit.insert_new("nonce", scope="h1", value=f"n{number}", expires_at=number)
    await store.commit(unit)
    await store.commit(Unit().delete("nonce", {"expires_at": ("<=", 6)}))
    assert seen(await store.read(store.find, "nonce", {}), "expires_at") == [7, 8, 9]
    await store.commit(Unit().delete("nonce", {"scope": "h2"}))
    assert await store.read(store.count, "nonce", {}) == 3


async def test_conditions_mean_what_they_say(store: AnyStore) -> None:
    for number, (state, next_at) in enumerate([("sent", 5), ("sent", 9), ("paid", None), ("unknown", 5)]):
        await store.commit(claim(number, "ins-a", state, 100, next_at))
    expected: list[tuple[dict[str, object], list[int]]] = [
        ({"state": "sent", "next_at": ("<=", 5)}, [0]),
        ({"state": "sent", "next_at": (">", 5)}, [1]),
        ({"state": ("in", ["paid", "unknown"])}, [2, 3]),
        ({"state": ("in", [])}, []),
        ({"state": ("!=", "sent")}, [2, 3]),
        ({"next_at": None}, [2]),
        ({"next_at": ("!=", None)}, [0, 1, 3]),
        ({}, [0, 1, 2, 3]),
    ]
    for conditions, numbers in expected:
        assert seen(await store.read(store.find, "claim", conditions), "claim_id") == [
            f"clm_{number}" for number in numbers
        ]
        assert await store.read(store.count, "claim", conditions) == len(numbers)


async def test_pages_follow_each_other_without_gap_or_repeat_even_among_equal_values(store: AnyStore) -> None:
    for number in range(25):
        await store.commit(claim(number, "ins-a", "sent", 1, next_at=number // 10))
    for order_by, descending in (("next_at", False), ("-next_at", True)):
        found: list[tuple[object, ...]] = []
        after = None
        while page := await store.read(store.find, "claim", {"state": "sent"}, order_by, limit=4, after=after):
            after = (page[-1]["next_at"], page[-1]["claim_id"])
            found += [(row["next_at"], row["claim_id"]) for row in page]
        assert len(found) == 25
        assert found == sorted(set(found), reverse=descending)


async def test_rows_without_a_value_in_the_order_column_are_left_out(store: AnyStore) -> None:
    await store.commit(claim(1, "ins-a", "sent", 1, next_at=None))
    await store.commit(claim(2, "ins-a", "sent", 1, next_at=3))
    assert seen(await store.read(store.find, "claim", {}, order_by="next_at"), "claim_id") == ["clm_2"]


async def test_the_stores_numbers_grow_in_commit_order_and_are_never_given_twice(open_store: Opener) -> None:
    store = open_store()
    for name in ("a", "b", "c"):
        await store.commit(Unit().insert("event", event_id=name, hospital="h1", order_id="o", kind="k", at=1))
    await store.commit(Unit().delete("event", {"event_id": "c"}))
    await store.close()
    store = open_store()
    await store.commit(Unit().insert("event", event_id="d", hospital="h1", order_id="o", kind="k", at=1))
    feed = await store.read(store.find, "event", {"hospital": "h1"}, order_by="seq", after=(1,))
    assert [(row["event_id"], row["seq"]) for row in feed] == [("b", 2), ("d", 4)]
    await store.close()


async def test_counts_and_sums_by_group(store: AnyStore) -> None:
    for number, (insurer, state) in enumerate([("a", "unknown"), ("a", "unknown"), ("b", "unknown"), ("b", "paid")]):
        await store.commit(claim(number, insurer, state, 100 + number))
    unknown = {"state": "unknown"}
    assert await store.read(store.tally, "claim", "insurer", unknown, total="claimed") == {
        "a": Tally(2, 201),
        "b": Tally(1, 102),
    }
    assert await store.read(store.tally, "claim", "state", {}) == {"unknown": Tally(3, 0), "paid": Tally(1, 0)}
    assert (
        await store.read(store.count, "claim", unknown),
        await store.read(store.sum, "claim", "claimed", unknown),
    ) == (3, 303)
    assert await store.read(store.sum, "claim", "claimed", {"state": "lost"}) == 0


async def test_everything_is_there_after_closing_and_opening_again(open_store: Opener) -> None:
    store = open_store()
    await store.commit(new_bill(1))
    await store.checkpoint()
    await store.commit(new_bill(2))
    await store.close()
    again = open_store()
    assert seen(await again.read(again.find, "bill", {}), "order_id") == ["ord_1", "ord_2"]
    await again.close()


async def test_what_was_accepted_before_close_is_committed_and_acknowledged(open_store: Opener) -> None:
    store = open_store()
    waiting = [asyncio.ensure_future(store.commit(new_bill(number))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*waiting) == [None] * 20
    again = open_store()
    assert await again.read(again.count, "bill", {}) == 20
    await again.close()


async def test_a_closed_store_takes_nothing_and_says_so(open_store: Opener) -> None:
    store = open_store()
    await store.close()
    await store.close()
    assert not store.ready
    with pytest.raises(StoreFailed) as refused:
        await store.commit(new_bill())
    assert refused.value.error_code == "store-closed"
    with pytest.raises(StoreFailed):
        await store.read(store.get, "bill", order_id="ord_1")


async def test_many_commits_in_flight_share_few_transactions(store: AnyStore) -> None:
    async def caller(number: int) -> None:
        for step in range(10):
            await store.commit(new_bill(number * 100 + step))

    await asyncio.gather(*(caller(number) for number in range(64)))
    assert store.counters.units == 640
    assert store.counters.groups <= 640 // 8


async def test_every_row_can_be_read_as_soon_as_its_commit_returns(store: AnyStore) -> None:
    async def caller(number: int) -> bool:
        await store.commit(new_bill(number))
        return await store.read(store.get, "bill", order_id=f"ord_{number}") is not None

    assert all(await asyncio.gather(*(caller(number) for number in range(300))))


async def test_a_full_queue_sheds_load_and_then_takes_work_again(open_store: Opener) -> None:
    store = open_store(max_waiting=5)
    units = [store.commit(new_bill(number)) for number in range(12)]
    results = await asyncio.gather(*units, return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 5 + [Busy] * 7
    await store.commit(new_bill(99))
    assert await store.read(store.count, "bill", {}) == 6
    await store.close()


async def test_a_caller_that_gives_up_waiting_does_not_withdraw_its_unit_nor_harm_others(store: AnyStore) -> None:
    quitter, stayer = (asyncio.ensure_future(store.commit(new_bill(number))) for number in (1, 2))
    await asyncio.sleep(0)
    quitter.cancel()
    await stayer
    assert quitter.cancelled()
    assert seen(await store.read(store.find, "bill", {}), "order_id") == ["ord_1", "ord_2"]


async def test_an_empty_unit_costs_nothing(store: AnyStore) -> None:
    await store.commit(Unit())
    assert store.counters.groups == 0


BAD_UNITS = {
    "unknown table": lambda: Unit().insert("patient", name="x"),
    "unknown column": lambda: new_bill(diagnosis="x"),
    "missing unique column": lambda: Unit().insert("bill", order_id="ord_1", hospital="h1"),
    "no value in a unique column": lambda: new_bill(idem_key=None),
    "money as a float": lambda: new_bill(total=1.5),  # type: ignore[arg-type]  # the promise is that it is refused
    "money as text": lambda: new_bill(total="12"),
    "a bool as a number": lambda: new_bill(version=True),
    "a number as text": lambda: new_bill(visit_id=5),
    "a number nobody may give": lambda: Unit().insert("event", seq=1, event_id="e"),
    "update by half a key": lambda: Unit().update("ref", {"claim_id": "c"}, value="v"),
    "update of the key": lambda: Unit().update("setting", {"name": "a"}, name="b"),
    "update of nothing": lambda: Unit().update("setting", {"name": "a"}),
    "delete of everything": lambda: Unit().delete("nonce", {}),
    "a number no column holds": lambda: new_bill(total=2**63),
    "text that is no Unicode": lambda: new_bill(visit_id="\ud800"),
}


@pytest.mark.parametrize("kind", sorted(BAD_UNITS))
async def test_a_unit_that_does_not_fit_is_refused_alone(store: AnyStore, kind: str) -> None:
    good = asyncio.ensure_future(store.commit(new_bill(7)))
    with pytest.raises(BadUnit):
        await store.commit(BAD_UNITS[kind]())
    await good
    assert store.ready
    assert await store.read(store.count, "bill", {}) == 1


async def test_questions_that_do_not_fit_are_refused(store: AnyStore) -> None:
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: store.read(store.get, "bill", state="received"),
        lambda: store.read(store.find, "bill", {"diagnosis": "x"}),
        lambda: store.read(store.find, "bill", {"total": ("like", 1)}),
        lambda: store.read(store.find, "bill", {"total": "1"}),
        lambda: store.read(store.find, "bill", {}, order_by="diagnosis"),
        lambda: store.read(store.find, "bill", {}, order_by="total", after=(1,)),
        lambda: store.read(store.find, "bill", {}, limit=10_001),
        lambda: store.read(store.sum, "bill", "diagnosis", {}),
        lambda: store.read(store.find, "bill", {"total": ("<", None)}),
    ]
    for ask in asked:
        with pytest.raises(BadUnit):
            await ask()
