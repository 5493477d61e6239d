"""A gateway of its own with short patience and narrow doors, its insurer ``package`` played by the test, and attackers."""

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from gateway.cli.stage import Stage

ATTACKER = "127.0.0.2"
"""Where attacks come from; hospitals come from 127.0.0.1."""
LIMITS = "limits = { connections = 1200, per_address = 400, idle_s = 2, body_s = 2, answer_s = 2 }"
OPERATORS = {
    "li.na": ("view", "re-drive"),
    "wang.wei": ("view", "re-drive", "configure"),
    "reader": ("view-body",),
    "auditor": ("view",),
}
Peer = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request whose head was read."""


@dataclass
class DoorStage(Stage):
    """Sandbox and gateway; no payment room. ``evil_port`` is where the gateway looks for the insurer ``package``."""

    evil_port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        try:
            self.prepare()
            for name in ("sandbox", "gateway"):
                self._launch(name)
            for name in ("sandbox", "gateway"):
                self._listening(name)
            self.ready()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self) -> None:
        super().prepare()
        for name in OPERATORS:
            file = self.keys / f"admin-{name.replace('.', '-')}.secret"
            if not file.exists():  # stages share their keys: what a running one read stays
                file.touch(mode=0o600)
                file.write_text(secrets.token_hex(32))
            self.tokens[name] = file.read_text("ascii")

    def _gateway_settings(self) -> str:
        told = super()._gateway_settings()
        told = told.replace('certificate = "gateway-tls" }', f'certificate = "gateway-tls", {LIMITS} }}')
        told = told.replace(f"localhost:{self.ports['package']}", f"localhost:{self.evil_port}")
        two, three = 'signing_key = "hospital-h2-sign"', 'signing_key = "hospital-h3-hmac"'
        told = told.replace(two, f"{two}\nlimits = {{ per_second = 2, burst = 10 }}")
        told = told.replace(three, f"{three}\nlimits = {{ open_bills = 2, body_bytes = 100000 }}")
        return told + "".join(map(_operator, OPERATORS))

    @property
    def pid(self) -> int:
        return self.processes["gateway"].pid

    def resident(self) -> float:
        """MiB of the gateway's memory now."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    async def peak(self, until: "asyncio.Future[Any]") -> float:
        """The most memory (MiB) that was seen until then."""
        most = self.resident()
        while not until.done():
            await asyncio.sleep(0.05)
            most = max(most, self.resident())
        return most

    async def comes_down_to(self, descriptors: int, patience_s: float = 8) -> bool:
        """Whether the gateway closes its files and sockets but so many in that time."""
        until = time.monotonic() + patience_s
        while self.descriptors() > descriptors:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.1)
        return True

    def context(self, *, proven: bool = False) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(self.keys / "ca.cert.pem"))
        if proven:
            made.load_cert_chain(self.keys / "hospital-h1.cert.pem", self.keys / "hospital-h1.key.pem")
        return made

    async def attack(
        self, door: str = "hospital", *, proven: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TLS connection from the attacker's address; ``proven``: with hospital one's certificate."""
        return await asyncio.open_connection(
            "127.0.0.1",
            self.ports[door],
            ssl=self.context(proven=proven),
            server_hostname="localhost",
            local_addr=(ATTACKER, 0),
        )


def _operator(name: str) -> str:
    roles = ", ".join(f'"{role}"' for role in OPERATORS[name])
    return f'\n[[operators]]\nname = "{name}"\ntoken = "admin-{name.replace(".", "-")}"\nroles = [{roles}]\n'


class EvilInsurer:
    """Answers at ``DoorStage.evil_port`` as ``behave`` does."""

    def __init__(self, stage: DoorStage) -> None:
        self._stage = stage
        self.calls = 0
        self.behave: Peer = _hang_up

    async def __aenter__(self) -> Self:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._stage.keys / "sandbox-tls.cert.pem", self._stage.keys / "sandbox-tls.key.pem")
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._stage.evil_port, ssl=context)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.calls += 1
            await self.behave(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _hang_up(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
