"""A group of routes that adds itself to a door."""

from typing import Protocol

from aiohttp import web


class Part(Protocol):
    def add_to(self, app: web.Application) -> None: ...
