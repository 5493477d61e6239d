"""Hospital formats: what a HIS already holds (national messages, FHIR) becomes the canonical Submission, field for field."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from partner_folder import ROOT, SAMPLES, changed

from gateway.claims.canonical.claim import Submission
from gateway.claims.rules import check_submission
from gateway.kernel.errors import MessageRefused
from gateway.kernel.labels import Label
from gateway.mapping import Vocabulary, check_reader, load_reader, run_reader_tests
from gateway.mapping.api import Incoming
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.table import csv_file
from gateway.sandbox.hospital.visits import Wish, submission
from gateway.sandbox.hospital.yibao import yibao_body

HOSPITALS = Vocabulary(None, Submission, frozenset(label.value for label in Label))
FORMATS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "yibao-2207": lambda bill: to_json(yibao_body(bill)),
    "yibao-6201": lambda bill: to_json(mobile_body(bill)),
    "fhir-r4": lambda bill: to_json(fhir_bundle(bill)),
    "his-soap": lambda bill: his_message(bill, "MSG0001").encode(),
    "csv": lambda bill: csv_file({"B1": bill}).encode(),
}
STORIES = ("outpatient", "inpatient", "inpatient-long", "pharmacy", "self-pay")
WRITTEN = [
    (form, story) for form in FORMATS for story in STORIES if not (form.startswith("yibao") and story == "self-pay")
]
"""A bill without 医保 has no national messages."""
UNTOLD = {
    "yibao-6201": (
        *("fund_pool", "fund_civil", "fund_enterprise", "fund_serious", "fund_resident", "fund_aid", "fund_other"),
        *("family_account", "hospital_bear", "deductible", "categories"),
    )
}
"""What the mobile messages have no place for: they tell one sum of all funds, and nothing by class of charge."""

READ = {
    "yibao": {
        *("op_2204_request", "op_2204_answer", "op_2207_answer", "op_2207_failure_answer", "op_4101_request"),
        *("ip_2301_request", "ip_2301_answer", "ip_2304_answer", "ip_4101_request"),
        *("mobile_6201_data", "mobile_6202_answer_data", "mobile_6302_callback_data"),
    },
    "his": {"fhir_encounter", "inner_request"},
}
ELSEWHERE = {
    "op_2206_request": "trial: a HIS sends the settled bill",
    "op_2206_answer": "trial: it has no setl_id yet",
    "op_2207_request": "what the HIS asked 医保 for; its answer is the settled truth",
    "ip_2304_request": "what the HIS asked 医保 for; its answer is the settled truth",
    "ip_4101_answer": "only the number of the settlement list",
    "mobile_6201_answer_data": "the numbers of an order that is not paid yet",
    "mobile_6203_request_data": "refund towards 医保: not ours to send or read",
    "mobile_6301_request_data": "what the HIS asked 医保 for; its answer is the settled truth",
    "mobile_crypto_vectors": "of the envelope: tests/interop reads it",
    **dict.fromkeys(
        ("recon_3201_answer", "recon_3201_request", "recon_3202_request"), "reconciliation with 医保, later"
    ),
    "rev_2601_request": "reversal towards 医保: not ours to send or read",
    "soap_call_cdata": "the inner request in CDATA: tests/interop/test_interop_his_soap.py calls with it",
    "soap_call_escaped": "the inner request escaped: tests/interop/test_interop_his_soap.py calls with it",
    "soap_call_escaped_short": "the same call with a smaller visit",
    "soap_answer": "one product's answer; ours has the same frame and more in it",
    "soap_answer_failed": "one product's answer; ours has the same frame and more in it",
    "hl7v3_ack": "HL7 v3 bus: a door of its own, later",
    "data_groups_request": "XML groups in 分: a format of its own, later",
    "einvoice": "an e-invoice alone is no bill; its fields come in commercial.invoice",
    "einvoice_verify_request_pinyin": "call of an invoice service, not of a hospital",
}
"""Published files that neither hospital format reads, and why."""


def published(family: str, name: str) -> Any:
    return json.loads((SAMPLES / family / f"{name}.json").read_text("utf-8"))


@cache
def reader(form: str) -> Any:
    return load_reader(home(form), HOSPITALS)


def home(form: str) -> Path:
    return ROOT / "mappings" / "hospitals" / form / "visit.yaml"


def read(form: str, body: Any) -> Submission:
    document = body if isinstance(body, bytes) else json.dumps(body).encode()
    return msgspec.convert(reader(form).read(Incoming(document)), Submission)


def refused_rules(bill: Submission) -> list[str]:
    return [finding.rule for finding in check_submission(bill) if finding.severity == "refuse"]


def papers(patient: str) -> dict[str, Any]:
    """What the national messages lack, at its smallest."""
    return {
        "kind": "direct_pay",
        "hospital_name": "测试医院一",
        "patient": {"patient_id": patient},
        "visit": {},
        "policies": [
            {
                "insurer_code": "package",
                "product_code": "outpatient-medical",
                "policy_no": "TESTP2025000001",
                "insured_ref": patient,
                "relation": "self",
                "begin_at": "2025-01-01T00:00:00+08:00",
                "end_at": "2026-01-01T00:00:00+08:00",
                "benefit_type": "expense",
                "claim_way": "both",
                "order_no": 1,
            }
        ],
        "consent": consent(patient),
    }


def consent(patient: str) -> dict[str, Any]:
    return {
        "consent_id": "cns_0001",
        "patient_id": patient,
        "grantor": "self",
        "hospital_codes": ["H99990100001"],
        "insurer_codes": ["package"],
        "purposes": ["claim"],
        "data_classes": ["identity", "medical", "financial"],
        "text_version": "2025-01",
        "text_sha256": "0" * 64,
        "given_at": "2025-03-05T09:00:00+08:00",
        "valid_to": "2045-03-05T09:00:00+08:00",
        "channel": "self-service",
        "proof_ref": "proof_0001",
    }


def national(kind: str) -> dict[str, Any]:
    """The published messages of the outpatient (op) or inpatient (ip) visit as one body."""
    lines, settled = ("2204", "2207") if kind == "op" else ("2301", "2304")
    return {
        "settlement": published("yibao", f"{kind}_{settled}_answer"),
        "fee_detail": published("yibao", f"{kind}_{lines}_request")["input"]["feedetail"],
        "fee_result": published("yibao", f"{kind}_{lines}_answer")["output"]["result"],
        "settlement_list": published("yibao", f"{kind}_4101_request")["input"],
        "commercial": papers("pat_0001"),
    }


def test_every_published_file_is_read_or_named_with_its_reason() -> None:
    files = {file.stem for family in READ for file in (SAMPLES / family).iterdir()}
    assert files == READ["yibao"] | READ["his"] | set(ELSEWHERE)


@pytest.mark.parametrize("form", FORMATS)
def test_format_has_no_mistake_and_its_own_tests_pass(form: str) -> None:
    assert [str(mistake) for mistake in check_reader(home(form), HOSPITALS)] == []
    assert list(run_reader_tests(home(form), HOSPITALS)) == []


@pytest.mark.parametrize(("form", "story"), WRITTEN)
def test_every_field_that_the_hospital_writes_comes_back(form: str, story: str) -> None:
    """The sample hospital writes the formats on its own: two independent readings of docs/hospital-formats.md must agree."""
    for seed, insurers in ((17, ("package",)), (18, ("hcx", "package"))):
        bill = submission(Wish(story, seed, insurers=insurers))
        sent = FORMATS[form](bill)
        for name in UNTOLD.get(form, ()):
            bill["split"].pop(name, None)
        assert read(form, sent) == msgspec.convert(bill, Submission)


@pytest.mark.parametrize("form", ["fhir-r4", "csv"])
@pytest.mark.parametrize("story", STORIES)
def test_no_text_of_a_bill_is_mixed_up_with_another(form: str, story: str) -> None:
    """With a text of its own in every field, two fields that change places would show."""
    bill = submission(Wish(story, 19, insurers=("hcx", "package"), marks=True))
    assert read(form, FORMATS[form](bill)) == msgspec.convert(bill, Submission)


PUBLISHED = {
    "op": ("outpatient", 9, (43000, 2800, 1800, 5452, 32948, 13769, 12000, 17231)),
    "ip": ("inpatient", 42, (802256, 53300, 5000, 58920, 685036, 526281, 30000, 245975)),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_national_messages_are_read_to_the_fen(kind: str) -> None:
    bill = read("yibao-2207", national(kind))
    split, (visit_kind, count, amounts) = bill.split, PUBLISHED[kind]
    assert (bill.visit.visit_kind, len(bill.lines)) == (visit_kind, count)
    assert amounts == (
        *(split.total, split.own_total, split.over_total, split.pre_total, split.scope_total),
        *(split.fund_total, split.account_pay, split.cash_pay),
    )
    assert refused_rules(bill) == []


def test_published_refunds_refer_to_their_lines() -> None:
    bill = read("yibao-2207", national("ip"))
    refunds = {line.line_no[-3:]: (str(line.refund_of)[-3:], line.amount) for line in bill.lines if line.amount < 0}
    assert refunds == {"041": ("030", -7691), "042": ("038", -2500)}


def test_published_stay_keeps_its_diagnoses_and_operation() -> None:
    bill = read("yibao-2207", national("ip"))
    assert [(one.code, one.is_main) for one in bill.diagnoses] == [("K35.800", True), ("I10.x00", False)]
    assert [one.code for one in bill.procedures] == ["47.0100"]
    assert (bill.visit.days, bill.visit.discharge_way, bill.split.fund_serious) == (5, "cured", 12000)


def test_outpatient_list_without_diagnoses_gives_the_one_of_its_head() -> None:
    bill = read("yibao-2207", national("op"))
    assert [(one.code, one.name, one.is_main) for one in bill.diagnoses] == [("J06.900", "急性上呼吸道感染", True)]


def test_line_without_a_catalogue_kind_gets_it_from_the_national_code() -> None:
    kinds = {str(line.nat_code)[0]: line.item_kind for line in read("yibao-2207", national("op")).lines}
    assert kinds == {"0": "treatment", "X": "drug", "Z": "drug", "C": "material"}


def test_price_limit_of_zero_means_no_limit() -> None:
    limits = [line.price_limit for line in read("yibao-2207", national("ip")).lines]
    assert msgspec.UNSET in limits
    assert all(limit is msgspec.UNSET or limit > 0 for limit in limits)


@pytest.mark.parametrize("member", ["fee_detail", "fee_result"])
def test_lists_of_lines_are_joined_by_number_and_not_by_place(member: str) -> None:
    body = national("op")
    turned = {**body, member: list(reversed(body[member]))}
    by_number = {line.line_no: line for line in read("yibao-2207", turned).lines}
    assert by_number == {line.line_no: line for line in read("yibao-2207", body).lines}


def test_answer_that_says_the_settlement_failed_is_no_bill() -> None:
    with pytest.raises(MessageRefused):
        read("yibao-2207", {**national("op"), "settlement": published("yibao", "op_2207_failure_answer")})


@pytest.mark.parametrize("code", [-1, "-1", 1, "", None, ...])
def test_settlement_without_the_code_of_success_is_no_bill_whatever_amounts_it_holds(code: Any) -> None:
    with pytest.raises(MessageRefused, match=r"settlement\.infcode"):
        read("yibao-2207", changed(national("op"), ("settlement", "infcode"), code))


def test_code_of_success_is_a_number_or_a_text() -> None:
    for code in (0, "0"):
        assert len(read("yibao-2207", changed(national("op"), ("settlement", "infcode"), code)).lines) == 9


REFUSED: dict[str, tuple[Any, ...]] = {
    "visit of a kind that is not listed": ("settlement", "output", "setlinfo", "med_type", "99"),
    "amount with three decimals": ("settlement", "output", "setlinfo", "psn_cash_pay", 172.311),
    "amount that is no number": ("fee_detail", 0, "det_item_fee_sumamt", "many"),
    "line without a judged counterpart": ("fee_result", 0, "feedetl_sn", "OTHER"),
    "time of another form": ("fee_detail", 0, "fee_ocur_time", "05.03.2025"),
    "no consent": ("commercial", "consent", ...),
    "no cash amount": ("settlement", "output", "setlinfo", "psn_cash_pay", ...),
}


@pytest.mark.parametrize("name", REFUSED)
def test_national_body_is_refused_without_telling_a_value(name: str) -> None:
    *path, value = REFUSED[name]
    with pytest.raises(MessageRefused) as refused:
        read("yibao-2207", changed(national("op"), tuple(path), value))
    assert "测试" not in str(refused.value)
    assert "999901" not in str(refused.value)


def test_code_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises((MessageRefused, msgspec.ValidationError)):
        read("yibao-2207", changed(national("op"), ("commercial", "policies", 0, "claim_way"), "gift"))
