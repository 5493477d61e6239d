"""The image of the Dockerfile, and a stage whose two rooms run in containers of it; the simulators stay outside.

It takes root, buildah and podman. Where no registry can be reached, ``scripts/image-base`` makes the base image (debootstrap).
"""

import configparser
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import yaml

from gateway.cli.ports import FIXED, free_ports
from gateway.cli.stage import ROOT, Stage

IMAGE = "localhost/lianpei:tried"
UID = 10001
_BASE = "docker.io/library/python:3.11-slim-bookworm"
_TRUST = Path("/etc/ssl/certs/ca-certificates.crt")
_CONFINED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges")
_LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
"""A machine that is itself a container may not raise them, and podman tries to."""


def run(*words: str, timeout: float = 60, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Raises ``AssertionError`` with the last words of a command that failed."""
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise AssertionError(f"{words[0]} is missing: scripts/apt-install buildah podman debootstrap") from None
    if check:
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done


def build(place: Path) -> str:
    """Build the image as docs/deploy.md says, with this machine's way to a package index."""
    assert os.geteuid() == 0, "containers of another user's files need root"
    if run("podman", "image", "exists", _BASE, check=False).returncode:
        pulled = run("podman", "pull", "--quiet", _BASE, timeout=300, check=False)
        if pulled.returncode:
            run(str(ROOT / "scripts" / "image-base"), _BASE, timeout=900)
    told = ["--secret", f"id=pip,src={_pip_settings(place)}"]
    if _TRUST.exists():
        told += ["--secret", f"id=ca,src={_TRUST}"]
    run("buildah", "bud", "--isolation=chroot", "--format=docker", "--layers", *told, "-t", IMAGE, ".", timeout=900)
    return IMAGE


def _pip_settings(place: Path) -> Path:
    """What pip knows here (an index, a proxy, a longer patience), with the certificates where the build finds them."""
    known = configparser.RawConfigParser()
    known["global"] = {}
    for line in run(str(ROOT / ".venv/bin/python"), "-m", "pip", "config", "list").stdout.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in {"index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout"}:
            known["global"][key.removeprefix("default-")] = value.strip("'")
    if _TRUST.exists():
        known["global"]["cert"] = "/run/secrets/ca"
    path = place / "pip.conf"
    with path.open("w", encoding="utf-8") as file:
        known.write(file)
    return path


class BoxedStage(Stage):
    """Both rooms as containers, read-only and without capabilities, each with a volume and keys of its own."""

    def __init__(self, home: Path, image: str) -> None:
        ports = free_ports() | {name: FIXED[name] for name in ("operator", "payment")}  # what the health checks ask
        super().__init__(home, ports, home / "keys")
        self.image = image
        self.mark = uuid.uuid4().hex[:8]

    def prepare(self) -> None:
        super().prepare()
        for room, keys in (("gateway", self.keys), ("payment", self.home / "payment-keys")):
            box = self.home / f"{room}-box"
            shutil.copytree(keys, box / "keys")
            text = (self.home / f"{room}.toml").read_text("utf-8")
            for outside, inside in ((keys, "/etc/lianpei/keys"), (ROOT, "/opt/share")):
                text = text.replace(f'"{outside}', f'"{inside}')
            (box / "lianpei.toml").write_text(text.replace("[claims]", "[claims]\nstop_grace = 1", 1), "utf-8")
            for path in (box, *box.rglob("*")):
                os.chown(path, UID, UID)

    def name(self, room: str) -> str:
        return f"lianpei-{room}-{self.mark}"

    def _launch(self, name: str) -> None:
        if name == "sandbox":
            super()._launch(name)
            return
        box = self.home / f"{name}-box"
        mounts = (f"{box}/lianpei.toml:/etc/lianpei/lianpei.toml:ro", f"{box}/keys:/etc/lianpei/keys:ro")
        volumes = [f"--volume={one}" for one in (*mounts, f"{self.name(name)}:/var/lib/lianpei")]
        words = ["podman", "run", "--rm", "--network=host", f"--name={self.name(name)}", *_CONFINED, *_LIMITS]
        with (self.home / f"{name}.log").open("a", encoding="utf-8") as log:
            self.processes[name] = subprocess.Popen(
                [*words, *volumes, self.image, name], stdout=subprocess.PIPE, stderr=log, text=True
            )

    def healthy(self, room: str) -> bool:
        """What the room's health check says: the image's own, or for the payment room the one of the compose file."""
        if room == "gateway":
            return run("podman", "healthcheck", "run", self.name(room), check=False).returncode == 0
        services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
        _, *command = services["payment"]["healthcheck"]["test"]
        return run("podman", "exec", self.name(room), *command, check=False).returncode == 0

    def end(self, room: str, patience_s: float = 20) -> int:
        """SIGTERM as an engine sends it; the exit status."""
        process = self.processes.pop(room)
        run("podman", "kill", "--signal", "TERM", self.name(room))
        with process:
            return process.wait(patience_s)

    def stop(self) -> None:
        super().stop()
        for room in ("gateway", "payment"):
            run("podman", "rm", "--force", "--ignore", "--time=0", self.name(room), check=False)
            run("podman", "volume", "rm", "--force", self.name(room), check=False)
