"""One HTTP client per partner: bounded in time, size and connections, and honest about what it does not know.

``NotSent`` is raised only while no connection was obtained; from that moment on a byte may have left us, so every
trouble is ``OutcomeUnknown``. Error texts carry no address, query or header: tokens travel there.
"""

import asyncio
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from yarl import URL

from gateway.kernel.errors import ConfigRefused, NotSent, OutcomeUnknown
from gateway.wire.link import HttpAnswer, Link
from gateway.wire.targets import TargetRefused, Targets

__all__ = ["Bounds", "HttpAnswer", "PartnerClient"]

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""As much as a partner's own call may bring."""
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_ALWAYS = "User-Agent: lianpei\r\nAccept-Encoding: identity\r\n"
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "upgrade"})
"""Headers that frame the message or choose the peer: never a mapping's."""


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


class PartnerClient:
    """Close it with ``close``; it must be made inside a running event loop."""

    def __init__(
        self,
        base_url: str,
        *,
        tls: ssl.SSLContext | None = None,
        limit: int = 32,
        bounds: Bounds | None = None,
        targets: Targets | None = None,
    ) -> None:
        """``limit`` is the number of connections; a call beyond it waits within its own deadline.

        ``targets`` holds every connection to the addresses that may be called: for an address a hospital gave.
        """
        if targets is not None:
            targets.require_form(base_url)
        self._loop = asyncio.get_running_loop()
        self._base = _base(base_url)
        self._targets = targets
        self._place = (self._base.host or "", self._base.port or 0)
        self._bounds = bounds or Bounds()
        self._tls = (tls or ssl.create_default_context()) if self._base.scheme == "https" else None
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        """For a connection, while none is free."""
        self._idle: list[Link] = []
        self._links: set[Link] = set()

    async def close(self) -> None:
        self._idle.clear()
        while self._links:
            self._links.pop().close()

    def renew_tls(self, tls: ssl.SSLContext) -> None:
        """Connect with ``tls`` from now on. Calls that are under way end on the connection they have."""
        self._tls = tls
        while self._idle:
            self._let_go(self._idle.pop())

    async def reach(self) -> None:
        """Connect, TLS included, and hang up: nothing is sent. Raises ``NotSent``."""
        self._let_go(await self._connect(self._loop.time() + self._bounds.connect_s))

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

        ``deadline_s`` bounds everything: waiting for a connection, repeats and reading. Raises ``NotSent`` (connecting was
        tried again within the deadline) or ``OutcomeUnknown`` (never tried again here).
        """
        opening = _opening(self._base, method, path, query) if query else _plain_opening(self._base, method, path)
        request = _head(opening, method, headers, body) + body
        end = self._loop.time() + deadline_s
        if self._free:
            self._free -= 1
        else:
            await self._wait_for_room(end)
        try:
            link = self._kept() or await self._connection(end)
            try:
                answer = await link.ask(request, end)
            except BaseException:  # a call that was given up must not leave its answer to the next one
                link.close()
                raise
            link.idle_since = self._loop.time()
            self._idle.append(link)
        finally:
            self._leave()
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity") or not answer.body:
            return answer
        return replace(answer, body=_inflate(answer.body, encoding, self._bounds.answer_bytes))

    async def _wait_for_room(self, end: float) -> None:
        turn = self._loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(end):
                await turn
        except BaseException as gone:
            if not turn.cancelled():  # it was given the place while it went
                self._leave()
            if isinstance(gone, TimeoutError):
                raise NotSent("no connection to the peer became free in time", hint="see the lane's limits") from None
            raise

    def _leave(self) -> None:
        """The place goes to who waited longest, past whoever comes now."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    async def _connection(self, end: float) -> Link:
        """A new one, tried for as often and as long as the bounds allow: nothing was sent yet."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda wrong: isinstance(wrong, NotSent) and not isinstance(wrong, TargetRefused)),
            stop=lambda state: (
                stop_after_attempt(self._bounds.attempts)(state) or self._loop.time() + state.upcoming_sleep >= end
            ),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        return await retrying(self._connect, end)

    def _kept(self) -> Link | None:
        """The connection used last, if the peer surely keeps it still; older ones are closed on the way."""
        oldest = self._loop.time() - self._bounds.keepalive_s
        while self._idle:
            link = self._idle.pop()
            if link.usable and link.idle_since >= oldest:
                return link
            self._let_go(link)
        return None

    def _let_go(self, link: Link) -> None:
        self._links.discard(link)
        link.close()

    async def _connect(self, end: float) -> Link:
        self._links = {link for link in self._links if link.usable or link.busy}
        try:
            async with asyncio.timeout_at(min(end, self._loop.time() + self._bounds.connect_s)):
                host, port = self._place
                address = host if self._targets is None else await self._targets.pin(host, port)
                name = host if self._tls is not None else None
                _, link = await self._loop.create_connection(
                    lambda: Link(self._bounds.answer_bytes, self._loop),
                    address,
                    port,
                    ssl=self._tls,
                    server_hostname=name,
                )
        except (OSError, TimeoutError, ValueError) as trouble:
            raise NotSent(
                f"no connection to the peer ({type(trouble).__name__})",
                hint="check the address, the network and the certificates",
            ) from None
        self._links.add(link)
        return link


def _head(opening: str, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request's head. Raises ``NotSent`` for a header that could end the head or frame the message anew."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    breaks = lines.count("\r") + lines.count("\n") - 2 * len(headers)
    if breaks or "\0" in lines or not _OURS.isdisjoint(map(str.lower, headers)):
        raise NotSent("a header can't be sent", hint="no line breaks, and no framing headers in a mapping")
    length = f"Content-Length: {len(body)}\r\n" if body or method not in ("GET", "HEAD") else ""
    try:
        return f"{opening}{lines}{length}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise NotSent("a header can't be sent", hint="a header holds characters of ISO 8859-1 only") from None


def _inflate(raw: bytes, encoding: str, room: int) -> bytes:
    if encoding not in _WINDOW_BITS:
        raise OutcomeUnknown("the answer has an unknown content encoding", code="answer-encoding")
    inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        plain = inflater.decompress(raw, room + 1)
    except zlib.error:
        raise OutcomeUnknown("the answer's compressed body is broken", code="answer-broken") from None
    if len(plain) > room:
        raise _too_large()
    if not inflater.eof:
        raise OutcomeUnknown("the answer's compressed body is cut off", code="answer-broken")
    return plain


def _too_large() -> OutcomeUnknown:
    return OutcomeUnknown("the answer is larger than allowed", code="answer-too-large", hint="ask for the act's state")


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
def _plain_opening(base: URL, method: str, path: str) -> str:
    return _opening(base, method, path, {})


def _opening(base: URL, method: str, path: str, query: Mapping[str, str]) -> str:
    """The request line and the headers that are always the same."""
    url = _join(base, path, query)
    return f"{method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{_ALWAYS}"


def _join(base: URL, path: str, query: Mapping[str, str]) -> URL:
    """The path below the base; a text that would change the host, the query or climb up is refused."""
    steps = path.split("/")
    if not path.startswith("/") or any(mark in path for mark in "?#\\") or ".." in steps or "." in steps:
        raise ConfigRefused(
            "an act's path must be plain and start with /", code="endpoint", hint="mend the mapping's path"
        )
    return base.with_path(base.path.rstrip("/") + path).with_query(query)
