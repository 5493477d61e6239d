"""Keys once a session and one running world per test."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ant_support import Platform, Signer
from huiyibao_support import World, world_of
from package_support import Hospital
from sandbox_support import AES_KEY, APP_SECRET, Gateway, gateway_door, make_keys, serving

from gateway.sandbox.ant import AntSimulator
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.package import PackageSimulator


@pytest.fixture(scope="session")
def sandbox_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("sandbox-keys"))


@pytest.fixture
async def platform(sandbox_keys: Path) -> AsyncIterator[Platform]:
    gateway = Gateway()
    async with gateway_door(gateway) as url:
        settings = SimulatorSettings(sandbox_keys, url, delay_s=0.01, slow_s=0.3)
        async with serving(AntSimulator(settings)) as peer:
            client = Platform(peer.session, peer.url)
            client.signer, client.gateway = Signer(sandbox_keys), gateway
            gateway.answer = client.acknowledge
            yield client


@pytest.fixture
async def hospital(tmp_path: Path) -> AsyncIterator[Hospital]:
    (tmp_path / "package-aes.secret").write_bytes(AES_KEY)
    (tmp_path / "package-app.secret").write_text(APP_SECRET)
    settings = SimulatorSettings(tmp_path, "http://127.0.0.1:9", slow_s=0.2)
    async with serving(PackageSimulator(settings)) as peer:
        client = Hospital(peer.session, peer.url)
        await client.log_in()
        yield client


@pytest.fixture
async def world(sandbox_keys: Path) -> AsyncIterator[World]:
    """The 惠医保 insurer between a hospital and a gateway that answers every callback with code 0."""
    async with world_of(sandbox_keys, slow_s=0.3) as one:
        yield one


@pytest.fixture
def sandbox_tls(tmp_path: Path) -> Path:
    """A directory with a server certificate for 127.0.0.1 that signs itself."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=sandbox", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(tmp_path / "sandbox-tls.key.pem"), "-out", str(tmp_path / "sandbox-tls.cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path
