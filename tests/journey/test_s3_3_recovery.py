"""Recovery (domain §3.3 E2): an insurer declines later what it had advanced; the patient agrees, then owes it back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.insurer_double import Parlour, parlour
from support.payroom import Street, street, until

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.correction import Corrections, Proposal
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.recoveries import Agreement, agree, recovery_of
from gateway.kernel.errors import BadMoney, Conflict, LianpeiError, NotFound

HOSPITAL = "H99990100001"
LI_NA = Operator("li.na", frozenset(Role), "token-1")
WANG_WEI = Operator("wang.wei", frozenset(Role), "token-2")


@pytest.fixture
async def house(tmp_path: Path) -> Parlour:
    return parlour(tmp_path / "claims.db")


@pytest.fixture
async def road(house: Parlour, tmp_path: Path) -> AsyncIterator[Street]:
    """The window and the payment room on the claims room's own rows."""
    async with street(tmp_path, store=house.room.store) as opened:
        yield opened


async def asked(house: Parlour, fen: int = 400) -> str:
    """The insurer paid 10.00 and says 6.00 afterwards; two persons ask the patient for the rest. The recovery's id."""
    bill = await house.decided(1000)
    await house.told_late(bill, ActResult(state="accepted", verdict="partial", approved=600))
    (item,) = house.rows("work_item")
    desk = Corrections(house.engine)
    row = await desk.propose(LI_NA, Proposal("recover", "letter-2026-9", item_id=item["item_id"], approved_fen=fen))
    with pytest.raises(Conflict, match="another person"):
        await desk.approve(LI_NA, row["correction_id"])
    await desk.approve(WANG_WEI, row["correction_id"])
    (recovery,) = house.rows("recovery")
    return str(recovery["recovery_id"])


async def test_s3_3_e2_what_was_declined_afterwards_is_collected_once_the_patient_agreed(
    house: Parlour, road: Street
) -> None:
    recovery_id = await asked(house)
    before = [one["amount_fen"] for one in await road.books()]
    said = Agreement("proof-9", payer_token="user-1")

    await agree(house.engine.ledger, HOSPITAL, recovery_id, said)
    await agree(house.engine.ledger, HOSPITAL, recovery_id, said)
    await road.ends(recovery_id, "paid", "RECOVERY")

    told = {row["order_id"]: row["kind"] for row in house.rows("event")}
    assert 400 not in before, "nothing is collected before the patient agreed"
    assert [one["times_applied"] for one in await road.books() if one["amount_fen"] == 400] == [1]
    assert told[recovery_id] == "paid"
    assert "recovery-asked" in [row["kind"] for row in house.rows("event")]
    assert [row["approved"] for row in house.rows("claim")] == [1000], "the decision stays as it was"
    assert house.rows("work_item") == []


async def test_s3_3_e2_a_recovery_is_the_hospitals_own_and_agreed_once(house: Parlour, road: Street) -> None:
    recovery_id = await asked(house)
    ledger = house.engine.ledger
    await agree(ledger, HOSPITAL, recovery_id, Agreement("proof-9", payer_token="user-1"))

    with pytest.raises(Conflict) as other:
        await agree(ledger, HOSPITAL, recovery_id, Agreement("proof-10", payer_token="user-2"))
    with pytest.raises(NotFound) as stranger:
        recovery_of(ledger, "H99990100002", recovery_id)
    await road.ends(recovery_id, "paid", "RECOVERY")
    await until(lambda: not house.rows("outbox"))

    codes: list[LianpeiError] = [other.value, stranger.value]
    assert [one.error_code for one in codes] == ["recovery-agreed", "recovery-unknown"]


async def test_s3_3_e2_no_more_is_asked_than_was_declined(house: Parlour, road: Street) -> None:
    with pytest.raises(BadMoney):
        await asked(house, 401)
    assert house.rows("recovery") == []
    assert 401 not in [one["amount_fen"] for one in await road.books()]
