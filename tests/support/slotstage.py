"""A gateway whose insurer ``held`` is signed to by a key in a token behind a socket, as network HSMs are; ``calm`` is not."""

import base64
import glob
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gateway.wire.devkeys import create_development_keys
from support.certificates import put_key, put_private
from support.lanestage import Call, LaneStage

SOFT_TOKEN = "/usr/lib/softhsm/libsofthsm2.so"
_PIN = "TEST-pin-0001"
KEY = "held-gateway-rsa"
_SEAL = (
    f"seal: {{profile: exact-bytes, algorithm: rsa-sha256, own_key: {KEY}, peer_key: ant-insurer-rsa, answers: plain}}"
)


class TokenServer:
    """SoftHSM 2 with ``key`` in a process of its own; PKCS#11 calls reach it through p11-kit's socket."""

    def __init__(self, home: Path, key: rsa.RSAPrivateKey) -> None:
        self.public = key.public_key()
        self.socket = home / "socket"
        (home / "tokens").mkdir(parents=True)
        (home / "conf").write_text(f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\n", "ascii")
        self._environment = {**os.environ, "SOFTHSM2_CONF": str(home / "conf")}
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        put_private(home / "imported.pem", pem)
        self._util("--init-token", "--free", "--label", "lianpei", "--so-pin", _PIN)
        self._util("--import", str(home / "imported.pem"), "--token", "lianpei", "--label", "held", "--id", "01")
        (home / "imported.pem").unlink()
        self._process: subprocess.Popen[bytes] | None = None

    def _util(self, *words: str) -> None:
        subprocess.run(
            ["softhsm2-util", *words, "--pin", _PIN],
            check=True,
            capture_output=True,
            env=self._environment,
            timeout=20,
        )

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        words = ["p11-kit", "server", "-f", "-n", str(self.socket), "--provider", SOFT_TOKEN, "pkcs11:"]
        self._process = subprocess.Popen(
            words, env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        until = time.monotonic() + 10
        while not self.socket.exists():
            assert time.monotonic() < until, "the token's server does not start; scripts/test-tools installs p11-kit"
            time.sleep(0.02)

    def signal(self, what: signal.Signals) -> None:
        """To the server and to what serves each connection."""
        assert self._process is not None
        os.killpg(self._process.pid, what)

    def kill(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None


def client_module() -> str:
    found = glob.glob("/usr/lib/*/pkcs11/p11-kit-client.so")
    assert found, "p11-kit's client is missing; scripts/test-tools installs it"
    return found[0]


@dataclass
class SlotStage(LaneStage):
    """In the key directory lie the address of ``token``'s key, and another key beside it that must not be used."""

    token: TokenServer = field(kw_only=True)

    def prepare(self) -> None:
        super().prepare()
        manifest = self.home / "mappings/insurers/held/insurer.yaml"
        told = manifest.read_text("utf-8")
        assert "seal: {profile: plain}" in told
        manifest.write_text(told.replace("seal: {profile: plain}", _SEAL), "utf-8")

    def _launch(self, name: str) -> None:
        os.environ["P11_KIT_SERVER_ADDRESS"] = f"unix:path={self.token.socket}"
        try:
            super()._launch(name)
        finally:
            del os.environ["P11_KIT_SERVER_ADDRESS"]


def slot_keys(directory: Path, shared: Path) -> rsa.RSAPrivateKey:
    """A key directory in which ``held``'s key is an address; the key itself, for the token."""
    create_development_keys(shared)
    shutil.copytree(shared, directory)
    key = load_pem_private_key((shared / "ant-gateway-rsa.key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    address = f"pkcs11:token=lianpei;object=held?module-path={client_module()}&pin-source=held-pin\n"
    (directory / f"{KEY}.pkcs11").write_text(address, "ascii")
    put_private(directory / "held-pin.secret", _PIN.encode())
    put_key(directory, f"{KEY}.weaker", rsa.generate_private_key(65537, 2048))
    return key


def require_signed(call: Call, key: rsa.RSAPublicKey) -> None:
    """What ``held`` heard bears a signature by this key. Raises ``InvalidSignature``."""
    lines = call.head.decode().split("\r\n")
    line = next(one for one in lines if one.lower().startswith("x-signature:"))
    key.verify(base64.b64decode(line.partition(":")[2]), call.body, padding.PKCS1v15(), SHA256())
