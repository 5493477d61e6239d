"""``lianpei sandbox``: development keys only, and trouble from a script file."""

import argparse
from pathlib import Path

import pytest

from gateway.cli import main, parser
from gateway.cli.sandbox import _sandbox, _script
from gateway.kernel.errors import BadRequest, ConfigRefused
from gateway.sandbox.common.trouble import Do
from gateway.wire.devkeys import create_development_keys


def chosen(keys: Path, script: Path | None = None) -> argparse.Namespace:
    words = ["sandbox", "--keys", str(keys), "--gateway", "https://localhost:1", "--plain", "--ports", '{"pay": 0}']
    return parser().parse_args([*words, *(["--script", str(script)] if script else [])])


async def test_keys_of_a_real_deployment_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused) as refused:
        await _sandbox(chosen(tmp_path))

    assert refused.value.error_code == "sandbox-keys"


async def test_a_script_file_is_played_from_the_start(tmp_path: Path) -> None:
    create_development_keys(tmp_path)
    script = tmp_path / "trouble.yaml"
    script.write_text("pay: [{op: order, do: unheard_of}]", "utf-8")
    with pytest.raises(BadRequest):
        await _sandbox(chosen(tmp_path, script))

    script.write_text("pay:\n- {op: order, do: delay, seconds: 0.5, times: 2}\n", "utf-8")
    running = await _sandbox(chosen(tmp_path, script))
    await running.stop()

    assert running.ports["pay"] > 0


def test_an_operation_keeps_its_name(tmp_path: Path) -> None:
    """3.10 is no number: as one it would be 3.1."""
    script = tmp_path / "trouble.yaml"
    script.write_text("huiyibao: [{op: 3.10, do: delay}]", "utf-8")

    assert _script(script)["huiyibao"][0]["match"] == {"op": "3.10"}


@pytest.mark.parametrize("text", ["pay", "pay: {op: order}", "pay: [{do: delay}]", "{", "\xff"])
def test_a_script_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    script = tmp_path / "trouble.yaml"
    script.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigRefused):
        _script(script)


def test_help_says_how_to_start_and_how_to_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sandbox", "--help"])
    told = capsys.readouterr().out

    assert all(
        word in told for word in ("--ports", "/_script", "X-Sandbox-Trouble", "TROUBLE.half_open.0001", "--script")
    )
    assert any(do.value in told for do in Do)
