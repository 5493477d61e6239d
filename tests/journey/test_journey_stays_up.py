"""``lianpei up`` stays until its person leaves, and leaves nothing behind; meanwhile it is honest about what it started."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.cli.ports import free_ports, release

ROOT = Path(__file__).resolve().parents[2]

UP = """
import json, sys
from pathlib import Path
from gateway.cli import demo, main
from types import SimpleNamespace

demo.FIXED = json.loads(sys.argv[1])
demo._play = lambda stage, quiet: stage.ready() or SimpleNamespace(ok=True)
raise SystemExit(main(["up", "--home", sys.argv[2]]))
"""
"""On free ports, and without the sample visits."""


class Terminal:
    def __init__(self, home: Path) -> None:
        self.home, self.ports, self.told = home, free_ports(), b""
        words = [sys.executable, "-c", UP, json.dumps(self.ports), str(home)]
        self.pid, self._line = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execv(sys.executable, words)

    def wait_for(self, text: str) -> str:
        """What was told until this text came."""
        before = len(self.told)
        while text.encode() not in self.told[before:]:
            self.told += os.read(self._line, 65536)
        return self.told[before:].decode("utf-8", "replace")

    def close(self) -> None:
        """As a window that is closed, or a connection that breaks."""
        os.close(self._line)

    def exit_status(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def children(self) -> dict[str, Path]:
        """Name to its place in /proc."""
        told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return {_words(Path("/proc", child))[3]: Path("/proc", child) for child in told.split()}


def _words(process: Path) -> list[str]:
    """Its command line; empty once it ended."""
    try:
        return (process / "cmdline").read_text("utf-8").split("\0")[:-1]
    except FileNotFoundError:
        return []


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    with suppress(ProcessLookupError):
        os.kill(opened.pid, signal.SIGTERM)
    release(opened.ports.values())


def test_when_its_terminal_closes_every_process_ends(terminal: Terminal) -> None:
    terminal.wait_for("/v1/claims")
    children = terminal.children()
    assert set(children) == {"sandbox", "payment", "gateway"}

    terminal.close()
    terminal.exit_status()

    assert [name for name, process in children.items() if _words(process)] == []


def test_a_process_that_ends_is_named_with_its_log_and_the_others_go_on(terminal: Terminal) -> None:
    terminal.wait_for("/v1/claims")
    os.kill(int(terminal.children()["payment"].name), signal.SIGKILL)

    told = terminal.wait_for("payment.log")
    others = set(terminal.children())
    os.kill(terminal.pid, signal.SIGTERM)

    assert "payment ended 已退出 (exit status -9)" in told
    assert others == {"sandbox", "gateway"}
    assert terminal.exit_status() == 1


def test_an_operator_can_try_the_commands_with_the_lines_that_it_prints(terminal: Terminal) -> None:
    told = terminal.wait_for("/v1/claims")
    lines = [line.strip() for line in told.splitlines() if line.strip().startswith("export ")]
    lines.append(f"export LIANPEI_ADMIN=http://127.0.0.1:{terminal.ports['operator']}")
    lines += [f"{sys.executable} -m gateway {words}" for words in ("work list", "audit checkpoint", "keys list")]

    done = subprocess.run(["sh", "-ec", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=False)
    os.kill(terminal.pid, signal.SIGTERM)

    assert (done.returncode, done.stderr) == (0, "")
    assert "operator operator-two" in done.stdout
    assert terminal.exit_status() == 0
