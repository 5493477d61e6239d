"""The house line: a file is read in one sitting, a function on one screen."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MOST_LINES = 300
MOST_FUNCTION_LINES = 60
PLACES = ("gateway", "tests", "benchmarks")
LONG_FILES = {
    "tests/contract/test_store.py": "one contract suite that every store must pass; split, a new store could miss half of it",
}
_DATA = "one sample document, read from top to bottom; it has no logic"
LONG_FUNCTIONS = {
    "tests/support/workshop.py:dispatch_data": _DATA,
    "benchmarks/sample.py:submission": _DATA,
}


def modules() -> list[Path]:
    return [file for place in PLACES for file in sorted((ROOT / place).rglob("*.py"))]


def long_functions(file: Path) -> dict[str, int]:
    tree = ast.parse(file.read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = {f"{file.relative_to(ROOT)}:{one.name}": (one.end_lineno or one.lineno) - one.lineno + 1 for one in found}
    return {name: size for name, size in sizes.items() if size > MOST_FUNCTION_LINES}


def test_files_are_short() -> None:
    sizes = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in modules()}
    assert {name for name, size in sizes.items() if size > MOST_LINES} == set(LONG_FILES)


def test_functions_are_short() -> None:
    assert {name for file in modules() for name in long_functions(file)} == set(LONG_FUNCTIONS)


def test_names_of_test_files_are_unique() -> None:
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
