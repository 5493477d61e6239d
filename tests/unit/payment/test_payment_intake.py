"""The payment room's door over a real socket: only signed, fresh, sound orders, each taken once."""

import asyncio

import aiohttp
import msgspec
import pytest
from pay_peer import PayPeer
from payment_kit import SECRET, Start, order, until

from gateway.clearing.door import PaymentDoor
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import MessageRefused
from gateway.kernel.outcome import Answered, Refused
from gateway.kernel.secret import Secret
from gateway.payment.room import RunningPayment
from gateway.payment.signing import sign
from gateway.wire.http import PartnerClient


async def call(
    room: RunningPayment, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    signed = sign(SECRET, SystemClock().now(), method, target, body) if headers is None else headers
    url = f"http://127.0.0.1:{room.port}{target}"
    async with aiohttp.ClientSession() as session, session.request(method, url, data=body, headers=signed) as answer:
        return answer.status, await answer.json()


async def test_an_order_is_on_disk_when_it_is_acknowledged(room: RunningPayment, door: PaymentDoor) -> None:
    sent = order()

    assert isinstance(await door.place(sent), Answered)
    row = room.store.get("payment_order", settlement_id=sent.settlement_id)
    assert row is not None
    assert row["amount"] == 5686
    assert room.store.count("leg", {"settlement_id": sent.settlement_id}) == 2


async def test_the_same_order_again_gets_the_same_answer_and_another_body_a_conflict(
    room: RunningPayment, door: PaymentDoor, peer: PayPeer
) -> None:
    sent = order()
    answers = [await door.place(sent) for _ in range(3)]
    other = order(settlement_id=sent.settlement_id, amount=1, legs=[{"kind": "self_pay", "amount": 1}])

    assert answers[0] == answers[1] == answers[2]
    assert await door.place(other) == Refused("conflict")
    await until(lambda: room.store.count("receipt", {}) == 1)
    assert peer.applied == {sent.settlement_id: 1}


async def test_forty_copies_at_once_make_one_order(room: RunningPayment, door: PaymentDoor, peer: PayPeer) -> None:
    sent = order()
    answers = await asyncio.gather(*(door.place(sent) for _ in range(40)))

    assert len(set(map(str, answers))) == 1
    assert room.store.count("payment_order", {}) == 1
    await until(lambda: room.store.count("receipt", {}) == 1)
    assert peer.methods().count("POST") == 1


async def test_a_replayed_request_is_refused(room: RunningPayment) -> None:
    body = msgspec.json.encode(order())
    headers = sign(SECRET, SystemClock().now(), "POST", "/orders", body)

    assert (await call(room, "POST", "/orders", body, headers))[0] == 200
    status, told = await call(room, "POST", "/orders", body, headers)
    assert (status, told["code"]) == (401, "seal-replay")


async def test_a_replay_is_refused_after_a_restart_too(start: Start) -> None:
    room = await start()
    headers = sign(SECRET, SystemClock().now(), "GET", "/receipts?after=0", b"")
    assert (await call(room, "GET", "/receipts?after=0", headers=headers))[0] == 200
    await room.stop()

    status, told = await call(await start(), "GET", "/receipts?after=0", headers=headers)
    assert (status, told["code"]) == (401, "seal-replay")


@pytest.mark.parametrize(("method", "target"), [("POST", "/orders"), ("GET", "/receipts?after=0")])
async def test_without_a_signature_nothing_is_taken_and_nothing_is_told(
    room: RunningPayment, method: str, target: str
) -> None:
    status, told = await call(room, method, target, msgspec.json.encode(order()), headers={})

    assert (status, told["code"]) == (401, "seal-form")
    assert room.store.count("payment_order", {}) == 0


async def test_another_secret_is_refused(room: RunningPayment) -> None:
    client = PartnerClient(f"http://127.0.0.1:{room.port}")
    stranger = PaymentDoor(client, Secret("guessed"), SystemClock())
    await stranger.place(order())
    with pytest.raises(MessageRefused):
        await stranger.receipts(0)
    await client.close()

    assert room.store.count("payment_order", {}) == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad-request"),
        (b"{", 400, "bad-request"),
        (msgspec.json.encode(msgspec.to_builtins(order()) | {"diagnosis": "J06"}), 400, "bad-request"),
        (msgspec.json.encode(order(amount=5)), 422, "bad-money"),
        (b" " * 20_000, 413, "http"),
    ],
)
async def test_an_order_that_is_not_of_the_schema_is_refused(
    room: RunningPayment, body: bytes, status: int, code: str
) -> None:
    answered, told = await call(room, "POST", "/orders", body)

    assert (answered, told["code"]) == (status, code)
    assert room.store.count("payment_order", {}) == 0


@pytest.mark.parametrize("target", ["/receipts", "/receipts?after=", "/receipts?after=-1", "/receipts?after=0&x=1"])
async def test_receipts_are_asked_for_by_number_only(room: RunningPayment, target: str) -> None:
    assert (await call(room, "GET", target))[0] == 400


async def test_receipts_come_in_order_and_each_once(room: RunningPayment, door: PaymentDoor) -> None:
    sent = [order() for _ in range(5)]
    for one in sent:
        await door.place(one)
    await until(lambda: room.store.count("receipt", {}) == 5)
    receipts = await door.receipts(0)

    assert [receipt.seq for receipt in receipts] == sorted(receipt.seq for receipt in receipts)
    assert {receipt.settlement_id for receipt in receipts} == {one.settlement_id for one in sent}
    assert await door.receipts(receipts[2].seq) == receipts[3:]
    assert await door.receipts(receipts[-1].seq) == ()


async def test_health_readiness_and_metrics_need_no_secret_and_tell_no_order(
    room: RunningPayment, door: PaymentDoor
) -> None:
    sent = order()
    await door.place(sent)
    await until(lambda: room.store.count("receipt", {}) == 1)

    assert await call(room, "GET", "/healthz", headers={}) == (200, {"alive": True})
    assert await call(room, "GET", "/readyz", headers={}) == (200, {"ready": True})
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{room.port}/metrics") as answer:
        text = await answer.text()
    assert 'lianpei_payment_orders_total{kind="SELF_PAY",result="paid"} 1.0' in text
    assert sent.settlement_id not in text


async def test_an_unknown_path_is_not_found(room: RunningPayment) -> None:
    assert (await call(room, "GET", "/claims"))[0] == 404


async def test_a_refusal_says_what_http_asks_of_it(room: RunningPayment) -> None:
    url = f"http://127.0.0.1:{room.port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/receipts?after=0") as stranger:
            assert (stranger.status, stranger.headers["WWW-Authenticate"]) == (401, 'Signature realm="lianpei"')
        async with session.get(f"{url}/orders") as wrong:
            assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
