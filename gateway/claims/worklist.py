"""The work list's rows: what waits for a person, written in the commit that parks it and removed in the one that takes it up."""

from collections.abc import Callable
from typing import Protocol

from gateway.store.unit import Unit


class Gathering(Protocol):
    unit: Unit
    now: Callable[[], int]


def open_item(
    work: Gathering,
    item_id: str,
    order_id: str,
    claim_id: str,
    *,
    insurer: str,
    kind: str,
    why: str,
    amount: int,
    alone: bool = False,
) -> None:
    """``kind`` is ``claim``, ``undo-leg``, ``recovery`` or ``answer-differs``; ``amount`` in 分. It has no owner yet.

    ``alone``: the commit is refused with ``Duplicate`` when another opened it first.
    """
    unit = work.unit
    (unit.insert_new if alone else unit.upsert)(
        "work_item",
        item_id=item_id,
        order_id=order_id,
        claim_id=claim_id,
        insurer=insurer,
        kind=kind,
        why=why,
        owner="",
        amount=amount,
        since=work.now(),
    )


def close_item(unit: Unit, item_id: str) -> None:
    unit.delete("work_item", {"item_id": item_id})
