"""The one vocabulary of trouble: asked for by script, header or policy number, played by every simulator or refused clearly."""

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ant_support import NOTIFY, Platform, report
from cryptography.exceptions import InvalidSignature
from huiyibao_support import ANNOUNCED, World
from package_support import APP_SECRET, OUTPATIENT, Hospital, fresh
from sandbox_support import Peer, serving

from gateway.kernel.errors import BadRequest
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import GARBAGE
from gateway.sandbox.common.script import HEADER, Script
from gateway.sandbox.common.trouble import Do, Repertoire
from gateway.sandbox.pay import PaySimulator

QUERY = {"appId": "TESTAPP", "secret": APP_SECRET, "grant_type": "client_credentials"}
MANY = aiohttp.ClientTimeout(total=0.4)


async def ask(peer: Peer, trouble: str = "", limit: aiohttp.ClientTimeout | None = None) -> tuple[int, bytes]:
    """A call for a token, which every trouble of answers may meet."""
    headers = {HEADER: trouble} if trouble else {}
    url, most = f"{peer.url}/api/token/access_token", limit or aiohttp.ClientTimeout(total=5)
    async with peer.session.get(url, params=QUERY, headers=headers, timeout=most) as reply:
        return reply.status, await reply.read()


async def refusal(peer: Peer, wish: Any) -> str:
    async with peer.session.post(f"{peer.url}/_script", json=wish) as reply:
        assert reply.status == 400
        return str((await reply.json())["refused"])


@pytest.mark.parametrize("do", [Do.LOSE_ANSWER, Do.DROP_CONNECTION])
async def test_a_cut_connection_is_one_without_an_answer(hospital: Hospital, do: Do) -> None:
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask(hospital, do.value)

    assert (await ask(hospital))[0] == 200


async def test_an_answer_that_drips_is_the_right_one_in_the_end(hospital: Hospital) -> None:
    length, started = len((await ask(hospital))[1]), time.monotonic()

    status, body = await ask(hospital, "drip; seconds=0.001")

    assert (status, len(body)) == (200, length)
    assert time.monotonic() - started >= 0.001 * length


async def test_a_drip_is_slower_than_a_patience_that_counts_from_the_first_byte(hospital: Hospital) -> None:
    with pytest.raises(TimeoutError):
        await ask(hospital, "drip; seconds=0.1", MANY)


async def test_a_half_open_connection_says_nothing_and_stays(hospital: Hospital) -> None:
    with pytest.raises(TimeoutError):
        await ask(hospital, "half_open", MANY)


async def test_a_late_answer_comes_when_it_was_asked_to(hospital: Hospital) -> None:
    started = time.monotonic()

    status, _ = await ask(hospital, "delay; seconds=0.3")

    assert status == 200
    assert time.monotonic() - started >= 0.3


async def test_garbage_and_errors_are_what_their_names_say(hospital: Hospital) -> None:
    assert (await ask(hospital, "garbage"))[1] == GARBAGE
    assert (await ask(hospital, "error500"))[0] == 500


@pytest.mark.parametrize("asked", ["lose", "delay; minutes=1", "delay; seconds=x", "duplicate_callback"])
async def test_a_header_that_asks_for_nothing_playable_is_told_so(hospital: Hospital, asked: str) -> None:
    status, body = await ask(hospital, asked)

    assert status == 400
    assert b"refused" in body


async def test_what_a_simulator_cannot_play_is_refused_with_where_it_could(hospital: Hospital) -> None:
    forged = await refusal(hospital, {"match": {"op": "S291"}, "do": "wrong_signature"})
    there = await refusal(hospital, {"match": {"op": "S210"}, "do": "wrong_amount"})

    assert "no place for it" in forged
    assert there.endswith("it can at S290, S291, S300")


async def settled(hospital: Hospital, policy: str = "") -> dict[str, Any]:
    await hospital.all_good(*OUTPATIENT, "06_S290_request")
    return (await hospital.send(fresh("07_S291_request")))["body"][0]


async def test_a_wrong_amount_is_told_and_not_booked(hospital: Hospital) -> None:
    await hospital.script("S291", "wrong_amount")

    answer = await settled(hospital)

    (booked,) = (await hospital.ledger())["settlements"]
    assert int(answer["sbFundPay"] * 100) == booked["amount_fen"] + 100


async def test_an_approval_after_the_reversal_stands_in_the_books(hospital: Hospital) -> None:
    answer = await settled(hospital)
    await hospital.script("S270", "approve_after_reverse")
    cancel = fresh("08_S270_request")
    cancel["package"]["body"][0]["settleSerialNum"] = answer["settleSerialNum"]

    assert await hospital.code(cancel) == "0"

    (booked,) = (await hospital.ledger())["settlements"]
    assert (booked["state"], booked["times_applied"]) == ("settled", 1)


async def test_a_policy_number_asks_for_its_own_trouble_once(hospital: Hospital) -> None:
    opening, visit = fresh("01_S200_request"), fresh("02_S210_request")
    opening["package"]["body"][0]["commercialBillNum"] = "TROUBLE.lose_answer.0001"
    for message in (opening, visit, fresh("05_S250_request"), fresh("06_S290_request")):
        assert await hospital.code(message) == "0"

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await hospital.send(fresh("07_S291_request"))
    again = await hospital.send(fresh("07_S291_request"))

    (booked,) = (await hospital.ledger())["settlements"]
    assert int(again["body"][0]["sbFundPay"] * 100) == booked["amount_fen"] > 0
    assert booked["times_applied"] == 1


