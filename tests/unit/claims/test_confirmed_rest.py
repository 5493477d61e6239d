"""What a patient confirmed rests on what earlier policies offered: when they settle another amount, the later ones follow."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.bills import sample_bill
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.confirming import Answer, Shown, answer_quotes
from gateway.claims.partners.manifest import Manifest

QUOTES = {
    "kinds": {"direct_pay": ["quote", "settle"]},
    "acts": MANIFEST["acts"] | {"quote": {"role": "quote", "retry": "same_id"}},
}


async def open_house(path: Path, **manifest: Any) -> Parlour:
    return parlour(path / "claims.db", InsurerDouble(manifest=msgspec.convert(MANIFEST | manifest, Manifest)))


@pytest.fixture
async def settles_only(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = await open_house(tmp_path)
    yield made
    await made.room.store.close()


@pytest.fixture
async def quotes(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = await open_house(tmp_path, **QUOTES)
    yield made
    await made.room.store.close()


def paid(amount: int) -> ActResult:
    return ActResult(state="accepted", verdict="paid", approved=amount)


def quoted(amount: int) -> ActResult:
    return ActResult(state="accepted", approved=amount)


async def two_policies(house: Parlour) -> Bill:
    """Brought to a counter that asks first."""
    return await house.bring(sample_bill("package", "package"), counter={"confirm": True, "quick_claim": False})


async def confirm(house: Parlour, bill: Bill) -> None:
    """Whatever is shown now."""
    rows = house.rows("claim", order_id=bill.order_id, state="quoted")
    shown = tuple(Shown(row["claim_id"], row["quoted"] or 0) for row in rows)
    await answer_quotes(house.engine, bill.order_id, Answer(shown))
    await house.quiet()


def claims(house: Parlour) -> list[tuple[str, int, int]]:
    return [(row["state"], row["claimed"], row["approved"]) for row in house.rows("claim")]


async def test_insurers_that_quote_nothing_together_pay_what_the_patient_bears(settles_only: Parlour) -> None:
    house = settles_only
    bill = await two_policies(house)
    whole = bill.burden
    house.insurer.answers["settle"] = [paid(whole - 100), paid(100)]

    await confirm(house, bill)

    assert claims(house) == [("decided", whole, whole - 100), ("decided", 100, 100)]
    assert house.bill_row(bill)["self_pay_due"] == 0


async def test_where_nothing_is_left_the_later_policy_is_not_asked(settles_only: Parlour) -> None:
    house = settles_only
    bill = await two_policies(house)
    house.insurer.answers["settle"] = [paid(bill.burden)]

    await confirm(house, bill)

    assert [(row["state"], row["reason_code"]) for row in house.rows("claim")][1] == ("closed", "nothing-left-to-claim")
    assert house.insurer.times("settle") == 1
    assert house.bill_row(bill)["state"] == "decided"


async def test_a_quote_that_rested_on_another_amount_is_asked_for_and_shown_again(quotes: Parlour) -> None:
    house = quotes
    house.insurer.answers["quote"] = [quoted(500), quoted(300), quoted(350)]
    house.insurer.answers["settle"] = [paid(400), paid(350)]
    bill = await two_policies(house)

    await confirm(house, bill)
    assert house.bill_row(bill)["state"] == "quoted", "the first insurer settled 400 instead of 500"
    assert [row["quoted"] for row in house.rows("claim")] == [400, 350], "and the second one quoted what is left"

    await confirm(house, bill)
    assert claims(house) == [("decided", bill.burden, 400), ("decided", bill.burden - 400, 350)]
