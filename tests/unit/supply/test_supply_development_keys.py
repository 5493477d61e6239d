"""Development keys start nothing outside development mode: whole processes, each room, and whatever kind of file is left."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT, Stage

DECOYS = ("only.p12", "only.pfx", "only.secret", "only.key.pem", "only.cert.pem", "only.pub.pem", "only.crl.pem")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that would start in development mode, said to be a production one."""
    place = tmp_path_factory.mktemp("production")
    Stage(place, free_ports(), place / "keys").prepare()
    for room in ("gateway", "payment"):
        settings = place / f"{room}.toml"
        settings.write_text(settings.read_text("utf-8").replace('mode = "development"', 'mode = "production"'), "utf-8")
    return place


def refused(home: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "listening" not in done.stdout
    assert not list(home.glob("*.db"))
    return done.stderr


@pytest.mark.parametrize("room", ["gateway", "payment"])
def test_a_room_with_development_keys_does_not_start_in_production(home: Path, room: str) -> None:
    assert "development-keys" in refused(home, room, "--config", str(home / f"{room}.toml"))


def test_no_chore_of_the_vault_is_done_with_them(home: Path) -> None:
    assert "development-keys" in refused(home, "vault", "retention", "--config", str(home / "gateway.toml"))


@pytest.mark.parametrize("name", DECOYS)
def test_one_file_of_any_kind_beside_the_marker_is_enough(home: Path, tmp_path: Path, name: str) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    shutil.copy2(home / "keys" / "DEVELOPMENT-ONLY", keys)
    (keys / name).write_bytes(b"x")
    from gateway.kernel.errors import ConfigRefused
    from gateway.wire.devkeys import refuse_development_keys

    for mode in ("production", "staging", ""):
        with pytest.raises(ConfigRefused, match="development keys"):
            refuse_development_keys(keys, mode)
    refuse_development_keys(keys, "development")