async def test_a_callback_is_forged_once_and_then_right(platform: Platform) -> None:
    await platform.script("notify", "wrong_signature")
    await platform.send(report(1))

    await platform.told(times=2)

    first, second = (body for path, body in platform.gateway.calls if path == NOTIFY)
    with pytest.raises(InvalidSignature):
        platform.signer.open(first, "request")
    platform.signer.open(second, "request")


async def test_an_answer_is_forged(platform: Platform) -> None:
    await platform.script("report", "wrong_signature")

    with pytest.raises(InvalidSignature):
        await platform.send(report(1))


@pytest.mark.parametrize("do", [Do.GARBAGE, Do.LOSE_ANSWER])
async def test_a_callback_whose_first_attempt_failed_is_made_again(platform: Platform, do: Do) -> None:
    await platform.script("notify", do.value)
    await platform.send(report(1))

    told = await platform.told(times=2)

    assert told.findtext("body/reportNo") == "TESTREPORT0000001"
    assert (await platform.settlement())["times_applied"] == 1


async def test_a_callback_is_overtaken_by_the_next(platform: Platform) -> None:
    await platform.script("notify", "reorder_callback")
    for number in (1, 2):
        await platform.send(report(number, report_no=f"TESTREPORT{number}", policy=f"TESTP{number}"))

    await platform.told(times=2)

    opened = [platform.signer.open(body, "request") for path, body in platform.gateway.calls if path == NOTIFY]
    assert [one.findtext("body/reportNo") for one in opened] == ["TESTREPORT2", "TESTREPORT1"]


async def test_an_insurer_asks_for_more_when_it_is_told_to(platform: Platform) -> None:
    await platform.script("report", "need_more")
    await platform.send(report(1))

    told = await platform.told()

    assert told.findtext("body/action") == "10"


async def test_a_callback_tells_another_amount_than_the_books(platform: Platform) -> None:
    await platform.script("notify", "wrong_amount")
    await platform.send(report(1))

    context = {one.get("key"): one.get("value") for one in (await platform.told()).iter("extendInfo")}

    assert (context["claimFee"], (await platform.settlement())["amount_fen"]) == (str(11545 + 100), 11545)


async def test_a_payout_comes_back(tmp_path: Path) -> None:
    order = {"out_trade_no": "stl_1", "title": "医疗费用结算", "total_amount": "1.00", "biz_type": "PAYOUT"}
    async with serving(PaySimulator(SimulatorSettings(tmp_path, "http://127.0.0.1:9", slow_s=0.05))) as peer:
        await peer.script("order", "returned_payout")
        async with peer.session.post(
            f"{peer.url}/orders", json=order | {"source": "T", "account_token": "a"}, headers={"X-Request-Id": "r"}
        ) as reply:
            assert (await reply.json())["status"] == "SUCCESS"
        await asyncio.sleep(0.2)

        (booked,) = (await peer.ledger())["settlements"]
        assert booked["state"] == "returned"


def script() -> Script:
    return Script(Repertoire(frozenset({"a", "b"}), callbacks=frozenset({"c"}), deciding=frozenset({"b"})))


def test_trouble_for_any_message_waits_for_one_where_it_can_be_played() -> None:
    one = script()
    one.add({"match": {"op": "*"}, "do": "duplicate_callback"})

    assert one.take("a") is None
    assert one.take("c") is not None
    assert one.take("c") is None


def test_trouble_is_used_up_by_the_times_it_was_asked_for() -> None:
    one = script()
    one.add({"match": {"op": "a"}, "do": "garbage", "times": "2"})

    assert [one.take("a") is not None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("wish", [{}, {"match": {"op": "x"}, "do": "delay"}, {"match": {"op": "a"}, "do": "no"}, 1])
def test_a_script_line_that_says_nothing_is_refused(wish: Any) -> None:
    with pytest.raises(BadRequest):
        script().add(wish)


@pytest.mark.parametrize("number", ["TROUBLE", "TROUBLE.", "TROUBLE.unheard_of.1", "P1", "xTROUBLE.delay.1"])
def test_a_policy_number_without_a_word_of_the_vocabulary_asks_for_nothing(number: str) -> None:
    assert script().about("b", number) is None


async def test_a_quote_is_announced_again_after_the_order_was_cancelled(world: World) -> None:
    number = await world.quoted()
    await world.hospital.script("4.5", "approve_after_reverse")

    assert (await world.order("4.5", number))["data"]["status"] == 3

    announced = await world.told(ANNOUNCED, times=2)
    assert (announced["directPayNo"], announced["insuranceAmount"]) == (number, 11545)


async def test_a_report_number_asks_for_trouble_where_no_message_names_the_policy(world: World) -> None:
    await world.declare()
    number = (await world.advance(requireCode="TROUBLE.wrong_amount.1"))["directPayNo"]

    announced = await world.told(ANNOUNCED)
    confirmed = await world.order("4.3", number, qrCode="Q")

    assert (announced["insuranceAmount"], confirmed["data"]["insuranceAmount"]) == (11645, 11545)
