"""Reconciliation on either store, section 3.7 step by step: cut-off, totals, classes, roll-over, persons, three ways."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.postgres import Server
from support.reckon_day import HOSPITAL, LI, OTHER_HOSPITAL, PEER, WANG, DayRoom, day_room
from support.room import room_on

from gateway.claims.reconciliation.desk import Entry
from gateway.kernel.errors import BadRequest, Conflict, NotFound, OutcomeUnknown
from gateway.store.api import AnyStore
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store as SharedStore
from gateway.store.sqlite import Store


@pytest.fixture(params=["sqlite", "postgres"])
async def days(request: Any, tmp_path: Path) -> AsyncIterator[DayRoom]:
    if request.param == "sqlite":
        store: AnyStore = Store.open(tmp_path / "claims.db", CLAIMS)
    else:
        server: Server = request.getfixturevalue("postgres_server")
        store = SharedStore.open(server.url("postgres"), server.new_schema(CLAIMS))
    yield day_room(room_on(store, tmp_path / "claims.db"))
    await store.close()


async def test_equal_books_are_done_and_refused_and_unknown_acts_are_apart(days: DayRoom) -> None:
    paid = [await days.act(100 * n, days.at(9 + n)) for n in (1, 2, 3)]
    await days.act(0, days.at(10), claimed=777)
    await days.act(0, days.at(11), state="unknown", claimed=888)

    [book] = await days.night(*(one.told() for one in paid))

    assert (book["state"], book["hospital"]) == ("equal", HOSPITAL)
    sums = {(one["side"], one["standing"]): (one["count"], one["amount_fen"]) for one in book["totals"]}
    assert sums == {
        ("ours", "done"): (3, 600),
        ("peer", "done"): (3, 600),
        ("ours", "refused"): (1, 777),
        ("ours", "unknown"): (1, 888),
    }


async def test_each_kind_of_difference_has_its_class_and_its_hospital(days: DayRoom) -> None:
    missing, dearer, undecided = [await days.act(500, days.at(9)) for _ in range(3)]
    theirs = await days.act(900, days.at(10), hospital=OTHER_HOSPITAL)
    unknown = await days.act(0, days.at(11), state="unknown", claimed=300)
    elsewhere = dearer.told(our_id="", peer_ref="SECRET-310101199001011234", amount=77)

    await days.night(
        dearer.told(amount=501),
        undecided.told(state="refused"),
        unknown.told(amount=300),
        theirs.told(),
        elsewhere,
    )

    assert await days.classes() == [
        ("amount_differs", "open"),
        ("only_ours", "open"),
        ("state_differs", "open"),
        ("state_differs", "open"),
    ]
    assert await days.classes(OTHER_HOSPITAL) == []
    assert await days.classes("-") == [("only_theirs", "open")], "nobody's line is shown, not dropped"
    gaps = {item["act_id"]: item["gap_fen"] for item in (await days.story())["items"]}
    assert gaps == {missing.act_id: -500, dearer.act_id: 1, undecided.act_id: -500, unknown.act_id: 300}


async def test_what_the_peer_calls_things_lies_nowhere_in_the_clear(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    number = "REF-310101199001011234"
    await days.night(act.told(), act.told(our_id="", peer_ref=number, amount=77, cert_no="310101199001011234"))

    rows = await days.room.store.read(days.room.store.find, "recon_item", {}, limit=10)
    assert len(rows) == 1
    assert "310101199001011234" not in repr(rows)


async def test_a_second_act_under_the_same_number_is_found(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    await days.night(act.told(), act.told())
    assert await days.classes() == [("only_theirs", "open")]


async def test_e2_near_midnight_a_trade_is_carried_once_and_matched_the_next_day(days: DayRoom) -> None:
    late = await days.act(500, days.at(23, 50))
    [book] = await days.night(days=1)
    assert (book["state"], await days.classes()) == ("equal", [("roll_over", "carried")])

    await days.night(late.told(), days=2)

    assert [(item["state"], item["reason"]) for item in (await days.story())["items"]] == [
        ("closed", "matched-next-day")
    ]


async def test_e2_their_late_trade_is_carried_and_found_in_our_next_day(days: DayRoom) -> None:
    act = await days.act(500, days.at(0, 5, days=1))
    other = await days.act(100, days.at(9))
    [book] = await days.night(other.told(), act.told(at=days.at(23, 58)))
    assert book["state"] == "equal"

    [second] = await days.night(days=2)

    assert second["state"] == "equal"
    assert await days.classes() == [("roll_over", "closed")]


async def test_e2_what_the_next_day_does_not_bring_is_a_difference_then(days: DayRoom) -> None:
    await days.act(500, days.at(23, 50))
    await days.night()
    await days.act(1, days.at(12, days=1))
    await days.night(days=2)

    assert await days.classes() == [("only_ours", "open")]
    [book] = await days.books()
    assert book["state"] == "differs"


async def test_e1_a_late_file_is_asked_for_again_and_then_told_as_no_file(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    [book] = await days.night_without_book()
    assert (book["state"], days.source.asked) == ("locked", 1)

    await days.night_without_book()
    assert days.source.asked == 1, "not before the retry is due"
    days.room.clock.days = 3
    days.source.wrong = OutcomeUnknown("no", code="statement-refused")
    await days.office.night.round()
    [book] = await days.books()
    assert book["state"] == "no_file"
    assert (await days.room.store.read(days.office.desk.figures))[PEER][2] >= 1

    days.source.wrong = None
    days.source.books[days.today] = [act.told()]
    [book] = await days.office.run(LI, days.today, PEER)
    assert book["state"] == "equal"


async def test_a_later_file_replaces_the_earlier_one_and_keeps_what_persons_did(days: DayRoom) -> None:
    first, second = await days.act(500, days.at(9)), await days.act(600, days.at(9))
    await days.night()
    story = await days.story()
    mine = next(item for item in story["items"] if item["act_id"] == first.act_id)
    await days.office.desk.own(LI, mine["item_id"], "li.na")
    days.source.books[days.today] = [second.told()]
    await days.office.run(LI, days.today, PEER)

    items = {item["act_id"]: (item["state"], item["owner"], item["reason"]) for item in (await days.story())["items"]}
    assert items == {
        first.act_id: ("open", "li.na", ""),
        second.act_id: ("closed", "", "gone-in-later-file"),
    }


async def test_what_we_learn_a_day_late_closes_the_difference_of_the_day_before(days: DayRoom) -> None:
    act = await days.act(0, days.at(12), state="unknown", claimed=500)
    told = act.told(amount=500)
    await days.night(told)
    assert await days.classes() == [("state_differs", "open")]
    work = days.room.ledger.work()
    at = int(days.at(8, days=1).timestamp() * 1000)
    work.unit.update("claim", {"order_id": act.order_id, "seq": 1}, state="decided", approved=500)
    work.unit.update("act", {"claim_id": act.claim_id, "act_id": act.act_id}, answered_at=at)
    await work.flush()

    [second] = await days.night(days=2)

    assert second["state"] == "equal"
    assert [(item["state"], item["reason"]) for item in (await days.story())["items"]] == [("closed", "known-later")]


async def test_refunds_are_their_own_act_type_on_their_own_day(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    refund = await days.undone(act, 200, days.at(10, days=1))
    [first] = await days.night(act.told())
    [second] = await days.night(act.told(our_id=refund, kind="refund", amount=200), days=2)

    assert (first["state"], second["state"]) == ("equal", "equal")
    assert {(one["side"], one["kind"], one["amount_fen"]) for one in second["totals"]} == {
        ("ours", "refund", 200),
        ("peer", "refund", 200),
    }


async def test_an_act_has_its_line_on_one_day_only_and_a_locked_day_is_never_locked_again(days: DayRoom) -> None:
    await days.act(500, days.at(9))
    await days.act(600, days.at(9, days=1))
    await days.night()
    await days.night(days=2)
    with pytest.raises(Conflict) as locked:
        await days.office.night.lock(days.today)
    lines = await days.room.store.read(days.room.store.find, "recon_line", {}, limit=100)

    assert locked.value.error_code == "day-locked"
    assert sorted(line["amount"] for line in lines) == [500, 600]


async def test_a_day_that_is_not_over_is_not_locked(days: DayRoom) -> None:
    with pytest.raises(Conflict) as early:
        await days.office.run(LI, days.today, PEER)
    assert early.value.error_code == "day-not-over"


async def test_a_difference_is_closed_by_two_persons_with_a_new_entry_and_no_edit(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    await days.night(act.told(amount=450))
    [item] = (await days.story())["items"]
    desk, wish = days.office.desk, Entry(item["item_id"], "adjust", "letter-1")
    with pytest.raises(Conflict) as nobody:
        await desk.propose(LI, wish)
    await desk.own(LI, item["item_id"], "li.na")
    entry = await desk.propose(LI, wish)
    with pytest.raises(Conflict) as alone:
        await desk.settle(LI, entry["entry_id"], approve=True)
    await desk.settle(WANG, entry["entry_id"], approve=True)

    story = await days.story()
    assert (nobody.value.error_code, alone.value.error_code) == ("difference-unowned", "two-persons")
    assert (story["state"], story["adjusted_fen"]) == ("closed", -50)
    assert story["items"][0]["reason"] == f"adjust:{entry['entry_id']}"
    [line] = await days.room.store.read(days.room.store.find, "recon_line", {}, limit=5)
    assert line["amount"] == 500, "our line stays as it was"
    report = await days.room.store.read(check, days.room.store, CLAIMS, lambda _: None)
    assert report.findings == []


async def test_three_ways_the_hospitals_book_has_differences_of_its_own(days: DayRoom) -> None:
    act, other = await days.act(500, days.at(9)), await days.act(700, days.at(9))
    await days.night(act.told(), other.told())
    csv = "our_id,kind,state,amount_fen\n" + f"{act.claim_id},pay,done,500\n{other.claim_id},pay,done,707\n"

    told = await days.office.hospital_brings(HOSPITAL, days.today, PEER, csv.encode())

    assert not told["equal"]
    assert [(one["class"], one["claim_id"], one["theirs_fen"]) for one in told["differences"]] == [
        ("amount_differs", other.claim_id, 707)
    ]
    assert [(item["side"], item["class"]) for item in (await days.story())["items"]] == [("hospital", "amount_differs")]
    mended = await days.office.hospital_brings(HOSPITAL, days.today, PEER, csv.replace("707", "700").encode())
    assert mended["equal"]


async def test_our_own_book_read_back_is_equal(days: DayRoom) -> None:
    for n in range(5):
        await days.act(100 + n, days.at(9 + n))
    await days.night()
    ours = await days.office.hospital_reads(HOSPITAL, days.today, PEER)

    told = await days.office.hospital_brings(HOSPITAL, days.today, PEER, ours)

    assert told == {"day": days.today.isoformat(), "insurer": PEER, "equal": True, "differences": []}


@pytest.mark.parametrize("document", [b"", b"\xff", b"a,b\n1,2\n", b"kind,state,amount_fen\npay,done,1.5\n"])
async def test_a_file_that_is_not_of_the_form_changes_nothing(days: DayRoom, document: bytes) -> None:
    await days.act(500, days.at(9))
    await days.night_without_book()
    with pytest.raises(BadRequest) as refused:
        await days.office.bring(LI, days.today, PEER, document, "")
    assert refused.value.error_code == "statement-form"
    assert (await days.books())[0]["state"] == "locked"


async def test_reports_are_readable_and_hold_no_formula(days: DayRoom) -> None:
    act = await days.act(500, days.at(9))
    await days.night(act.told(amount=450))
    story = await days.story()
    page, _ = await days.office.export(LI, story["recon_id"], "html")
    table, _ = await days.office.export(LI, story["recon_id"], "csv")

    assert "金额不一致 amounts differ" in page.decode()
    assert "4.50" in page.decode()
    assert b"<script" not in page
    assert table.startswith("\ufeffitem_id,".encode())
    with pytest.raises(NotFound):
        await days.office.export(LI, "rec_none", "html")
