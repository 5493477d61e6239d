"""Starting on a machine that lacks something ends in words that name it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.cli.ports import free_ports, release, require_free
from gateway.kernel.errors import ConfigRefused
from gateway.wire.listen import listen

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_demonstration_names_the_port_that_is_taken(taken: int) -> None:
    with pytest.raises(ConfigRefused, match=f"port {taken}") as told:
        require_free({"hospital": taken})
    assert told.value.error_code == "port-in-use"


def test_a_port_closed_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0] as ours:
            ours.close()
    require_free({"hospital": port})


def test_a_free_port_is_given_once_and_its_server_can_take_it() -> None:
    first, second = free_ports(), free_ports()
    try:
        require_free(first)
        assert not set(first.values()) & set(second.values())
        with socket.create_server(("127.0.0.1", first["hospital"])), pytest.raises(ConfigRefused):
            require_free(first)
    finally:
        release((*first.values(), *second.values()))


async def test_a_door_names_the_port_that_is_taken(taken: int) -> None:
    runner = web.AppRunner(web.Application())
    try:
        with pytest.raises(ConfigRefused, match=f"port {taken}") as told:
            await listen(runner, "127.0.0.1", taken, None)
    finally:
        await runner.cleanup()
    assert told.value.error_code == "port-in-use"


def run_as(user: str, place: Path, tools: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """scripts/apt-install with nothing on the path but these stand-ins and what a shell script needs."""
    for name, text in {"id": f"echo {user}", **tools}.items():
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    for name in ("sh", "mktemp", "rm", "tail", "env"):
        (place / name).symlink_to(shutil.which(name) or name)
    script = ["scripts/apt-install", "xmlsec1", "openssl"]
    return subprocess.run(script, cwd=ROOT, env={"PATH": str(place)}, capture_output=True, text=True, timeout=30)


def test_without_root_and_sudo_it_says_what_root_must_install(tmp_path: Path) -> None:
    done = run_as("1000", tmp_path, {"apt-get": f"touch {tmp_path}/called"})
    assert done.returncode == 1
    assert "As root, run: apt-get install xmlsec1 openssl" in done.stderr
    assert not (tmp_path / "called").exists()


def test_root_installs_quietly(tmp_path: Path) -> None:
    done = run_as("0", tmp_path, {"apt-get": f'echo noise; echo "$@" >> {tmp_path}/called'})
    assert (done.returncode, done.stdout, done.stderr) == (0, "Installing xmlsec1 openssl\n", "")
    assert "install -q -y --no-install-recommends xmlsec1 openssl" in (tmp_path / "called").read_text()


def test_a_failed_install_shows_why(tmp_path: Path) -> None:
    done = run_as("0", tmp_path, {"apt-get": "echo E: no such package; exit 100"})
    assert done.returncode == 1
    assert "E: no such package" in done.stderr
    assert "apt-get install xmlsec1 openssl" in done.stderr


def test_scripts_can_be_run() -> None:
    assert [
        name
        for name in ("setup", "test-tools", "apt-install", "image-base")
        if not os.access(ROOT / "scripts" / name, os.X_OK)
    ] == []
