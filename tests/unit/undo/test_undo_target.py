"""Which of a claim's acts an undo names to the insurer."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from support.insurer_double import MANIFEST

from gateway.claims.partners.manifest import Manifest
from gateway.claims.undo.reversal import Reverser

CLAIM: Any = SimpleNamespace(insurer="double", claim_id="clm_1", kind="direct_pay")


def act(act_id: str, prepared_at: int, state: str, outcome: str, name: str = "settle") -> dict[str, Any]:
    row = {"act_id": act_id, "name": name, "prepared_at": prepared_at, "state": state, "outcome": outcome}
    return row | {"serial": prepared_at, "attempts": 1, "batch_no": 1, "batch_count": 1}


async def target_of(*acts: dict[str, Any]) -> str | None:
    async def read(fn: Any, *words: Any) -> Any:
        return fn(*words)

    ledger: Any = SimpleNamespace(read=read, act_rows=lambda _: list(acts))
    partner = SimpleNamespace(manifest=msgspec.convert(MANIFEST, Manifest))
    registry: Any = SimpleNamespace(get=lambda _: partner)
    none: Any = None
    way = await Reverser(ledger, registry, none, none).way(CLAIM)
    assert way is not None
    return None if way.target is None else way.target.act_id


@pytest.mark.parametrize("outcome", ["need_more", "pending", "accepted"])
async def test_an_act_that_the_insurer_has_is_named_and_not_a_newer_one_that_may_never_have_left(outcome: str) -> None:
    """It would say that there is nothing to undo, and settle what it has."""
    assert await target_of(act("first", 1, "answered", outcome), act("second", 2, "prepared", "")) == "first"


async def test_of_two_that_the_insurer_has_the_newer_one_is_named() -> None:
    first, second = act("first", 1, "answered", "need_more"), act("second", 2, "pending", "pending")

    assert await target_of(first, second) == "second"


async def test_where_the_insurer_showed_nothing_the_newest_that_may_have_left_is_named() -> None:
    first, second = act("first", 1, "unknown", "unknown"), act("second", 2, "prepared", "")

    assert await target_of(first, second, act("third", 3, "not_sent", "")) == "second"
