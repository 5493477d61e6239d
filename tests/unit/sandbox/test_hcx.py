"""The exchange and its payer: taken at once, decided by callback, and never twice."""

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError
from development_keys import development_keys
from hcx_support import Gateway, bundle, connected, items, resource

from gateway.sandbox.hcx.bundle import Item
from gateway.sandbox.hcx.payer import spread
from gateway.wire.keys import KeyRing


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture(scope="module")
def ring(keys: Path) -> KeyRing:
    return KeyRing.from_directory(keys)


@pytest.fixture
async def gateway(keys: Path, ring: KeyRing) -> AsyncIterator[Gateway]:
    async with connected(keys, ring) as one:
        yield one


def paid(response: dict[str, Any]) -> Decimal:
    return Decimal(response["payment"]["amount"]["value"])


async def test_the_outpatient_story_is_paid_115_45_and_its_parts_add_up(gateway: Gateway) -> None:
    response = await gateway.result("claim/submit", bundle())
    assert (response["outcome"], paid(response)) == ("complete", Decimal("115.45"))
    benefits = [one["adjudication"][1]["amount"]["value"] for one in response["item"]]
    assert sum(benefits) == Decimal("115.45")
    assert benefits[3] == 0
    (settlement,) = await gateway.ledger()
    assert (settlement["amount_fen"], settlement["times_applied"], settlement["state"]) == (11545, 1, "settled")


async def test_the_inpatient_story_is_paid_1734_08(gateway: Gateway) -> None:
    rows = items(("1", "7489.56", "7489.56", "A"), ("1", "533", "533.00", "C"))
    document = bundle(rows=rows, cash="2459.75", claim_type="institutional")
    assert paid(await gateway.result("claim/submit", document)) == Decimal("1734.08")


async def test_what_earlier_payers_took_is_taken_off_before_the_share(gateway: Gateway) -> None:
    assert paid(await gateway.result("claim/submit", bundle(prior="115.45"))) == Decimal("23.09")


async def test_an_estimate_says_the_same_amount_and_moves_no_money(gateway: Gateway) -> None:
    response = await gateway.result("predetermination/submit", bundle(use="predetermination"))
    assert (response["use"], paid(response)) == ("predetermination", Decimal("115.45"))
    assert await gateway.ledger() == []


async def test_a_preauthorization_gives_a_reference(gateway: Gateway) -> None:
    response = await gateway.result("preauth/submit", bundle(use="preauthorization"))
    assert response["preAuthRef"].startswith("AUTH")


async def test_a_policy_in_force_is_named_with_what_it_has_left(gateway: Gateway) -> None:
    await gateway.result("claim/submit", bundle())
    response = await gateway.result("coverageeligibility/check", bundle("CoverageEligibilityRequest"))
    (insurance,) = response["insurance"]
    assert (insurance["coverage"]["reference"], insurance["inforce"]) == ("urn:uuid:cov", True)
    benefit = insurance["item"][0]["benefit"][0]
    assert benefit["allowedMoney"]["value"] == Decimal("49884.55")
    assert benefit["usedMoney"]["value"] == Decimal("115.45")


@pytest.mark.parametrize(
    "wish", [{"policy": "EXPIRED1"}, {"policy": "REFUSE1"}, {"ends": "2025-03-04"}], ids=["expired", "refuse", "period"]
)
async def test_a_policy_not_in_force_covers_nothing_and_pays_nothing(gateway: Gateway, wish: dict[str, Any]) -> None:
    checked = await gateway.result("coverageeligibility/check", bundle("CoverageEligibilityRequest", **wish))
    assert checked["insurance"][0]["inforce"] is False
    response = await gateway.result("claim/submit", bundle(**wish))
    assert (response["outcome"], response["error"][0]["code"]["coding"][0]["code"]) == ("error", "ELIG-001")
    assert "payment" not in response
    assert [(one["state"], one["times_applied"]) for one in await gateway.ledger()] == [("refused", 0)]


async def test_a_callback_exchanges_the_codes_and_keeps_the_cycle(gateway: Gateway) -> None:
    cycle = {"correlation_id": str(uuid.uuid4()), "workflow_id": str(uuid.uuid4()), "api_call_id": str(uuid.uuid4())}
    status, answer = await gateway.call("claim/submit", bundle(), **cycle)
    assert (status, answer["api_call_id"], answer["correlation_id"]) == (
        202, cycle["api_call_id"], cycle["correlation_id"]
    )  # fmt: skip
    path, said, _ = await gateway.heard()
    assert path == "claim/on_submit"
    assert (said["x-hcx-sender_code"], said["x-hcx-recipient_code"]) == ("TESTPAYOR@test", "TESTPROVIDER@test")
    assert said["x-hcx-correlation_id"] == cycle["correlation_id"]
    assert said["x-hcx-workflow_id"] == cycle["workflow_id"]
    assert said["x-hcx-api_call_id"] != cycle["api_call_id"]


async def test_the_same_call_again_is_answered_202_and_not_processed_twice(gateway: Gateway) -> None:
    same = {"correlation_id": str(uuid.uuid4()), "api_call_id": str(uuid.uuid4())}
    assert [(await gateway.call("claim/submit", bundle(), **same))[0] for _ in range(3)] == [202, 202, 202]
    await gateway.heard()
    assert gateway.callbacks.empty()
    assert [one["times_applied"] for one in await gateway.ledger()] == [1]


async def test_the_same_claim_under_a_new_call_is_told_the_first_decision(gateway: Gateway) -> None:
    first = await gateway.result("claim/submit", bundle())
    second = await gateway.result("claim/submit", bundle())
    assert first["identifier"] == second["identifier"]
    assert [one["times_applied"] for one in await gateway.ledger()] == [1]


