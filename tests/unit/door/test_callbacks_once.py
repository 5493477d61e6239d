"""A partner's message counts once under every seal: refused, or acknowledged again without effect."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.room import Room, open_room

from gateway.claims.conversation.callbacks import Callbacks
from gateway.kernel.errors import SealRefused
from gateway.mapping.api import Outgoing
from gateway.wire.seals.base import Plain, Sealed


@dataclass
class Insurer:
    """A partner whose messages need no act of ours; its seal says ``once`` of each."""

    once: str
    code: str = "ins"

    def callback(self, path: str) -> tuple[str, Any]:
        act = SimpleNamespace(read_callback=lambda _: {"state": "accepted"}, write_reply=lambda _: OUT)
        return "notice", act

    def open_callback(self, body: bytes, headers: Mapping[str, str]) -> Plain:
        return Plain(body, once=self.once)

    def judged(self, result: Any) -> Any:
        return result

    def seal_reply(self, outgoing: Outgoing) -> Sealed:
        return Sealed(b"ok", "text/plain")


OUT: Any = SimpleNamespace(status=200, headers={})


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db")
    yield opened
    await opened.store.close()


def doorkeeper(room: Room) -> Callbacks:
    engine: Any = SimpleNamespace(ledger=room.ledger)
    return Callbacks(engine)


async def receive(room: Room, once: str, body: bytes) -> bytes:
    insurer: Any = Insurer(once)
    sealed = (await doorkeeper(room).receive(insurer, "/notice", body, {}))[1]
    return sealed.body


async def test_what_a_seal_names_single_use_is_refused_the_second_time(room: Room) -> None:
    assert await receive(room, "sig-1", b"a") == b"ok"

    with pytest.raises(SealRefused) as told:
        await receive(room, "sig-1", b"b")
    assert told.value.error_code == "seal-replay"
    assert room.store.count("message", {}) == 1


async def test_under_a_seal_that_names_nothing_equal_bytes_are_acknowledged_again_and_kept_once(room: Room) -> None:
    assert [await receive(room, "", body) for body in (b"a", b"a", b"b")] == [b"ok"] * 3
    assert room.store.count("message", {}) == 2


async def test_a_partners_word_is_kept_by_its_digest_only(room: Room) -> None:
    await receive(room, "call-of-Zhang-San", b"a")

    assert [row["scope"] for row in room.store.find("nonce", {})] == ["partner:ins"]
    assert "Zhang" not in str(room.store.find("nonce", {}))


async def test_it_holds_after_a_restart(room: Room, tmp_path: Path) -> None:
    await receive(room, "sig-1", b"a")
    await room.store.close()
    again = open_room(tmp_path / "claims.db")
    with pytest.raises(SealRefused):
        await receive(again, "sig-1", b"a")
    await again.store.close()
