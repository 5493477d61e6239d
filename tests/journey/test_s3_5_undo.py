"""Taking an order back (domain §3.5): insurers in reverse policy order, then 医保, then cash; nothing twice, nothing silently."""

from typing import Any

from support.bills import SampleBill, sample_bill
from support.hostile import require_refusal
from support.house import House


async def undoing(house: House, bill: SampleBill) -> tuple[dict[str, Any], dict[str, Any]]:
    """A decided order and its undo as it was answered."""
    order = await house.settle(bill)
    asked = await house.undo(order["order_id"], f"undo-{bill.key}")
    assert asked.status == 202, asked.body
    return order, asked.document


def states(undo: dict[str, Any]) -> list[tuple[str, str]]:
    return [(leg["kind"], leg["state"]) for leg in undo["legs"]]


async def test_s3_5_insurers_come_first_then_yibao_then_cash(house: House) -> None:
    bill = sample_bill("package", "huiyibao")
    order, asked = await undoing(house, bill)

    insurers_done = await house.undone(asked["undo_id"], "asked", leg="yibao")
    frozen = (await house.order(order["order_id"])).document
    await house.yibao(asked["undo_id"])
    done = await house.undone(asked["undo_id"], "done", patience_s=40)
    again = sample_bill("package").changed(lambda bill: bill.update(replaces=order["order_id"]), f"again-{bill.key}")

    assert (await house.order(order["order_id"])).document["state"] == "reversed"
    assert (await house.submit(again)).is_decided, "what remains is settled again"
    assert (await house.order(order["order_id"])).document["state"] == "replaced"
    assert states(insurers_done)[-1] == ("cash", "waiting")
    assert frozen["state"] == "reversing"
    assert states(done) == [("claim", "undone"), ("claim", "undone"), ("yibao", "undone"), ("cash", "undone")]
    assert [leg["insurer"] for leg in done["legs"][:2]] == ["huiyibao", "package"], "the last policy is undone first"
    assert done["legs"][3]["amount_fen"] == order["self_pay_due_fen"]
    for code in ("package", "huiyibao"):
        assert [one["times_applied"] for one in await house.settlements(code, bill)] == [0], code
    kinds = [event["kind"] for event in await house.events() if event["order_id"] == order["order_id"]]
    assert kinds.index("undo-asked") < kinds.index("undo-yibao") < kinds.index("undo-done")


async def test_s3_5_the_same_key_is_the_same_undo_and_a_second_undo_is_refused(house: House) -> None:
    order, asked = await undoing(house, bill := sample_bill("package"))

    again = await house.undo(order["order_id"], f"undo-{bill.key}")
    other = await house.undo(order["order_id"], "another-key")
    changed = await house.undo(order["order_id"], f"undo-{bill.key}", reason="other")
    unknown = await house.undo("ord_0", "key-0")
    stranger = await house.call("GET", f"/v1/undos/{asked['undo_id']}x")

    assert again.document["undo_id"] == asked["undo_id"]
    require_refusal(other, 409, "undo-under-way")
    require_refusal(changed, 422, "idempotency-key-reused")
    require_refusal(unknown, 404, "order-unknown")
    require_refusal(stranger, 404, "undo-unknown")


async def test_s3_5_e1_an_insurer_that_has_paid_opens_a_recovery_and_no_cash_goes_back(house: House) -> None:
    bill = sample_bill("huiyibao")
    order = await house.settle(bill)
    await house.pay_out("huiyibao", bill)

    asked = (await house.undo(order["order_id"], f"undo-{bill.key}")).document
    stuck = await house.undone(asked["undo_id"], "stuck")

    assert states(stuck) == [("claim", "recovery"), ("yibao", "waiting"), ("cash", "waiting")]
    assert (await house.order(order["order_id"])).document["state"] == "reversing"
    assert [one["times_applied"] for one in await house.settlements("huiyibao", bill)] == [1]
    require_refusal(await house.yibao(asked["undo_id"]), 409, "leg-not-asked")


async def test_s3_5_e2_a_lost_answer_to_an_undo_is_asked_about_under_its_own_id(house: House) -> None:
    bills = {"package": ("S270", sample_bill("package")), "huiyibao": ("4.6", sample_bill("huiyibao"))}
    for code, (op, bill) in bills.items():
        order = await house.settle(bill)
        await house.script(code, op, "lose_answer")
        asked = (await house.undo(order["order_id"], f"undo-{bill.key}")).document

        undone = await house.undone(asked["undo_id"], "asked", leg="yibao", patience_s=30)

        assert states(undone)[0] == ("claim", "undone"), code
        assert [one["times_applied"] for one in await house.settlements(code, bill)] == [0], code


async def test_s3_5_e3_what_is_stuck_midway_stays_reversing_with_every_leg_visible(house: House) -> None:
    bill = sample_bill("huiyibao", "package")
    order = await house.settle(bill)
    await house.pay_out("huiyibao", bill)

    asked = (await house.undo(order["order_id"], f"undo-{bill.key}")).document
    stuck = await house.undone(asked["undo_id"], "stuck")

    assert states(stuck) == [("claim", "undone"), ("claim", "recovery"), ("yibao", "waiting"), ("cash", "waiting")]
    assert stuck["message"]["zh"]
    assert (await house.order(order["order_id"])).document["state"] == "reversing"
    assert "undo-stuck" in {event["kind"] for event in await house.events() if event["order_id"] == order["order_id"]}


async def test_s3_5_a_quick_claim_that_was_paid_to_the_patient_is_a_recovery(house: House) -> None:
    order, asked = await undoing(house, sample_bill("ant"))

    stuck = await house.undone(asked["undo_id"], "stuck")

    assert stuck["legs"][0]["state"] == "recovery"
    assert stuck["legs"][0]["cause"] == "patient-was-paid"
    assert stuck["legs"][0]["amount_fen"] == order["approved_fen"] > 0
