"""What the shared store promises beside the contract of every store: many processes, one order, one chain, no waiting."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.postgres import Server
from support.store_tables import CLAIMS

from gateway.kernel.errors import ConfigRefused
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS as ROOM
from gateway.store.errors import BadUnit, StoreFailed
from gateway.store.postgres import Store
from gateway.store.tables import INT, TEXT, Schema, Table
from gateway.store.unit import Unit

NOTE = Table("note", {"name": TEXT, "text": TEXT}, key=("name",))


def event(name: str) -> Unit:
    return Unit().insert("event", event_id=name, hospital="h1", order_id="o", kind="k", at=1)


def message(name: str) -> Unit:
    told = {"order_id": "o", "owner_id": name, "direction": "out", "digest": "d", "key_ids": ""}
    return Unit().insert("message", **told, at=1, size=1, http_status=0, body=b"b")


async def test_a_reader_of_a_feed_misses_nothing_while_several_processes_write_it(postgres_server: Server) -> None:
    """A reader that goes on from the newest number it saw would never see a smaller one that came later."""
    schema, url = postgres_server.new_schema(CLAIMS), postgres_server.url("postgres")
    stores = [Store.open(url, schema) for _ in range(3)]
    seen: list[int] = []

    async def write(store: Store, writer: int) -> None:
        for number in range(40):
            await asyncio.gather(*(store.commit(event(f"{writer}-{number}-{each}")) for each in range(3)))

    async def follow() -> None:
        while len(seen) < 360:
            after = (seen[-1] if seen else 0,)
            seen.extend(row["seq"] for row in await stores[0].read(stores[0].find, "event", {}, after=after))

    async with asyncio.timeout(30):
        await asyncio.gather(follow(), *(write(store, number) for number, store in enumerate(stores)))
    assert seen == list(range(1, 361))
    for store in stores:
        await store.close()


async def test_the_groups_of_several_processes_make_one_whole_chain(postgres_server: Server) -> None:
    schema, url = postgres_server.new_schema(ROOM), postgres_server.url("postgres")
    stores = [Store.open(url, schema) for _ in range(2)]
    twice = Unit().insert("setting", name="x", value="y").insert("setting", name="x", value="y")
    units = [message(f"m{number}") for number in range(60)]
    work = [stores[number % 2].commit(unit) for number, unit in enumerate(units)]
    refused = [store.commit(message("refused").insert("setting", name="x", value="y")) for store in stores]
    results = await asyncio.gather(*work, *refused, stores[0].commit(twice), return_exceptions=True)
    assert sum(result is not None for result in results) == 2
    report = await stores[0].read(check, stores[0], schema, lambda name: None)
    assert report.findings == []
    assert (report.rows, report.unsigned) == (61, report.entries)
    for store in stores:
        await store.close()


async def test_an_altered_row_is_found_by_the_same_check(postgres_server: Server) -> None:
    schema, url = postgres_server.new_schema(ROOM), postgres_server.url("postgres")
    store = Store.open(url, schema)
    await store.commit(message("m1"))
    postgres_server.execute(f"UPDATE {schema.name}.message SET digest = 'other'")
    report = await store.read(check, store, schema, lambda name: None)
    assert report.findings == ["entry 1: what it covers was altered: message 1 1"]
    await store.close()


async def test_a_question_asked_where_others_would_wait_for_it_is_refused(postgres_server: Server) -> None:
    store = Store.open(postgres_server.url("postgres"), postgres_server.new_schema(CLAIMS))
    with pytest.raises(BadUnit):
        store.count("event", {})
    await store.close()


async def test_all_that_one_read_asks_is_about_one_moment(postgres_server: Server) -> None:
    store = Store.open(postgres_server.url("postgres"), postgres_server.new_schema(CLAIMS))
    loop = asyncio.get_running_loop()

    def before_and_after() -> tuple[int, int]:
        before = store.count("event", {})
        asyncio.run_coroutine_threadsafe(store.commit(event("meanwhile")), loop).result(10)
        return before, store.count("event", {})

    assert await store.read(before_and_after) == (0, 0)
    assert await store.read(store.count, "event", {}) == 1
    await store.close()


async def test_a_slow_database_stops_neither_the_event_loop_nor_loses_what_waits(postgres_server: Server) -> None:
    schema, url = postgres_server.new_schema(CLAIMS), postgres_server.url("postgres")
    store = Store.open(url, schema)
    await store.commit(event("first"))
    hold = f"BEGIN; LOCK {schema.name}.store_head IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.5); COMMIT"
    holding = asyncio.create_task(asyncio.to_thread(postgres_server.execute, hold))
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(store.commit(event("second")))
    ticks = 0
    while not waiting.done():
        await asyncio.sleep(0.01)
        ticks += 1
    await asyncio.gather(holding, waiting)
    assert ticks > 15
    assert await store.read(store.count, "event", {}) == 2
    await store.close()


REFUSALS: dict[str, Callable[[Schema], Schema]] = {
    "store-newer": lambda schema: replace(schema, version=schema.version - 1),
    "store-older": lambda schema: replace(schema, version=9, oldest=8),
}


@pytest.mark.parametrize("code", sorted(REFUSALS))
async def test_tables_of_a_version_that_does_not_fit_are_refused(postgres_server: Server, code: str) -> None:
    schema, url = replace(postgres_server.new_schema(CLAIMS), version=2), postgres_server.url("postgres")
    await Store.open(url, schema).close()
    with pytest.raises(ConfigRefused) as refused:
        Store.open(url, REFUSALS[code](schema))
    assert refused.value.error_code == code


async def test_tables_are_brought_forward_while_an_older_process_goes_on(postgres_server: Server) -> None:
    schema, url = postgres_server.new_schema(Schema((NOTE,), version=1, name="notes")), postgres_server.url("postgres")
    older = Store.open(url, schema)
    await older.commit(Unit().insert("note", name="a", text="old"))
    wider = replace(NOTE, columns={**NOTE.columns, "at": INT}, indexes=(("at",),))
    newer = Store.open(url, replace(schema, tables=(wider,), version=2))
    await older.commit(Unit().insert("note", name="b", text="old"))
    await newer.commit(Unit().insert("note", name="c", text="new", at=5))
    rows = await newer.read(newer.find, "note", {})
    assert [(row["name"], row["at"]) for row in rows] == [("a", None), ("b", None), ("c", 5)]
    assert await older.read(older.count, "note", {}) == 3
    await older.close()
    await newer.close()


async def test_another_programs_schema_is_left_alone(postgres_server: Server) -> None:
    schema = postgres_server.new_schema(CLAIMS)
    postgres_server.execute(f"CREATE SCHEMA {schema.name}; CREATE TABLE {schema.name}.theirs (x INT)")
    with pytest.raises(ConfigRefused) as refused:
        Store.open(postgres_server.url("postgres"), schema)
    assert refused.value.error_code == "store-foreign"


@pytest.mark.parametrize("url", ["postgresql://u:secret@h/db", "postgresql://%"])
def test_a_url_with_a_password_or_without_sense_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        Store.open(url, CLAIMS)
    assert refused.value.error_code == "store-url"
    assert "secret" not in str(refused.value)


def test_where_there_is_no_server_the_store_says_so_at_the_start() -> None:
    with pytest.raises(StoreFailed) as refused:
        Store.open("postgresql://u@/db?host=/nowhere", CLAIMS)
    assert refused.value.error_code == "store-failed"


async def test_after_a_crash_of_the_server_all_that_was_acknowledged_is_there_and_work_goes_on() -> None:
    server = await asyncio.to_thread(Server)
    try:
        store = Store.open(server.url("postgres"), CLAIMS)
        acknowledged: list[str] = []

        async def write(writer: int) -> None:
            for number in range(10_000):
                await store.commit(event(f"{writer}-{number}"))
                acknowledged.append(f"{writer}-{number}")

        writers = [asyncio.create_task(write(number)) for number in range(8)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.crash)
        results = await asyncio.gather(*writers, return_exceptions=True)
        assert {type(result) for result in results} == {StoreFailed}
        assert not store.ready
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(15):
            while not store.ready:  # noqa: ASYNC110 - as a load balancer looks
                await asyncio.sleep(0.05)
        await store.commit(event("after"))
        rows = await store.read(store.find, "event", {}, limit=10_000)
        assert len(acknowledged) > 8
        assert set(acknowledged) <= {row["event_id"] for row in rows}
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        await store.close()
    finally:
        server.close()


async def test_what_only_the_primary_has_is_not_acknowledged_and_the_store_is_ready_when_a_commit_lands_again() -> None:
    server = await asyncio.to_thread(Server)
    try:
        store = Store.open(server.url("postgres"), CLAIMS)
        await store.commit(event("before"))
        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        server.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(0.3)
        waiting = asyncio.create_task(store.commit(event("only-here")))
        cut = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(server.execute, cut):
                assert not waiting.done()
                await asyncio.sleep(0.05)
            with pytest.raises(StoreFailed):
                await waiting
        await asyncio.sleep(2.5)
        assert not store.ready, "no commit would land"
        server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        server.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(15):
            while not store.ready:  # noqa: ASYNC110 - as a load balancer looks
                await asyncio.sleep(0.05)
        server.crash()
        await store.close()
    finally:
        server.close()
