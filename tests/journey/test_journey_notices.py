"""What an insurer starts by itself: notices that no act of ours waits for are kept and acknowledged, or refused."""

import asyncio
import json
from pathlib import Path
from typing import Any

from support.bills import sample_bill
from support.house import House

from gateway.sandbox.package import cipher

SAMPLES = Path(__file__).parents[1] / "contract" / "samples" / "package"


async def test_a_patients_report_in_the_app_is_acknowledged_before_any_claim(house: House) -> None:
    """huiyibao 3.1 comes first: no bill of the person is known yet."""
    wish = {"certNo": "999901198503120012", "name": "测试患者甲", "visitType": 0, "visitTime": "2025-03-05"}
    answer = await house.call("POST", "/_report", json.dumps(wish).encode(), door="huiyibao")

    assert await _acknowledged(house, answer.document["requireCode"])


async def _acknowledged(house: House, reference: str) -> bool:
    for _ in range(60):
        notices = (await house.ledger("huiyibao"))["notices"]
        mine = [one for one in notices if one["op"] == "3.1" and one["reference"] == reference]
        if mine and mine[0]["acknowledged"]:
            return bool(mine[0]["attempts"] == 1)
        await asyncio.sleep(0.1)
    return False


async def _noticed(house: House, sample: str, path: str) -> dict[str, Any]:
    key = (house.stage.keys / "package-aes.secret").read_bytes()
    body = cipher.encrypt(key, (SAMPLES / f"{sample}_request.json").read_bytes())
    answer = await house.call("POST", f"/partners/package/{path}", body, door="partner")
    assert answer.status == 200, answer.body
    package: dict[str, Any] = json.loads(cipher.decrypt(key, answer.body))["package"]
    return package


async def test_an_opened_case_and_a_confirmed_file_are_acknowledged(house: House) -> None:
    for sample, path in (("20_C100", "ins/user/authorize"), ("22_C220", "ins/User/confirm")):
        package = await _noticed(house, sample, path)
        assert (package["additionInfo"]["errorCode"], package["body"]) == ("0", []), sample


async def test_a_query_for_a_persons_visits_is_refused_without_a_word_about_the_person(house: House) -> None:
    package = await _noticed(house, "21_C210", "ins/user/getUserFile")

    assert (package["additionInfo"]["errorCode"], package["body"]) == ("1000403", [])


async def test_an_outpatient_bill_with_a_minor_operation_settles_at_an_insurer_who_wants_its_story(
    house: House,
) -> None:
    """An outpatient visit may carry what else only a stay has: a procedure without surgeon, a way of leaving, a ward."""

    def with_operation(bill: dict[str, Any]) -> None:
        bill["procedures"] = [{"code": "86.2200", "name": "清创缝合术", "performed_on": bill["visit"]["begin_at"][:10]}]
        bill["visit"] |= {"discharge_way": "improved", "ward": "急诊留观", "bed_no": "03", "days": 0}

    bill = sample_bill("huiyibao").changed(with_operation)
    document = await house.settle(bill)

    assert document["claims"][0]["outcome"] == "paid"
    assert [one["path"] for one in await house.received("huiyibao") if one["op"] == "3.8"]
