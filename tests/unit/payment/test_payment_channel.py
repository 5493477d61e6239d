"""Whatever the channel does, money moves once and the room ends up knowing."""

import json

import pytest
from pay_peer import PayPeer
from payment_kit import SECRET, Start, order, until

from gateway.clearing.door import PaymentDoor
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_act_id
from gateway.payment.ledger import Ledger
from gateway.payment.model import PaymentOrder, Result
from gateway.payment.room import RunningPayment
from gateway.payment.states import State
from gateway.store.unit import Unit
from gateway.wire.http import PartnerClient


def receipts(room: RunningPayment, sent: PaymentOrder) -> list[tuple[str, int]]:
    rows = room.store.find("receipt", {"settlement_id": sent.settlement_id})
    return [(row["result"], row["amount"]) for row in rows]


def state(room: RunningPayment, sent: PaymentOrder) -> str:
    row = room.store.get("payment_order", settlement_id=sent.settlement_id)
    return "" if row is None else str(row["state"])


async def ended(room: RunningPayment, door: PaymentDoor, sent: PaymentOrder) -> list[tuple[str, int]]:
    await door.place(sent)
    await until(lambda: receipts(room, sent))
    return receipts(room, sent)


async def test_the_channel_sees_a_number_a_fixed_title_an_amount_and_a_kind(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    sent = order()
    await ended(room, door, sent)
    method, path, body, headers = peer.seen[0]
    act = room.store.find("channel_act", {"settlement_id": sent.settlement_id})[0]

    assert (method, path) == ("POST", "/orders")
    assert json.loads(body) == {
        "out_trade_no": sent.settlement_id,
        "title": "医疗费用结算",
        "total_amount": "56.86",
        "biz_type": "SELF_PAY",
        "source": "LIANPEI",
    }
    assert headers["X-Request-Id"] == act["act_id"]
    assert headers["Content-Type"].startswith("application/json")


async def test_a_payout_names_the_account_by_its_token(room: RunningPayment, door: PaymentDoor, peer: PayPeer) -> None:
    legs = [{"kind": "commercial", "amount": 100}]
    sent = order(kind="PAYOUT", amount=100, legs=legs, account_token="tok-1")

    assert await ended(room, door, sent) == [("paid", 100)]
    assert json.loads(peer.seen[0][2])["account_token"] == "tok-1"


async def test_the_act_row_is_on_disk_before_the_first_byte_leaves(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.trouble = ["hang"]
    sent = order()
    await door.place(sent)
    await until(lambda: peer.seen)
    act = room.store.find("channel_act", {"settlement_id": sent.settlement_id})

    assert [(row["name"], row["state"], row["attempts"]) for row in act] == [("order", "sent", 1)]
    assert state(room, sent) == "sending"


async def test_a_lost_answer_is_asked_for_and_never_sent_again(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.trouble = ["lose_answer"]
    sent = order()

    assert await ended(room, door, sent) == [("paid", 5686)]
    assert peer.methods() == ["POST", "GET"]
    assert peer.applied == {sent.settlement_id: 1}


async def test_a_late_answer_is_asked_for_too(room: RunningPayment, door: PaymentDoor, peer: PayPeer) -> None:
    peer.trouble = ["hang"]
    sent = order()

    assert await ended(room, door, sent) == [("paid", 5686)]
    assert peer.methods() == ["POST", "GET"]


async def test_not_found_is_believed_only_after_the_settling_time_and_then_the_same_number_goes_out(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.trouble = ["lose_request"]
    sent = order()

    assert await ended(room, door, sent) == [("paid", 5686)]
    assert peer.methods().count("POST") == 2
    bodies = {body for method, _, body, _ in peer.seen if method == "POST"}
    requests = {headers["X-Request-Id"] for method, _, _, headers in peer.seen if method == "POST"}
    assert len(bodies) == len(requests) == 1
    sends = [row for row in room.store.find("change", {"settlement_id": sent.settlement_id}) if row["new"] == "sending"]
    assert sends[1]["at"] - sends[0]["at"] >= 200


@pytest.mark.parametrize("status", ["500", "502", "302"])
async def test_a_broken_answer_is_unknown_and_not_a_failure(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer, status: str
) -> None:
    peer.trouble = [status]

    assert await ended(room, door, order()) == [("paid", 5686)]
    assert "GET" in peer.methods()


@pytest.mark.parametrize("status", ["429", "401"])
async def test_a_request_turned_away_unread_is_sent_again(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer, status: str
) -> None:
    peer.trouble = [status, status]

    assert await ended(room, door, order()) == [("paid", 5686)]
    assert peer.methods() == ["POST", "POST", "POST"]


async def test_a_channel_that_is_down_gets_the_order_when_it_is_back(start: Start, peer: PayPeer) -> None:
    room = await start()
    client = PartnerClient(f"http://127.0.0.1:{room.port}")
    door, sent = PaymentDoor(client, SECRET, SystemClock()), order()
    await peer.stop()
    await door.place(sent)
    await until(
        lambda: room.store.find("change", {"settlement_id": sent.settlement_id, "new": "accepted", "old": "sending"})
    )
    assert receipts(room, sent) == []
    await peer.start()
    await until(lambda: receipts(room, sent))
    await client.close()

    assert receipts(room, sent) == [("paid", 5686)]
    assert peer.methods() == ["POST"]


async def test_a_refusal_is_an_answer_and_is_never_retried(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.trouble = ["422"]

    assert await ended(room, door, order()) == [("failed", 0)]
    assert peer.methods() == ["POST"]


async def test_a_failed_payment_is_a_receipt_without_money(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.status = "FAILED"

    assert await ended(room, door, order()) == [("failed", 0)]


async def test_a_payment_in_progress_is_asked_for_until_it_ends(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.status = "PROCESSING"
    sent = order()
    await door.place(sent)
    await until(lambda: peer.methods().count("GET") >= 2)
    assert state(room, sent) == "pending"
    peer.status = "SUCCESS"
    await until(lambda: receipts(room, sent))

    assert peer.methods().count("POST") == 1


@pytest.mark.parametrize(
    "answer", [{"status": "REVERSED"}, {"out_trade_no": "stl_00000000000000000000000000"}, {"total_amount": 1}]
)
async def test_an_answer_that_is_not_understood_moves_nothing(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer, answer: dict[str, object]
) -> None:
    peer.answers = answer
    sent = order()
    await door.place(sent)
    await until(lambda: peer.methods().count("GET") >= 2)
    assert state(room, sent) == "unknown"
    assert receipts(room, sent) == []
    peer.answers = {}
    await until(lambda: receipts(room, sent))

    assert receipts(room, sent) == [("paid", 5686)]


async def test_another_amount_than_ordered_is_disputed_and_left_to_a_person(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    peer.answers = {"total_amount": "56.85"}
    sent = order()

    assert await ended(room, door, sent) == [(Result.DISPUTED, 5685)]
    assert state(room, sent) == "disputed"
    assert peer.methods() == ["POST"]


async def test_an_order_found_sending_after_a_restart_is_asked_for_and_not_sent(start: Start, peer: PayPeer) -> None:
    room = await start()
    client = PartnerClient(f"http://127.0.0.1:{room.port}")
    peer.trouble = ["hang"]
    sent = order()
    await PaymentDoor(client, SECRET, SystemClock()).place(sent)
    await until(lambda: peer.seen)
    await room.stop()
    await client.close()
    again = await start()
    await until(lambda: receipts(again, sent))

    assert peer.methods() == ["POST", "GET"]
    assert peer.applied == {sent.settlement_id: 1}


async def test_a_restart_before_the_send_sends(start: Start, peer: PayPeer) -> None:
    """The order and its act are on disk and the process dies before a byte leaves: it is asked for, then sent."""
    room, sent = await start(poll=30.0), order(channel="pay")
    unit = Unit()
    ledger = Ledger(room.store, SystemClock())
    ledger.taken(unit, sent)
    await room.store.commit(unit)
    standing = ledger.standing(sent.settlement_id)
    assert standing is not None
    unit = Unit()
    ledger.trying(unit, sent.settlement_id, "order", None)
    ledger.move(unit, standing, State.SENDING, ledger.now(), "sent")
    await room.store.commit(unit)
    await room.stop()
    again = await start()
    await until(lambda: receipts(again, sent))

    assert peer.methods()[-1] == "POST"
    assert peer.methods().count("POST") == 1
    assert peer.applied == {sent.settlement_id: 1}


async def test_many_orders_go_out_together_and_each_once(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    sent = [order() for _ in range(60)]
    peer.trouble = ["lose_answer", "", "500", "lose_request", "429"] * 6
    for one in sent:
        await door.place(one)
    await until(lambda: room.store.count("receipt", {"result": "paid"}) == 60, 10)

    assert set(peer.applied.values()) == {1}
    assert room.store.count("receipt", {}) == 60
    assert new_act_id() not in {row["act_id"] for row in room.store.find("channel_act", {}, limit=1000)}
