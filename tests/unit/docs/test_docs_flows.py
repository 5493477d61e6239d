"""The page of flows has a row for every step and error branch, and each names tests that exist."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "flows.md").read_text("utf-8")
SECTIONS = {
    title: re.findall(r"^\| (E?\d+) \| (.+?) \| (.+) \|$", rows, re.MULTILINE)
    for title, rows in re.findall(r"^## (3\.\d+) .+\n((?:\|.+\n?)+)", PAGE, re.MULTILINE)
}
BRANCHES = {
    "3.1": (6, 4),
    "3.2": (12, 6),
    "3.3": (8, 4),
    "3.4": (10, 4),
    "3.5": (5, 4),
    "3.6": (11, 0),
    "3.7": (7, 2),
    "3.8": (5, 4),
    "3.9": (5, 4),
    "3.10": (7, 0),
    "3.11": (4, 0),
}
"""How many steps and error branches each flow has."""
ROWS = [(section, *row) for section, rows in SECTIONS.items() for row in rows]


@cache
def source(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def test_no_step_and_no_branch_lacks_a_row() -> None:
    expected = {
        section: [*map(str, range(1, steps + 1)), *(f"E{number}" for number in range(1, branches + 1))]
        for section, (steps, branches) in BRANCHES.items()
    }
    assert {section: [row[0] for row in rows] for section, rows in SECTIONS.items()} == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_every_row_names_tests_that_exist(row: tuple[str, ...]) -> None:
    named = re.findall(r"`(tests/[^`:]+\.py)::(test_\w+)(?:\[([^`]+)\])?`", row[3])
    assert named
    assert row[3].count("::") == len(named)
    for file, test, case in named:
        assert re.search(rf"def {test}\(", source(file)), f"{file}::{test}"
        assert not case or f'"{case}"' in source(file), f"{file}::{test}[{case}]"


BRANCH_ROWS = [row for row in ROWS if row[1].startswith("E")]


@pytest.mark.parametrize("row", BRANCH_ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_every_error_branch_is_a_journey_that_bears_its_number(row: tuple[str, ...]) -> None:
    """``test_s3_2_e5_…`` under tests/journey, or a case ``e1-…`` of a journey of that section."""
    section, branch = row[0].replace(".", "_"), row[1].lower()
    journeys = re.findall(r"`tests/journey/test_s[^`:]+\.py::(test_\w+)(?:\[([^`]+)\])?`", row[3])
    of_branch = [
        test
        for test, case in journeys
        if re.match(rf"test_s{section}_(e\d_)*{branch}_", test)
        or (test.startswith(f"test_s{section}_") and case.startswith(f"{branch}-"))
    ]
    assert of_branch, journeys
