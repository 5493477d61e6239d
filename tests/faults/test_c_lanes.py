"""Faults C3, C8, C9 and C13: an insurer that drips, asks to wait, hangs or comes back, and what the others notice of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House
from support.lanestage import Call, LaneStage, Played, hangs, quick_bill, say, settles

from gateway.cli.ports import free_ports
from gateway.kernel.clock import SHANGHAI

pytestmark = pytest.mark.heavy

_SOON = 'breaker: {least: "8", rest: 300ms, most: 2s}\n'
_NOW = datetime.now(SHANGHAI)
_CLOSED = f'closed: [{{from: "{_NOW:%Y-%m-%d} 00:00", to: "{_NOW + timedelta(days=2):%Y-%m-%d} 04:30"}}]\n'
INSURERS = {
    "shut": _CLOSED,
    "calm": "",
    "drips": _SOON,
    "asks": _SOON,
    "hung": 'limits: {concurrency: "16", waiting: "8", wait: 300ms}\n' + _SOON,
    "back": 'limits: {concurrency: "16", waiting: "8", per_second: "40", burst: "8"}\n' + _SOON,
}

HUNG_COUNTERS = 13
"""Of sixteen places one each is kept for enquiries, reversals and quick-claims."""


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[LaneStage]:
    ports = free_ports(*INSURERS)
    with LaneStage(
        tmp_path_factory.mktemp("lanes"), ports, stage_home / "keys", more=INSURERS, timeout="2s"
    ) as running:
        yield running


@pytest.fixture
async def desk(lanes: LaneStage) -> AsyncIterator[House]:
    async with House(lanes) as house:
        yield house


@pytest.fixture
async def played(lanes: LaneStage) -> AsyncIterator[dict[str, Played]]:
    async with AsyncExitStack() as stack:
        yield {code: await stack.enter_async_context(lanes.played(code)) for code in INSURERS}


async def timed(desk: House, bill: SampleBill, wait: int = 20) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = await desk.submit(bill, wait=wait)
    return answer, time.monotonic() - started


async def unmoved(desk: House, troubled: Played, places: int) -> int:
    """One calm counter after the other while so many calls of ``troubled`` hang; how many were decided before one ended.

    A place, a queue or a worker that both shared would let none through: each would wait for a call that ends.
    """
    ends = time.monotonic() + 20
    while troubled.under_way < places:
        assert time.monotonic() < ends, f"only {troubled.under_way} calls hang"
        await asyncio.sleep(0.01)
    decided = 0
    while True:
        answer, _ = await timed(desk, sample_bill("calm"))
        assert answer.is_decided, answer.body
        if troubled.under_way < places:
            return decided
        decided += 1


async def state(desk: House, code: str) -> float:
    told = (await desk.call("GET", "/metrics", door="operator")).body.decode()
    line = next(line for line in told.splitlines() if line.startswith(f'lianpei_lane_state{{insurer="{code}"}}'))
    return float(line.rpartition(" ")[2])


async def advice(desk: House, code: str) -> str:
    offers = (await desk.call("GET", "/v1/offers")).document["offers"]
    return str(next(one["advice"] for one in offers if one["insurer"] == code))


async def until_state(desk: House, code: str, wanted: int, patience_s: float = 15) -> None:
    ends = time.monotonic() + patience_s
    while await state(desk, code) != wanted:
        assert time.monotonic() < ends, f"{code} stays {await state(desk, code)}"
        await asyncio.sleep(0.1)


async def test_c3_an_answer_that_drips_is_given_up_at_its_deadline_and_nobody_else_waits(
    desk: House, played: dict[str, Played]
) -> None:
    pieces: list[int] = []

    async def drips(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
        if call.act == "status":
            return await settles(insurer, call, writer)
        insurer.settled[call.said["no"]] = 100
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        written = 0
        while not writer.is_closing():
            writer.write(b" ")
            written += 1
            await asyncio.sleep(0.05)
        pieces.append(written)
        return None

    played["drips"].play = drips
    slow = [asyncio.ensure_future(timed(desk, sample_bill("drips"))) for _ in range(6)]
    decided = await unmoved(desk, played["drips"], 6)
    ends = await asyncio.gather(*slow)

    assert decided >= 3, "calm counters are served while every answer drips"
    for answer, seconds in ends:
        assert answer.is_decided, answer.body
        assert answer.document["approved_fen"] == 100
        assert seconds > 1.9, "it has its two seconds"
    assert len(pieces) == 6
    assert max(pieces) < 100, "of 1,000: each piece keeps a read alive, so the deadline is one for all of the answer"
    assert len({call.said["no"] for call in played["drips"].heard("status")}) == 6, "found by the enquiry"


async def test_c8_retry_after_is_obeyed_and_the_insurer_is_asked_before_anything_is_sent_again(
    desk: House, played: dict[str, Played]
) -> None:
    insurer = played["asks"]

    async def overloaded(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
        say(writer, {}, "503 Service Unavailable", "Retry-After: 2\r\n")

    insurer.play = overloaded
    await asyncio.gather(*(timed(desk, sample_bill("asks"), 0) for _ in range(12)))
    await until_state(desk, "asks", 2)
    turned_away, seconds = await timed(desk, sample_bill("asks"))
    shown, heard = await advice(desk, "asks"), len(insurer.calls)
    insurer.play = None
    await until_served_again(desk, insurer)

    times = [call.at for call in insurer.calls]
    burst = next(place for place, call in enumerate(insurer.calls) if call.act != "settle")
    assert burst <= 12, "nothing that moves money is sent again"
    assert times[burst] - times[burst - 1] > 1.9, (
        "the insurer asked for two seconds, and our own enquiries were due after one"
    )
    claim = turned_away.document["claims"][0]
    assert (claim["outcome"], claim["reason"], shown) == ("not_sent", "insurer-unreachable", "down")
    assert seconds < 1.0
    assert insurer.calls[heard].act == "status", "whether it is back is asked by an enquiry"


async def until_served_again(desk: House, insurer: Played) -> None:
    """Counters keep coming; they are served once an enquiry was answered."""
    ends = time.monotonic() + 20
    while True:
        answer, _ = await timed(desk, sample_bill(insurer.code))
        if answer.is_decided and answer.document["approved_fen"]:
            return
        assert time.monotonic() < ends, await state(desk, insurer.code)
        await asyncio.sleep(0.2)


async def test_in_closed_hours_the_counter_is_told_until_when_and_a_quick_claim_is_kept(
    desk: House, played: dict[str, Played]
) -> None:
    opens = f"{_NOW + timedelta(days=2):%Y-%m-%d} 04:30"
    counter = (await desk.submit(sample_bill("shut"))).document
    quick = (await desk.submit(quick_bill("shut"), wait=2)).document
    offers = (await desk.call("GET", "/v1/offers")).document["offers"]
    offer = next(one for one in offers if one["insurer"] == "shut")

    told, kept = counter["claims"][0], quick["claims"][0]
    assert (told["outcome"], told["reason"]) == ("not_sent", f"insurer-closed {opens.replace(' ', 'T')}")
    assert opens in told["message"]["zh"]
    assert opens in told["message"]["en"]
    assert (kept["state"], quick["state"]) == ("created", "pending")
    assert opens in kept["message"]["zh"]
    assert (offer["advice"], offer["closed_until"]) == ("down", f"{opens.replace(' ', 'T')}:00+08:00")
    assert played["shut"].calls == []


async def test_c9_an_insurer_that_hangs_holds_its_own_places_only_and_sheds_the_rest_at_once(
    desk: House, played: dict[str, Played]
) -> None:
    hung = played["hung"]
    hung.play = hangs
    stuck = [asyncio.ensure_future(timed(desk, sample_bill("hung"), 12)) for _ in range(40)]
    decided = await unmoved(desk, hung, HUNG_COUNTERS)
    shed, _ = await timed(desk, sample_bill("hung"))
    sent_open = [one for one in stuck if not one.done()]
    ends = await asyncio.gather(*stuck)

    assert decided >= 3, "calm counters are served while every place of the other hangs"
    assert hung.most_at_once <= 16
    assert len(sent_open) >= HUNG_COUNTERS, (
        "it is shed before those that were sent hear anything: no deadline, no enquiry is waited for"
    )
    assert shed.document["claims"][0]["outcome"] == "not_sent"
    assert shed.document["claims"][0]["reason"] in ("insurer-busy", "insurer-unreachable")
    assert {"zh", "en"} == shed.document["claims"][0]["message"].keys()
    reasons = [answer.document["claims"][0]["reason"] for answer, _ in ends]
    assert reasons.count("insurer-busy") + reasons.count("insurer-unreachable") >= 20
    assert len({call.said["no"] for call in hung.heard("settle")}) <= 16 + 8


async def test_c13_what_was_kept_while_the_insurer_was_away_goes_to_it_at_a_pace_and_once(
    desk: House, played: dict[str, Played]
) -> None:
    insurer = played["back"]
    insurer.close()
    bills = [quick_bill("back") for _ in range(40)]
    taken = await asyncio.gather(*(desk.submit(bill, wait=0) for bill in bills))
    assert {answer.status for answer in taken} == {202}
    await asyncio.sleep(1.0)
    await insurer.open()
    opened = asyncio.get_running_loop().time()
    while not insurer.heard("claim"):
        assert asyncio.get_running_loop().time() < opened + 30
        await asyncio.sleep(0.01)
    counter, _ = await timed(desk, sample_bill("back"))
    kept_open = len(bills) - len(insurer.heard("claim"))
    for answer in taken:
        await desk.decided(answer.document["order_id"], 60)

    claims = insurer.heard("claim")
    assert sorted(call.said["no"] for call in claims) == sorted(insurer.settled.keys() & {c.said["no"] for c in claims})
    assert len(claims) == len(bills), "each left once"
    for second in range(60):
        within = [call for call in insurer.calls if opened + second <= call.at < opened + second + 1]
        assert len(within) <= 40 + 8 + 2
    assert counter.is_decided
    assert kept_open >= len(bills) // 4, "whoever stands at the counter does not wait behind what was kept"
