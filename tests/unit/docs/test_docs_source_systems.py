"""Every system of the sources has a scenario that plays it or a reason, and every scenario is named by its rows."""

import re
from pathlib import Path

from gateway.sandbox.scenarios.script import load

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "source-systems.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
SCENARIOS = {scenario.name: scenario for scenario in load(ROOT / "scenarios")}
SYSTEMS = 38
"""Rows of the sources' list."""


def test_every_system_has_its_row_and_what_it_shows_or_why_not() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, SYSTEMS + 1))
    assert all(len(said) > 10 for *_, said in ROWS)


def test_rows_and_scenarios_name_each_other() -> None:
    by_page = {int(number): re.findall(r"`([a-z-]+)`", said) for number, _, said, _ in ROWS}
    by_files = {
        number: [name for name, one in SCENARIOS.items() if number in one.rows] for number in range(1, SYSTEMS + 1)
    }
    assert by_page == by_files


def test_only_what_is_none_of_our_job_has_no_scenario() -> None:
    assert [int(number) for number, _, said, _ in ROWS if said == "–"] == [14, 30]


def test_every_scenario_asserts_amounts_and_has_its_title_in_both_tongues() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.title.zh, name
        assert scenario.title.en, name
        told = [step.expect for step in scenario.steps] + [step.until for step in scenario.steps]
        assert "_fen" in str(told), name


def test_settings_that_differ_are_settings() -> None:
    """A misspelt setting would make a scenario that shows nothing."""
    parts = {part for scenario in SCENARIOS.values() for part in scenario.settings}
    assert parts <= {"hospitals", "payment"}
