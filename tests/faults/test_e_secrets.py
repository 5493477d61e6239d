"""Group E, what must not get out or in: connections to whoever is not the insurer, and private keys anywhere but in their files."""

import asyncio
import re
import sqlite3
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.certificates import SERVER, Issuer, put_certificate, put_key, put_private, rsa_key
from support.house import House

from gateway.cli.stage import ROOT, Stage
from gateway.kernel.errors import ConfigRefused, NotSent
from gateway.wire.http import PartnerClient
from gateway.wire.keys import KeyRing
from gateway.wire.tls import client_context


@asynccontextmanager
async def _insurer(tmp_path: Path, issuer: Issuer, **chosen: Any) -> AsyncIterator[tuple[str, list[int]]]:
    """A TLS server with such a certificate; counts the bytes of requests that came."""
    key = chosen.pop("key", rsa_key(7))
    weak = chosen.pop("weak", False)
    put_key(tmp_path, "server", key)
    put_certificate(tmp_path, "server", issuer.issue("insurer", key, purposes=(SERVER,), **chosen))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(tmp_path / "server.cert.pem", tmp_path / "server.key.pem")
    came: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(len(await reader.read(1000)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f":{server.sockets[0].getsockname()[1]}", came
    finally:
        server.close()


TRUSTED = Issuer("Pinned")
BAD_TLS: dict[str, tuple[str, Issuer, dict[str, Any]]] = {
    "another name": ("127.0.0.1", TRUSTED, {}),
    "ended": ("localhost", TRUSTED, {"days": -1}),
    "of another authority": ("localhost", Issuer("Pinned"), {}),
    "an old protocol": ("localhost", TRUSTED, {"weak": True}),
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("name", BAD_TLS)
async def test_e10_an_insurer_with_a_bad_certificate_gets_not_a_byte(tmp_path: Path, name: str) -> None:
    host, issuer, chosen = BAD_TLS[name]
    ca = put_certificate(tmp_path, "ca", TRUSTED.certificate)
    async with _insurer(tmp_path, issuer, **chosen) as (port, came):
        ours = PartnerClient(f"https://{host}{port}", tls=client_context(ca, KeyRing(tmp_path, {}, {}, {})))
        with pytest.raises(NotSent):
            await ours.send("POST", "/x", {}, {}, b"body", 1.0)
        await ours.close()

    assert came == []


async def test_e10_a_good_one_is_called_and_a_self_signed_one_is_not(tmp_path: Path) -> None:
    ca = put_certificate(tmp_path, "ca", TRUSTED.certificate)
    async with _insurer(tmp_path, TRUSTED) as (port, came):
        for tls, calls in (
            (client_context(ca, KeyRing(tmp_path, {}, {}, {})), 1),
            (client_context(None, KeyRing(tmp_path, {}, {}, {})), 1),
        ):
            ours = PartnerClient(f"https://localhost{port}", tls=tls)
            try:
                await ours.send("POST", "/x", {}, {}, b"body", 1.0)
            except NotSent:
                assert came, "the system's authorities do not know it"
            await ours.close()
            assert len(came) == calls


PROBE = ROOT / "gateway/cli/conformance/trust.py"
"""Tries which old protocols a partner's endpoint still speaks: a bare handshake, over which nothing is sent."""


def test_e10_nothing_turns_the_checks_off() -> None:
    found = []
    for file in sorted(set((ROOT / "gateway").rglob("*.py")) - {PROBE}):
        text = file.read_text("utf-8")
        found += [
            file.name
            for word in ("CERT_NONE", "check_hostname = False", "_create_unverified", "verify=False")
            if word in text
        ]
        if "sandbox" not in file.parts:
            found += [file.name for word in ("ssl=False", "TLSv1_1", "SECLEVEL=0") if word in text]
    assert found == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620])
@pytest.mark.parametrize("kind", ["key.pem", "secret"])
def test_e12_a_private_file_that_others_can_read_stops_the_start(tmp_path: Path, mode: int, kind: str) -> None:
    put_key(tmp_path, "us", rsa_key(0))
    put_private(
        tmp_path / "us.secret" if kind == "secret" else tmp_path / "us.key.pem", (tmp_path / "us.key.pem").read_bytes()
    )
    (tmp_path / f"us.{kind}").chmod(mode)

    with pytest.raises(ConfigRefused) as refused:
        KeyRing.from_directory(tmp_path)
    assert refused.value.error_code in ("key-mode", "key-readable", "key-permissions")


def _privates(stage: Stage) -> list[bytes]:
    """What must be nowhere else: secrets whole, private keys by a line of their middle."""
    found = [file.read_bytes().strip() for file in stage.keys.glob("*.secret") if len(file.read_bytes()) >= 24]
    found += [
        file.read_bytes().splitlines()[2] for file in stage.keys.glob("*.key.pem") if file.read_bytes().count(b"\n") > 4
    ]
    assert len(found) > 15
    return found


def _told_of(stage: Stage, what: str) -> bytes:
    """What the system tells of the running gateway."""
    return Path(f"/proc/{stage.processes['gateway'].pid}/{what}").read_bytes()


async def test_e12_no_key_is_in_a_log_a_metric_a_backup_or_the_environment(
    house: House, stage: Stage, tmp_path: Path
) -> None:
    await house.settle(sample_bill("package"))
    page = (await house.call("GET", "/metrics", door="operator")).body
    backup = tmp_path / "backup.db"
    with sqlite3.connect(stage.home / "claims.db") as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    places = {
        "environment": _told_of(stage, "environ"),
        "command line": _told_of(stage, "cmdline"),
        "metrics": page,
        "backup": backup.read_bytes(),
        **{log.name: log.read_bytes() for log in stage.home.glob("*.log")},
    }

    privates = _privates(stage)
    assert [name for name, data in places.items() if any(one in data for one in privates)] == []


def test_e12_a_running_gateway_leaves_no_core_file(stage: Stage) -> None:
    limits = _told_of(stage, "limits").decode().splitlines()
    core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_e12_the_image_takes_no_key_along() -> None:
    """Everything is left out of the build but what is named; no name of it holds keys."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    named = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    assert not {"certs-example", "var", ".", "*"} & named
    private = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\n[A-Za-z0-9+/]")
    for place in named:
        files = (
            [path for path in (ROOT / place).rglob("*") if path.is_file()]
            if (ROOT / place).is_dir()
            else [ROOT / place]
        )
        assert not [path for path in files if private.search(path.read_bytes())]
