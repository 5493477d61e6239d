"""Sets the whole stage on one machine: development keys, settings files, and sandbox, payment room and gateway as processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.nearby import ask_nearby
from gateway.cli.ports import release, require_free
from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import create_development_keys

ROOT = Path(__file__).resolve().parents[2]
_PAYMENT_KEYS = (
    "payment-tls.key.pem",
    "payment-tls.cert.pem",
    "ca.cert.pem",
    "clearing-payment.secret",
    "DEVELOPMENT-ONLY",
)
_PROCESSES = ("sandbox", "payment", "gateway")
OPERATORS = ("operator-one", "operator-two")
"""Throw-away persons with every role, two of them because one approves what the other proposes."""
FIVE = ("package", "huiyibao", "ant", "eclaimlink", "hcx")


@dataclass
class Stage:
    """Everything of one demonstration, below ``home``. Use as a context manager."""

    home: Path
    ports: dict[str, int]
    keys: Path
    callback_delay: float = 0.05
    database: str = "claims.db"
    insurers: tuple[str, ...] = FIVE
    """Who is connected, each with its simulator."""
    operators: tuple[str, ...] = ()
    """Who may do everything at the operators' door, each with the token of this name."""
    through: dict[str, int] = field(default_factory=dict)
    """Server -> port of a relay that its callers shall use instead (``cli/wall``)."""
    processes: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)
    _logged: dict[str, int] = field(default_factory=dict)
    """How long each log was when its process was launched."""

    def __enter__(self) -> "Stage":
        try:
            require_free(self.ports)
            self.prepare()
            for name in _PROCESSES:
                self._launch(name)
            for name in _PROCESSES:
                self._listening(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        release((*self.ports.values(), *self.through.values()))

    def prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        create_development_keys(self.keys)
        payment_keys = self.home / "payment-keys"
        payment_keys.mkdir(mode=0o700, exist_ok=True)
        for name in _PAYMENT_KEYS:
            shutil.copy2(self.keys / name, payment_keys / name)
        (self.home / "gateway.toml").write_text(self._gateway_settings(), "utf-8")
        (self.home / "payment.toml").write_text(self._payment_settings(payment_keys), "utf-8")

    def _gateway_settings(self) -> str:
        ports = self.ports
        insurers = "\n".join(
            f'[insurers.{code}]\nendpoint = "https://localhost:{ports[code]}"\nca = "ca.cert.pem"\n'
            for code in self.insurers
        )
        operators = "\n".join(
            f'[[operators]]\nname = "{name}"\ntoken = "{name}"\nroles = ["view", "view-body", "re-drive", "configure"]\n'
            for name in self.operators
        )
        return f"""mode = "development"
keys = "{self.keys}"
mappings = "{ROOT / "mappings"}"
schemas = "{ROOT / "schemas"}"

[claims]
database = "{self.database}"
hospital_door = {{ port = {ports["hospital"]}, certificate = "gateway-tls" }}
partner_door = {{ port = {ports["partner"]}, certificate = "gateway-tls" }}
operator_door = {{ port = {ports["operator"]} }}

[clearing]
payment_url = "https://localhost:{self._called("payment")}"
ca = "ca.cert.pem"
channels = ["pay", "deduct"]

[[hospitals]]
code = "H99990100001"
name = "测试医院一"
certificate_name = "H99990100001"
limits = {{ per_second = 20000, burst = 20000, open_bills = 2000 }}

[[hospitals]]
code = "H99990100002"
name = "测试医院二"
signing_key = "hospital-h2-sign"

[[hospitals]]
code = "H99990100003"
name = "测试医院三"
signing_key = "hospital-h3-hmac"

[[hospitals]]
code = "H99990100004"
name = "测试医院四"
password = "hospital-h4-password"
certificate_name = "H99990100004"

[hospitals.seals.yibao-6201]
profile = "yibao-mobile"
own_key = "mobile-gateway-sm2"
peer_key = "hospital-h4-sm2"
secret = "hospital-h4-app"
app_id = "TESTAPPID0000004TESTAPPID0000004"
answers = "plain"
exception = {{ until = "2027-12-31", reason = "the profile's cipher is SM4-ECB" }}

{operators}
{insurers}"""

    def _payment_settings(self, keys: Path) -> str:
        return f"""mode = "development"
keys = "{keys}"
mappings = "{ROOT / "mappings"}"
schemas = "{ROOT / "schemas"}"

[payment]
database = "payment.db"
door = {{ port = {self.ports["payment"]}, certificate = "payment-tls" }}
channel = "pay"
channel_endpoint = "https://localhost:{self._called("pay")}"
channel_ca = "ca.cert.pem"

[payment.channels.deduct]
endpoint = "https://localhost:{self.ports["deduct"]}"
ca = "ca.cert.pem"
"""

    def _called(self, name: str) -> int:
        return self.through.get(name, self.ports[name])

    def start(self, name: str) -> None:
        """Start one process and wait until it says that it listens. Raises ``ConfigRefused`` with its last words."""
        self._launch(name)
        self._listening(name)

    def _launch(self, name: str) -> None:
        temporary = self.home / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)  # so that a search of the stage finds temporary files too
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)}
        command = [sys.executable, *self._program(name), name, *self._arguments(name)]
        with (self.home / f"{name}.log").open("a", encoding="utf-8") as log:
            self._logged[name] = log.tell()
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=environment
            )

    def _program(self, _name: str) -> list[str]:
        return ["-m", "gateway"]

    def _listening(self, name: str) -> None:
        process = self.processes[name]
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith('{"listening"'):
            raise ConfigRefused(
                f"the {name} process did not start (exit status {process.wait(5)})",
                hint=self._last_words(name) or "It said nothing; see its log.",
            )

    def _last_words(self, name: str) -> str:
        """What a process told a person, not what it logged."""
        told = (self.home / f"{name}.log").read_bytes()[self._logged.get(name, 0) :].decode("utf-8", "replace")
        return "\n".join(line for line in told.splitlines() if not line.startswith("{"))[-2000:]

    def _arguments(self, name: str) -> list[str]:
        if name != "sandbox":
            return ["--config", str(self.home / f"{name}.toml")]
        mine = {code: self.ports[code] for code in (*self.insurers, "pay", "deduct")}
        door = f"https://localhost:{self.ports['partner']}"
        delay = str(self.callback_delay)
        return ["--keys", str(self.keys), "--gateway", door, "--ports", json.dumps(mine), "--delay", delay]

    def kill(self, name: str) -> None:
        """SIGKILL, as a power cut would."""
        process = self.processes.pop(name)
        process.kill()
        _reap(process)

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes.values()):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
            _reap(process)
        self.processes.clear()

    def ready(self, patience_s: float = 30.0) -> None:
        """Wait until the gateway says that it is ready."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                ask_nearby(f"http://127.0.0.1:{self.ports['operator']}/readyz", timeout=1)
                return
            time.sleep(0.05)
        raise ConfigRefused("the gateway did not become ready", hint=f"See {self.home / 'gateway.log'}.")


def _reap(process: "subprocess.Popen[str]") -> None:
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
