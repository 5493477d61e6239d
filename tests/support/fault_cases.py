"""The catalogue of faults (docs/faults.md) and the tests that bear its numbers, read from the source of tests/faults.

Run ``python tests/support/fault_cases.py`` to write the names of the tests into the table again.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
GROUPS = {"A": 15, "B": 12, "C": 13, "D": 15, "E": 14, "F": 9, "G": 10}
CASES = [f"{group}{number}" for group, count in GROUPS.items() for number in range(1, count + 1)]
_ROW = re.compile(r"^\| ([A-G]\d+) \| (.+?) \| (.+?) \| (.*) \|$", re.M)
_NUMBERED = re.compile(r"test_([a-g]\d+)_\w+")


def numbered_tests() -> dict[str, list[str]]:
    """Case -> ``file::test`` in the order of files and lines."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests" / "faults").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            named = _NUMBERED.fullmatch(node.name) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None
            if named is not None and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[named[1].upper()].append(f"{file.name}::{node.name}")
    return dict(found)


def rows(text: str) -> dict[str, tuple[str, str, list[str]]]:
    """Case -> fault, what is expected, and the tests that the table names."""
    return {
        case: (fault, expected, re.findall(r"`([^`]+)`", cell)) for case, fault, expected, cell in _ROW.findall(text)
    }


def rewritten(text: str) -> str:
    """The document with the names of the tests as they are."""
    known = numbered_tests()

    def row(found: re.Match[str]) -> str:
        cell = "<br>".join(f"`{name}`" for name in known.get(found[1], []))
        return f"| {found[1]} | {found[2]} | {found[3]} | {cell} |"

    return _ROW.sub(row, text)


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text("utf-8")), "utf-8")
