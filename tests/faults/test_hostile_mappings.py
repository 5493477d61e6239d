"""A mapping file can run no code: hostile files give mistakes of the check and nothing else, and what still loads is harmless."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from support.folders import MAPPINGS
from support.hostile_mappings import hostile

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.kernel.errors import LianpeiError
from gateway.kernel.labels import Label
from gateway.mapping import Incoming, Mistake, Vocabulary, load_folder
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


def test_hostile_files_give_mistakes_and_run_nothing(folder: Path, watchman: Watchman) -> None:
    refused = attack(folder, range(SHORT), 1, watchman)
    assert SHORT // 2 < refused < SHORT


@pytest.mark.long
def test_twenty_thousand_hostile_files(folder: Path, watchman: Watchman) -> None:
    attack(folder, range(LONG), Random().randrange(10**6), watchman)
