"""The insurer ``package`` behind somebody in the middle who holds its key: answers are passed on, altered or swallowed."""

import asyncio
import json
import re
from typing import Any

import aiohttp
from yarl import URL

from gateway.sandbox.package import cipher
from support.doorstage import DoorStage

_LENGTH = re.compile(rb"content-length: (\d+)", re.I)
QUOTE, SETTLE = "S290", "S291"


class Middleman:
    """``quoted`` (yuan, as text) is told in place of the quote; after ``mute_after`` nothing is heard any more."""

    def __init__(self, stage: DoorStage, *, quoted: str = "", mute_after: str = "") -> None:
        self._stage = stage
        self._key = (stage.keys / "package-aes.secret").read_bytes()
        self._quoted = quoted
        self._mute_after = mute_after
        self.mute = False

    def heal(self) -> None:
        self.mute, self._mute_after = False, ""

    async def behave(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await self._body(head, reader)
        answer = await self._ask(head, body)
        op = self._operation(body)
        self.mute = self.mute or (op != "" and op == self._mute_after)
        if not self.mute:
            if op == QUOTE and self._quoted:
                answer = self._requoted(answer)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(answer) + answer)
            await writer.drain()

    @staticmethod
    async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
        length = _LENGTH.search(head)
        return await reader.readexactly(int(length[1])) if length else b""

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        line, *lines = head.decode().split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(entry.split(": ", 1) for entry in lines if entry)
        named = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
        url = URL(f"https://localhost:{self._stage.ports['package']}{path}", encoded=True)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body or None, headers=named, ssl=self._stage.context()) as answer,
        ):
            return await answer.read()

    def _operation(self, body: bytes) -> str:
        return str(self._opened(body)["package"]["head"]["busseID"]).strip() if body else ""

    def _opened(self, body: bytes) -> Any:
        return json.loads(cipher.decrypt(self._key, body))

    def _requoted(self, answer: bytes) -> bytes:
        try:
            document = self._opened(answer)
        except ValueError:  # in clear: the token ran out
            return answer
        document["package"]["body"][0]["sbFundPay"] = self._quoted
        return cipher.encrypt(self._key, json.dumps(document, ensure_ascii=False).encode())
