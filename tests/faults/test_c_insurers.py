"""Faults C1, C2, C7, C10 to C12: insurers and networks that break off, point elsewhere or mix up.

C4 to C6 are in ``test_c_answers``; C3, C8, C9 and C13 belong to the lanes.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage, EvilInsurer
from support.house import House
from support.lossy import LossyRelay
from support.meddled import applied, asked, ends, paid_once, same_books
from support.meddler import Call, Meddler

from gateway.kernel.errors import NotSent
from gateway.sandbox.common import sm2
from gateway.sandbox.huiyibao.envelope import Guard
from gateway.wire.http import PartnerClient

pytestmark = pytest.mark.heavy

SETTLE = "S291"
Deed = Callable[[Call], Awaitable[None]]


async def _refuses_handshakes(port: int) -> asyncio.Server:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    return await asyncio.start_server(hang_up, "127.0.0.1", port)


@pytest.mark.parametrize("how", ["refused", "handshake"])
async def test_c1_what_was_never_sent_is_tried_again_and_ends_cleanly(narrow: DoorStage, ward: House, how: str) -> None:
    """Nothing left us: the claim ends without a trace at the insurer, is never unknown, and the patient pays."""
    server = await _refuses_handshakes(narrow.evil_port) if how == "handshake" else None
    bill = sample_bill("package")
    try:
        taken = await ward.submit(bill, wait=0)
        seen, view = await ends(ward, taken.document["order_id"])
    finally:
        if server is not None:
            server.close()

    claim = view["claims"][0]
    assert (claim["outcome"], claim["reason"]) == ("not_sent", "insurer-unreachable")
    assert "unknown" not in seen
    assert view["self_pay_due_fen"] == claim["claimed_fen"]
    assert await applied(ward, bill) == []


async def test_c1_a_name_that_does_not_resolve_is_not_sent() -> None:
    client = PartnerClient("https://insurer.invalid")

    with pytest.raises(NotSent):
        await client.send("POST", "/", {}, {}, b"body", 2)
    await client.close()


async def test_c1_a_peer_that_comes_up_within_the_deadline_is_reached(
    narrow: DoorStage, ward: House, evil: EvilInsurer
) -> None:
    """The insurer restarts while a bill comes in: nobody sees it."""
    evil.behave = Meddler(narrow, "", _nothing).behave
    evil._server.close()
    taken = asyncio.create_task(ward.submit(sample_bill("package")))
    await asyncio.sleep(0.15)

    async with EvilInsurer(narrow) as back:
        back.behave = evil.behave
        assert (await taken).is_decided


async def _nothing(call: Call) -> None:
    return None


async def _at_the_first_byte(call: Call) -> None:
    """The insurer never worked on it."""
    call.reset()


async def _after_the_last_byte(call: Call) -> None:
    await call.answer()
    call.reset()


async def _within_the_answer(call: Call) -> None:
    answer = await call.answer()
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer[: len(answer) // 2])
    await call.writer.drain()
    call.reset()


@pytest.mark.parametrize("cut", [_at_the_first_byte, _after_the_last_byte, _within_the_answer])
async def test_c2_a_reset_connection_is_unknown_and_settled_by_asking(
    narrow: DoorStage, ward: House, evil: EvilInsurer, cut: Deed
) -> None:
    """Once a byte left us nothing is sent as new: what never arrived goes again only when the insurer says so."""
    await paid_once(ward, evil, Meddler(narrow, SETTLE, cut))


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect"])
async def test_c7_a_redirect_is_never_followed(
    narrow: DoorStage, ward: House, evil: EvilInsurer, status: bytes
) -> None:
    """Neither to another host nor to plain HTTP: a trap that listens there hears nothing, and the log says so."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(10))
        writer.close()

    trap = await asyncio.start_server(listen, "127.0.0.1", 0)
    place = b"Location: http://127.0.0.1:%d/" % trap.sockets[0].getsockname()[1]
    log = narrow.home / "gateway.log"
    before = log.read_text("utf-8").count("answer-redirects")

    async def elsewhere(call: Call) -> None:
        await call.answer()
        await call.tell(b"", status, place)

    await paid_once(ward, evil, Meddler(narrow, SETTLE, elsewhere))
    trap.close()

    assert heard == []
    assert log.read_text("utf-8").count("answer-redirects") == before + 1


