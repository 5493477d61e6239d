"""The package insurer over a real socket: it takes the published samples and pays each bill once."""

import asyncio
import base64
import copy
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from package_support import OUTPATIENT, Hospital, encode, fresh, seal
from sandbox_support import sample


async def inpatient(hospital: Hospital) -> dict[str, Any]:
    """Opens the inpatient visit of the samples and brings its 42 lines."""
    visit = fresh("02_S210_request")
    visit["package"]["body"][0] |= {"medicalNum": "IP20250303000042", "medicalType": "21", "inHospitalNum": "ZY1"}
    assert await hospital.code(visit) == "0"
    assert await hospital.code(fresh("14_S250_request")) == "0"
    return fresh("15_S291_request")


COMPUTED = [
    "medicalNum",
    "billNum",
    "medicalCost",
    "commercialInsuranceCost",
    "sbFundPay",
    "personalAmount",
    "accumCompAmount",
    "residualAmount",
    "insuranceHospitalAccumulatePayment",
    "insuranceOutpatient",
    "indemnitySign",
    "calculateInformation",
    "waiverSign",
]


def computed(package: dict[str, Any]) -> dict[str, Any]:
    return {name: package["body"][0][name] for name in COMPUTED}


async def test_the_published_trial_and_settlement_come_out_to_the_fen(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)

    for step in ("06_S290", "07_S291"):
        answer = await hospital.send(fresh(f"{step}_request"))

        assert computed(answer) == computed(sample(f"package/{step}_answer.json")["package"])
        assert answer["head"]["recordCount"] == "1"
        assert answer["head"]["senderCode"] == "980000001"


async def test_the_published_inpatient_bill_comes_out_to_the_fen(hospital: Hospital) -> None:
    settle = await inpatient(hospital)

    answer = await hospital.send(settle)

    assert computed(answer) == computed(sample("package/15_S291_answer.json")["package"])


async def test_a_line_returned_after_a_cancel_makes_the_published_second_settlement(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "06_S290_request")
    first = (await hospital.send(fresh("07_S291_request")))["body"][0]["settleSerialNum"]
    cancel = fresh("08_S270_request")
    cancel["package"]["body"][0]["settleSerialNum"] = first
    assert await hospital.code(cancel) == "0"
    await hospital.all_good("10_S250_refund_request")

    answer = await hospital.send(fresh("11_S291_resettle_request"))

    assert computed(answer) == computed(sample("package/11_S291_resettle_answer.json")["package"])
    books = (await hospital.ledger())["settlements"]
    assert [(one["state"], one["times_applied"]) for one in books] == [("cancelled", 0), ("settled", 1)]


async def test_settling_the_same_bill_again_pays_once_and_gives_the_first_answer(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "06_S290_request")

    first = await hospital.send(fresh("07_S291_request"))
    again = await hospital.send(fresh("07_S291_request"))

    assert first["body"] == again["body"]
    (settlement,) = (await hospital.ledger())["settlements"]
    assert settlement["amount_fen"] == 11545
    assert settlement["times_applied"] == 1
    assert settlement["our_refs"] == {"billNum": "B20250305000017", "medicalNum": "OP20250305000017"}


async def test_the_same_visit_paid_under_two_bill_numbers_shows_as_a_double_payment(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "07_S291_request")
    other = fresh("07_S291_request")
    other["package"]["body"][0] |= {"billNum": "B2", "businessSerialNum": "B2"}

    assert await hospital.code(other) == "0"

    assert [one["times_applied"] for one in (await hospital.ledger())["settlements"]] == [2, 2]


async def test_a_bill_number_is_not_used_for_another_amount(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "07_S291_request")
    other = fresh("07_S291_request")
    other["package"]["body"][0]["commercialInsurancePayment"] = 0

    assert await hospital.code(other) == "1000409"


