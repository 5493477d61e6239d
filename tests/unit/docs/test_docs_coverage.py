"""What the mapping language promises is proven item by item: each named test exists, and each code of the check is told in one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.unit.mapping.test_seeded_mistakes_json import SEEDS as JSON_SEEDS
from tests.unit.mapping.test_seeded_mistakes_xml import SEEDS as XML_SEEDS

PAGE, CHECK = Path("docs/mapping-coverage.md"), Path("docs/mapping-check.md")
TABLES = {
    title: re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", rows, re.MULTILINE)
    for title, rows in re.findall(r"^## (.+)\n\n?((?:.+\n?)+)", PAGE.read_text("utf-8"), re.MULTILINE)
}
ITEMS = {
    "What the language can say": 24,
    "What the check finds": 24,
    "Schemas it is held against": 16,
    "While it runs": 11,
}
ROWS = [(title, *row) for title, rows in TABLES.items() for row in rows]
CODES = re.findall(r"^\| `([a-z-]+)` \|", CHECK.read_text("utf-8"), re.MULTILINE)
TESTS_OF_THE_CHECK = sorted(Path("tests/unit").glob("mapping/*.py")) + sorted(Path("tests/unit").glob("cli/*.py"))


@cache
def source(file: str) -> str:
    return Path(file).read_text("utf-8")


@cache
def named_in(file: str) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.parse(source(file)).body if isinstance(node, kinds)}


def test_every_list_is_whole_and_in_order() -> None:
    assert {title: len(rows) for title, rows in TABLES.items()} == ITEMS
    for title, rows in TABLES.items():
        assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1)), title


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}, {row[1]}")
def test_an_item_names_tests_that_exist(row: tuple[str, ...]) -> None:
    proof = row[4]
    named = re.findall(r"`(tests/[^`:]+\.py)::(test_\w+)(?:\[([^`]+)\])?`", proof)
    assert named, "no test is named"
    assert proof.count("::") == len(named)
    for file, test, case in named:
        assert test in named_in(file), f"{file}::{test}"
        assert not case or f'"{case}"' in source(file), f"{file}::{test}[{case}]"


def test_an_item_of_the_check_names_codes_that_the_check_tells() -> None:
    for title in ("What the check finds", "Schemas it is held against"):
        for number, _, said, _ in TABLES[title]:
            codes = re.findall(r"`([a-z-]+)`", said)
            assert codes, (title, number)
            assert set(codes) <= set(CODES), (title, number)


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_check_is_told_in_a_test(code: str) -> None:
    assert any(f'"{code}"' in source(str(file)) or f" {code}" in source(str(file)) for file in TESTS_OF_THE_CHECK)


def test_at_least_sixty_seeded_mistakes_are_of_classes_of_their_own() -> None:
    classes = {seed.name for seed in (*JSON_SEEDS, *XML_SEEDS)}
    assert len(classes) >= 60
    for seeds in (JSON_SEEDS, XML_SEEDS):
        assert len({(seed.old, seed.new) for seed in seeds}) == len(seeds)