async def test_a_lost_answer_still_decides_and_calls_back_once(gateway: Gateway) -> None:
    await gateway.script("claim/submit", "lose_answer")
    same = {"correlation_id": str(uuid.uuid4()), "api_call_id": str(uuid.uuid4())}
    with pytest.raises(ClientConnectionError):
        await gateway.call("claim/submit", bundle(), **same)
    assert (await gateway.heard())[1]["x-hcx-correlation_id"] == same["correlation_id"]
    assert (await gateway.call("claim/submit", bundle(), **same))[0] == 202
    assert [one["times_applied"] for one in await gateway.ledger()] == [1]


async def test_a_callback_is_repeated_until_it_is_acknowledged_with_202(gateway: Gateway) -> None:
    gateway.deaf = 1
    await gateway.call("claim/submit", bundle())
    assert (await gateway.heard())[0] == "claim/on_submit"


async def test_a_scripted_duplicate_keeps_the_call_id_so_that_it_can_be_dropped(gateway: Gateway) -> None:
    await gateway.script("claim/on_submit", "duplicate_callback")
    await gateway.call("claim/submit", bundle())
    first, second = await gateway.heard(), await gateway.heard()
    assert first[1]["x-hcx-api_call_id"] == second[1]["x-hcx-api_call_id"]


async def test_status_says_where_a_request_is_and_sends_a_lost_result_again(gateway: Gateway) -> None:
    await gateway.script("claim/on_submit", "drop_connection")
    cycle = str(uuid.uuid4())
    await gateway.call("claim/submit", bundle(), correlation_id=cycle)
    status, answer = await gateway.call("hcx/status", {"resourceType": "Parameters"}, correlation_id=cycle)
    assert (status, answer["result"]["protocol_status"]) == (202, "response.complete")
    assert (await gateway.heard())[1]["x-hcx-correlation_id"] == cycle


async def test_status_of_a_slow_request_is_dispatched_and_of_an_unknown_one_an_error(gateway: Gateway) -> None:
    cycle = str(uuid.uuid4())
    await gateway.call("claim/submit", bundle(policy="SLOW1"), correlation_id=cycle)
    _, answer = await gateway.call("hcx/status", {"resourceType": "Parameters"}, correlation_id=cycle)
    assert answer["result"]["protocol_status"] == "request.dispatched"
    status, answer = await gateway.call("hcx/status", {"resourceType": "Parameters"})
    assert (status, answer["error"]["code"]) == (400, "ERR_INVALID_CORRELATION_ID")
    assert (await gateway.heard())[1]["x-hcx-status"] == "response.complete"


@pytest.mark.parametrize("kind", ["PaymentNotice", "Communication"])
async def test_notices_and_communications_come_back_as_received(gateway: Gateway, kind: str) -> None:
    path = {"PaymentNotice": "paymentnotice/request", "Communication": "communication/request"}[kind]
    main = resource(kind, "notice", "n-1", recipient={"reference": "urn:uuid:ins"})
    entries = {"urn:uuid:main": main, "urn:uuid:ins": resource("Organization", "payer", "980000001")}
    listed = [{"fullUrl": url, "resource": one} for url, one in entries.items()]
    response = await gateway.result(path, {"resourceType": "Bundle", "type": "collection", "entry": listed})
    assert response["resourceType"] == kind


async def test_a_stay_of_two_thousand_lines_fits_through(gateway: Gateway) -> None:
    rows = items(*[("1", "1.00", "1.00", "A")] * 2000)
    assert paid(await gateway.result("claim/submit", bundle(rows=rows, cash="1000.00"))) == Decimal("800.00")


def test_shares_add_up_exactly_and_none_goes_to_own_pay_or_refunds() -> None:
    rows = (Item(1, 3333, False), Item(2, 2800, True), Item(3, 6667, False), Item(4, -100, False))
    shares = spread(7777, rows)
    assert (sum(shares), shares[1], shares[3]) == (7777, 0, 0)


async def test_a_payer_that_wants_documents_asks_once_and_decides_when_they_came(gateway: Gateway) -> None:
    cycle = str(uuid.uuid4())
    await gateway.call("claim/submit", bundle(policy="MATERIAL1"), correlation_id=cycle)
    path, said, asked = await gateway.heard()
    about = [one["identifier"]["value"] for one in asked["entry"][0]["resource"]["about"]]
    assert path == "communication/request"
    assert said["x-hcx-correlation_id"] != cycle, "the payer's question is a cycle of its own"
    assert about == [cycle, "clm-1"]
    assert await gateway.ledger() == []

    claim = {"identifier": {"system": "urn:test:claim", "value": "clm-1"}}
    sent = resource("Communication", "communication", "com-1", about=[claim], payload=[{"contentString": "病历"}])
    parcel = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:com", "resource": sent}]}
    for _ in range(2):
        await gateway.call("communication/request", parcel)
    heard = sorted([await gateway.heard() for _ in range(3)], key=lambda one: one[0])
    assert [path for path, _, _ in heard] == ["claim/on_submit", "communication/on_request", "communication/on_request"]
    assert heard[0][1]["x-hcx-correlation_id"] == cycle
    assert paid(heard[0][2]["entry"][0]["resource"]) == Decimal("115.45")
    assert [one["times_applied"] for one in await gateway.ledger()] == [1]


async def test_who_asks_before_the_documents_came_hears_that_it_is_not_decided(gateway: Gateway) -> None:
    cycle = str(uuid.uuid4())
    await gateway.call("claim/submit", bundle(policy="MATERIAL2"), correlation_id=cycle)
    _, answer = await gateway.call("hcx/status", {"resourceType": "Parameters"}, correlation_id=cycle)
    assert answer["result"]["protocol_status"] == "request.dispatched"
