"""Who waits for an undo's end is told at once when it is stuck, and why: the view and the order's payments."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from support import house as support
from support.house import Answer, House

STUCK = {"order_id": "ord_1", "state": "stuck", "legs": [{"kind": "cash", "state": "refused"}]}
PAID = {"payments": [{"state": "refused", "reason": "refund-at-window"}]}


class _Told(House):
    """Every undo is stuck."""

    def __init__(self) -> None:
        pass

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Answer:
        told: Mapping[str, Any] = PAID if path == "/v1/orders/ord_1/payments" else STUCK
        return Answer(200, {}, json.dumps(told).encode())


async def test_a_stuck_undo_is_not_waited_for_and_its_payments_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "_TAKEN_UP_S", 0.1)
    started = time.monotonic()

    with pytest.raises(AssertionError, match="refund-at-window") as told:
        await _Told().undone("und_1", "done", patience_s=20)

    assert "stuck, not done" in str(told.value)
    assert time.monotonic() - started < 5
    assert (await _Told().undone("und_1", "stuck"))["legs"], "who waits for just that gets it"
    assert (await _Told().undone("und_1", "refused", leg="cash"))["state"] == "stuck"
