"""Group D, values: characters, dates, codes and lengths that one side has and the other lacks. Never a guess."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.hostile import PLANT, require_refusal
from support.house import House
from support.workshop import Workshop, dispatch, dispatch_data

from gateway.app import load_readers
from gateway.claims.intake import Intake
from gateway.claims.upload import pieces_of, text_of
from gateway.cli.stage import ROOT
from gateway.kernel.errors import BadRequest, LianpeiError, MappingRefused, MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.mapping import MappingFailed
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.table import csv_file

RARE = ("𠮷田", "㙍", "龦", "é", "Ⅷ", "测试·甲", "\ue5e5")
"""Characters beyond GB2312: four bytes in GB18030, the second plane, letters, a middle dot, one of the private use area."""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture(scope="module")
def intake() -> Intake:
    return Intake(load_readers(ROOT / "mappings"))


def _named(name: str) -> dict[str, Any]:
    made = sample_bill("package").submission
    made["patient"] |= {"name": name}
    return made


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("name", RARE)
def test_d5_a_rare_name_arrives_as_it_was_written(intake: Intake, name: str, charset: str) -> None:
    file = csv_file({"b-1": _named(name)}).encode(charset)

    (piece,) = pieces_of(text_of(file, charset))

    assert intake.read("csv", piece.document())[0].patient.name == name


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("测试患者甲".encode(), "gbk"),
        (b"\xb2\xe2\xff", "gbk"),
        (b"\xb2", "gbk"),
        (b"\x84\x31\xa4", "gb18030"),
        (b"\x80", "gb18030"),
        ("测试".encode("gbk"), "utf-8"),
        ("测试".encode("gbk"), ""),
        (b"\xff\xfe\x4b\x6d", ""),
        (b"\xed\xa0\x80", "utf-8"),
    ],
)
def test_d5_bytes_that_are_not_of_their_charset_are_refused(body: bytes, charset: str) -> None:
    with pytest.raises(BadRequest) as refused:
        text_of(body, charset)
    assert refused.value.error_code == "charset-wrong"


@pytest.mark.parametrize("charset", ["big5", "utf-16", "gbk2", "../gbk", "rot13", "idna"])
def test_d5_a_charset_that_was_not_agreed_is_refused(charset: str) -> None:
    with pytest.raises(BadRequest) as refused:
        text_of(b"#bill,bill", charset)
    assert refused.value.error_code == "charset-unknown"


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.0" encoding="GBK"?><a>' + "测试患者甲".encode() + b"</a>",
        b'<?xml version="1.0" encoding="UTF-8"?><a>' + "测试".encode("gbk") + b"</a>",
        b'<?xml version="1.0" encoding="no-such-charset"?><a>x</a>',
        b'<?xml version="1.0" encoding="utf-16"?><a>x</a>',
    ],
    ids=["UTF-8 called GBK", "GBK called UTF-8", "unknown", "UTF-16 that is none"],
)
def test_d5_xml_that_says_another_encoding_than_it_has_is_refused(document: bytes) -> None:
    with pytest.raises(MessageRefused):
        parse_xml(document)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("€", "gb2312"), ("€", "iso-8859-1"), ("𠮷", "gbk"), ("é", "ascii"), ("\ue5e5", "gbk"), ("測", "gb2312")],
)
def test_d5_what_the_partners_charset_lacks_is_refused_or_written_as_agreed(
    shop: Workshop, text: str, encoding: str
) -> None:
    source, tree = shop.renamed(text), "request:\n  a: {n: patient.name}\n"

    with pytest.raises(MappingFailed):
        shop.write(tree, source, f"{{kind: xml, encoding: {encoding}}}")
    escaped = shop.write(tree, source, f"{{kind: xml, encoding: {encoding}, lacking: escape}}").document
    replaced = shop.write(tree, source, f"{{kind: xml, encoding: {encoding}, lacking: {{replace: '?'}}}}").document

    assert parse_xml(escaped).findtext("n") == text
    assert f"&#{ord(text)};".encode() in escaped
    assert parse_xml(replaced).findtext("n") == "?"


async def test_d5_a_file_in_gb18030_is_taken_and_one_that_lies_is_not(house: House) -> None:
    bill = sample_bill("package")
    file = csv_file({bill.key: bill.submission | {"patient": bill.submission["patient"] | {"name": "𠮷田甲"}}})

    for charset, body, status in (
        ("gbk", file.encode("gb18030"), 400),
        ("utf-8", file.encode("gb18030"), 400),
        ("gb18030", file.encode("gb18030"), 200),
    ):
        answer = await house.call("POST", "/v1/uploads/csv", body, {"Content-Type": f"text/csv; charset={charset}"})
        assert answer.status == status, answer.body
    assert answer.document["accepted"] == 1
    await house.decided(answer.document["bills"][0]["order_id"])


UNWRITABLE = ("\x00", "\x01", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800")
FORMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "": lambda bill: json.dumps(bill).encode(),
    "/fhir-r4": lambda bill: json.dumps(json.loads(to_json(fhir_bundle(bill)))).encode(),
    "/csv": lambda bill: csv_file({"b": bill}).encode("utf-8", "surrogatepass"),
    "/his-soap": lambda bill: his_message(bill, "m").encode("utf-8", "surrogatepass"),
}


SPELT = [("", True), ("", False), ("/fhir-r4", True), ("/fhir-r4", False), ("/csv", False), ("/his-soap", False)]
"""Format, and whether the character comes escaped: JSON has both ways."""


@pytest.mark.parametrize(("form", "escaped"), SPELT)
@pytest.mark.parametrize("bad", UNWRITABLE, ids=ascii)
async def test_d6_a_character_that_xml_has_not_is_refused_before_anything_is_stored_or_sent(
    house: House, form: str, escaped: bool, bad: str
) -> None:
    bill = sample_bill("package")
    seen = await house.events()
    spelt = FORMS[form](bill.changed(lambda made: made["patient"].update(name=f"{PLANT}@@")).submission)
    raw = ascii(bad).strip("'").encode() if escaped else bad.encode("utf-8", "surrogatepass")
    raw = b"\\u00" + raw[2:] if raw.startswith(b"\\x") else raw
    assert spelt.count(b"@@") >= 1

    answer = await house.call("POST", f"/v1/claims{form}", spelt.replace(b"@@", raw), {"Idempotency-Key": bill.key})

    codes = ("text-not-allowed", "bad-json", "bad-xml", "bad-text", "json-invalid", "schema-invalid")
    require_refusal(answer, 422 if answer.status == 422 else 400, *codes)
    known = {event["order_id"] for event in seen}
    came = await house.events(seen[-1]["seq"] if seen else 0)
    assert [event for event in came if event["order_id"] not in known] == []
    assert await house.settlements("package", bill) == []


@pytest.mark.parametrize("bad", UNWRITABLE, ids=ascii)
@pytest.mark.parametrize("target", ["{kind: xml}", "{kind: xml, encoding: gb18030, lacking: escape}"])
def test_d6_a_mapping_writes_no_xml_with_it_either(shop: Workshop, bad: str, target: str) -> None:
    """Whatever way it came: the message is refused before it could be signed. CDATA has no escapes, so it loads without only."""
    inside = () if "escape" in target else ("{n: {$cdata: patient.name}}",)
    for tree in ("{n: patient.name}", "{n@: patient.name}", *inside):
        with pytest.raises(MappingFailed):
            shop.write(f"request:\n  a: {tree}\n", shop.renamed(f"甲{bad}"), target)


def _put(made: Any, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        made = made[int(step)] if step.isdigit() else made[step]
    made[last] = value


async def _refused(house: House, bill: SampleBill, *fields: str) -> None:
    told = require_refusal(
        await house.submit(bill), 422, "schema-invalid", "bad-claim", "bad-money", "money-does-not-tie-out"
    )
    assert all(any(field in one for one in told["fields"]) for field in fields), told
    assert await house.settlements("package", bill) == []


async def test_d8_no_lines_null_and_what_is_too_long_are_each_refused_by_name(house: House) -> None:
    for path, value, field in (
        ("lines", [], "lines"),
        ("policies", [], "policies"),
        ("visit.dept_name", None, "dept_name"),
        ("patient.name", "", "name"),
        ("visit.visit_id", "x" * 65, "visit_id"),
        ("patient.gender", "unsure", "gender"),
        ("lines.0.fee_category", "99", "fee_category"),
    ):
        await _refused(house, sample_bill("package").changed(lambda made, p=path, v=value: _put(made, p, v)), field)


def test_d8_each_rule_for_what_a_partner_lacks_is_explicit(shop: Workshop) -> None:
    """An unknown code is an error or the stated default; a long text an error or cut where that is said; never silent."""
    tables = "tables:\n  closed: {a: x}\n  other: {a: x, else: z}\n"
    with pytest.raises(MappingFailed, match="no row"):
        shop.json(f"{tables}request:\n  v: code(closed, visit.visit_id)\n")
    assert shop.json(f"{tables}request:\n  v: code(other, visit.visit_id)\n") == {"v": "z"}
    with pytest.raises(MappingFailed):
        shop.value('within_bytes(visit.hospital_name, 4, "gbk")')
    assert shop.value('cut_bytes(visit.hospital_name, 4, "gbk")') == "测试"
    with pytest.raises(MappingRefused, match="absent"):
        shop.value("visit.ward + '1'")
    assert shop.json("request:\n  a?: visit.ward\n  b: default(visit.ward, '')\n  c: 'null'\n") == {"b": "", "c": None}


def test_d8_ten_thousand_lines_are_written_and_none_is_lost(shop: Workshop) -> None:
    lines = [dispatch_data()["lines"][0] | {"line_no": f"L{number}"} for number in range(10_000)]
    tree = "request:\n  n: count(lines)\n  each: [{$each: l in lines, no: l.line_no, a: yuan(l.amount)}]\n"
    started = time.thread_time()

    told = shop.json(tree, dispatch(lines=lines))

    assert (told["n"], [one["no"] for one in told["each"]]) == (10_000, [line["line_no"] for line in lines])
    assert time.thread_time() - started < 5


def test_d8_an_empty_list_is_an_empty_list_and_an_absent_one_is_absent(shop: Workshop) -> None:
    tree = "request:\n  some: [{$each: p in procedures, c: p.code}]\n"
    assert shop.json(tree) == {"some": []}


async def test_d8_a_bill_of_ten_thousand_lines_is_decided_or_refused_whole(house: House) -> None:
    """The insurer's folder says how many it takes; what is refused says so and sends nothing."""

    def many(made: dict[str, Any]) -> None:
        line = made["lines"][0]
        zero = {"price": "0.00", "qty": "1", "amount": 0}
        made["lines"] += [line | zero | {"line_no": f"Z{number}"} for number in range(10_000)]

    bill = sample_bill("package").changed(many)

    answer = await house.submit(bill)

    if answer.status == 422:
        require_refusal(answer, 422, answer.code)
        assert await house.settlements("package", bill) == []
    else:
        decided = await house.decided(answer.document["order_id"])
        claim = decided.document["claims"][0]
        assert claim["outcome"] in ("paid", "not_sent", "refused"), claim
        assert claim["reason"] or claim["outcome"] == "paid"


def test_d8_errors_are_told_by_rule(shop: Workshop) -> None:
    with pytest.raises(LianpeiError) as failed:
        shop.value('within_bytes(patient.name, 2, "gbk")')
    assert "测试" not in str(failed.value)
