"""The quota that a bill was brought under holds, whatever becomes of process and guarantee afterwards."""

from pathlib import Path

import msgspec
from support.bills import sample_bill
from support.insurer_double import Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.intake import canonical_bytes


async def brought(house: Parlour, quota: int = 0) -> Bill:
    """A bill that names a guarantee, whose settlement waits for the insurer's call."""
    sample = sample_bill("package").changed(lambda bill: bill.update(counter={"guarantee": "ord_guarantee"}))
    submission = msgspec.convert(sample.submission, Submission, str_keys=True, strict=False)
    bill = house.engine.new_bill(submission, *canonical_bytes(submission)[:1], "H99990100001", sample.key, "digest")
    bill.guaranteed = {"package": (quota, {"preauth_ref": "PA-1"})} if quota else {}
    house.insurer.answers["settle"] = [ActResult(state="need_more")]
    await house.engine.start(bill)
    return bill


async def test_a_pinned_quota_survives_a_restart(tmp_path: Path) -> None:
    house = parlour(tmp_path / "claims.db")
    plain, pinned = await brought(house), await brought(house, 900)

    again = parlour(tmp_path, house.insurer, house.room).engine.ledger
    loaded, other = again.load_bill(pinned.order_id), again.load_bill(plain.order_id)

    assert loaded is not None
    assert other is not None
    assert {insurer: quota for insurer, (quota, _) in loaded.guaranteed.items()} == {"package": 900}
    assert loaded.claims[0].refs["preauth_ref"] == "PA-1"
    assert other.guaranteed == {}


async def test_after_a_restart_a_decision_above_the_quota_is_still_told(tmp_path: Path) -> None:
    house = parlour(tmp_path / "claims.db")
    pinned = await brought(house, 900)

    again = parlour(tmp_path, house.insurer, house.room)
    await again.told_late(pinned, ActResult(state="accepted", verdict="paid", approved=1000))

    kinds = [row["kind"] for row in again.rows("event", order_id=pinned.order_id)]
    assert "guarantee-short" in kinds, kinds
