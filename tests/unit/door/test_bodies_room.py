"""A body takes room from its first byte until its answer; then the room is as it was, whatever happened."""

import asyncio
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from gateway.claims.door.bodies import Bodies, Room
from gateway.kernel.errors import Busy, TooMuch, TooSlow

ALL = 1000


def request(*parts: bytes, whole: bool = True, **headers: str) -> web.Request:
    loop = asyncio.get_running_loop()
    connection = BaseProtocol(loop)
    connection.transport = Mock()
    content = StreamReader(connection, 2**16, loop=loop)
    for part in parts:
        content.feed_data(part)
    if whole:
        content.feed_eof()
    return make_mocked_request("POST", "/", headers=headers, payload=cast(Any, content))


def untouched(bodies: Bodies) -> bool:
    return bodies.left == ALL and not bodies.held


async def test_a_body_is_read_in_order_and_its_room_given_back() -> None:
    bodies = Bodies(5.0, ALL)
    with Room(bodies, "h1", 100) as room:
        assert await room.read(request(b"first,", b"second")) == b"first,second"
        assert (bodies.left, bodies.held) == (ALL - 12, {"h1": 12})
    assert untouched(bodies)


async def test_no_body_is_an_empty_one() -> None:
    bodies = Bodies(5.0, ALL)
    with Room(bodies, "h1", 100) as room:
        assert await room.read(request()) == b""
    assert untouched(bodies)


async def test_a_body_beyond_its_limit_is_refused_also_when_it_says_so_itself() -> None:
    bodies = Bodies(5.0, ALL)
    for one in (request(b"x" * 101), request(whole=False, **{"Content-Length": "101"})):
        with pytest.raises(TooMuch), Room(bodies, "h1", 100) as room:
            await room.read(one)
    assert untouched(bodies)


async def test_one_sender_holds_four_of_the_largest_and_leaves_room_for_others() -> None:
    bodies = Bodies(5.0, ALL)
    with Room(bodies, "h1", 100) as first:
        for _ in range(4):
            await first.read(request(b"x" * 25))
        with Room(bodies, "h1", 100) as second:
            await second.read(request(b"x" * 100))
            with Room(bodies, "h1", 100) as third, Room(bodies, "h1", 100) as fourth:
                await third.read(request(b"x" * 100))
                await fourth.read(request(b"x" * 100))
                with pytest.raises(Busy), Room(bodies, "h1", 100) as fifth:
                    await fifth.read(request(b"x"))
                with Room(bodies, "h2", 100) as other:
                    assert len(await other.read(request(b"x" * 100))) == 100
    assert untouched(bodies)


async def test_all_senders_together_hold_no_more_than_there_is() -> None:
    bodies = Bodies(5.0, ALL)
    with Room(bodies, "h1", 900) as first, Room(bodies, "h2", 900) as second:
        await first.read(request(b"x" * 600))
        with pytest.raises(Busy):
            await second.read(request(b"x" * 600))
    assert untouched(bodies)


async def test_a_body_that_stops_coming_is_too_slow() -> None:
    bodies = Bodies(0.05, ALL)
    with pytest.raises(TooSlow), Room(bodies, "h1", 100) as room:
        await room.read(request(b"half", whole=False))
    assert untouched(bodies)
