"""The insurers' door against forged, stale, repeated and malicious calls: nothing is believed, nothing is echoed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import RSA
from support.bills import sample_bill
from support.hostile import ENTITY_DOCTYPE, LAUGHS, PLANT, REMOTE_DTD, deep, require_refusal, require_serving
from support.house import Answer, House

from gateway.cli.stage import Stage
from gateway.sandbox.ant.envelope import Keys, seal
from gateway.sandbox.common import sm2
from gateway.sandbox.hcx.crypt import Crypt
from gateway.sandbox.huiyibao.envelope import Guard

AMOUNT = "/partners/huiyibao/hospitalDirect/order/noticeInsuranceAmount"
NOTIFY, ON_SUBMIT = "/partners/ant/notify", "/partners/hcx/claim/on_submit"


@pytest.fixture(autouse=True)
async def _unharmed(house: House, stage_home: Path) -> AsyncIterator[None]:
    """After every attack: an ordinary bill is settled, and the log holds neither the plant nor a trace."""
    yield
    await require_serving(house, sample_bill("package"))
    log = (stage_home / "gateway.log").read_bytes()
    assert PLANT.encode() not in log
    assert b"Traceback" not in log


@pytest.fixture
def insurer(stage: Stage) -> Guard:
    """The huiyibao insurer's own pen."""
    own = sm2.load_private(stage.keys / "huiyibao-insurer-sm2.key.pem")
    return Guard(own, sm2.load_public(stage.keys / "huiyibao-gateway-sm2.pub.pem"))


async def _call(house: House, path: str, body: bytes, content_type: str = "application/json") -> Answer:
    return await house.call("POST", path, body, {"Content-Type": content_type}, door="partner", proven=False)


def _amount_notice(number: str, fen: int) -> dict[str, Any]:
    return {"directPayNo": number, "insuranceAmount": fen, "status": 0, "msg": ""}


@pytest.mark.parametrize("body", [ENTITY_DOCTYPE, LAUGHS, REMOTE_DTD], ids=["entity", "laughs", "remote"])
@pytest.mark.parametrize("path", [NOTIFY, "/partners/eclaimlink/postoffice"])
async def test_xml_with_a_doctype_is_never_expanded(house: House, path: str, body: bytes) -> None:
    answer = await _call(house, path, body, "application/xml")

    if path == NOTIFY:
        require_refusal(answer, 401 if answer.status == 401 else 400, "bad-xml", "seal-form", "seal-malformed")
    else:
        require_refusal(answer, 404, "callback-unknown-path")
    assert b"root:" not in answer.body


RUBBISH = [b"", b"\x00" * 100, PLANT.encode(), deep(100_000), b"<document>" * 50_000, b'{"payload":"a.b.c.d.e"}']


@pytest.mark.parametrize("path", [NOTIFY, AMOUNT, ON_SUBMIT])
@pytest.mark.parametrize("body", RUBBISH, ids=range(len(RUBBISH)))
async def test_rubbish_is_refused_at_every_callback(house: House, path: str, body: bytes) -> None:
    answer = await _call(house, path, body)

    assert answer.status in (400, 401), answer.body
    require_refusal(answer, answer.status, answer.code)
    assert answer.code.startswith(("seal-", "bad-", "message-"))


async def test_a_notice_signed_by_another_key_is_refused(house: House, stage: Stage) -> None:
    stranger = Keys(RSA.generate(2048), Keys.load(stage.keys).gateway)
    forged = seal(stranger, "request", f"<head/><body><reportNo>{PLANT}</reportNo></body>".encode())

    require_refusal(await _call(house, NOTIFY, forged, "application/xml"), 401, "seal-signature", "seal-bad-signature")


async def test_a_notice_changed_after_it_was_signed_is_refused(house: House, insurer: Guard) -> None:
    notice = json.loads(insurer.seal(_amount_notice("1900000000000000101", 1), datetime.now(UTC)))
    notice["timeStamp"] += 1

    answer = await _call(house, AMOUNT, json.dumps(notice).encode())

    require_refusal(answer, 401, "seal-signature", "seal-bad-signature")


async def test_a_notice_for_somebody_else_is_refused(house: House, stage: Stage) -> None:
    """Encrypted to the insurer's key instead of ours."""
    keys = Crypt(stage.keys)
    theirs = keys.seal({"resourceType": PLANT}, {"x-hcx-correlation_id": "x"})
    head, _, rest = json.loads(theirs)["payload"].partition(".")
    _, _, rest = rest.partition(".")
    forged = json.dumps({"payload": f"{head}.{'A' * 342}.{rest}"}).encode()

    answer = await _call(house, ON_SUBMIT, forged)

    assert answer.status in (400, 401)
    require_refusal(answer, answer.status, answer.code)
    assert answer.code.startswith("seal-")


async def test_a_stale_notice_is_refused(house: House, insurer: Guard) -> None:
    for moment in (datetime.now(UTC) - timedelta(minutes=10), datetime.now(UTC) + timedelta(minutes=10)):
        old = insurer.seal(_amount_notice("1900000000000000101", 1), moment)

        require_refusal(await _call(house, AMOUNT, old), 401, "seal-stale", "seal-window", "seal-time")


async def test_a_replayed_notice_is_refused_and_a_late_one_changes_nothing(house: House, insurer: Guard) -> None:
    bill = sample_bill("huiyibao")
    decided = await house.submit(bill)
    booked = (await house.settlements("huiyibao", bill))[0]
    lie = insurer.seal(_amount_notice(booked["reference"], booked["amount_fen"] - 1), datetime.now(UTC))

    taken = await _call(house, AMOUNT, lie)
    replayed = await _call(house, AMOUNT, lie)
    after = await house.order(decided.document["order_id"])

    assert taken.status == 200
    require_refusal(replayed, 401, "seal-replay")
    assert after.body == decided.body


PATHS = {
    "/partners/nobody/notify": "partner-unknown",
    f"/partners/{PLANT}/notify": "partner-unknown",
    "/partners/ant/elsewhere": "callback-unknown-path",
    "/partners/ant/notify/": "callback-unknown-path",
    "/partners/ant/..%2fhcx%2fclaim%2fon_submit": "callback-unknown-path",
    "/partners/hcx/../ant/notify": "callback-unknown-path",
    "/partners/ant": "not-found",
    "/metrics": "not-found",
    "/v1/claims": "not-found",
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_leads_to_its_partners_callbacks_only(house: House, path: str) -> None:
    require_refusal(await _call(house, path, b"<document/>"), 404, PATHS[path])


async def test_a_call_beyond_eight_megabytes_is_refused(house: House) -> None:
    require_refusal(await _call(house, NOTIFY, b" " * (9 << 20)), 413, "body-too-large")
