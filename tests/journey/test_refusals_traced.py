"""A refusal can be acted on by a program, read by a person in two languages, and found by support."""

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.bills import SampleBill, sample_bill
from support.house import House
from support.signed import HOSPITAL_TWO

HOSPITAL_ONE = "H99990100001"
_JSON = {"Content-Type": "application/json"}


def _cheaper(bill: dict[str, Any]) -> None:
    bill["split"]["total"] -= 100


def _log_lines(home: Path, request_id: str) -> list[dict[str, Any]]:
    lines = (home / "gateway.log").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if request_id in line]


async def _refused(house: House, code: str) -> float:
    page = (await house.call("GET", "/metrics", door="operator")).body.decode()
    family = next(one for one in text_string_to_metric_families(page) if one.name == "lianpei_refused")
    return sum(one.value for one in family.samples if one.labels == {"code": code} and one.name.endswith("_total"))


def _wrong_bill() -> SampleBill:
    return sample_bill("package").changed(_cheaper)


async def test_a_bill_that_does_not_tie_out_names_each_rule_with_its_fields_and_difference(house: House) -> None:
    told = (await house.submit(_wrong_bill())).document

    first = told["errors"][0]
    assert told["title"] == "the amounts of the bill do not tie out"
    assert (first["rule"], first["difference_fen"]) == ("money-2", 100)
    assert "split.total" in first["fields"]
    assert "明细" in first["zh"]
    assert "lines" in first["en"]
    assert set(first["fields"]) <= set(told["fields"])


async def test_support_finds_a_refusal_by_the_id_of_its_answer(house: House, stage_home: Path) -> None:
    answer = await house.submit(_wrong_bill())
    request_id = answer.headers["x-request-id"]

    (line,) = _log_lines(stage_home, request_id)

    assert (line["event"], line["door"], line["hospital"]) == ("refused", "hospital", HOSPITAL_ONE)
    assert (line["method"], line["route"]) == ("POST", "/v1/claims")
    assert (line["status"], line["code"]) == (422, "bad-money")
    assert (
        not line.keys()
        - {"at", "level", "logger", "event", "request_id", "door", "hospital"}
        - {
            "method",
            "route",
            "status",
            "code",
        }
    )


async def test_a_path_and_a_method_that_nobody_serves_stay_out_of_the_log(house: House, stage_home: Path) -> None:
    answer = await house.call("PROPFIND", "/v1/lisi")

    (line,) = _log_lines(stage_home, answer.headers["x-request-id"])

    assert (line["status"], line["code"]) == (404, "not-found")
    assert not {"method", "route", "dropped"} & line.keys()


async def test_a_refusal_is_counted_under_the_code_that_it_shows(house: House) -> None:
    before = await _refused(house, "order-unknown"), await _refused(house, "not-found")

    assert (await house.call("GET", "/v1/orders/ord_1")).code == "order-unknown"

    assert (await _refused(house, "order-unknown"), await _refused(house, "not-found")) == (before[0] + 1, before[1])


async def test_a_refused_soap_message_is_traced_as_any_other(house: House, stage_home: Path) -> None:
    call = (Path(__file__).parents[1] / "contract" / "samples" / "his" / "soap_call_cdata.xml").read_bytes()

    answer = await house.call("POST", "/v1/soap", call, {"Content-Type": "text/xml; charset=utf-8"})

    (line,) = _log_lines(stage_home, answer.headers["x-request-id"])
    assert (line["event"], line["route"], line["hospital"]) == ("refused", "/v1/soap", HOSPITAL_ONE)
    assert f"<ErrorCode>{line['code']}</ErrorCode>" in answer.body.decode().replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("door", ["hospital", "partner", "operator"])
async def test_a_problems_type_can_be_opened_by_anybody(house: House, door: str) -> None:
    refused = await house.call("GET", "/v1/nowhere", door=door, proven=False)

    page = await house.call("GET", refused.document["type"], door=door, proven=False)

    assert page.document["code"] == "not-found"
    assert page.document["who_acts"] == {"zh": "医院", "en": "hospital"}
    assert refused.document["zh"] == f"{page.document['meaning']['zh']}。{page.document['what_to_do']['zh']}。"
    assert (await house.call("GET", "/errors/no-such-code", door=door, proven=False)).code == "not-found"


async def test_a_wrong_method_is_told_the_right_ones(house: House) -> None:
    answer = await house.call("DELETE", "/v1/claims")

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_stranger_is_told_how_to_prove_itself(house: House) -> None:
    answer = await house.call("GET", "/v1/events", proven=False)

    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Signature realm="lianpei"')


@pytest.mark.parametrize("path", ["/v1/claims", "/v1/nowhere"])
async def test_an_expectation_that_nobody_knows_is_refused_without_an_echo(house: House, path: str) -> None:
    answer = await house.call("POST", path, b"{}", {**_JSON, "Expect": "zhangsan"})

    assert (answer.status, answer.code) == (417, "bad-request")
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert b"zhangsan" not in answer.body


@pytest.mark.parametrize(("path", "status"), [("/openapi.json", 200), ("/v1/nowhere", 404)])
async def test_no_answer_tells_which_program_gives_it(house: House, path: str, status: int) -> None:
    answer = await house.call("GET", path)

    assert (answer.status, answer.headers["server"]) == (status, "lianpei")


async def test_another_hospitals_refusal_is_logged_under_its_own_code(house: House, stage_home: Path) -> None:
    """A visit of hospital two, brought by hospital one: the caller is named, never what was sent."""
    answer = await house.submit(sample_bill("package", hospital=HOSPITAL_TWO))

    (line,) = _log_lines(stage_home, answer.headers["x-request-id"])
    assert (line["hospital"], line["code"]) == (HOSPITAL_ONE, "hospital-mismatch")
