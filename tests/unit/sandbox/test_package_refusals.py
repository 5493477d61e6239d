"""What the package insurer does not take: bills, lines, heads and bodies that a strict insurer would refuse."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from package_support import OUTPATIENT, Hospital, encode, fresh, seal, unseal
from sandbox_support import sample

BROKEN = [
    ("sumMoney", Decimal("430.01"), "1000006"),
    ("cashMoney", Decimal("172.30"), "1000006"),
    ("selfAmount", Decimal("45.00"), "1000006"),
    ("fundMoney", Decimal("137.68"), "1000006"),
    ("medFeeList", [{"feeName": "西药费", "feeValue": "430.01"}], "1000006"),
    ("medicalType", "99", "1000003"),
    ("settleDate", "2025-03-05", "1000004"),
    ("settleDate", "20250230101000", "1000004"),
    ("sumMoney", "430.00", "1000004"),
    ("sumMoney", Decimal("430.001"), "1000004"),
    ("cashMoney", None, "1000002"),
    ("dischDiagnosisList", [], "1000002"),
    ("dischDiagnosisList", [{"diagnosisCode": "J06", "diagnosisName": "x", "diagSort": "7"}], "1000003"),
    ("medicalNum", "OP-NOBODY", "1000001"),
    ("billNum", "", "1000002"),
    ("businessSerialNum", "ANOTHER", "1000004"),
]


@pytest.mark.parametrize(("name", "value", "code"), BROKEN)
async def test_a_bill_that_does_not_hold_is_refused(hospital: Hospital, name: str, value: Any, code: str) -> None:
    await hospital.all_good(*OUTPATIENT)
    settle = fresh("07_S291_request")
    settle["package"]["body"][0][name] = value

    assert await hospital.code(settle) == code


BROKEN_LINES = [
    ("money", Decimal("25.01"), "1000006"),
    ("feesGrade", "4", "1000003"),
    ("listCat", "9", "1000003"),
    ("platformItemCat", "15", "1000003"),
    ("recipeSerialNum", None, "1000002"),
    ("recipeDate", "20250305", "1000004"),
    ("price", True, "1000004"),
    ("medicalNum", "OP-NOBODY", "1000001"),
]


@pytest.mark.parametrize(("name", "value", "code"), BROKEN_LINES)
async def test_one_bad_line_refuses_the_whole_call(hospital: Hospital, name: str, value: Any, code: str) -> None:
    await hospital.all_good("01_S200_request", "02_S210_request")
    lines = fresh("05_S250_request")
    lines["package"]["body"][-1][name] = value

    assert await hospital.code(lines) == code
    assert await hospital.code(fresh("07_S291_request")) == "1000001"


def many_lines(count: int) -> dict[str, Any]:
    message = fresh("05_S250_request")
    line = message["package"]["body"][0]
    message["package"]["body"] = [{**line, "recipeSerialNum": f"L{number}"} for number in range(count)]
    message["package"]["head"]["recordCount"] = str(count)
    return message


@pytest.mark.parametrize(("count", "code"), [(1, "0"), (99, "0"), (100, "0"), (101, "1000005")])
async def test_a_call_carries_at_most_100_lines(hospital: Hospital, count: int, code: str) -> None:
    await hospital.all_good("01_S200_request", "02_S210_request")

    assert await hospital.code(many_lines(count)) == code


async def test_a_record_count_that_lies_is_refused(hospital: Hospital) -> None:
    await hospital.all_good("01_S200_request", "02_S210_request")
    lines = many_lines(3)
    lines["package"]["head"]["recordCount"] = "4"

    assert await hospital.code(lines) == "1000005"


async def test_no_line_gives_back_more_than_it_had(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    refund = fresh("10_S250_refund_request")
    refund["package"]["body"][0] |= {"quantity": -2, "money": Decimal("-113.6")}
    assert await hospital.code(refund) == "0"

    assert await hospital.code(fresh("06_S290_request")) == "1000007"


async def test_a_refund_line_must_name_its_original(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT)
    refund = fresh("10_S250_refund_request")
    refund["package"]["body"][0]["relationNum"] = None

    assert await hospital.code(refund) == "1000007"


async def test_lines_of_a_settled_visit_stand_still(hospital: Hospital) -> None:
    await hospital.all_good(*OUTPATIENT, "07_S291_request", "05_S250_request")

    assert await hospital.code(fresh("10_S250_refund_request")) == "1000008"
    assert await hospital.code(fresh("09_S260_request")) == "1000008"


async def test_an_inpatient_visit_needs_its_admission_number(hospital: Hospital) -> None:
    visit = fresh("02_S210_request")
    visit["package"]["body"][0]["medicalType"] = "21"

    assert await hospital.code(visit) == "1000002"


HEADS = [("busseID", "S999", "1000003"), ("senderName", "", "1000002"), ("sendTradeNum", "1", "1000004")]
HEADS += [("intermediaryCode", "7", "1000003"), ("systemType", "2", "1000003"), ("senderCode", "5", "1000004")]


@pytest.mark.parametrize(("name", "value", "code"), HEADS)
async def test_a_head_that_is_not_right_is_refused(hospital: Hospital, name: str, value: str, code: str) -> None:
    message = fresh("01_S200_request")
    message["package"]["head"][name] = value

    assert await hospital.code(message) == code


async def test_names_with_stray_blanks_are_read(hospital: Hospital) -> None:
    message = fresh("01_S200_request")
    head = message["package"]["head"]
    head["busseID"] = " S200"
    head[" recordCount "] = head.pop("recordCount")

    assert await hospital.code(message) == "0"


async def test_a_trade_number_is_used_for_one_message_only(hospital: Hospital) -> None:
    message = fresh("01_S200_request")
    other = copy.deepcopy(message)
    other["package"]["body"][0]["name"] = "测试患者乙"

    assert [await hospital.code(message), await hospital.code(message)] == ["0", "0"]
    assert await hospital.code(other) == "1000409"


async def test_a_body_under_another_key_is_not_read(hospital: Hospital) -> None:
    status, answer = await hospital.post(seal(encode(fresh("01_S200_request")), b"ANOTHER-KEY-0001"))

    assert status == 400
    assert "无法解密".encode() in answer


@pytest.mark.parametrize("body", [b"", b"no base64!", b'"' + seal(b"{}") + b'"', seal(b"{}"), seal(b'{"a":1,"a":2}')])
async def test_a_body_that_is_no_envelope_is_not_read(hospital: Hospital, body: bytes) -> None:
    assert (await hospital.post(body))[0] == 400


async def test_the_published_cipher_text_is_read(hospital: Hospital) -> None:
    vector = sample("package/40_wire_vectors.json")["aes_ecb_pkcs5"]

    _, answer = await hospital.post(vector["body_base64"].encode())

    assert unseal(answer)["additionInfo"]["errorCode"] == "0"


async def test_without_a_live_token_the_fixed_text_comes_back(hospital: Hospital) -> None:
    body = seal(encode(fresh("01_S200_request")))
    assert (await hospital.session.post(hospital.url + "/_expire_tokens")).status == 200

    expired = (await hospital.post(body))[1]
    await hospital.log_in()

    assert "Token已过期".encode() in expired
    assert unseal((await hospital.post(body))[1])["additionInfo"]["errorCode"] == "0"


async def test_a_wrong_application_secret_gets_no_token(hospital: Hospital) -> None:
    answer = await hospital.log_in("WRONG")

    assert answer["result"]["code"] == "ERR0004"
    assert answer["data"] is None
