"""What operators and developers are promised: a valid contract, metrics, probes, and a stop that loses nothing."""

import asyncio
import signal
import time

import aiohttp
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from support.bills import SampleBill, sample_bill
from support.house import House

from gateway.cli.stage import Stage

PROMISED = {
    "lianpei_claims": {"insurer", "kind", "outcome"},
    "lianpei_stage_seconds": {"stage", "insurer"},
    "lianpei_unknown_claims": {"insurer"},
    "lianpei_unknown_amount_fen": {"insurer"},
    "lianpei_lane_depth": {"insurer", "kind"},
    "lianpei_certificate_days_left": {"name"},
    "lianpei_http_requests": {"door", "route", "status"},
    "lianpei_refused": {"code"},
    "lianpei_weak_crypto": {"insurer"},
    "lianpei_mappings_kept": {"insurer"},
    "lianpei_work_items": {"insurer"},
    "lianpei_work_amount_fen": {"insurer"},
    "lianpei_work_oldest_seconds": {"insurer"},
}


async def test_the_served_contract_is_valid_openapi(house: House) -> None:
    answer = await house.call("GET", "/openapi.json", proven=False)

    assert answer.headers["content-type"].startswith("application/json")
    validate(answer.document)
    assert {"/v1/claims", "/v1/orders/{order_id}", "/v1/events"} <= answer.document["paths"].keys()
    cases = {"/v1/consents", "/v1/policies", "/v1/orders/{order_id}/timeline", "/v1/recoveries/{recovery_id}/agree"}
    assert cases <= answer.document["paths"].keys()


async def test_every_promised_metric_is_there_with_its_labels(house: House) -> None:
    assert (await house.submit(sample_bill("package"))).status == 200
    refused = await house.call("POST", "/v1/claims", b"{", {"Idempotency-Key": "x"})
    assert refused.status == 400

    page = (await house.call("GET", "/metrics", door="operator")).body.decode()
    families = {family.name: family for family in text_string_to_metric_families(page)}

    assert PROMISED.keys() - families.keys() == set()
    for name, labels in PROMISED.items():
        told = {label for sample in families[name].samples for label in sample.labels} - {"le"}
        assert told == labels, (name, told)
    counted = {tuple(sample.labels.items()): sample.value for sample in families["lianpei_claims"].samples}
    assert any(value >= 1 and ("outcome", "paid") in labels for labels, value in counted.items())


async def test_the_probes_answer(house: House) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await house.call("GET", path, door="operator")).status == 200


async def test_mappings_are_renewed_on_a_signal_while_claims_run(house: House, stage: Stage) -> None:
    def renewed() -> int:
        return (stage.home / "gateway.log").read_text("utf-8").count("mappings-renewed")

    already = renewed()
    stage.processes["gateway"].send_signal(signal.SIGHUP)
    answers = [(await house.submit(sample_bill("package"))).status for _ in range(3)]
    async with asyncio.timeout(30):
        while renewed() < already + 5:  # noqa: ASYNC110 - another process writes the log
            await asyncio.sleep(0.1)

    assert answers == [200] * 3
    assert (await house.submit(sample_bill("package"))).status == 200


async def _insist(house: House, bill: SampleBill) -> str:
    """Send the same request until it is acknowledged; the order's id."""
    for _ in range(600):
        try:
            answer = await house.submit(bill, wait=1)
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(0.1)
            continue
        if answer.status in (200, 202):
            return str(answer.document["order_id"])
        await asyncio.sleep(0.1)
    raise AssertionError("never acknowledged")


async def test_a_stop_under_load_is_clean_and_loses_nothing(house: House, stage: Stage) -> None:
    bills = [sample_bill(code) for code in ("package", "huiyibao", "ant", "hcx") * 5]
    sending = [asyncio.create_task(_insist(house, bill)) for bill in bills]
    await asyncio.sleep(0.25)

    process = stage.processes["gateway"]
    stopping = time.monotonic()
    process.send_signal(signal.SIGTERM)
    status = await asyncio.to_thread(process.wait, 20)
    took = time.monotonic() - stopping
    await asyncio.to_thread(stage.start, "gateway")
    orders = await asyncio.gather(*sending)

    assert status == 0
    assert took < 15
    for bill, order_id in zip(bills, orders, strict=True):
        decided = (await house.decided(order_id)).document
        booked = await house.settlements(bill.insurers[0], bill)
        assert [(one["times_applied"], one["amount_fen"]) for one in booked] == [(1, decided["approved_fen"])]
