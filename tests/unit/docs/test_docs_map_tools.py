"""docs/mapping-tools.md shows what the tools say today."""

import re
from pathlib import Path

import pytest

from gateway.cli import main

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "mapping-tools.md").read_text("utf-8")
SHOWN = re.findall(r"```console\n\$ lianpei (.*)\n((?:.*\n)*?)```", PAGE)
_MORE = "…\n"


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_each_command_says_what_the_page_shows(
    command: str, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``…`` on a line of its own stands for lines that are left out."""
    monkeypatch.chdir(ROOT)
    main(command.split())
    told = capsys.readouterr().out
    start, more, end = output.partition(_MORE)
    assert told == output if not more else told.startswith(start) and told.endswith(end)


def test_the_page_names_every_tool_that_it_is_about() -> None:
    assert {command.split()[1] for command, _ in SHOWN} == {"check", "preview", "explain", "test", "diff", "fuzz"}
