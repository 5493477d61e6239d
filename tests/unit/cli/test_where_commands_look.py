"""Commands are typed in a container or anywhere: they find the folders through the settings, or say what is missing."""

import json
import socket
from pathlib import Path

import pytest

from gateway.cli import main, parser
from gateway.cli.sandbox import _sandbox
from gateway.cli.stage import ROOT
from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import MARKER


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands are typed: none of the project's."""
    monkeypatch.delenv("LIANPEI_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [(["check"], "all good: "), (["support"], "| `package` "), (["map", "docs", "package"], "settle")],
)
def test_the_settings_name_the_partner_folders(
    words: list[str], told: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = elsewhere / "lianpei.toml"
    folders = f'mappings = "{ROOT}/mappings"\nschemas = "{ROOT}/schemas"\n'
    settings.write_text(f'mode = "production"\nkeys = "keys"\n{folders}', "utf-8")
    monkeypatch.setenv("LIANPEI_CONFIG", str(settings))

    assert main(words) == 0
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("words", [["check"], ["support"], ["schemas"], ["conformance", "https://x", "--keys", "."]])
def test_a_missing_folder_is_named_with_the_option_that_names_another(
    words: list[str], elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "[folder-missing]" in told
    assert "--mappings" in told or "--schemas" in told
    assert list(elsewhere.iterdir()) == []


def test_a_missing_settings_file_is_told_with_the_one_that_make_run_wrote(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "list"]) == 1
    assert "make run" not in capsys.readouterr().err

    (elsewhere / "var" / "run").mkdir(parents=True)
    (elsewhere / "var" / "run" / "gateway.toml").touch()

    assert main(["keys", "list"]) == 1
    assert "--config var/run/gateway.toml" in capsys.readouterr().err


@pytest.mark.parametrize("ports", ["{package: 9101}", "[9101]", '{"package": "9101"}', '{"package": 99999}'])
async def test_ports_that_are_none_are_refused_with_an_example(ports: str, tmp_path: Path) -> None:
    assert await _refused(tmp_path, ports) == "bad-ports"


async def test_a_simulator_names_the_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert await _refused(tmp_path, json.dumps({"pay": other.getsockname()[1]})) == "port-in-use"


async def _refused(keys: Path, ports: str) -> str:
    (keys / MARKER).touch()
    words = ["sandbox", "--keys", str(keys), "--gateway", "https://localhost:1", "--plain", "--ports", ports]
    with pytest.raises(ConfigRefused) as refused:
        await _sandbox(parser("sandbox").parse_args(words))
    return refused.value.error_code
