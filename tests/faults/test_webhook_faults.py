"""A real gateway brings real decisions: killed between sending and marking, receivers down, acknowledgement and mail."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.bills import sample_bill
from support.house import House
from support.patience import until
from support.receiver import Came, Receiver

from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage

pytestmark = pytest.mark.heavy

SECRET = b"webhook-secret-of-hospital-one--"


@dataclass
class HookStage(Stage):
    """Hospital one has a receiver on loopback, which its operator opened."""

    receiver: int = 0

    def prepare(self) -> None:
        super().prepare()
        file = self.keys / "webhook-h1.secret"
        file.touch(mode=0o600)
        file.write_bytes(SECRET)

    def _gateway_settings(self) -> str:
        told = super()._gateway_settings()
        rules = f"""[claims.webhooks]
ladder = [0.2, 0.4, 0.8, 1, 1, 1]
ports = [{self.receiver}]
networks = ["127.0.0.0/8"]

[clearing]"""
        mine = f'webhook = {{ url = "http://127.0.0.1:{self.receiver}/hook", key = "webhook-h1" }}\n'
        told = told.replace('certificate_name = "H99990100001"\n', f'certificate_name = "H99990100001"\n{mine}')
        return told.replace("[clearing]", rules)


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Any:
    home = tmp_path_factory.mktemp("hooked")
    ports = free_ports()
    stage = HookStage(home, ports, stage_home / "keys", receiver=free_ports()["pay"])
    with stage:
        stage.ready()
        yield stage


@pytest.fixture
async def receiver(hooked: HookStage) -> AsyncIterator[Receiver]:
    async with Receiver(port=hooked.receiver) as open_receiver:
        yield open_receiver


async def decided_order(house: House) -> str:
    answer = await house.submit(sample_bill("package"))
    assert answer.is_decided, answer.body
    return str(answer.document["order_id"])


async def came_for(receiver: Receiver, order_id: str, count: int, kind: str = "decided") -> list[Came]:
    async with asyncio.timeout(15):
        while True:
            mine = [one for one in receiver.came if one.order_id == order_id and one.document["type"] == kind]
            if len(mine) >= count:
                return mine
            await asyncio.sleep(0.02)


async def test_a_decision_and_its_payment_are_brought_in_order_and_verify(
    hooked: HookStage, receiver: Receiver
) -> None:
    async with House(hooked) as house:
        order_id = await decided_order(house)
        [paid] = await came_for(receiver, order_id, 1, "paid")

    mine = [one for one in receiver.came if one.order_id == order_id]
    assert [one.document["type"] for one in mine] == ["decided", "paid"]
    assert all(one.is_good(SECRET) for one in mine)
    assert paid.document["data"]["settlements"] == [
        {"kind": "SELF_PAY", "state": "paid", "amount_fen": paid.document["data"]["self_pay_due_fen"]}
    ]


async def test_killed_between_sending_and_marking_the_event_comes_again_under_its_id(
    hooked: HookStage, receiver: Receiver
) -> None:
    def kill(_: Came) -> web.Response:
        hooked.kill("gateway")
        return web.Response()

    async with House(hooked) as house:
        receiver.answers.append(kill)
        order_id = await decided_order(house)
        await came_for(receiver, order_id, 1)
        await asyncio.to_thread(hooked.start, "gateway")
        first, again = (await came_for(receiver, order_id, 2))[:2]

    assert (first.event_id, first.body) == (again.event_id, again.body)
    assert again.is_good(SECRET)


async def test_while_the_receiver_is_down_nothing_is_lost_and_bills_go_on(
    hooked: HookStage, receiver: Receiver
) -> None:
    await receiver.close()
    async with House(hooked) as house:
        orders = [await decided_order(house) for _ in range(3)]
        await receiver.open()
        for order_id in orders:
            await came_for(receiver, order_id, 1, "paid")

    assert len({one.event_id for one in receiver.came if one.order_id in orders}) == 6


async def test_a_resend_and_an_acknowledged_feed(hooked: HookStage, receiver: Receiver) -> None:
    async with House(hooked) as house:
        order_id = await decided_order(house)
        [first] = await came_for(receiver, order_id, 1)
        again = await house.call("POST", f"/v1/events/{first.event_id}/resend")
        unknown = await house.call("POST", "/v1/events/evt_nobody/resend")
        await came_for(receiver, order_id, 2)
        assert again.status == 202
        assert unknown.code == "event-unknown"
        await came_for(receiver, order_id, 1, "paid")

        newest = (await house.events())[-1]["seq"]
        acked = await house.call("POST", "/v1/events/ack", json.dumps({"upto": newest}).encode())
        beyond = await house.call("POST", "/v1/events/ack", json.dumps({"upto": newest + 1000}).encode())
        assert acked.document == {"upto": newest, "waiting": 0}
        assert beyond.code == "ack-beyond"
        assert (await house.order(order_id)).headers["lianpei-mail"] == "0"

        await came_for(receiver, await decided_order(house), 1, "paid")

        async def two_wait() -> bool:
            return (await house.order(order_id)).headers["lianpei-mail"] == "2"

        await until(two_wait)
