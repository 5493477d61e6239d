"""A whole house in one process: simulators, payment room and gateway on real sockets, under one clock that can be turned."""

import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as daytime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway.app import start_gateway
from gateway.cli.ports import free_ports
from gateway.cli.serve import payment_room
from gateway.cli.stage import Stage
from gateway.config import Settings, load_settings
from gateway.kernel.clock import SHANGHAI
from gateway.payment.room import RunningPayment, start_payment
from gateway.wire.keys import KeyRing
from gateway.wire.tls import server_context

_BRISK = {"clearing": {"every": 0.05}}
"""A play is watched: the window looks often."""


class TurnedClock:
    """The system's clock, turned on by what a scenario asks; it never goes back."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead.total_seconds()

    def turn(self, to: str) -> None:
        """``20:01``: the next such time of day in Shanghai; ``+1d``: so many days on."""
        if to.startswith("+"):
            self._ahead += timedelta(days=int(to[1:-1]))
            return
        here = self.now().astimezone(SHANGHAI)
        wished = datetime.combine(here.date(), daytime.fromisoformat(to), SHANGHAI)
        self._ahead += (wished if wished > here else wished + timedelta(days=1)) - here


@dataclass
class OpenHouse:
    home: Path
    urls: Mapping[str, str]
    session: aiohttp.ClientSession
    """Proves itself as hospital one."""
    clock: TurnedClock
    _room: RunningPayment

    async def pay_by(self, differs: Mapping[str, Any]) -> None:
        """Start the payment room again with other settings: it goes on with what its rows say."""
        await self._room.stop()
        self._room = await _open_room(self.home, differs, self.clock)

    async def close_room(self) -> None:
        await self._room.stop()


async def _open_room(home: Path, differs: Mapping[str, Any], clock: TurnedClock) -> RunningPayment:
    return await start_payment(payment_room(_settings(home / "payment.toml", differs), home), clock)


@asynccontextmanager
async def open_house(home: Path, keys: Path, differs: Mapping[str, Any]) -> AsyncIterator[OpenHouse]:
    """``differs`` is laid over the settings of the demonstration. Raises ``ConfigRefused``."""
    # Imported here: a production image has neither the sandbox's libraries nor a use for them.
    from gateway.sandbox.common.base import SimulatorSettings
    from gateway.sandbox.server import serve_all

    stage, clock = Stage(home, free_ports(), keys), TurnedClock()
    stage.prepare()
    ring, ca = KeyRing.from_directory(keys), keys / "ca.cert.pem"
    async with AsyncExitStack() as leaving:
        door = f"https://localhost:{stage.ports['partner']}"
        simulators = SimulatorSettings(keys=keys, gateway_url=door, ca=ca, clock=clock)
        mine = {code: stage.ports[code] for code in (*stage.insurers, "pay", "deduct")}
        served = await serve_all(simulators, mine, server_context(ring, "sandbox-tls", None))
        leaving.push_async_callback(served.stop)
        tls = ssl.create_default_context(cafile=str(ca))
        tls.load_cert_chain(keys / "hospital-h1.cert.pem", keys / "hospital-h1.key.pem")
        connector, patience = aiohttp.TCPConnector(ssl=tls), aiohttp.ClientTimeout(total=90)
        session = await leaving.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=patience))
        urls = {name: f"https://localhost:{port}" for name, port in stage.ports.items()}
        urls["operator"] = f"http://127.0.0.1:{stage.ports['operator']}"
        house = OpenHouse(home, urls, session, clock, await _open_room(home, differs, clock))
        leaving.push_async_callback(house.close_room)
        gateway = await start_gateway(_settings(home / "gateway.toml", differs), home, clock)
        leaving.push_async_callback(gateway.stop, 0)
        yield house


def _settings(file: Path, differs: Mapping[str, Any]) -> Settings:
    """The demonstration's settings with what differs in the parts that this file has."""
    usual = msgspec.to_builtins(load_settings(file))
    wished = _laid_over(_BRISK, differs)
    mine = {part: wish for part, wish in wished.items() if usual.get(part) is not None}
    return msgspec.convert(_laid_over(usual, mine), Settings)


def _laid_over(usual: Any, wish: Any) -> Any:
    """Objects member by member; what a list has more is added to it."""
    if isinstance(usual, dict) and isinstance(wish, Mapping):
        return usual | {name: _laid_over(usual.get(name), one) for name, one in wish.items()}
    return [*usual, *wish] if isinstance(usual, list | tuple) and isinstance(wish, list | tuple) else wish
