"""The polled post office: a document that can't be used or kept is never confirmed, and stops no other."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from partner_folder import ROOT

from gateway.app import Gateway, start_gateway
from gateway.claims.conversation.callbacks import Callbacks
from gateway.config import ClaimsSettings, Door, HospitalSettings, InsurerSettings, Settings
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.eclaimlink import EClaimLink
from gateway.sandbox.eclaimlink import mailbox as box
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.visits import HOSPITAL_CODE, Wish, submission
from gateway.store.errors import StoreFailed
from gateway.wire.devkeys import create_development_keys
from gateway.wire.httpsig import sign_request
from gateway.wire.keys import KeyRing

SIGNING_KEY = "hospital-h3-hmac"
PATIENCE_S = 30.0


@dataclass
class House:
    """A gateway in this process and the post office that it polls, over real sockets."""

    gateway: Gateway
    office: EClaimLink
    office_url: str
    session: ClientSession
    ring: KeyRing

    async def send(self, seed: int) -> str:
        """A quick-claim bill through the hospital's door; its order number."""
        body = to_json(submission(Wish("self-pay", seed, "quick_claim", ("eclaimlink",))))
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"collected-{seed}"}
        key = self.ring.verification_key(SIGNING_KEY)
        headers |= sign_request("POST", "/v1/claims", "", headers, body, key, datetime.now(UTC))
        async with self.session.post(f"{self._door}/v1/claims", data=body, headers=headers) as answer:
            assert answer.status in (200, 202), await answer.text()
            return str((await answer.json())["order_id"])

    async def decided(self, order_id: str) -> None:
        """Wait until the hospital sees a decision."""
        for _ in range(int(PATIENCE_S * 5)):
            if await self._state(order_id) == "decided":
                return
            await asyncio.sleep(0.2)
        raise AssertionError("the bill was not decided in time")

    async def _state(self, order_id: str) -> str:
        key = self.ring.verification_key(SIGNING_KEY)
        target = f"/v1/orders/{order_id}"
        headers = sign_request("GET", target, "", {}, b"", key, datetime.now(UTC))
        async with self.session.get(self._door + target, headers=headers) as answer:
            return str((await answer.json())["state"])

    @property
    def _door(self) -> str:
        return f"http://127.0.0.1:{self.gateway.ports['hospital']}"

    async def script(self, operation: str, do: str, times: int = 1) -> None:
        wish = {"match": {"op": operation}, "do": do, "times": times}
        async with self.session.post(f"{self.office_url}/_script", json=wish) as answer:
            assert answer.status == 200

    def put(self, content: str) -> box.StoredFile:
        """A file of the payer's that the gateway finds waiting."""
        return self.office._put(
            "RA-odd.xml", box.REMITTANCE_ADVICE, "TESTPAY1", "TESTFAC1", base64.b64encode(content.encode()), 1
        )

    def files(self) -> list[box.StoredFile]:
        """The payer's files, oldest first."""
        return [file for file in self.office._mailbox._files.values() if file.direction == box.RECEIVED]


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[House]:
    keys = home / "keys"
    create_development_keys(keys)
    office = EClaimLink(SimulatorSettings(keys=keys, gateway_url="http://unused.test", delay_s=0))
    async with TestServer(office.app()) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        door = Door(port=0)
        settings = Settings(
            mode="development",
            keys=str(keys),
            mappings=str(ROOT / "mappings"),
            schemas=str(ROOT / "schemas"),
            claims=ClaimsSettings("claims.db", door, door, door),
            hospitals=(HospitalSettings(HOSPITAL_CODE, "测试医院", signing_key=SIGNING_KEY),),
            insurers={"eclaimlink": InsurerSettings(url)},
        )
        gateway = await start_gateway(settings, home)
        try:
            yield House(gateway, office, url, session, KeyRing.from_directory(keys))
        finally:
            await gateway.stop()
            await office.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as one:
        yield one


async def until(done: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S * 20)):
        if done():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about in time")


@pytest.mark.parametrize(
    "content",
    ["this is no XML", "<Remittance.Advice><Header/></Remittance.Advice>"],
    ids=["unreadable", "without a record that we know"],
)
async def test_bad_file_in_front_is_not_confirmed_and_stops_no_other(house: House, content: str) -> None:
    bad = house.put(content)
    order = await house.send(1)
    await house.decided(order)
    good = house.files()[-1]
    assert good is not bad
    await until(lambda: good.downloaded)
    assert not bad.downloaded, "it stays in the post office, for a person to see"


async def test_answer_that_came_as_garbage_is_fetched_again_before_it_is_confirmed(house: House) -> None:
    await house.script("DownloadTransactionFile", "garbage")
    order = await house.send(2)
    await house.decided(order)
    (file,) = house.files()
    await until(lambda: file.downloaded)
    async with house.session.get(f"{house.office_url}/_received?last=50") as answer:
        ops = [one["op"] for one in await answer.json()]
    assert ops.count("DownloadTransactionFile") == 2
    assert ops.count("SetTransactionDownloaded") == 1


async def test_result_that_could_not_be_stored_is_not_confirmed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirmed means gone: a remittance that no disk took must still be there when the disk is well again."""
    settle, refusals = Callbacks.settle, 0

    async def full_disk(*parts: Any) -> None:
        nonlocal refusals
        refusals += 1
        raise StoreFailed("no space left")

    monkeypatch.setattr(Callbacks, "settle", full_disk)
    order = await house.send(3)
    (file,) = house.files()
    await until(lambda: refusals >= 2 or file.downloaded)
    assert not file.downloaded
    monkeypatch.setattr(Callbacks, "settle", settle)
    await house.decided(order)
    await until(lambda: file.downloaded)
