"""One connection, one exchange: what a peer does between and around answers can't reach the wrong call."""

import asyncio

import pytest
from test_wire_http import Peer, answering, client, post, raw_peer

from gateway.kernel.errors import NotSent, OutcomeUnknown

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def one_after_another(*replies: bytes, pause_s: float = 0.0) -> tuple[Peer, list[int]]:
    """Each request on a connection gets the next reply; the list counts connections."""
    opened: list[int] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        for reply in replies:
            await reader.readuntil(b"body")
            await asyncio.sleep(pause_s)
            writer.write(reply)
        await reader.read()

    return behave, opened


async def test_an_interim_answer_is_not_the_answer() -> None:
    behave, _ = one_after_another(b"HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n" + OK + b"ok")
    async with raw_peer(behave) as base, client(base) as made:
        answer = await post(made)
    assert (answer.status, answer.body, "x-a" in answer.headers) == (200, b"ok", False)


async def test_a_body_without_length_ends_with_the_connection() -> None:
    async with raw_peer(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as base, client(base) as made:
        assert (await post(made)).body == b"all of it"


async def test_a_chunked_body_comes_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    behave, opened = one_after_another(chunked, OK + b"ok")
    async with raw_peer(behave) as base, client(base) as made:
        assert (await post(made)).body == b"abc"
        assert (await post(made)).body == b"ok"
    assert len(opened) == 1


async def test_a_connection_the_peer_closed_while_idle_is_not_used_again() -> None:
    async with raw_peer(answering(OK + b"ok")) as base, client(base) as made:
        assert (await post(made)).body == b"ok"
        await asyncio.sleep(0.05)
        assert (await post(made)).body == b"ok"


async def test_what_comes_unasked_is_nobodys_answer() -> None:
    behave, opened = one_after_another(OK + b"ok" + OK + b"no", OK + b"ok")
    async with raw_peer(behave) as base, client(base) as made:
        assert (await post(made)).body == b"ok"
        await asyncio.sleep(0.05)
        assert (await post(made)).body == b"ok"
    assert len(opened) == 2, "the connection with a left-over answer was given up"


async def test_the_answer_to_a_call_that_was_given_up_never_reaches_the_next_call() -> None:
    behave, opened = one_after_another(OK + b"1.", OK + b"2.", pause_s=0.2)
    async with raw_peer(behave) as base, client(base) as made:
        with pytest.raises(OutcomeUnknown):
            await post(made, deadline_s=0.1)
        first = asyncio.create_task(post(made))
        await asyncio.sleep(0.1)
        first.cancel()
        assert (await post(made)).body == b"1."
    assert len(opened) == 3


async def test_each_call_has_its_own_deadline_on_a_connection_that_serves_many() -> None:
    """The connection's alarm stands for the first call: it must ring neither too early nor too late for the next ones."""
    behave, opened = one_after_another(OK + b"1.", OK + b"2.", OK + b"3.", pause_s=0.15)
    async with raw_peer(behave) as base, client(base) as made:
        assert (await post(made, deadline_s=0.2)).body == b"1."
        assert (await post(made, deadline_s=2.0)).body == b"2."
        with pytest.raises(OutcomeUnknown) as raised:
            await post(made, deadline_s=0.05)
    assert raised.value.error_code == "answer-late"
    assert len(opened) == 1


async def test_a_free_connection_goes_to_who_waited_longest_and_still_waits() -> None:
    behave, opened = one_after_another(OK + b"1.", OK + b"2.", OK + b"3.", pause_s=0.1)
    async with raw_peer(behave) as base, client(base, limit=1) as made:
        calls = [asyncio.create_task(post(made)) for _ in range(3)]
        await asyncio.sleep(0.05)
        calls[1].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(one, "body", None) for one in answers] == [b"1.", None, b"2."]
        assert (await post(made)).body == b"3.", "who left took no place with it"
    assert len(opened) == 1


async def test_a_head_without_end_is_bounded() -> None:
    behave, _ = one_after_another(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000)
    async with raw_peer(behave) as base, client(base) as made:
        with pytest.raises(OutcomeUnknown) as raised:
            await post(made)
    assert raised.value.error_code == "answer-too-large"


@pytest.mark.parametrize(
    "header",
    [
        {"X-A": "a\r\nX-B: b"},
        {"X-A\n": "a"},
        {"X-A": "\0"},
        {"X-A": "中"},
        {"Content-Length": "3"},
        {"transfer-encoding": "chunked"},
        {"Host": "other"},
    ],
)
async def test_a_header_that_would_break_the_frame_is_not_sent(header: dict[str, str]) -> None:
    async with client("http://127.0.0.1:1", attempts=1) as made:
        with pytest.raises(NotSent):
            await made.send("POST", "/x", {}, header, b"body", 1.0)
