"""A quick-claim in the envelope with XML-DSig: reported, closed by a notice and decided, every signature judged by xmlsec1 too."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree
from support.bills import SampleBill, sample_bill
from support.signed import HOSPITAL_TWO
from support.verifiers import ROOT, xmlsec1

from gateway.app import Gateway, start_gateway
from gateway.config import ClaimsSettings, Door, HospitalSettings, InsurerSettings, Settings
from gateway.kernel.errors import SealRefused
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.hospital.signing import Signer
from gateway.sandbox.server import Running, serve_all
from gateway.wire.devkeys import create_development_keys
from gateway.wire.seals import Plain, Role

DS = "{http://www.w3.org/2000/09/xmldsig#}"
CODE = "ant-mybank"


@dataclass
class Pair:
    """A gateway and its one insurer, on real sockets in this process."""

    gateway: Gateway
    sandbox: Running
    keys: Path

    async def call(self, method: str, path: str, body: bytes = b"", key: str = "") -> dict[str, Any]:
        signer = Signer.load(self.keys / "hospital-h2-sign.key.pem", "hospital-h2-sign")
        headers = signer.headers(method, path, "", body, key)
        if key:
            headers |= {"Idempotency-Key": key, "Prefer": "wait=20"}
        url = f"http://127.0.0.1:{self.gateway.ports['hospital']}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as answer,
        ):
            found: dict[str, Any] = json.loads(await answer.read())
            return found

    async def settle(self, bill: SampleBill) -> dict[str, Any]:
        order = await self.call("POST", "/v1/claims", bill.body, bill.key)
        async with asyncio.timeout(20):
            while order["state"] != "decided":
                await asyncio.sleep(0.05)
                order = await self.call("GET", order["links"]["self"])
        return order

    async def control(self, path: str, wish: dict[str, Any] | None = None) -> Any:
        url = self.sandbox.urls[CODE] + path
        async with (
            aiohttp.ClientSession() as session,
            session.request("POST" if wish else "GET", url, json=wish) as answer,
        ):
            return json.loads(await answer.read())

    async def booked(self, bill: SampleBill) -> list[int]:
        books = (await self.control("/_ledger"))["settlements"]
        return [one["amount_fen"] for one in books if one["policy_no"] in bill.holders and one["state"] == "settled"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mybank") / "keys"
    create_development_keys(made)
    return made


@pytest.fixture
async def pair(tmp_path: Path, keys: Path) -> AsyncIterator[Pair]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        partner = probe.getsockname()[1]
    sandbox = await serve_all(SimulatorSettings(keys, f"http://127.0.0.1:{partner}"), {CODE: 0})
    door = Door(port=0)
    settings = Settings(
        mode="development",
        keys=str(keys),
        mappings=str(ROOT / "mappings"),
        schemas=str(ROOT / "schemas"),
        claims=ClaimsSettings("claims.db", door, Door(port=partner), door),
        hospitals=(HospitalSettings(HOSPITAL_TWO, "测试医院", signing_key="hospital-h2-sign"),),
        insurers={CODE: InsurerSettings(sandbox.urls[CODE])},
    )
    gateway = await start_gateway(settings, tmp_path)
    try:
        yield Pair(gateway, sandbox, keys)
    finally:
        await gateway.stop(0.0)
        await sandbox.stop()


def quick(policy: str = "") -> SampleBill:
    bill = sample_bill("ant", hospital=HOSPITAL_TWO, policy=policy)

    def for_mybank(submission: dict[str, Any]) -> None:
        submission["policies"][0]["insurer_code"] = CODE
        submission["consent"]["insurer_codes"] = [CODE]

    return bill.changed(for_mybank)


async def test_a_report_is_closed_by_its_notice_and_paid(pair: Pair) -> None:
    bill = quick()

    order = await pair.settle(bill)
    claim = order["claims"][0]

    assert (claim["outcome"], claim["seal"]) == ("paid", "xml-dsig")
    assert await pair.booked(bill) == [order["approved_fen"]]


async def test_a_notice_of_refusal_is_the_last_word(pair: Pair) -> None:
    order = await pair.settle(quick("REFUSE"))

    assert (order["claims"][0]["outcome"], order["approved_fen"]) == ("refused", 0)


async def test_a_lost_answer_is_asked_for_and_paid_once(pair: Pair) -> None:
    bill = quick()
    await pair.control("/_script", {"match": {"op": "report"}, "do": "lose_answer", "seconds": 0, "times": 1})

    order = await pair.settle(bill)

    assert order["claims"][0]["outcome"] == "paid"
    assert await pair.booked(bill) == [order["approved_fen"]]


async def test_quirk_43_requests_and_answers_are_signed_otherwise_and_xmlsec1_believes_both(
    pair: Pair, tmp_path: Path
) -> None:
    """Ours carries the prefix ``ds``; the insurer's the default namespace, with line breaks inside the signature."""
    await pair.settle(quick())
    sent = next(one for one in await pair.control("/_received?last=50") if one["op"] == "report")
    request = base64.b64decode(sent["body"])
    seal = pair.gateway.engine.registry.get(CODE)
    assert seal is not None
    async with (
        aiohttp.ClientSession() as session,
        session.post(pair.sandbox.urls[CODE] + "/gateway", data=request) as reply,
    ):
        answer = await reply.read()

    for message, owner, prefix in ((request, "ant-gateway-rsa", "ds"), (answer, "ant-insurer-rsa", None)):
        believed, _, said = xmlsec1(
            "--verify", "--pubkey-pem", str(pair.keys / f"{owner}.pub.pem"), directory=tmp_path, message=message
        )
        signature = etree.fromstring(message).find(f"{DS}Signature")
        assert believed, said
        assert signature is not None
        assert signature.prefix == prefix
    assert b"&#13;" in answer
    now = pair.gateway.engine.clock.now()
    assert b"<ResultStatus>U<" in seal.seal.open(answer, Role.ANSWER, now).document


async def test_quirk_43_an_answer_is_never_read_as_it_was_not_signed(pair: Pair) -> None:
    """A changed amount, blanks printed anew, or our own signature sent back: nothing of it is used."""
    partner = pair.gateway.engine.registry.get(CODE)
    assert partner is not None
    now = pair.gateway.engine.clock.now()
    async with (
        aiohttp.ClientSession() as session,
        session.post(pair.sandbox.urls[CODE] + "/gateway", data=b"<document/>") as reply,
    ):
        answer = await reply.read()
    assert partner.seal.open(answer, Role.ANSWER, now)
    ours = partner.seal.seal(Plain(b'<document><response id="response"/></document>'), Role.ANSWER, now).body
    for changed in (
        answer.replace(b">F<", b">S<"),
        answer.replace(b"<head>", b"<head> "),
        answer.replace(b"&#13;", b""),
        ours,
    ):
        assert changed != answer
        with pytest.raises(SealRefused):
            partner.seal.open(changed, Role.ANSWER, now)