async def test_cancelling_gives_the_money_back_to_the_policy_once(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "07_S291_request")
    cancel = fresh("08_S270_request")
    cancel["package"]["body"][0]["settleSerialNum"] = "B20250305000017"
    again = copy.deepcopy(cancel)
    again["package"]["head"]["sendTradeNum"] = "20250305154000-990000001-900000"

    assert [await hospital.code(cancel), await hospital.code(again)] == ["0", "0"]

    policies = (await hospital.send(fresh("01_S200_request")))["body"][0]["commercialInsuranceList"][0]
    assert [policy["residualAmount"] for policy in policies["polDetailList"]] == ["50000.00"]
    assert await hospital.code(fresh("07_S291_request")) == "1000008"
    status = fresh("16_S300_request")
    status["package"]["body"][0]["settleSerialNum"] = "B20250305000017"
    assert await hospital.code(status) == "1000404"


def with_policy(policy_no: str) -> dict[str, Any]:
    message = fresh("01_S200_request")
    message["package"]["body"][0]["commercialBillNum"] = policy_no
    return message


async def test_a_policy_asked_for_is_listed_and_an_expired_one_is_refused(hospital: Hospital) -> None:
    listed = (await hospital.send(with_policy("P-77")))["body"][0]["commercialInsuranceList"][0]["polDetailList"]

    assert [policy["commercialBillNum"] for policy in listed] == ["P-77"]
    assert await hospital.code(with_policy("EXPIRED-1")) == "1000010"


async def test_a_refused_policy_is_refused_when_the_bill_is_judged(hospital: Hospital) -> None:
    assert await hospital.code(with_policy("REFUSE-1")) == "0"
    await hospital.all_good("02_S210_request", "05_S250_request")

    assert await hospital.code(fresh("06_S290_request")) == "1000011"
    assert await hospital.code(fresh("07_S291_request")) == "1000011"


def registered() -> dict[str, Any]:
    message = fresh("07_S291_request")
    message["package"]["body"][0]["commercialInsurancePayment"] = 0
    return message


def asked_for(number: str, name: str = "16_S300_request") -> dict[str, Any]:
    message = fresh(name)
    message["package"]["body"][0]["settleSerialNum"] = number
    return message


