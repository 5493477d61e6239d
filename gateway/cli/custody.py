"""How a command reaches the claims room: through the gateway's own socket while it runs, else by opening the database."""

import asyncio
import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from gateway.claims.custody.wish import Wish
from gateway.config import ClaimsSettings, Settings, load_settings
from gateway.kernel.errors import LianpeiError
from gateway.opening import keeper_socket, no_claims, open_keeper


def home_of(config: str | None) -> tuple[Settings, ClaimsSettings, Path]:
    settings = load_settings(config)
    if settings.claims is None:
        raise no_claims()
    source = config or os.environ.get("LIANPEI_CONFIG", "lianpei.toml")
    return settings, settings.claims, Path(source).resolve().parent


def ask(config: str | None, wish: Wish) -> dict[str, Any]:
    """The keeper's answer. Raises ``LianpeiError`` with its words."""
    settings, claims, home = home_of(config)
    try:
        return _over_socket(keeper_socket(home, claims), wish)
    except (FileNotFoundError, ConnectionRefusedError):
        return asyncio.run(_alone(settings, home, wish))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=600)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _over_socket(path: Path, wish: Wish) -> dict[str, Any]:
    connection = _UnixConnection(path)
    try:
        connection.request("POST", "/wish", msgspec.json.encode(wish), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
    finally:
        connection.close()
    if reply.status != 200:
        fields = tuple(answer.get("fields", ()))
        raise LianpeiError(answer["title"], code=answer["code"], hint=answer.get("hint", ""), fields=fields)
    return answer


async def _alone(settings: Settings, home: Path, wish: Wish) -> dict[str, Any]:
    keeper, store = open_keeper(settings, home)
    try:
        answer: dict[str, Any] = json.loads(msgspec.json.encode(await keeper.perform(f"uid:{os.getuid()}", wish)))
        return answer
    finally:
        await store.close()
