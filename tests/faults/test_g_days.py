"""Cases G3 to G6: a business day has one book however often, late or doubly its cut-off runs, and files come as they like."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.house import House
from support.reckon_day import LI, PEER, DayRoom, day_room
from support.room import room_on

from gateway.kernel.errors import LianpeiError
from gateway.sandbox.hospital.table import csv_file
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store


@pytest.fixture
async def days(tmp_path: Path) -> AsyncIterator[DayRoom]:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    yield day_room(room_on(store, tmp_path / "claims.db"))
    await store.close()


async def rows(days: DayRoom, table: str, **where: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await days.room.store.read(days.room.store.find, table, where, limit=1000)
    return found


async def locked(days: DayRoom) -> list[str]:
    """Days whose books are written down, each with its one row."""
    return sorted(row["day"] for row in await rows(days, "recon_day", peer="*"))


def day(days: DayRoom, after: int = 0) -> str:
    return (days.today + timedelta(days=after)).isoformat()


async def test_g3_a_cut_off_that_runs_again_makes_no_second_book(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    [book] = await days.night(act.told())
    before = await rows(days, "recon_line")

    for _ in range(3):
        await days.office.night.round()

    assert [one["recon_id"] for one in await days.books()] == [book["recon_id"]]
    assert await locked(days) == [day(days)]
    assert await rows(days, "recon_line") == before


async def test_g3_two_nodes_at_the_same_moment_make_one_book(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    other = day_room(days.room)
    for one in (days, other):
        one.source.books[days.today] = [act.told()]
    days.room.clock.days = 1

    ended = await asyncio.gather(days.office.night.round(), other.office.night.round(), return_exceptions=True)
    await days.office.night.round()

    assert all(one is None or isinstance(one, LianpeiError) for one in ended)
    [book] = await days.books()
    assert book["state"] == "equal"
    assert [(one["count"], one["amount_fen"]) for one in book["totals"]] == [(1, 500), (1, 500)]
    assert await locked(days) == [day(days)]


async def test_g3_days_that_the_host_was_off_are_caught_up_each_with_its_own_book(days: DayRoom) -> None:
    await days.night()
    acts = [await days.act(100 * (number + 1), days.at(9, days=number + 1)) for number in range(3)]
    for number, act in enumerate(acts):
        days.source.books[days.today + timedelta(days=number + 1)] = [act.told()]

    days.room.clock.days = 4
    await days.office.night.round()

    assert await locked(days) == [day(days, number) for number in range(4)]
    for number in range(3):
        [book] = await days.books(days=number + 2)
        assert (book["state"], book["totals"][0]["amount_fen"]) == ("equal", 100 * (number + 1))


async def test_g3_a_crash_between_the_lock_and_its_note_forgets_no_peer(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    days.source.books[days.today] = [act.told()]
    days.room.clock.days = 1
    await days.office.night._cut_off.lock(days.today)  # and then the process died

    await days.office.night.round()

    [book] = await days.books()
    assert (book["state"], days.source.asked) == ("equal", 1)


async def test_g6_a_clock_that_is_set_back_makes_no_second_book(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    [book] = await days.night(act.told())
    later = await days.act(700, days.at(0, 1, days=1))

    days.room.clock.days = 0
    await days.office.night.round()
    days.room.clock.days = 1
    await days.office.night.round()

    assert await locked(days) == [day(days)]
    assert [one["recon_id"] for one in await days.books()] == [book["recon_id"]]
    await days.night(later.told(), days=2)
    [second] = await days.books(days=2)
    assert (second["state"], second["totals"][0]["amount_fen"]) == ("equal", 700)


async def test_g4_a_peers_file_that_was_half_comes_whole_and_in_another_order(days: DayRoom) -> None:
    first, second, third = [await days.act(amount, days.at(9)) for amount in (500, 600, 700)]
    waits = await days.act(0, days.at(10), state="unknown", claimed=800)
    await days.night(first.told())
    half = await days.classes()

    days.source.books[days.today] = [third.told(), second.told(), first.told()]
    await days.office.run(LI, days.today, PEER)
    await days.office.run(LI, days.today, PEER)

    assert half == [("only_ours", "open"), ("only_ours", "open")]
    assert await days.classes() == [("only_ours", "closed"), ("only_ours", "closed")]
    [book] = await days.books()
    sums = {(one["side"], one["standing"]): (one["count"], one["amount_fen"]) for one in book["totals"]}
    assert (sums["ours", "done"], sums["peer", "done"]) == ((3, 1800), (3, 1800))
    assert sums["ours", "unknown"] == (1, 800)
    [claim] = await rows(days, "claim", claim_id=waits.claim_id)
    assert claim["state"] == "unknown", "what nobody answered stays open"


async def test_g4_a_hospitals_file_half_twice_and_reordered_settles_each_bill_once(house: House) -> None:
    bills = [sample_bill("package") for _ in range(3)]
    whole = csv_file({bill.key: bill.submission for bill in bills})
    again = csv_file({bill.key: bill.submission for bill in reversed(bills)})
    rows_of_it = whole.splitlines()
    cut = "\n".join(
        rows_of_it[: next(n for n, row in enumerate(rows_of_it) if row.startswith(f"lines,{bills[1].key},")) + 2]
    )

    told = [(await upload(house, file)) for file in (cut, whole, whole, again)]

    assert (told[0]["accepted"], [one["state"] for one in told[0]["bills"]][1]) == (1, "refused")
    assert [one["accepted"] for one in told[1:]] == [3, 3, 3]
    orders = [{one["bill"]: one["order_id"] for one in each["bills"]} for each in told[1:]]
    assert orders[0] == orders[1] == orders[2]
    assert told[0]["bills"][0]["order_id"] == orders[0][told[0]["bills"][0]["bill"]]
    for bill in bills:
        final = (await house.decided(orders[0][bill.key])).document
        booked = await house.settlements("package", bill)
        assert [(one["times_applied"], one["amount_fen"]) for one in booked] == [(1, final["approved_fen"])]


async def upload(house: House, file: str) -> dict[str, Any]:
    answer = await house.call("POST", "/v1/uploads/csv", file.encode(), {"Content-Type": "text/csv"})
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.document
    return told


async def test_g5_a_file_that_disagrees_gives_three_lists_and_changes_nothing_by_itself(days: DayRoom) -> None:
    ours, dearer, same = [await days.act(500, days.at(9)) for _ in range(3)]
    before = await rows(days, "claim")

    [book] = await days.night(
        dearer.told(amount=501), same.told(), same.told(our_id="", peer_ref="THEIRS-1", amount=77)
    )

    assert await days.classes() == [("amount_differs", "open"), ("only_ours", "open"), ("only_theirs", "open")]
    gaps = {item["act_id"]: item["gap_fen"] for item in (await days.story())["items"]}
    assert gaps == {ours.act_id: -500, dearer.act_id: 1, "": 77}
    assert book["state"] == "differs"
    assert await rows(days, "claim") == before
