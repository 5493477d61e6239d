"""Claims that wait can be counted at any time, those too whose insurer fell silent before it settled anything."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.lanes.telling import tell_waiting
from gateway.claims.partners.manifest import Manifest
from gateway.kernel.errors import OutcomeUnknown
from gateway.store.unit import Unit
from gateway.telemetry.metrics import Metrics

PAID = ActResult(state="accepted", verdict="paid", approved=900)
ASKED_FIRST = MANIFEST | {
    "kinds": {"direct_pay": ["check", "settle"], "quick_claim": ["check", "settle"]},
    "acts": MANIFEST["acts"] | {"check": {"retry": "same_id"}},
    "enquiries": 9,
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db", InsurerDouble(manifest=msgspec.convert(ASKED_FIRST, Manifest)))
    yield made
    await made.room.store.close()


def waiting(house: Parlour) -> list[str]:
    return [row["state"] for row in house.rows("waiting")]


async def silent_quick_claim(house: Parlour) -> str:
    """A quick-claim whose first act was lost until its turn was over; the order it belongs to."""

    def lost() -> ActResult:
        house.room.clock.days += 1
        raise OutcomeUnknown("lost", code="answer-broken")

    house.insurer.answers["check"] = [lost]
    return (await house.bring(kind="quick_claim")).order_id


async def test_a_good_claim_is_never_written_among_them(house: Parlour, monkeypatch: pytest.MonkeyPatch) -> None:
    written: set[str] = set()
    commit = house.room.store.commit

    async def watched(unit: Unit) -> None:
        written.update(step.table for step in unit.steps)
        await commit(unit)

    monkeypatch.setattr(house.room.store, "commit", watched)
    await house.decided()

    assert "claim" in written
    assert "waiting" not in written


async def test_a_claim_is_among_them_while_its_lost_act_is_brought_up_again_and_leaves_when_it_goes_on(
    house: Parlour,
) -> None:
    seen: list[list[str]] = []

    def look(answer: ActResult | None) -> ActResult:
        seen.append(waiting(house))
        if answer is None:
            raise OutcomeUnknown("lost", code="answer-broken")
        return answer

    house.insurer.answers["check"] = [lambda: look(None), lambda: look(ActResult(state="accepted"))]
    house.insurer.answers["settle"] = [lambda: look(PAID)]
    await house.bring()

    assert seen == [[], ["sent"], []]
    assert waiting(house) == []


async def test_a_claim_whose_turn_ended_without_a_word_is_among_them_until_a_later_turn_has_one(house: Parlour) -> None:
    order_id = await silent_quick_claim(house)
    assert waiting(house) == ["sent"]

    again = parlour(house.room.path, house.insurer, house.room)
    house.insurer.answers["settle"] = [PAID]
    await again.engine.look(order_id)
    await again.quiet()

    assert [row["outcome"] for row in house.rows("claim")] == ["paid"]
    assert waiting(house) == []


async def test_the_gauges_show_how_many_wait_and_since_when_the_insurer_owes_a_word(house: Parlour) -> None:
    metrics, now = Metrics.for_codes(["package", "ant"]), house.room.clock.epoch_ms()
    await silent_quick_claim(house)

    tell_waiting(house.room.store, metrics, ("package", "ant"), now + 3_600_000)
    lines = [
        line.rsplit(" ", 1) for line in metrics.render()[0].decode().splitlines() if line.startswith("lianpei_lane")
    ]
    shown = {name: float(figure) for name, figure in lines}

    assert shown['lianpei_lane_depth{insurer="package",kind="quick_claim"}'] == 1
    assert shown['lianpei_lane_oldest_seconds{insurer="package",kind="quick_claim"}'] == pytest.approx(3600, abs=30)
    assert shown['lianpei_lane_depth{insurer="package",kind="direct_pay"}'] == 0
    assert shown['lianpei_lane_oldest_seconds{insurer="ant",kind="quick_claim"}'] == 0
