"""The payment channel over a real socket: money and nothing else, each number once."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sandbox_support import Peer, serving

from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.pay import PaySimulator

ORDER = {
    "out_trade_no": "stl_TEST0001",
    "title": "医疗费用结算",
    "total_amount": "56.86",
    "biz_type": "SELF_PAY",
    "source": "TESTSRC",
}
PAYOUT = ORDER | {"out_trade_no": "stl_TEST0002", "biz_type": "PAYOUT", "account_token": "acct_1"}


class Payer(Peer):
    async def post(self, order: Any, request_id: str = "act_1") -> tuple[int, dict[str, str]]:
        headers = {"X-Request-Id": request_id} if request_id else {}
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        async with self.session.post(self.url + "/orders", data=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def ask(self, number: str) -> tuple[int, dict[str, str]]:
        async with self.session.get(f"{self.url}/orders/{number}") as reply:
            return reply.status, await reply.json()


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    async with serving(PaySimulator(SimulatorSettings(tmp_path, "http://127.0.0.1:9", slow_s=0.2))) as peer:
        yield Payer(peer.session, peer.url)


async def test_an_order_is_paid_once_however_often_it_comes(payer: Payer) -> None:
    first = await payer.post(ORDER)
    again = await payer.post(ORDER, "act_2")

    assert first == again
    trade_no = first[1]["trade_no"]
    expected = {"trade_no": trade_no, "out_trade_no": "stl_TEST0001", "total_amount": "56.86", "status": "SUCCESS"}
    assert first == (200, expected)
    assert await payer.ask("stl_TEST0001") == (200, expected)
    (entry,) = (await payer.ledger())["settlements"]
    assert (entry["amount_fen"], entry["times_applied"]) == (5686, 1)


async def test_a_number_is_not_used_for_another_amount(payer: Payer) -> None:
    await payer.post(ORDER)

    status, answer = await payer.post(ORDER | {"total_amount": "56.87"})

    assert (status, answer["code"]) == (409, "amount-differs")
    assert (await payer.ledger())["settlements"][0]["amount_fen"] == 5686


async def test_a_payout_names_its_account_token(payer: Payer) -> None:
    assert (await payer.post(PAYOUT))[1]["status"] == "SUCCESS"
    assert (await payer.post({n: v for n, v in PAYOUT.items() if n != "account_token"}))[1]["code"] == "name-missing"


REFUSED = [
    (ORDER | {"diagnosis": "J06.900"}, "name-not-allowed"),
    (ORDER | {"account_token": "acct_1"}, "name-not-allowed"),
    (ORDER | {"title": "内科门诊费"}, "value-not-allowed"),
    (ORDER | {"title": {"text": "医疗费用结算"}}, "value-not-allowed"),
    (ORDER | {"total_amount": 56.86}, "value-not-allowed"),
    (ORDER | {"total_amount": "56.8"}, "value-not-allowed"),
    (ORDER | {"total_amount": "0.00"}, "value-not-allowed"),
    (ORDER | {"total_amount": "-1.00"}, "value-not-allowed"),
    (ORDER | {"biz_type": "REFUND"}, "value-not-allowed"),
    (ORDER | {"source": "内科"}, "value-not-allowed"),
    ({n: v for n, v in ORDER.items() if n != "source"}, "name-missing"),
    ([ORDER], "value-not-allowed"),
    (b'{"title": "a", "title": "b"}', "value-not-allowed"),
    (b"<order/>", "value-not-allowed"),
]


@pytest.mark.parametrize(("order", "code"), REFUSED)
async def test_what_could_tell_more_than_money_is_refused(payer: Payer, order: Any, code: str) -> None:
    status, answer = await payer.post(order)

    assert (status, answer["code"]) == (400, code)
    assert (await payer.ledger())["settlements"] == []


async def test_an_order_without_its_act_is_refused(payer: Payer) -> None:
    assert (await payer.post(ORDER, request_id=""))[1]["code"] == "request-id-missing"


async def test_an_unknown_number_is_not_found(payer: Payer) -> None:
    assert (await payer.ask("stl_NOBODY"))[0] == 404


async def test_a_closed_account_fails_and_a_slow_one_is_paid_later(payer: Payer) -> None:
    closed = PAYOUT | {"account_token": "CLOSED-1"}
    slow = PAYOUT | {"out_trade_no": "stl_TEST0003", "account_token": "SLOW-1"}

    assert (await payer.post(closed))[1]["status"] == "FAILED"
    assert (await payer.post(slow))[1]["status"] == "PROCESSING"
    await asyncio.sleep(0.25)

    assert (await payer.ask("stl_TEST0003"))[1]["status"] == "SUCCESS"
    assert [one["times_applied"] for one in (await payer.ledger())["settlements"]] == [0, 1]


async def test_a_lost_answer_is_found_by_the_enquiry(payer: Payer) -> None:
    await payer.script("order", "lose_answer")

    with pytest.raises(aiohttp.ClientConnectionError):
        await payer.post(ORDER)

    assert (await payer.ask("stl_TEST0001"))[1]["status"] == "SUCCESS"


async def test_a_dropped_order_is_not_paid(payer: Payer) -> None:
    await payer.script("*", "drop_connection")

    with pytest.raises(aiohttp.ClientConnectionError):
        await payer.post(ORDER)

    assert (await payer.ask("stl_TEST0001"))[0] == 404


async def test_what_came_in_is_kept_for_the_wall_tests(payer: Payer) -> None:
    await payer.post(ORDER)

    (kept,) = await payer.received(1)

    assert json.loads(base64.b64decode(kept["body"])) == ORDER
    assert kept["headers"]["x-request-id"] == "act_1"