async def test_c10_answers_that_were_mixed_up_are_given_to_nobody(
    narrow: DoorStage, ward: House, evil: EvilInsurer
) -> None:
    """A's answer comes on B's connection and B's on A's: both are unknown, are asked about, and are paid their own."""
    answers: list[bytes] = []
    both = asyncio.Event()

    async def swap(call: Call) -> None:
        answers.append(await call.answer())
        place = len(answers) - 1
        if len(answers) == 2:
            both.set()
        await both.wait()
        await call.tell(answers[1 - place])

    meddler = Meddler(narrow, SETTLE, swap, times=2)
    evil.behave = meddler.behave
    bills = [sample_bill("package"), sample_bill("package", story="inpatient")]
    before = await asked(ward)
    taken = [(await ward.submit(bill, wait=0)).document["order_id"] for bill in bills]

    ended = await asyncio.gather(*(ends(ward, order_id) for order_id in taken))

    assert meddler.meddled == 2
    assert await asked(ward) >= before + 2
    for bill, (_, view) in zip(bills, ended, strict=True):
        (booked,) = await ward.settlements("package", bill)
        assert (booked["times_applied"], booked["amount_fen"]) == (1, view["claims"][0]["approved_fen"])
    assert ended[0][1]["approved_fen"] != ended[1][1]["approved_fen"]


async def test_c11_a_callback_before_the_answer_is_matched_and_decides(house: House) -> None:
    await house.script("ant", "report", "delay", seconds=1.5)
    bill = sample_bill("ant")

    answer = await house.submit(bill)

    assert answer.is_decided
    assert answer.document["claims"][0]["outcome"] == "paid"
    assert await applied(house, bill, "ant") == [1]


async def test_c11_a_genuine_callback_about_nothing_is_404_and_kept_as_evidence(house: House) -> None:
    own = sm2.load_private(house.stage.keys / "huiyibao-insurer-sm2.key.pem")
    insurer = Guard(own, sm2.load_public(house.stage.keys / "huiyibao-gateway-sm2.pub.pem"))
    notice = {"directPayNo": "999", "insuranceAmount": 1, "status": 0, "msg": ""}
    path = "/partners/huiyibao/hospitalDirect/order/noticeInsuranceAmount"
    body = insurer.seal(notice, datetime.now(UTC))
    answer = await house.call("POST", path, body, {"Content-Type": "application/json"}, door="partner", proven=False)

    assert (answer.status, answer.code) == (404, "callback-unknown-correlation")
    assert _kept(house.stage.home / "claims.db", body)


def _kept(database: Path, body: bytes) -> bool:
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        wanted = (hashlib.sha256(body).hexdigest(),)
        return bool(connection.execute("select 1 from message where digest = ?", wanted).fetchall())


async def test_c12_over_a_bad_network_the_books_of_both_ends_agree(narrow: DoorStage, ward: House) -> None:
    """Loss, delay and half-open connections: every bill has an end, and what is decided is what the insurer booked, once."""
    await _over_a_bad_network(narrow, ward, bills=6, loss=0.05, delay_s=0.03, seed=12)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_c12_long_with_300_ms_of_delay(narrow: DoorStage, ward: House, seed: int) -> None:
    await _over_a_bad_network(narrow, ward, bills=40, loss=0.05, delay_s=0.3, seed=seed)


async def _over_a_bad_network(
    narrow: DoorStage, ward: House, *, bills: int, loss: float, delay_s: float, seed: int
) -> None:
    made = [sample_bill("package") for _ in range(bills)]
    async with LossyRelay(narrow.evil_port, narrow.ports["package"], seed, loss=loss, delay_s=delay_s) as relay:
        taken = await asyncio.gather(*(ward.submit(bill, wait=0) for bill in made))
        ended = await asyncio.gather(*(ends(ward, one.document["order_id"], 120) for one in taken))

    assert relay.resets + relay.silences > 0, "the network was good"
    await same_books(ward, made, [view for _, view in ended])
