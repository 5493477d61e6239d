"""The quirk table is whole, and each test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

PAGE = Path("docs/quirks.md")
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


@cache
def named_in(file: str) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(Path(file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_")}


def test_all_53_quirks_are_there_in_order() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 54))


def test_each_names_tests_that_exist() -> None:
    for number, _, _, proof in ROWS:
        named = re.findall(r"`(tests/[^`]+\.py)::(test_\w+)`", proof)
        assert named, f"quirk {number} names no test"
        assert proof.count("::") == len(named)
        for file, test in named:
            assert test in named_in(file), f"quirk {number}: {file}::{test}"


def test_a_test_of_a_quirk_is_named_at_its_number() -> None:
    by_number = {number: proof for number, _, _, proof in ROWS}
    for file in ("tests/unit/mapping/test_quirks_values.py", "tests/unit/mapping/test_quirks_messages.py"):
        for test in named_in(file):
            assert test in by_number[test.split("_")[2]], test
