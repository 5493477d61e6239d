"""``lianpei`` itself: what it says before a command is chosen, and that every command can be found."""

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from gateway.cli import PARTS, main, parser
from gateway.cli.table import show

ROOT = Path(__file__).resolve().parents[3]


def test_it_tells_the_version_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (ended.value.code, capsys.readouterr().out) == (0, f"lianpei {project['version']}\n")


def test_without_a_command_it_shows_all_of_them_with_a_word_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = re.split(r"^    (?=\w)", capsys.readouterr().out, flags=re.M)
    listed = {entry.split()[0]: entry for entry in told[1:]}
    assert set(listed) - {"COMMAND"} == {name for names in PARTS.values() for name in names}
    assert [name for name, entry in listed.items() if name != "COMMAND" and not re.search("[一-鿿]", entry)] == []


@pytest.mark.parametrize("part", PARTS)
def test_a_command_is_added_by_the_module_that_is_loaded_for_it(part: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    import_module(f"gateway.cli.{part}").add_commands(commands)
    assert tuple(commands.choices) == PARTS[part]


def test_an_unknown_command_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["pay"])
    assert ended.value.code == 2
    assert "'payment'" in capsys.readouterr().err


def test_where_the_simulators_are_left_out_a_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def left_out(_: argparse.Namespace) -> int:
        raise ModuleNotFoundError("No module named 'gateway.sandbox'", name="gateway.sandbox")

    monkeypatch.setattr("gateway.cli.demo._demo", left_out)
    assert main(["demo"]) == 1
    assert "needs the simulators" in capsys.readouterr().err


def test_a_missing_library_of_ours_is_no_matter_of_simulators(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: argparse.Namespace) -> int:
        raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")

    monkeypatch.setattr("gateway.cli.demo._demo", broken)
    with pytest.raises(ModuleNotFoundError):
        main(["demo"])


def test_chinese_and_english_titles_stand_above_their_column(capsys: pytest.CaptureFixture[str]) -> None:
    show(("#", "账单\nbill", "金额\nyuan"), [("1", "门诊", "1.00")], right={2})
    assert capsys.readouterr().out.splitlines() == ["#  账单  金额", "   bill  yuan", "─  ────  ────", "1  门诊  1.00"]


def test_every_command_has_a_help_page() -> None:
    for name in (name for names in PARTS.values() for name in names):
        with pytest.raises(SystemExit) as ended:
            parser(name).parse_args([name, "--help"])
        assert ended.value.code == 0


def options(top: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Every option and argument of a command and its parts, with its help."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part in action.choices.values():
                yield from options(part)
        elif not isinstance(action, argparse._HelpAction):
            yield f"{top.prog} {action.dest}", action.help or ""


def test_each_option_of_the_keys_commands_is_told_in_both_languages() -> None:
    told = dict(options(parser("keys")))
    assert len(told) > 30
    assert [
        name for name, text in told.items() if not re.search("[一-鿿]", text) or not re.search("[a-z]{3}", text)
    ] == []


@pytest.mark.parametrize("command", ["keys", "work", "recon", "webhooks", "sandbox", "conformance"])
def test_a_command_of_many_parts_shows_examples_that_can_be_typed(command: str) -> None:
    known = parser(command)
    shown = next(action for action in known._actions if isinstance(action, argparse._SubParsersAction)).choices[command]
    examples = re.findall(rf"^  lianpei ({command} .+?)(?:   .*)?$", shown.epilog or "", re.M)
    assert examples
    for example in examples:
        known.parse_args(shlex.split(example))


@pytest.mark.parametrize("command", ["work", "recon", "webhooks"])
def test_the_operators_door_has_one_default_address(command: str) -> None:
    assert {text for name, text in options(parser(command)) if name.endswith(" admin")} == {
        "operators' door (LIANPEI_ADMIN, else http://127.0.0.1:9464) 运维入口"
    }
