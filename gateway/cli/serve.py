"""Commands that serve until they are told to stop: the gateway and the payment room."""

import argparse
import asyncio
import gc
import json
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Protocol

import uvloop

from gateway.app import start_gateway
from gateway.config import Settings, load_settings
from gateway.kernel.errors import ConfigRefused
from gateway.opening import load_keys
from gateway.payment.room import start_payment
from gateway.payment.schedule import Schedule
from gateway.payment.settings import ChannelPlace, PaymentRoomSettings
from gateway.telemetry.logs import setup_logging
from gateway.wire.tls import client_context, server_context


class Running(Protocol):
    @property
    def ports(self) -> dict[str, int]: ...

    async def stop(self) -> None: ...


def add_commands(commands: Any) -> None:
    for name, start, text in (
        ("gateway", _gateway, "serve hospitals and insurers (claims room and window) 理赔室与窗口"),
        ("payment", _payment, "serve the payment room, in a process of its own 支付室"),
    ):
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
        one.set_defaults(run=serving(start))


def serving(start: Callable[[argparse.Namespace], Awaitable[Running]]) -> Callable[[argparse.Namespace], int]:
    """A command that starts something, says which ports it took and stops it on SIGTERM or SIGINT."""

    def run(chosen: argparse.Namespace) -> int:
        setup_logging()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(start, chosen))
        return 0

    return run


def _settle_down() -> None:
    """What start-up made lives as long as the process: the collector need not look at it again, nor look so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.001)  # the committing thread waits for the interpreter at most this long


def _set_limits() -> None:
    """As many open files as this user may have, since each connection is one; and no core file, which would hold every key."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _until_told(start: Callable[[argparse.Namespace], Awaitable[Running]], chosen: argparse.Namespace) -> None:
    """Start, say on standard output which ports were taken, and stop in order on SIGTERM or SIGINT."""
    _set_limits()
    running = await start(chosen)
    _settle_down()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    print(json.dumps({"listening": running.ports}), flush=True)
    await told.wait()
    await running.stop()


def _home(chosen: argparse.Namespace) -> tuple[Settings, Path]:
    settings = load_settings(chosen.config)
    return settings, Path(chosen.config or "lianpei.toml").resolve().parent


async def _gateway(chosen: argparse.Namespace) -> Running:
    settings, home = _home(chosen)
    gateway = await start_gateway(settings, home)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.renewal.ask)
    return gateway


async def _payment(chosen: argparse.Namespace) -> Running:
    return await start_payment(payment_room(*_home(chosen)))


def payment_room(settings: Settings, home: Path) -> PaymentRoomSettings:
    """What the payment room is told of ``settings``. Raises ``ConfigRefused``."""
    room = settings.payment
    if room is None:
        raise ConfigRefused("the settings have no [payment] part", hint="See docs/settings.md.")
    key_dir = Path(settings.keys)
    ring = load_keys(key_dir, settings.mode)
    folders = Path(settings.mappings) / "payment"

    def place(code: str, endpoint: str, ca: str) -> ChannelPlace:
        secure = endpoint.startswith("https:")
        tls = client_context(key_dir / ca if ca else None, ring, "") if secure else None
        return ChannelPlace(endpoint, folders / code, tls)

    usual = place(room.channel, room.channel_endpoint, room.channel_ca)
    later = room.pay_later
    return PaymentRoomSettings(
        database=home / room.database,
        host=room.door.host,
        port=room.door.port,
        limits=room.door.limits,
        tls=server_context(ring, room.door.certificate, None) if room.door.certificate else None,
        secret=ring.secret(room.secret),
        certificates=ring.certificate_days,
        channel=room.channel,
        channel_endpoint=usual.endpoint,
        channel_tls=usual.tls,
        mappings=usual.mappings,
        others={code: place(code, one.endpoint, one.ca) for code, one in room.channels.items()},
        schedule=Schedule(time.fromisoformat(later.push), time.fromisoformat(later.deduct), later.days),
        return_watch=timedelta(days=room.return_watch_days),
        schemas=Path(settings.schemas) / "payment",
    )
