"""Lock 5: marks in every sensitive leaf travel through good and bad times; nothing outside vault and sealed messages has one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from marks import search

from gateway.cli.wall import report
from gateway.cli.wall.places import Place, findings
from gateway.cli.wall.play import Run, journeys, perform
from gateway.cli.wall.search import Marks
from gateway.cli.wall.stage import wall_stage
from gateway.sandbox.common.trouble import OF_ANSWERS, OF_BOTH, OF_CALLBACKS, OF_STATEMENTS, Do
from gateway.sandbox.hospital.labels import Form, sensitive_leaves
from gateway.sandbox.hospital.marks import bare_leaves

PLACES = {
    "wire: window, sent": b"settlement_id",
    "wire: window, answered": b"receipts",
    "wire: channel, sent": b"total_amount",
    "wire: channel, answered": b"trade_no",
    "channel: messages": b"out_trade_no",
    "payment: metrics": b"lianpei_",
    "payment: receipts": b'"receipts":[{',
    "payment: payment_order.settlement_id": b"stl_",
    "payment.db": b"SQLite",
    "gateway: metrics": b"lianpei_",
    "gateway.log": b"event",
    "doors: refusals": b"/errors/",
    "operators and commands: shown": b'"item_id"',
    "wire: webhook, sent": b"webhook-signature",
    "claims: data_key.order_id": b"ord_",
    "claims: bill.order_id": b"ord_",
    "claims.db": b"SQLite",
    "files: settings, keys, logs, temporary": b"PRIVATE KEY",
}
"""Place -> what shows that it was filled by real orders."""
EMPTY = {
    "payment: payer_default": "a patient defaults on the third day of pay-later",
    "payment: setting": "the payment room keeps no marks of its own there yet",
    "claims: lease": "only gateways that share a database write it",
    "claims: outbox": "worked off at once",
    "claims: set_aside": "nothing fails again and again",
    "claims: waiting": "worked off at once",
    "claims: recon_open": "acts that wait for a later day's book",
    "claims: recovery": "an insurer declines later what it had paid; its rows hold ids and amounts",
    "gateway.log": "nothing to tell",
    "payment.log": "nothing to tell",
}
"""Places that may be empty after a run, and why; a new table needs a journey that fills it, or a line here."""
MORNING = {
    f"claims: {name}"
    for name in ("late", "recon", "recon_day", "recon_line", "recon_total", "recon_item", "recon_entry")
}
"""Filled by the next morning, which the short form leaves out."""
OWN_SIDE = {"store", "payment killed", "gateway killed", "hostile", "refused at the door", "mapping", "token"}


def run_on(home: Path, *, is_long: bool) -> Run:
    with wall_stage(home) as (stage, relays):
        return perform(stage, relays, journeys(is_long=is_long))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_on(tmp_path_factory.mktemp("wall"), is_long=False)


def test_no_mark_is_found_and_every_journey_ended_as_it_should(run: Run) -> None:
    assert run.findings == []
    assert run.problems == []


def test_thousands_of_marks_were_carried_into_the_vault(run: Run) -> None:
    assert run.marks.count > 5_000
    assert run.sealed > run.marks.count / 2


@pytest.mark.parametrize("name", PLACES)
def test_a_place_was_searched_that_real_orders_had_filled(run: Run, name: str) -> None:
    place = next(one for one in run.places if one.name == name)
    assert PLACES[name] in place.data


def test_no_place_is_empty_without_a_reason(run: Run) -> None:
    assert set(report.empty_places(run.places)) - MORNING <= set(EMPTY)


def test_empty_places_are_told_to_the_auditor() -> None:
    places = [Place("claims: undo.undo_id", b"", "claims"), Place("claims: undo.state", b"", "claims")]
    places += [Place("claims: bill.undo_id", b"", "claims"), Place("claims: bill.order_id", b"ord_1", "claims")]
    assert report.empty_places([*places, Place("payment.log", b"", "payment")]) == ["claims: undo", "payment.log"]


def test_the_independent_search_of_the_payment_side_agrees(run: Run) -> None:
    """In every spelling that the tests know, written apart from the product's search; some of the marks."""
    payment = {place.name: place.data for place in run.places if place.side == "payment"}
    assert search(sorted(run.marks.texts)[::200], payment) == []


