"""One connection to a peer, and one HTTP/1.1 exchange at a time on it (RFC 9112; parsed by llhttp through httptools).

Our own because the conversation needs the exact point from which a byte may have left us: before ``ask`` nothing was
written, after it everything is unknown until a whole answer is here.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import cast

import httptools
import msgspec

from gateway.kernel.errors import OutcomeUnknown

MAX_HEAD_BYTES = 64 * 1024
"""Bytes that may come before an answer's head is complete: the parser itself sets no bound."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """What the peer answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Link(asyncio.Protocol):
    """``usable`` while the connection is open and no exchange is under way. Bodies are bounded by ``room`` bytes."""

    def __init__(self, room: int, loop: asyncio.AbstractEventLoop) -> None:
        self._room, self._loop = room, loop
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self.idle_since = 0.0
        self._end = self._alarm_at = math.inf
        self._alarm: asyncio.TimerHandle | None = None
        """Rings once for many exchanges: nearly every answer comes long before its end."""
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = self._head = 0
        self._in_body = False

    @property
    def usable(self) -> bool:
        return self._answer is None and self._transport is not None and not self._transport.is_closing()

    @property
    def busy(self) -> bool:
        return self._answer is not None

    def ask(self, request: bytes, end: float) -> "asyncio.Future[HttpAnswer]":
        """Write the request. What is returned raises ``OutcomeUnknown``, at ``end`` (loop time) at the latest.

        Who stops waiting for it must ``close``, so that the answer does not come to the next one.
        """
        assert self._transport is not None
        self._answer, self._end = self._loop.create_future(), end
        if end < self._alarm_at:
            self._set_alarm(end)
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at, self._alarm = at, self._loop.call_at(at, self._rings)

    def _rings(self) -> None:
        self._alarm_at, self._alarm = math.inf, None
        if self._answer is None:
            return
        if self._loop.time() < self._end:
            self._set_alarm(self._end)
        else:
            self._fail("the peer did not answer in time", code="answer-late")

    def _fail(self, what: str, code: str) -> None:
        answer, self._answer = self._answer, None
        self._body = []  # link and parser hold each other: what is in here would stay until the collector comes by
        self.close()
        if answer is not None and not answer.done():
            answer.set_exception(OutcomeUnknown(what, code=code, hint="ask for the act's state"))

    def _succeed(self, keep: bool) -> None:
        answer, self._answer = self._answer, None
        made = HttpAnswer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        self._begin()
        if not keep:
            self.close()
        if answer is not None and not answer.done():
            answer.set_result(made)

    # The event loop calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked: whatever comes would be taken for the next answer
            self.close()
            return
        if not self._in_body:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as wrong:
            self._fail(f"the connection broke ({type(wrong).__name__})", code="answer-broken")
        if not self._in_body and self._head > MAX_HEAD_BYTES:
            self._fail("the answer's head is larger than allowed", code="answer-too-large")

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        ends_with_it = self._in_body and not {"content-length", "transfer-encoding"} & self._headers.keys()
        if self._alarm is not None:
            self._alarm.cancel()
        if error is None and ends_with_it and self._answer is not None:
            self._succeed(keep=False)
        self._fail(f"the connection broke ({type(error).__name__ if error else 'closed'})", code="answer-broken")

    # The parser calls these.

    def on_message_begin(self) -> None:
        if self._answer is None:  # a second answer behind the first
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_body = self._parser.get_status_code() >= 200
        announced = self._headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._room:
            self._fail("the answer is announced larger than allowed", code="answer-too-large")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._room:
            self._fail("the answer is larger than allowed", code="answer-too-large")
        else:
            self._body.append(part)

    def on_message_complete(self) -> None:
        if not self._in_body:  # an interim answer (1xx): the answer is still to come
            self._headers = {}
        elif self._answer is not None:
            self._succeed(self._parser.should_keep_alive())
