"""The partner client over real sockets: an answer, or the truth about what is not known."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.kernel.errors import ConfigRefused, LianpeiError, NotSent, OutcomeUnknown
from gateway.wire.http import Bounds, HttpAnswer, PartnerClient
from gateway.wire.keys import KeyRing
from gateway.wire.tls import client_context, peer_common_name, server_context

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TOKEN = "secret-token-value"


@asynccontextmanager
async def raw_peer(behave: Peer) -> AsyncIterator[str]:
    """A peer that writes whatever bytes ``behave`` writes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def client(base: str, limit: int = 32, **bounds: int) -> AsyncIterator[PartnerClient]:
    made = PartnerClient(base, limit=limit, bounds=Bounds(**bounds))
    try:
        yield made
    finally:
        await made.close()


async def post(made: PartnerClient, deadline_s: float = 2.0) -> HttpAnswer:
    return await made.send("POST", "/x", {"secret": TOKEN}, {"X-Token": TOKEN}, b"body", deadline_s)


def answering(head: bytes, body: bytes = b"") -> Peer:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        writer.write(head + body)
        await writer.drain()

    return behave


async def trouble(base: str, deadline_s: float = 2.0, **bounds: int) -> LianpeiError:
    async with client(base, **bounds) as made:
        with pytest.raises((NotSent, OutcomeUnknown)) as raised:
            await post(made, deadline_s)
    told = f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
    assert TOKEN not in told
    assert "127.0.0.1" not in told
    return raised.value


async def test_an_answer_comes_back_whole() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"body")
        assert head.startswith(b"POST /base/x?secret=secret-token-value HTTP/1.1\r\n")
        assert b"X-Token: secret-token-value\r\n" in head
        assert b"Accept-Encoding: identity\r\n" in head
        writer.write(b"HTTP/1.1 201 Created\r\nX-Peer: a\r\nContent-Length: 2\r\n\r\nok")

    async with raw_peer(behave) as base, client(f"{base}/base/") as made:
        answer = await post(made)
    assert (answer.status, answer.headers["x-peer"], answer.body) == (201, "a", b"ok")


async def test_an_error_status_and_a_redirect_are_answers() -> None:
    """A redirect is never followed: it could lead a sealed message elsewhere."""
    for status in (b"500 Oops", b"302 Found\r\nLocation: http://127.0.0.1:1/"):
        async with (
            raw_peer(answering(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")) as base,
            client(base) as made,
        ):
            assert (await post(made)).status == int(status[:3])


async def test_connections_are_kept_and_reused() -> None:
    opened = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while True:
            await reader.readuntil(b"body")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_peer(behave) as base, client(base) as made:
        for _ in range(5):
            await post(made)
    assert opened == 1


async def test_a_refused_connection_is_not_sent() -> None:
    async with raw_peer(answering(b"")) as base:
        pass
    assert isinstance(await trouble(base), NotSent)


async def test_a_failed_tls_handshake_is_not_sent() -> None:
    """The peer speaks plain HTTP on the port."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_peer(behave) as base:
        assert isinstance(await trouble(base.replace("http:", "https:"), attempts=1), NotSent)


async def test_not_sent_is_tried_again_within_the_deadline() -> None:
    """The peer comes up while we try: the call succeeds without the caller seeing the first failure."""
    async with raw_peer(answering(b"")) as base:
        port = int(base.rsplit(":", 1)[1])
    async with client(base, attempts=50) as made:
        sending = asyncio.create_task(post(made, 5.0))
        await asyncio.sleep(0.05)
        behave = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        server = await asyncio.start_server(behave, "127.0.0.1", port)
        try:
            assert (await sending).status == 200
        finally:
            server.close()


async def test_retries_end_with_the_deadline() -> None:
    async with raw_peer(answering(b"")) as base:
        pass
    start = time.monotonic()
    assert isinstance(await trouble(base, deadline_s=0.3, attempts=1000), NotSent)
    assert time.monotonic() - start < 1.0


async def test_waiting_for_a_free_connection_is_not_sent() -> None:
    """No byte leaves while the pool is full."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        await asyncio.sleep(5)

    async with raw_peer(behave) as base, client(base, limit=1, attempts=1) as made:
        first = asyncio.create_task(post(made, 1.0))
        await asyncio.sleep(0.1)
        with pytest.raises(NotSent):
            await post(made, 0.2)
        first.cancel()


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "answer-broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "answer-broken"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "answer-broken"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "answer-broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, "answer-too-large"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "answer-encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "answer-broken"),
    ],
)
async def test_trouble_after_the_connection_is_outcome_unknown_and_never_repeated(reply: bytes, code: str) -> None:
    calls = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await answering(reply)(reader, writer)

    async with raw_peer(behave) as base:
        raised = await trouble(base, answer_bytes=1000)
    assert isinstance(raised, OutcomeUnknown)
    assert raised.error_code == code
    assert calls == 1


async def test_a_silent_peer_is_outcome_unknown_at_the_deadline() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        await asyncio.sleep(5)

    start = time.monotonic()
    async with raw_peer(behave) as base:
        raised = await trouble(base, deadline_s=0.2)
    assert raised.error_code == "answer-late"
    assert time.monotonic() - start < 1.0


async def test_a_peer_that_drips_is_outcome_unknown_at_the_deadline() -> None:
    """Bytes keep coming, but the deadline is a total."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with raw_peer(behave) as base:
        assert (await trouble(base, deadline_s=0.2)).error_code == "answer-late"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_inflated_within_the_bound(encoding: str) -> None:
    squeeze = gzip.compress if encoding == "gzip" else zlib.compress
    for size in (1000, 1001):
        packed = squeeze(b"x" * size)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
        async with raw_peer(answering(head, packed)) as base:
            if size == 1000:
                async with client(base, answer_bytes=1000) as made:
                    assert (await post(made)).body == b"x" * 1000
            else:
                assert (await trouble(base, answer_bytes=1000)).error_code == "answer-too-large"


async def test_an_inflation_bomb_stays_small() -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with raw_peer(answering(head, packed)) as base:
        assert (await trouble(base, answer_bytes=100_000)).error_code == "answer-too-large"


@pytest.mark.parametrize(
    "base", ["", "ftp://h", "http://", "http://h/?a=1", "http://user@h/", "/only/path", "http://h:x/"]
)
async def test_a_wrong_endpoint_does_not_load(base: str) -> None:
    with pytest.raises(ConfigRefused):
        PartnerClient(base)


@pytest.mark.parametrize("path", ["x", "", "/a/../b", "/a?x=1", "/a#b", "/a\\b"])
async def test_a_path_cannot_leave_the_endpoint(path: str) -> None:
    async with client("http://127.0.0.1:1") as made:
        with pytest.raises(ConfigRefused):
            await made.send("GET", path, {}, {}, b"", 1.0)


async def test_mutual_tls_names_the_client(keys: KeyRing) -> None:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(peer_common_name(request.transport))
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/x", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    authority = keys.certificate_file("ca")
    context = server_context(keys, "gateway-tls", authority)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    base = f"https://localhost:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    try:
        for identity in ("hospital-h1", ""):
            made = PartnerClient(base, tls=client_context(authority, keys, identity))
            assert (await post(made)).status == 200
            await made.close()
        stranger = PartnerClient(base, bounds=Bounds(attempts=1))
        with pytest.raises(NotSent):
            await post(stranger)
        await stranger.close()
    finally:
        await runner.cleanup()
    assert seen == ["H99990100001", ""]