def test_a_mark_written_into_any_place_is_found_there(run: Run) -> None:
    mark = min(run.marks.texts)
    leaked = [replace(place, data=place.data[:2_000] + mark.encode() + place.data[2_000:4_000]) for place in run.places]
    assert {found.place for found in findings(leaked, run.marks)} == {place.name for place in run.places}


def test_even_the_day_of_a_visit_is_found_on_the_payment_side() -> None:
    marks = Marks({"MK0000010001MZ": "Diagnosis.name"}, frozenset({"2025-03-05T09:12:00+08:00"}))
    for spelt in ("2025-03-05", "20250305", "1741137120", "2025/03/05"):
        assert findings([Place("payment: rows", f"x {spelt} y".encode(), "payment")], marks)
        assert not findings([Place("claims: bill.visit_id", f"OP{spelt}".encode(), "claims")], marks)


def test_every_kind_of_trouble_that_the_sandbox_plays_is_in_the_full_form() -> None:
    classes = {one.failure for one in journeys(is_long=True)}
    at_channel = OF_ANSWERS | OF_BOTH | {Do.WRONG_AMOUNT, Do.RETURNED_PAYOUT}
    assert {do.value for do in set(Do) - OF_STATEMENTS - OF_CALLBACKS - {Do.RETURNED_PAYOUT}} <= classes
    assert {f"channel {do.value}" for do in at_channel} <= classes
    assert {f"callback {do.value}" for do in (*OF_CALLBACKS, Do.DROP_CONNECTION, Do.DELAY)} <= classes
    assert classes >= {"timeout", "refusal", "slow", "none", "channel refusal", "channel slow", *OWN_SIDE}


def test_the_short_form_has_at_least_thirty_journeys_and_each_kind_of_trouble(run: Run) -> None:
    assert len(run.played) >= 30
    assert {do.value for do in set(Do) - OF_STATEMENTS} <= {one.journey.failure.split()[-1] for one in run.played}


def test_every_sensitive_leaf_holds_a_mark_or_is_named_as_one_that_can_not(run: Run) -> None:
    told = report.facts(run, "short", "0")["planted"]
    leaves = {leaf.path: leaf.form for leaf in sensitive_leaves()}
    marked = {one["leaf"] for one in told["leaves"] if one["marks"]}
    by_time = {path for path, form in leaves.items() if form in (Form.DAY, Form.INSTANT)}
    assert len(leaves) > 90
    assert marked | by_time | set(told["can_hold_none"]) == set(leaves)
    assert not marked & {leaf.path for leaf in bare_leaves()}


def test_the_report_tells_an_auditor_what_was_planted_searched_and_found(run: Run, tmp_path: Path) -> None:
    told = report.facts(run, "short", "0.1.0")
    data, text, page = report.write(told, tmp_path)

    read = json.loads(data.read_text("utf-8"))
    assert read["ok"] is True
    assert len(read["journeys"]) == len(run.played)
    assert sum(place["bytes"] for place in read["searched"]) == sum(len(place.data) for place in run.places)
    for written in (text.read_text("utf-8"), page.read_text("utf-8")):
        assert "未发现埋点" in written
        assert "wire: channel, sent" in written
        assert "Diagnosis.name" in written
    assert not any(sign in page.read_text("utf-8") for sign in ("<script", "http:", "https:", "src=", "@import"))


def test_a_report_with_a_finding_says_so_first(run: Run) -> None:
    mark = min(run.marks.texts)
    leaked = findings([Place("payment.log", mark.encode(), "payment")], run.marks)
    told = report.facts(replace(run, findings=leaked), "short", "0.1.0")

    assert told["ok"] is False
    assert "未通过 NOT PASSED" in report.markdown(told).split("\n")[2]
    assert mark in report.page(told)


@pytest.mark.long
def test_the_full_form_finds_nothing_either(tmp_path: Path) -> None:
    full = run_on(tmp_path, is_long=True)
    assert full.findings == []
    assert full.problems == []
    assert set(report.empty_places(full.places)) <= set(EMPTY)
