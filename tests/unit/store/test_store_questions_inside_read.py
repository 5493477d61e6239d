"""A question to the claims store is put inside ``read``: elsewhere a database over the network would stop everybody.

Read from the source: a synchronous function may ask, an ``async`` one may not. What a synchronous one hides from this
look, the PostgreSQL store refuses when it runs (``bad-unit``).
The payment room has a file of its own in its process and is left out.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3] / "gateway"
QUESTIONS = frozenset({"get", "find", "count", "sum", "tally"})
PLACES = ("claims", "clearing", "store", "app.py", "doors.py", "outward.py", "running.py", "opening.py")


def _files() -> Iterator[Path]:
    for place in PLACES:
        found = ROOT / place
        yield from sorted(found.rglob("*.py")) if found.is_dir() else [found]


def _asks(call: ast.Call) -> bool:
    """``store.find(…)``, ``self._store.get(…)``, ``ledger.store.count(…)``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in QUESTIONS:
        return False
    on = call.func.value
    name = on.attr if isinstance(on, ast.Attribute) else on.id if isinstance(on, ast.Name) else ""
    return name.lstrip("_") == "store"


def _run_at_once(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that run when this function's own body runs: what is defined inside it runs when it is called."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _run_at_once(child)


def _offences(source: str) -> list[int]:
    """Lines at which an ``async`` function asks outside ``read``."""
    return [
        call.lineno
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in _run_at_once(function)
        if _asks(call)
    ]


def test_no_question_to_the_store_is_put_outside_read() -> None:
    assert {str(path): lines for path in _files() if (lines := _offences(path.read_text("utf-8")))} == {}


def test_the_judge_sees_a_question_that_is_put_outside() -> None:
    bad = "async def f(self):\n    for row in self._store.find('bill', {}):\n        pass\n"
    fine = "async def f(self):\n    return await self.store.read(self.store.find, 'bill', {})\n"
    inside = "async def f(store):\n    def ask():\n        return store.get('bill')\n    return await store.read(ask)\n"
    assert [_offences(source) for source in (bad, fine, inside)] == [[2], [], []]
