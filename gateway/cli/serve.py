"""Commands that serve until they are told to stop: the gateway and the payment room."""

import argparse
import asyncio
import signal
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from gateway.app import start_gateway
from gateway.cli.lasting import Running, serving
from gateway.config import Settings, load_settings
from gateway.kernel.errors import ConfigRefused
from gateway.opening import load_keys
from gateway.payment.room import start_payment
from gateway.payment.schedule import Schedule
from gateway.payment.settings import ChannelPlace, PaymentRoomSettings
from gateway.wire.tls import client_context, server_context


def add_commands(commands: Any) -> None:
    for name, start, text in (
        ("gateway", _gateway, "serve hospitals and insurers (claims room and window) 理赔室与窗口"),
        ("payment", _payment, "serve the payment room, in a process of its own 支付室"),
    ):
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
        one.set_defaults(run=serving(start))


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
