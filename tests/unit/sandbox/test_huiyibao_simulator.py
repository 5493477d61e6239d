"""The 惠医保 insurer over real sockets: pushes, declaration, trial, confirmation and every way back."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from huiyibao_support import ANNOUNCED, DECLARED, PUSHES, World, sample


async def test_the_published_visit_is_declared_quoted_confirmed_and_invoiced(world: World) -> None:
    await world.push_all()
    declared = await world.told(DECLARED)
    assert (declared["visitSerialNumber"], declared["status"]) == ("VS20250305000017", 0)

    advanced = await world.advance()
    announced = await world.told(ANNOUNCED)
    number = advanced["directPayNo"]
    confirmed = await world.order("4.3", number, qrCode="TESTQR0000000001")

    assert advanced == {"directPayNo": number, "insuranceAmount": 0, "status": 0}
    assert announced == {"directPayNo": number, "insuranceAmount": 11545, "status": 0, "msg": ""}
    assert confirmed == {"code": 0, "msg": "", "data": {"directPayNo": number, "insuranceAmount": 11545, "status": 1}}
    assert await world.hospital.code("3.9", sample("3_9_invoiceInfo")) == 0
    (settlement,) = (await world.hospital.ledger())["settlements"]
    assert (settlement["amount_fen"], settlement["times_applied"], settlement["state"]) == (11545, 1, "settled")


async def test_reports_and_operations_are_taken_for_a_known_visit(world: World) -> None:
    check = sample("3_6_checkReport")
    assert await world.hospital.code("3.6", check) == 2005
    await world.push_all()

    assert await world.hospital.code("3.6", check) == 0
    assert await world.hospital.code("3.7", sample("3_7_examineReport")) == 0


async def test_no_trial_before_every_push_and_the_declaration(world: World) -> None:
    for op in ("3.2", "3.3", "3.5"):
        await world.hospital.send(op, sample(PUSHES[op]))
    await asyncio.sleep(0.05)

    assert await world.hospital.code("4.1", sample("4_1_advance")) == 2004
    assert world.gateway.calls == []


async def test_no_trial_while_the_declaration_is_still_to_be_made(world: World) -> None:
    await world.hospital.script("3.10", "drop_connection")
    await world.push_all()

    assert await world.hospital.code("4.1", sample("4_1_advance")) == 2004

    await world.hospital.send("3.5", sample(PUSHES["3.5"]))
    await world.told(DECLARED)
    assert await world.hospital.code("4.1", sample("4_1_advance")) == 0


async def test_no_confirmation_before_the_amount_was_announced(world: World) -> None:
    await world.declare()
    await world.hospital.script("4.2", "drop_connection")
    number = (await world.advance())["directPayNo"]

    assert (await world.order("4.3", number, qrCode="Q"))["code"] == 2004
    assert (await world.hospital.ledger())["settlements"][0]["times_applied"] == 0


async def test_the_same_payment_number_gives_the_same_order_and_no_other_bill(world: World) -> None:
    number = await world.quoted()

    assert (await world.advance())["directPayNo"] == number
    assert await world.hospital.code("4.1", sample("4_1_advance") | {"requireCode": "OTHER"}) == 2006


async def test_confirming_twice_pays_once(world: World) -> None:
    number = await world.quoted()

    answers = [await world.order("4.3", number, qrCode="Q") for _ in range(2)]

    assert answers[0] == answers[1]
    assert (await world.order("4.3", number, qrCode="OTHER"))["code"] == 2004
    assert (await world.hospital.ledger())["settlements"][0]["times_applied"] == 1


async def test_a_lost_confirmation_is_found_by_the_enquiry(world: World) -> None:
    number = await world.quoted()
    await world.hospital.script("4.3", "lose_answer")

    with pytest.raises(aiohttp.ClientConnectionError):
        await world.order("4.3", number, qrCode="Q")

    assert (await world.order("4.4", number))["data"] == {"directPayNo": number, "insuranceAmount": 11545, "status": 1}
    assert (await world.order("4.4", "0"))["code"] == 2005


async def test_cancel_before_and_refund_after_the_confirmation_only(world: World) -> None:
    number = await world.quoted()
    assert (await world.order("4.6", number))["code"] == 2004
    await world.order("4.3", number, qrCode="Q")
    assert (await world.order("4.5", number))["code"] == 2004

    refunds = [await world.order("4.6", number) for _ in range(2)]

    assert [one["data"]["status"] for one in refunds] == [2, 2]
    assert (await world.order("4.3", number, qrCode="Q"))["code"] == 2004
    (settlement,) = (await world.hospital.ledger())["settlements"]
    assert (settlement["state"], settlement["times_applied"]) == ("refunded", 0)


async def test_a_cancelled_order_cannot_be_confirmed(world: World) -> None:
    number = await world.quoted()

    assert (await world.order("4.5", number))["data"]["status"] == 3
    assert (await world.order("4.3", number, qrCode="Q"))["code"] == 2004


async def test_a_refused_report_number_makes_the_order_fail(world: World) -> None:
    await world.declare()
    number = (await world.advance(requireCode="REFUSE-1"))["directPayNo"]

    announced = await world.told(ANNOUNCED)

    assert (announced["status"], announced["insuranceAmount"]) == (1, 0)
    assert (await world.order("4.4", number))["data"]["status"] == 4
    assert (await world.order("4.3", number, qrCode="Q"))["code"] == 2004


async def test_a_slow_report_number_is_announced_late(world: World) -> None:
    await world.declare()
    before = asyncio.get_running_loop().time()
    await world.advance(requireCode="SLOW-1")

    await world.told(ANNOUNCED)

    assert asyncio.get_running_loop().time() - before >= 0.3


async def test_what_a_person_was_paid_lowers_what_is_left(world: World) -> None:
    await world.declare()
    await world.hospital.send("3.5", big_bill())
    wish = {
        "totalAmount": 6_000_000,
        "totalMedins": 0,
        "selfBAmount": 0,
        "selfCAmount": 0,
        "feeRecordNumber": "FEE-BIG",
    }
    advance = {name: value for name, value in (sample("4_1_advance") | wish).items() if name != "accountPayAmnt"}
    numbers = []
    for pay_no in ("H1", "H2"):
        numbers.append((await world.hospital.send("4.1", advance | {"hospitalPayNo": pay_no}))["data"]["directPayNo"])
        await world.told(ANNOUNCED, len(numbers))
        await world.order("4.3", numbers[-1], qrCode="Q")

    amounts = [(await world.order("4.4", number))["data"]["insuranceAmount"] for number in numbers]

    assert amounts == [4_800_000, 200_000]


def big_bill() -> dict[str, Any]:
    push = sample(PUSHES["3.5"])
    detail = push["feeList"][0]["feeDetailsList"][0] | {"x_amount": 6_000_000, "x_selfBAmount": 0, "x_selfCAmount": 0}
    push["feeList"] = [{"feeRecordNumber": "FEE-BIG", "totalAmount": 6_000_000, "feeDetailsList": [detail]}]
    return push


async def test_an_invoice_comes_after_the_payment_and_ties_with_it(world: World) -> None:
    number = await world.quoted()
    invoice = sample("3_9_invoiceInfo")
    assert await world.hospital.code("3.9", invoice) == 2004
    await world.order("4.3", number, qrCode="Q")
    invoice["invoiceList"][0]["totalAmount"] = 42999

    assert await world.hospital.code("3.9", invoice) == 2003


async def test_an_unanswered_callback_is_made_again_under_a_fresh_signature(world: World) -> None:
    world.gateway.replies = [web.Response(status=503), web.json_response({"code": 1})]
    await world.push_all()

    await world.told(DECLARED, 3)

    signs = [json.loads(body)["sign"] for _, body in world.gateway.calls]
    assert len(set(signs)) == 3
    (notice,) = (await world.hospital.ledger())["notices"]
    assert (notice["attempts"], notice["op"]) == (3, "3.10")


async def test_a_scripted_duplicate_tells_the_same_twice(world: World) -> None:
    await world.declare()
    await world.hospital.script("4.2", "duplicate_callback")
    await world.advance()

    await world.told(ANNOUNCED, 2)

    told = [world.hospital.sealer.unseal(body) for path, body in world.gateway.calls if path == ANNOUNCED]
    assert told[0] == told[1]


async def test_a_patients_report_is_sent_with_a_number_above_2_to_the_53(world: World) -> None:
    wish = {"certNo": "999901198503120012", "name": "测试患者甲", "visitType": 0, "visitTime": "2025-03-05"}
    async with world.hospital.session.post(world.hospital.url + "/_report", json=wish) as reply:
        code = (await reply.json())["requireCode"]

    told = await world.told("/partners/huiyibao/hospitalDirect/apply/report/applyReport")
    await world.push_all()

    assert told["requireCode"] == code
    assert told["memberId"] > 2**53
    assert (await world.told(DECLARED))["requireCode"] == code
