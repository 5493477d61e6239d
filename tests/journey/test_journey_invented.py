"""The two insurers invented from the quirk list, each behind a socket of its own with a simulator that trusts nothing."""

import base64

import pytest
from lxml import etree
from support.bills import sample_bill
from support.house import House

QUICK_AT_ONCE = ("gbk-soap", "padded-xml")
OP = {"gbk-soap": "CLM01", "padded-xml": "CL0001"}


@pytest.mark.parametrize("code", QUICK_AT_ONCE)
async def test_a_quick_claim_is_paid_to_the_fen_in_the_answer_itself(house: House, code: str) -> None:
    bill = sample_bill(code)
    document = await house.settle(bill)
    (claim,) = document["claims"]
    (booked,) = await house.settlements(code, bill)

    cash = bill.submission["split"]["cash_pay"]
    assert claim["outcome"] == "paid"
    assert claim["approved_fen"] == document["approved_fen"] == (cash * 80 + 50) // 100
    assert (booked["amount_fen"], booked["times_applied"]) == (claim["approved_fen"], 1)


@pytest.mark.parametrize("code", QUICK_AT_ONCE)
async def test_a_policy_that_does_not_pay_is_refused_and_books_nothing(house: House, code: str) -> None:
    bill = sample_bill(code, policy="REFUSE")
    document = await house.settle(bill)

    assert [one["outcome"] for one in document["claims"]] == ["refused"]
    assert document["approved_fen"] == 0
    assert all(one["times_applied"] == 0 for one in await house.settlements(code, bill))


@pytest.mark.parametrize("trouble", ["lose_answer", "garbage", "error500"])
@pytest.mark.parametrize("code", QUICK_AT_ONCE)
async def test_a_lost_answer_is_asked_for_under_the_same_number_and_money_moves_once(
    house: House, code: str, trouble: str
) -> None:
    await house.script(code, OP[code], trouble)
    bill = sample_bill(code)
    document = await house.settle(bill)

    (booked,) = await house.settlements(code, bill)
    assert document["claims"][0]["outcome"] == "paid"
    assert (booked["amount_fen"], booked["times_applied"]) == (document["approved_fen"], 1)


async def test_an_inpatient_bill_with_refunds_reaches_the_gbk_service_as_sums_in_figures_and_words(
    house: House,
) -> None:
    bill = sample_bill("gbk-soap", story="inpatient")
    document = await house.settle(bill)

    assert document["claims"][0]["outcome"] == "paid"
    sent = base64.b64decode((await house.received("gbk-soap"))[-1]["body"])
    sent.decode("gbk")  # the bytes are GBK as they say
    inner = etree.fromstring(etree.fromstring(sent).xpath("string(//*[local-name() = 'requestXml'])").encode("gbk"))
    assert inner.findtext("BODY/TOTALWORDS") == "捌仟零贰拾贰元伍角陆分"
    assert inner.findtext("BODY/TOTAL") == "8022.56"


async def test_the_second_insurer_is_asked_for_what_the_first_left(house: House) -> None:
    bill = sample_bill("gbk-soap", "padded-xml")
    document = await house.settle(bill)

    first, second = (one["approved_fen"] for one in document["claims"])
    cash = bill.submission["split"]["cash_pay"]
    assert first == (cash * 80 + 50) // 100
    assert second == ((cash - first) * 80 + 50) // 100
