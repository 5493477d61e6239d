"""The stage of a wall run: with relays between the rooms, two operators at their door and a webhook at hospital one."""

import contextlib
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.cli.wall.hook import Hook, hook_on
from gateway.cli.wall.relay import Relay

CERTIFICATES = {"payment": "payment-tls", "pay": "sandbox-tls"}
"""Server that a relay stands before -> the certificate that it shows."""
OPERATORS = ("li.na", "wang.wei")
_HOOK = "hook"
_HOOK_KEY = "webhook-h1"
_ROLES = '["view", "view-body", "re-drive", "configure"]'


@dataclass
class WallStage(Stage):
    tokens: dict[str, str] = field(default_factory=dict)
    hook: Hook = field(default_factory=Hook)

    def prepare(self) -> None:
        super().prepare()
        self._secret(_HOOK_KEY)
        self.tokens = {name: self._secret(_token(name)) for name in OPERATORS}

    def _secret(self, name: str) -> str:
        """What the key directory has under this name, made on the first call."""
        file = self.keys / f"{name}.secret"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(32), "ascii")
        return file.read_text("ascii")

    def _gateway_settings(self) -> str:
        port = self.through[_HOOK]
        certificate = 'certificate_name = "H99990100001"\n'
        hook = f'webhook = {{ url = "https://localhost:{port}/h1", key = "{_HOOK_KEY}", ca = "ca.cert.pem" }}\n'
        rules = f'[claims.webhooks]\nports = [{port}]\nnetworks = ["127.0.0.0/8", "::1/128"]\n'
        rules += '[claims.reconciliation]\nlock_at = ""\n\n[clearing]'
        told = super()._gateway_settings().replace(certificate, certificate + hook).replace("[clearing]", rules)
        return told + "".join(
            f'[[operators]]\nname = "{name}"\ntoken = "{_token(name)}"\nroles = {_ROLES}\n\n' for name in OPERATORS
        )


def _token(operator: str) -> str:
    return f"admin-{operator.replace('.', '-')}"


@contextlib.contextmanager
def wall_stage(home: Path) -> Iterator[tuple[WallStage, dict[str, Relay]]]:
    """A stage whose payment room and channel are reached through relays that keep what passes."""
    ports, through = free_ports(), free_ports(_HOOK)
    passed = {name: through[name] for name in (*CERTIFICATES, _HOOK)}
    stage = WallStage(home, ports, home / "keys", through=passed)
    stage.prepare()
    with contextlib.ExitStack() as stack:
        relays = {name: stack.enter_context(_relay(stage, name)) for name in CERTIFICATES}
        stage.hook = stack.enter_context(hook_on(through[_HOOK], _server(stage, "sandbox-tls")))
        stack.enter_context(stage)
        stage.ready()
        yield stage, relays


def _relay(stage: Stage, name: str) -> Relay:
    client = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem"))
    return Relay(stage.through[name], stage.ports[name], _server(stage, CERTIFICATES[name]), client)


def _server(stage: Stage, certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stage.keys / f"{certificate}.cert.pem", stage.keys / f"{certificate}.key.pem")
    return context
