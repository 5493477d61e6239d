"""Case B1: ``kill -9`` at each of K1 to K8, for direct-pay, quick-claim, a reversal, and a result that comes by callback.

32 bills stand still, one at each place of each flow, and the process is killed under all of them at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from support.bills import SampleBill, sample_bill
from support.hooked import HookedStage
from support.house import Answer, House
from support.patience import until

from gateway.cli.ports import free_ports

pytestmark = pytest.mark.heavy

PLACES = ("K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8")
FLOWS = {
    "direct": ("package", "settle"),
    "quick": ("ant", "claim"),
    "reversal": ("package", "undo"),
    "callback": ("hcx", "settle"),
}
_INCOMING = ("K1", "K6", "K7")
"""Where a result that comes by callback stands itself; at the other places stands the act that it answers."""


@dataclass
class Cell:
    place: str
    flow: str
    bill: SampleBill
    asked: "asyncio.Task[Answer] | None" = None
    undo_id: str = ""
    answers: list[bytes] = field(default_factory=list)

    @property
    def insurer(self) -> str:
        return FLOWS[self.flow][0]

    @property
    def undo_key(self) -> str:
        return f"undo-{self.bill.key}"

    @property
    def stop(self) -> tuple[str, tuple[str, str]]:
        """The key that stands still, and where."""
        role = FLOWS[self.flow][1]
        if self.flow == "callback":
            return self.bill.key, (self.place, "incoming-settle" if self.place in _INCOMING else role)
        if self.place == "K1":
            return (self.undo_key if self.flow == "reversal" else self.bill.key), ("K1", "door")
        return self.bill.key, (self.place, role)


def cells() -> list[Cell]:
    return [Cell(place, flow, sample_bill(FLOWS[flow][0])) for flow in FLOWS for place in PLACES]


@pytest.fixture
def matrix(tmp_path: Path, stage_home: Path) -> Iterator[tuple[HookedStage, list[Cell]]]:
    made = cells()
    reached = tmp_path / "reached"
    reached.mkdir()
    stops = dict(cell.stop for cell in made if cell.place != "K8")
    hooks = {"gateway": {"stations": {"stops": stops, "reached": str(reached)}}}
    with HookedStage(tmp_path, free_ports(), stage_home / "keys", hooks=hooks) as stage:
        stage.ready()
        yield stage, made


async def _begin(house: House, cell: Cell) -> None:
    """The hospital asks and never gives up; a reversal is of a bill that is decided."""
    if cell.flow != "reversal":
        cell.asked = asyncio.create_task(house.insist(cell.bill, patience_s=120))
        return
    order_id = (await house.settle(cell.bill))["order_id"]
    cell.asked = asyncio.create_task(_insist_on_undo(house, order_id, cell.undo_key))


async def _insist_on_undo(house: House, order_id: str, key: str) -> Answer:
    give_up = time.monotonic() + 120
    while True:
        try:
            return await house.undo(order_id, key)
        except aiohttp.ClientError:
            assert time.monotonic() < give_up, "the door never answered"
            await asyncio.sleep(0.1)


async def _all_stand(house: House, stage: HookedStage, made: list[Cell]) -> None:
    places = stage.home / "reached"
    waiting = {cell.stop[0] for cell in made if cell.place != "K8"}

    async def stand() -> bool:
        return {file.name for file in places.iterdir()} >= waiting

    try:
        await until(stand, 60)
    except TimeoutError:
        missing = waiting - {file.name for file in places.iterdir()}
        raise AssertionError([(c.place, c.flow) for c in made if c.stop[0] in missing]) from None


async def _k8_is_answered(house: House, made: list[Cell]) -> None:
    """What the hospital or, of a callback, the insurer was told before the kill."""
    for cell in made:
        if cell.place == "K8":
            assert cell.asked is not None
            answer = await cell.asked
            order_id = answer.document["order_id"]
            if cell.flow == "reversal":
                await house.undone(answer.document["undo_id"], "undone", leg="claim", patience_s=90)
            elif cell.flow == "quick":
                await house.decided(order_id, 90)
            cell.answers.append((await house.order(order_id)).body)


async def _end(house: House, cell: Cell) -> None:
    """Every task of the hospital ends; the bill has its last word."""
    assert cell.asked is not None
    answer = await cell.asked
    assert answer.status in (200, 202), answer.body
    if cell.flow == "reversal":
        await house.undone(answer.document["undo_id"], "undone", leg="claim", patience_s=90)
    else:
        await house.decided(answer.document["order_id"], 90)
        cell.answers += [answer.body] * answer.is_decided
    cell.answers.append((await house.order(answer.document["order_id"])).body)


async def _calls(house: House) -> Counter[str]:
    """Requests by operation that the insurers saw."""
    seen: Counter[str] = Counter()
    for code in ("package", "ant", "hcx"):
        seen.update(one["op"] for one in await house.received(code))
    return seen


async def test_b1_a_kill_at_each_place_of_each_flow_pays_once_asks_before_it_sends_again_and_keeps_its_word(
    matrix: tuple[HookedStage, list[Cell]],
) -> None:
    stage, made = matrix
    async with House(stage) as house:
        await asyncio.gather(*(_begin(house, cell) for cell in made))
        await _all_stand(house, stage, made)
        await _k8_is_answered(house, made)
        before = await _calls(house)
        stage.hooks.clear()
        await asyncio.to_thread(stage.kill, "gateway")
        await asyncio.to_thread(stage.start, "gateway")
        await asyncio.gather(*(_end(house, cell) for cell in made))
        after = await _calls(house)
        await _reckon(house, made)
    _before_the_kill(before)
    _in_all(after)


async def _reckon(house: House, made: list[Cell]) -> None:
    for cell in made:
        booked = [one["times_applied"] for one in await house.settlements(cell.insurer, cell.bill)]
        assert booked == [0 if cell.flow == "reversal" else 1], (cell.place, cell.flow)
        if cell.flow in ("direct", "callback") or cell.place == "K8":
            assert len(set(cell.answers)) == 1, f"{cell.place} {cell.flow}: another answer than the stored one"


def _before_the_kill(calls: Counter[str]) -> None:
    """Who stands at K1 to K4 sent nothing; the eight bills that are reversed were settled before."""
    assert calls["S291"] == 8 + 4
    assert calls["S270"] == 4
    assert calls["report"] == 4
    assert calls["claim/submit"] == 8 - 3


def _in_all(calls: Counter[str]) -> None:
    """Nothing that moves money was sent a second time; what was open was asked about."""
    assert calls["S291"] == 16
    assert calls["S270"] == 8
    assert calls["claim/submit"] == 8
    assert 8 <= calls["report"] <= 10, "this insurer can't be asked: its act is told again under its own number"
    assert calls["S300"] >= 6, "at K4 to K6 of a payment and of a reversal the insurer is asked first"
