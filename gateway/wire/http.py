"""One HTTP client per partner: bounded in time, size and connections, and honest about what it does not know.

``NotSent`` is raised only while no connection was obtained; from that moment on a byte may have left us, so every
trouble is ``OutcomeUnknown``. Error texts carry no address, query or header: tokens travel there.
"""

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from yarl import URL

from gateway.kernel.errors import ConfigRefused, NotSent, OutcomeUnknown

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_TROUBLE = (aiohttp.ClientError, OSError, TimeoutError, ValueError, zlib.error)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the peer answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one partner's client never exceeds."""

    keepalive_s: float = 15.0
    """Shorter than common servers keep idle connections, so that we seldom write into one that is being closed."""
    connect_s: float = 3.0
    attempts: int = 3
    """How often a call is tried while nothing could be sent."""
    answer_bytes: int = MAX_ANSWER_BYTES
    """Upper bound of an answer's body, after inflating."""


@dataclass(slots=True)
class Call:
    """What is known of a call under way."""

    connected: bool = False


_call: ContextVar[Call] = ContextVar("lianpei_call")


class PartnerClient:
    """Close it with ``close``; it must be made inside a running event loop."""

    def __init__(
        self, base_url: str, *, tls: ssl.SSLContext | None = None, limit: int = 32, bounds: Bounds | None = None
    ) -> None:
        """``limit`` is the number of connections; a call beyond it waits within its own deadline."""
        self._base = _base(base_url)
        self._bounds = bounds or Bounds()
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=limit, keepalive_timeout=self._bounds.keepalive_s, ssl=tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,
    ) -> HttpAnswer:
        """Send one request; any HTTP status, redirects included, is an answer.

        ``deadline_s`` bounds everything: waiting for a connection, repeats and reading. Raises ``NotSent`` (tried again
        here within the deadline) or ``OutcomeUnknown`` (never tried again here).
        """
        url = _join(self._base, path, query) if query else _plain(self._base, path)
        end = asyncio.get_running_loop().time() + deadline_s
        try:
            return await self._once(method, url, headers, body, end)
        except NotSent as first:
            return await self._again(first, method, url, headers, body, end)

    async def _again(
        self, first: NotSent, method: str, url: URL, headers: Mapping[str, str], body: bytes, end: float
    ) -> HttpAnswer:
        loop = asyncio.get_running_loop()
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(NotSent),
            stop=lambda state: (
                stop_after_attempt(self._bounds.attempts)(state) or loop.time() + state.upcoming_sleep >= end
            ),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise first
                return await self._once(method, url, headers, body, end)
        raise first

    async def _once(self, method: str, url: URL, headers: Mapping[str, str], body: bytes, end: float) -> HttpAnswer:
        left = max(end - asyncio.get_running_loop().time(), 0.001)
        call = Call()
        _call.set(call)
        timeout = aiohttp.ClientTimeout(total=left, sock_connect=min(self._bounds.connect_s, left))
        try:
            async with self._session.request(
                method,
                url,
                data=body or None,
                headers={"Accept-Encoding": "identity", **headers},
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                answer = await self._read(response)
                names = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status, names, answer)
        except _TROUBLE as trouble:
            raise _judge(trouble, sent=call.connected) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        room = self._bounds.answer_bytes
        raw = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            raw += chunk
            if len(raw) > room:
                raise _too_large()
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        return bytes(raw) if encoding in ("", "identity") or not raw else _inflate(bytes(raw), encoding, room)


def _inflate(raw: bytes, encoding: str, room: int) -> bytes:
    if encoding not in _WINDOW_BITS:
        raise OutcomeUnknown("the answer has an unknown content encoding", code="answer-encoding")
    inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
    plain = inflater.decompress(raw, room + 1)
    if len(plain) > room:
        raise _too_large()
    if not inflater.eof:
        raise OutcomeUnknown("the answer's compressed body is cut off", code="answer-broken")
    return plain


def _too_large() -> OutcomeUnknown:
    return OutcomeUnknown("the answer is larger than allowed", code="answer-too-large", hint="ask for the act's state")


def _judge(trouble: BaseException, *, sent: bool) -> NotSent | OutcomeUnknown:
    kind = type(trouble).__name__
    if not sent:
        return NotSent(
            f"no connection to the peer ({kind})", hint="check the address, the network and the certificates"
        )
    if isinstance(trouble, TimeoutError):
        return OutcomeUnknown("the peer did not answer in time", code="answer-late", hint="ask for the act's state")
    return OutcomeUnknown(f"the connection broke ({kind})", code="answer-broken", hint="ask for the act's state")


class _Connector(aiohttp.TCPConnector):
    """Tells the call it serves when a connection is had: from that moment on a byte may leave us."""

    async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ASYNC109 - aiohttp's shape
        connection = await super().connect(req, traces, timeout)
        _call.get().connected = True
        return connection


def _base(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment or url.user:
        raise ConfigRefused(
            "a partner's endpoint must be an http or https address without query, fragment or user",
            code="endpoint",
            hint="mend the endpoint in the manifest or in the deployment's settings",
        )
    return url


@lru_cache(maxsize=256)
def _plain(base: URL, path: str) -> URL:
    return _join(base, path, {})


def _join(base: URL, path: str, query: Mapping[str, str]) -> URL:
    """The path below the base; a text that would change the host, the query or climb up is refused."""
    steps = path.split("/")
    if not path.startswith("/") or any(mark in path for mark in "?#\\") or ".." in steps or "." in steps:
        raise ConfigRefused(
            "an act's path must be plain and start with /", code="endpoint", hint="mend the mapping's path"
        )
    return base.with_path(base.path.rstrip("/") + path).with_query(query)
