"""The Ant insurer over real sockets: a report is taken, decided by callback, and never paid twice."""

import asyncio
import hashlib
import json
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from ant_support import REPORT, Platform, inside, report
from cryptography.exceptions import InvalidSignature
from sandbox_support import SAMPLES


def texts(element: ElementTree.Element) -> dict[str, str]:
    return {info.get("key", ""): info.get("value", "") for info in element.iter("extendInfo")}


def skeleton(element: ElementTree.Element) -> list[tuple[str, str]]:
    """Names in order, with the keys of the extendInfos: the layout of a message without its values."""
    return [(one.tag, one.get("key", "")) for one in element.iter()]


def published(name: str) -> ElementTree.Element:
    request = ElementTree.parse(SAMPLES / f"ant/{name}.xml").getroot().find("request")
    assert request is not None
    return request


def test_the_bytes_that_are_signed_are_the_published_ones() -> None:
    expected = json.loads((SAMPLES / "ant/sign_inputs.json").read_text("utf-8"))["files"]["01_report_sync_request.xml"]

    assert hashlib.sha256(inside(REPORT, "request").encode()).hexdigest() == expected["sha256_of_inner_bytes"]


async def test_the_published_report_is_taken_and_closed_with_the_published_amount(platform: Platform) -> None:
    answer = await platform.send(REPORT)
    assert answer == {
        "success": "1", "errorCode": "200", "errorMessage": "success!", "reportNo": "TESTREPORT0000001"
    }  # fmt: skip

    told = await platform.told()

    assert skeleton(told) == skeleton(published("02_case_close_action2_request"))
    assert told.findtext("body/reportNo") == "TESTREPORT0000001"
    assert texts(told)["claimFee"] == "11545"
    settlement = await platform.settlement()
    assert (settlement["amount_fen"], settlement["times_applied"]) == (11545, 1)
    assert settlement["our_refs"] == {"reportNo": "TESTREPORT0000001", "outBizNo": "TESTBIZ0000001"}


async def test_the_answer_echoes_the_message_number(platform: Platform) -> None:
    answer = await platform.post(platform.signer.seal(report(7)))

    assert answer.findtext("head/reqMsgId") == "20250306100000TEST0007"
    assert (answer.findtext("head/transTime") or "").isdecimal()


async def test_the_same_business_number_in_a_new_message_changes_nothing(platform: Platform) -> None:
    first = await platform.send(report(1, biz="SAME"))
    await platform.told()

    again = await platform.send(report(2, biz="SAME"))

    assert first == again
    assert (await platform.settlement())["times_applied"] == 1


async def test_a_business_number_is_not_used_for_another_claim(platform: Platform) -> None:
    await platform.send(report(1, biz="SAME"))

    assert await platform.code(report(2, biz="SAME", amount="14432")) == "409"


async def test_a_report_is_not_opened_twice(platform: Platform) -> None:
    await platform.send(report(1))

    assert await platform.code(report(2)) == "409"


async def test_a_message_number_is_used_once(platform: Platform) -> None:
    assert [await platform.code(report(1)), await platform.code(report(1))] == ["200", "408"]


@pytest.mark.parametrize("policy", ["EXPIRED-1", "REFUSE-1"])
async def test_a_refused_policy_is_rejected_by_action_9(platform: Platform, policy: str) -> None:
    assert await platform.code(report(1, policy=policy)) == "200"

    told = await platform.told()

    assert skeleton(told) == skeleton(published("03_reject_action9_request"))
    assert told.findtext("body/action") == "9"
    assert (await platform.settlement())["state"] == "refused"


async def test_wanted_material_is_asked_for_once_and_then_the_case_is_closed(platform: Platform) -> None:
    await platform.send(report(1, policy="MATERIAL-1"))
    asked = await platform.told()
    assert asked.findtext("body/action") == "10"
    assert (await platform.settlement())["times_applied"] == 0

    assert await platform.code(report(2, policy="MATERIAL-1")) == "200"
    closed = await platform.told(2)

    assert texts(closed)["claimFee"] == "11545"
    assert (await platform.settlement())["times_applied"] == 1


async def test_a_slow_policy_is_decided_late(platform: Platform) -> None:
    before = asyncio.get_running_loop().time()
    await platform.send(report(1, policy="SLOW-1"))

    await platform.told()

    assert asyncio.get_running_loop().time() - before >= 0.3


async def test_the_residual_caps_what_is_paid(platform: Platform) -> None:
    fees = []
    for number in (1, 2):
        await platform.send(report(number, report_no=f"R{number}", amount="6000000"))
        fees.append(texts(await platform.told(number))["claimFee"])

    assert fees == ["4800000", "200000"]


async def test_a_notice_is_made_again_until_a_signed_answer_comes(platform: Platform) -> None:
    unsigned = (SAMPLES / "ant/01_report_sync_answer.xml").read_bytes()
    platform.gateway.replies = [web.Response(status=500), web.Response(body=unsigned)]
    await platform.send(REPORT)

    await platform.told(3)

    assert (await platform.settlement())["times_applied"] == 1
    (notice,) = (await platform.ledger())["notices"]
    assert notice["attempts"] == 3


async def test_a_duplicate_notice_pays_nothing_more(platform: Platform) -> None:
    await platform.script("notify", "duplicate_callback")
    await platform.send(REPORT)

    second = await platform.told(2)

    assert texts(second)["claimFee"] == "11545"
    assert (await platform.settlement())["times_applied"] == 1


async def test_a_lost_answer_still_leads_to_a_decision(platform: Platform) -> None:
    await platform.script("report", "lose_answer")

    with pytest.raises(aiohttp.ClientConnectionError):
        await platform.send(REPORT)

    assert texts(await platform.told())["claimFee"] == "11545"


async def test_answers_are_signed_so_that_a_changed_one_is_noticed(platform: Platform) -> None:
    body = platform.signer.seal(REPORT)
    async with platform.session.post(platform.url + "/gateway", data=body) as reply:
        answer = await reply.read()

    with pytest.raises(InvalidSignature):
        platform.signer.open(answer.replace(b"<success>1", b"<success>0"), "response")
