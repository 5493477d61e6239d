"""A webhook of a bill whose every medical and identity leaf is marked carries none of the marks."""

import json
from pathlib import Path
from typing import Any

import msgspec
from support.room import open_room

from gateway.claims.delivery.message import message_of
from gateway.cli.wall.places import marks_of
from gateway.cli.wall.search import Searcher
from gateway.kernel.ids import new_event_id
from gateway.store.unit import Unit

NAMES = {
    "": {"type", "timestamp", "data"},
    "data": {"event_id", "seq", "order_id", "kind", "state", "total_fen", "approved_fen", "self_pay_due_fen"}
    | {"claims", "settlements", "undos"},
    "claims": {"claim_id", "insurer", "seq", "kind", "state", "outcome", "approved_fen"},
}
"""The whole form: ids, kinds, states and amounts. A new name is added here on purpose."""


async def told(home: Path) -> tuple[bytes, dict[str, Any]]:
    room = open_room(home / "claims.db")
    bill = await room.brought()
    unit = Unit().insert(
        "event", event_id=new_event_id(), hospital=bill.hospital, order_id=bill.order_id, kind="decided", at=1
    )
    await room.store.commit(unit)
    [event] = await room.store.read(room.store.find, "event", {"order_id": bill.order_id})
    body = await room.store.read(message_of, room.store, event)
    await room.store.close()
    return body, msgspec.to_builtins(bill.submission)


async def test_no_mark_is_in_a_webhook(tmp_path: Path) -> None:
    body, submission = await told(tmp_path)
    searcher = Searcher(marks_of([submission]))

    assert searcher.search("webhook", body) == []
    assert searcher.search("submission", msgspec.json.encode(submission)) != []


async def test_a_webhook_has_exactly_the_agreed_names(tmp_path: Path) -> None:
    document = json.loads((await told(tmp_path))[0])

    assert set(document) == NAMES[""]
    assert set(document["data"]) == NAMES["data"]
    assert set(document["data"]["claims"][0]) == NAMES["claims"]
