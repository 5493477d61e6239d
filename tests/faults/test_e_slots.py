"""Case E11: the slot of one insurer's key goes away or hangs while claims come. Real token, real sockets, real gateway."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.house import Answer, House
from support.lanestage import Call, Played, quick_bill, settles
from support.slotstage import SlotStage, TokenServer, require_signed, slot_keys

from gateway.cli.ports import free_ports
from gateway.wire.slotdevice import ANSWER_S

pytestmark = pytest.mark.heavy
INSURERS = {"held": "", "calm": ""}
TROUBLES: dict[str, tuple[Callable[[TokenServer], None], Callable[[TokenServer], None]]] = {
    "gone": (TokenServer.kill, TokenServer.start),
    "hangs": (lambda token: token.signal(signal.SIGSTOP), lambda token: token.signal(signal.SIGCONT)),
}


@pytest.fixture(scope="module")
def slots(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[SlotStage]:
    home = tmp_path_factory.mktemp("slots")
    key = slot_keys(home / "keys", stage_home / "keys")
    token = TokenServer(home / "token", key)
    token.start()
    try:
        with SlotStage(home, free_ports(*INSURERS), home / "keys", more=INSURERS, token=token) as running:
            yield running
    finally:
        token.kill()


async def timed(desk: House, code: str) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = await desk.submit(sample_bill(code))
    return answer, time.monotonic() - started


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_e11_while_the_slot_is_away_its_insurers_claims_wait_the_others_go_on_and_all_end_when_it_is_back(
    slots: SlotStage, trouble: str
) -> None:
    goes, comes = TROUBLES[trouble]
    process = slots.pid
    async with House(slots) as desk, slots.played("held") as held, slots.played("calm"):
        assert (await timed(desk, "held"))[0].is_decided

        async def loses_its_answer_and_we_our_key(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
            if call.act != "settle":
                return await settles(insurer, call, writer)
            insurer.settled[call.said["no"]] = 700
            goes(slots.token)
            writer.close()
            return None

        held.play = loses_its_answer_and_we_our_key
        unknown = (await desk.submit(sample_bill("held"), wait=1)).document
        held.play, heard = None, len(held.calls)
        turned_away = [await timed(desk, "held") for _ in range(3)]
        kept = [(await desk.submit(quick_bill("held"), wait=0)).document["order_id"] for _ in range(3)]
        others = [await timed(desk, "calm") for _ in range(20)]
        still = (await desk.order(unknown["order_id"])).document
        silence = held.calls[heard:]
        comes(slots.token)
        found = (await desk.decided(unknown["order_id"], 60)).document
        ended = [(await desk.decided(order_id, 60)).document for order_id in kept]
        again, _ = await timed(desk, "held")

    assert silence == [], "nothing leaves unsigned, or signed by the other key beside it"
    for answer, _ in turned_away:
        claim = answer.document["claims"][0]
        assert (claim["outcome"], claim["reason"]) == ("not_sent", "insurer-unreachable")
    assert all(answer.is_decided and answer.document["approved_fen"] for answer, _ in others)
    waits = [seconds for _, seconds in turned_away + others if seconds > ANSWER_S]
    assert len(waits) <= 1, "the slot is waited for once, not by every message"
    assert still["state"] == "pending", "its money may have moved: it is asked about when we can sign again"
    assert found["approved_fen"] == 700
    assert all(one["approved_fen"] for one in ended)
    assert again.is_decided
    assert again.document["approved_fen"]
    for call in held.calls:
        require_signed(call, slots.token.public)
    sent = [call.said["no"] for call in held.calls if call.act in ("settle", "claim")]
    assert len(sent) == len(set(sent)), "each left once"
    assert slots.pid == process
    assert slots.processes["gateway"].poll() is None