async def test_a_quick_claim_is_registered_reviewed_and_paid_once(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    answer = (await hospital.send(registered()))["body"][0]
    assert (answer["indemnitySign"], answer["sbFundPay"]) == ("0", 0)
    assert await hospital.code(asked_for(answer["settleSerialNum"], "17_S310_request")) == "1000008"

    seen = [(await hospital.send(asked_for("B20250305000017")))["body"][0] for _ in range(3)]

    assert [one["caseStatus"] for one in seen] == ["0", "1", "1"]
    assert [one["mngFinalPay"] for one in seen] == ["0.00", "115.45", "115.45"]
    (settlement,) = (await hospital.ledger())["settlements"]
    assert (settlement["state"], settlement["times_applied"]) == ("settled", 1)
    assert await hospital.code(asked_for(answer["settleSerialNum"], "17_S310_request")) == "0"


async def test_a_review_that_wants_material_decides_when_the_record_came_again(hospital: Hospital) -> None:
    assert await hospital.code(with_policy("MATERIAL-1")) == "0"
    await hospital.all_good("02_S210_request", "05_S250_request")
    await hospital.send(registered())
    record, seen = fresh("13_S340_request"), []
    record["package"]["body"][0]["medicalNum"] = "OP20250305000017"
    for step in (asked_for, asked_for, lambda _: record, asked_for):
        seen.append((await hospital.send(step("B20250305000017")))["body"][0].get("caseStatus"))
    assert seen == ["3", "3", None, "1"]


async def test_a_quick_claim_under_a_refused_policy_is_declined(hospital: Hospital) -> None:
    await hospital.code(with_policy("REFUSE-1"))
    await hospital.all_good("02_S210_request", "05_S250_request")
    await hospital.send(registered())

    seen = [(await hospital.send(asked_for("B20250305000017")))["body"][0] for _ in range(2)]

    assert [(one["caseStatus"], one["mngFinalPay"]) for one in seen] == [("0", "0.00"), ("2", "0.00")]


async def test_what_earlier_payers_took_is_kept_from_the_trial_for_the_settlement(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    trial = fresh("06_S290_request")
    trial["package"]["body"][0]["commercialInsurancePayment"] = Decimal("44.31")
    quoted = (await hospital.send(trial))["body"][0]
    assert (quoted["sbFundPay"], quoted["personalAmount"]) == (Decimal("80.00"), Decimal("48.00"))
    settle = fresh("07_S291_request")
    settle["package"]["body"][0]["commercialInsurancePayment"] = Decimal("80.00")

    assert await hospital.code(settle) == "0"


async def test_an_amount_that_was_not_quoted_is_not_settled(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    settle = fresh("07_S291_request")
    settle["package"]["body"][0]["commercialInsurancePayment"] = Decimal("115.46")

    assert await hospital.code(settle) == "1000009"
    assert (await hospital.ledger())["settlements"] == []


async def test_lines_sent_again_replace_themselves_and_can_be_withdrawn(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "05_S250_request", "06_S290_request", "09_S260_request")

    assert await hospital.code(fresh("06_S290_request")) == "1000006"


async def test_a_visit_can_be_changed_documented_and_withdrawn(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "03_S230_request")
    record = fresh("13_S340_request")
    record["package"]["body"][0]["medicalNum"] = "OP20250305000017"
    withdraw = fresh("04_S240_request")
    withdraw["package"]["body"][0]["medicalNum"] = "OP20250305000017"

    assert (await hospital.send(record))["body"][0]["medicalHistoryId"]
    assert await hospital.code(withdraw) == "0"
    assert await hospital.code(fresh("06_S290_request")) == "1000001"


async def test_a_lost_answer_leaves_the_work_done(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    await hospital.script("S291", "lose_answer")

    with pytest.raises(aiohttp.ClientConnectionError):
        await hospital.send(fresh("07_S291_request"))

    found = (await hospital.send(asked_for("B20250305000017")))["body"][0]
    assert (found["caseStatus"], found["mngFinalPay"]) == ("1", "115.45")


@pytest.mark.parametrize("do", ["drop_connection", "error500"])
async def test_a_dropped_request_leaves_nothing_done(hospital: Hospital, do: str) -> None:
    await hospital.all_good(*OUTPATIENT)
    await hospital.script("S291", do)

    if do == "error500":
        assert (await hospital.post(seal(encode(fresh("07_S291_request")))))[0] == 500
    else:
        with pytest.raises(aiohttp.ClientConnectionError):
            await hospital.send(fresh("07_S291_request"))

    assert (await hospital.ledger())["settlements"] == []
    assert await hospital.code(asked_for("B20250305000017")) == "1000404"


async def test_garbage_and_delay_come_after_the_work(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    await hospital.script("S290", "garbage")
    await hospital.script("S291", "delay", seconds=0.2)
    loop_time = asyncio.get_running_loop().time

    assert await hospital.post(seal(encode(fresh("06_S290_request")))) == (200, b"<<<not an answer>>>")
    before = loop_time()
    assert await hospital.code(fresh("07_S291_request")) == "0"
    assert loop_time() - before >= 0.2


async def test_a_slow_policy_is_slow_to_settle_only(hospital: Hospital) -> None:
    await hospital.code(with_policy("SLOW-1"))
    loop_time = asyncio.get_running_loop().time
    before = loop_time()
    await hospital.all_good("02_S210_request", "05_S250_request", "06_S290_request")
    quick = loop_time() - before
    before = loop_time()

    assert await hospital.code(fresh("07_S291_request")) == "0"

    assert quick < 0.2 <= loop_time() - before


async def test_a_script_for_an_unknown_operation_is_refused(hospital: Hospital) -> None:
    assert await hospital.script("S29I", "lose_answer") == 400
    assert await hospital.script("S291", "make_tea") == 400


async def test_what_came_in_is_kept_byte_for_byte(hospital: Hospital) -> None:
    body = seal(encode(fresh("01_S200_request")))
    await hospital.post(body)

    (kept,) = await hospital.received(1)

    assert base64.b64decode(kept["body"]) == body
    assert kept["op"] == "S200"
