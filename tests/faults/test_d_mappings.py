"""Group D, mappings: a file runs no code of its own and takes no house down; what still loads is harmless."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from support.folders import MAPPINGS
from support.hostile_mappings import hostile
from support.workshop import Workshop, dispatch, dispatch_data

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.kernel.errors import LianpeiError, MappingRefused
from gateway.kernel.labels import Label
from gateway.mapping import Incoming, MappingFailed, Mistake, Vocabulary, load_folder
from gateway.mapping.loader import read_folder

SHORT, LONG = 400, 20_000
VOCABULARY = Vocabulary(Dispatch, ActResult, frozenset(map(str, Label)))
PARTNER, REFS = {"sender_code": "1"}, frozenset({"settle_no"})
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen", "socket.", "shutil.")
_FORBIDDEN_TOO = ("os.remove", "os.rename", "os.mkdir", "ctypes.", "builtins.input", "pty.", "urllib.")


class Watchman:
    """Python's own audit events: a process started, a socket opened or a file written while a hostile file is looked at."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        written = event == "open" and len(args) > 1 and isinstance(args[1], str) and set(args[1]) & set("wax+")
        if written or event.startswith((*_FORBIDDEN, *_FORBIDDEN_TOO)):
            self.seen.append(event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.on = True
        try:
            yield
        finally:
            self.on = False


@pytest.fixture(scope="module")
def watchman() -> Watchman:
    return Watchman()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise sound folder in an empty place, so that a file called CANARY could only come from the mapping."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "kinds.csv").write_text("ours,theirs\na,b\n", "utf-8")
    return tmp_path / "demo"


def attack(folder: Path, numbers: range, seed: int, watchman: Watchman) -> int:
    """Check (and where it still loads, run) each hostile file; how many were refused."""
    example = MAPPINGS / "insurers/package/examples/07_S291.dispatch.json"
    source = msgspec.json.decode(example.read_bytes(), type=Dispatch)
    refused = 0
    for number in numbers:
        (folder / "act.yaml").write_bytes(hostile(Random(f"{seed}:{number}")))
        with watchman.watching():
            found = read_folder(folder, folder.parent / "schemas", VOCABULARY, PARTNER, REFS).mistakes
            assert all(isinstance(one, Mistake) and one.line >= 1 and one.code for one in found), f"{seed}:{number}"
            refused += bool(found)
            if not found:
                _run(folder, source)
        assert watchman.seen == [], f"{seed}:{number}"
    assert sorted(file.name for file in folder.parent.rglob("*")) == ["act.yaml", "demo", "kinds.csv", "schemas"]
    return refused


def _run(folder: Path, source: Dispatch) -> None:
    """What loads makes messages and reads answers, or refuses to, like any other mapping."""
    act: Any = load_folder(folder, folder.parent / "schemas", VOCABULARY, PARTNER, REFS)["act"]
    incoming = Incoming(b'{"code": "1", "state": "accepted", "body": []}', 200, {"x": "y"})
    for work in (lambda: act.write(source), lambda: act.read(incoming, source), lambda: act.read_callback(incoming)):
        try:
            work()
        except LianpeiError:
            continue


def test_d10_hostile_files_give_mistakes_and_run_nothing(folder: Path, watchman: Watchman) -> None:
    refused = attack(folder, range(SHORT), 1, watchman)
    assert SHORT // 2 < refused < SHORT


@pytest.mark.long
def test_d10_twenty_thousand_hostile_files(folder: Path, watchman: Watchman) -> None:
    attack(folder, range(LONG), Random().randrange(10**6), watchman)


OUTSIDE_THE_LANGUAGE = (
    "visit.__class__.__mro__",
    "visit.visit_id.format(visit)",
    '"{0.__class__}".format(visit)',
    'f"{visit}"',
    '"%s" % visit.visit_id',
    "getattr(visit, 'visit_id')",
    "open('/etc/passwd')",
    "act.__init__.__globals__",
    "[x for x in lines]",
    "lambda: 1",
    '"1" if matches(visit.visit_id, "(a)\\\\1") else "2"',
    '"1" if matches(visit.visit_id, "(?<=a)b") else "2"',
    '"1" if matches(visit.visit_id, "(") else "2"',
)


@pytest.mark.parametrize("expression", OUTSIDE_THE_LANGUAGE)
def test_d10_what_is_not_in_the_language_does_not_load(tmp_path: Path, expression: str) -> None:
    with pytest.raises(MappingRefused):
        Workshop(tmp_path).value(expression)


_LINES = [dispatch_data()["lines"][0] | {"line_no": f"L{number}"} for number in range(300)]
_LONG = dispatch(lines=_LINES, visit=dispatch_data()["visit"] | {"hospital_name": "测" * 60})
_EACH = (
    "[{$each: a in lines, b: [{$each: b in lines, c: [{$each: c in lines, d: [{$each: d in lines, e: d.line_no}]}]}]}]"
)
_JOINS = 'join(list(join(list(join(list(z.line_no for z in lines), ",") for y in lines), ",") for x in lines), ",")'
_LAUGHS = "let:\n  a0: visit.hospital_name\n" + "".join(
    f"  a{n}: {' + '.join([f'a{n - 1}'] * 10)}\n" for n in range(1, 12)
)
_GROWING = "let:\n  a0: text(visit.hospital_name)\n" + "".join(
    f'  a{n}: replace(a{n - 1}, "测", "{"测" * 10}")\n' for n in range(1, 14)
)
COSTLY = {
    "loops inside loops": f"request:\n  a: {_EACH}\n",
    "sums of sums": "request:\n  a: text(sum(sum(sum(z.amount for z in lines) for y in lines) for x in lines))\n",
    "joins of joins": f"request:\n  a: {_JOINS}\n",
    "names that repeat names": f"{_LAUGHS}request:\n  a: a11\n",
    "a text that grows tenfold thirteen times": f"{_GROWING}request:\n  a: a13\n",
    "a width of two thousand million": 'request:\n  a: pad("1", 2000000000)\n',
    "a width in bytes": 'request:\n  a: pad_bytes("1", 2000000000, "gbk")\n',
    "a block of itself": "request:\n  a: {$use: a}\n",
}


@pytest.mark.parametrize("name", COSTLY)
def test_d10_what_would_take_for_ever_is_refused_soon(tmp_path: Path, name: str) -> None:
    """At the load where it can be seen, else by the budget of a run: rounds of inner loops, letters, widths."""
    shop = Workshop(tmp_path)
    shop.put("demo/fragments.yaml", "a: {b: {$use: b}, c: {$use: b}}\nb: {b: {$use: a}}\n")
    started = time.thread_time()

    with pytest.raises((MappingRefused, MappingFailed)):
        shop.write(COSTLY[name], _LONG)

    assert time.thread_time() - started < 3


@pytest.mark.parametrize("regex", ["(.+)+x", "(.|.)*x", "(测*)*y", ".*.*.*.*.*.*x"])
def test_d10_no_regular_expression_goes_back(tmp_path: Path, regex: str) -> None:
    shop, started = Workshop(tmp_path), time.thread_time()

    told = shop.value(f'"yes" if matches(visit.hospital_name, "{regex}") else "no"', _LONG)

    assert told == "no"
    assert time.thread_time() - started < 1


def test_d10_the_loops_that_partners_need_fit_the_budget(tmp_path: Path) -> None:
    """Every line held against every line of a bill of a thousand."""
    lines = [dispatch_data()["lines"][0] | {"line_no": f"L{number}"} for number in range(1000)]
    told = Workshop(tmp_path).json("request:\n  a: [{$each: a in lines, n: count(lines)}]\n", dispatch(lines=lines))

    assert len(told["a"]) == 1000
