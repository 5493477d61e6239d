"""The 惠医保 direct-pay folder speaks the public interface 3.1–4.6, both ways."""

import json
from typing import Any

import msgspec
import pytest
from partner_folder import Folder, changed, exact

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.kernel.errors import MessageRefused
from gateway.mapping.api import Incoming

HUIYIBAO = Folder("huiyibao")

PRODUCED = {
    "3_2_patientBasicInfo": "patient_info",
    "3_3_medicalCareInfo": "care_info",
    "3_4_medicalRecordInfo": "record_info",
    "3_5_feeInfo": "fee_info",
    "3_6_checkReport": "exam_info",
    "3_7_examineReport": "lab_info",
    "3_8_operationInfo": "operation_info",
    "3_9_invoiceInfo": "invoice",
    "4_1_advance": "advance",
    "4_3_confirm": "confirm",
    "4_4_query": "status",
    "4_5_cancel": "cancel",
    "4_6_refund": "refund",
}
"""Published request -> the act that makes it."""

ANSWERED = {
    "4_1_advance_answer": ("advance", "4_1_advance", "4_1_advance"),
    "4_3_confirm_answer": ("confirm", "4_3_confirm", "4_3_confirm"),
    "4_4_query_answer_paid": ("status", "4_4_query", "4_4_query_paid"),
    "4_4_query_answer_pending": ("status", "4_4_query_trial", "4_4_query_trial"),
    "4_5_cancel_answer": ("cancel", "4_5_cancel", "4_5_cancel"),
    "4_6_refund_answer": ("refund", "4_6_refund", "4_6_refund"),
}
"""Published answer -> act, the dispatch that was sent, the result it means."""

NOTICES: dict[str, tuple[str, ActResult]] = {
    "3_1_applyReport": (
        "apply_report",
        ActResult(state="accepted", insurer_ref="1900000000000000001", refs={"require_code": "1900000000000000001"}),
    ),
    "3_10_notificationDeclarationResult": (
        "fee_info",
        ActResult(state="accepted", correlation="VS20250305000017", peer_code="0"),
    ),
    "4_2_noticeInsuranceAmount": (
        "advance",
        ActResult(
            state="accepted",
            correlation="1900000000000000101",
            approved=11545,
            peer_code="0",
            insurer_ref="1900000000000000101",
        ),
    ),
    "4_2_noticeInsuranceAmount_failed": (
        "advance",
        ActResult(
            state="refused",
            correlation="1900000000000000101",
            peer_code="trial-refused",
            peer_text="测试原因:保单不在有效期",
            insurer_ref="1900000000000000101",
        ),
    ),
}
"""Published call of the insurer -> the act that reads it and what it means."""


ELSEWHERE = {
    "vendor_demo_vector": "a cipher vector, a matter of the seal: tests/interop/test_interop_sm2.py",
    "wire_4_1_own_key": "a sealed message, a matter of the seal: tests/unit/sandbox/test_huiyibao_sm2.py",
}
"""Published files that no mapping makes or reads, and why."""


def test_every_published_sample_is_covered() -> None:
    covered = {f"{one}_request" for one in (*PRODUCED, *NOTICES)} | set(ANSWERED) | {"3_x_ok_answer"}
    assert {file.stem for file in HUIYIBAO.samples.iterdir()} == covered | set(ELSEWHERE)


def test_folder_has_no_mistake_and_its_own_tests_pass() -> None:
    assert HUIYIBAO.mistakes() == []
    assert HUIYIBAO.failed_tests() == []


def test_every_act_of_the_manifest_has_a_mapping() -> None:
    named = {act for acts in HUIYIBAO.manifest.kinds.values() for act in acts} | set(HUIYIBAO.manifest.acts)
    named |= {word for rule in HUIYIBAO.manifest.acts.values() for word in (rule.status, rule.undo) if word}
    assert named - set(HUIYIBAO.acts) == set()


@pytest.mark.parametrize("stem", PRODUCED)
def test_published_request_is_produced(stem: str) -> None:
    assert HUIYIBAO.written(PRODUCED[stem], stem) == exact(HUIYIBAO.sample(f"{stem}_request"))


@pytest.mark.parametrize("name", ANSWERED)
def test_published_answer_is_understood(name: str) -> None:
    act, sent, result = ANSWERED[name]
    assert HUIYIBAO.answered(act, HUIYIBAO.sample(name), sent) == HUIYIBAO.expected(result)


@pytest.mark.parametrize("stem", [one for one in PRODUCED if one.startswith("3")])
def test_pushed_data_is_acknowledged(stem: str) -> None:
    result = HUIYIBAO.answered(PRODUCED[stem], HUIYIBAO.sample("3_x_ok_answer"), stem)
    assert result.state == ("pending" if stem == "3_5_feeInfo" else "accepted")


@pytest.mark.parametrize("stem", NOTICES)
def test_insurers_call_is_understood_and_acknowledged(stem: str) -> None:
    act, meaning = NOTICES[stem]
    notice = Incoming(HUIYIBAO.sample(f"{stem}_request"))
    assert read_result(HUIYIBAO.acts[act].read_callback(notice)) == meaning
    assert exact(HUIYIBAO.acts[act].write_reply(notice).document) == {"code": 0, "msg": "", "data": None}


def test_visit_type_written_as_text_is_read_too() -> None:
    """The public example of 3.10 sends the text "0" where its table says a number."""
    notice = changed(json.loads(HUIYIBAO.sample("3_10_notificationDeclarationResult_request")), ("visitType",), "0")
    result = read_result(HUIYIBAO.acts["fee_info"].read_callback(Incoming(json.dumps(notice).encode())))
    assert result.state == "accepted"


def test_declaration_is_awaited_under_the_serial_number_it_will_carry() -> None:
    sent = HUIYIBAO.acts["fee_info"].write(HUIYIBAO.dispatch("3_5_feeInfo"))
    assert sent.correlation == "VS20250305000017"


@pytest.mark.parametrize(
    ("asked", "status", "state"),
    [
        ("confirm", 0, "not_found"),
        ("confirm", 1, "accepted"),
        ("confirm", 4, "refused"),
        ("advance", 0, "pending"),
        ("refund", 1, "not_found"),
        ("refund", 2, "accepted"),
        ("cancel", 3, "accepted"),
        ("cancel", 0, "not_found"),
    ],
)
def test_enquiry_tells_whether_the_act_asked_about_took_effect(asked: str, status: int, state: str) -> None:
    sent = HUIYIBAO.dispatch("4_4_query")
    assert isinstance(sent.target, msgspec.Struct)
    sent = msgspec.structs.replace(sent, target=msgspec.structs.replace(sent.target, name=asked))
    answer = changed(json.loads(HUIYIBAO.sample("4_4_query_answer_paid")), ("data", "status"), status)
    assert read_result(HUIYIBAO.acts["status"].read(Incoming(json.dumps(answer).encode()), sent)).state == state


def test_share_that_is_none_is_left_out_and_never_zero() -> None:
    sent = HUIYIBAO.dispatch("4_1_advance")
    split = msgspec.structs.replace(sent.split, account_pay=0)
    written = exact(HUIYIBAO.acts["advance"].write(msgspec.structs.replace(sent, split=split)).document)
    assert not {"accountPayAmnt", "additionalPayAmnt", "cisPayAmnt", "otherSplitAmnt"} & set(written)


def test_serious_illness_fund_is_counted_once() -> None:
    sent = HUIYIBAO.dispatch("4_1_advance")
    split = msgspec.structs.replace(sent.split, fund_serious=1000)
    written = exact(HUIYIBAO.acts["advance"].write(msgspec.structs.replace(sent, split=split)).document)
    assert (written["cisPayAmnt"], written["totalMedins"]) == (1000, 12769)


def test_unknown_allergy_is_not_declared_as_none() -> None:
    sent = HUIYIBAO.dispatch("3_2_patientBasicInfo")
    patient = msgspec.structs.replace(sent.patient, drug_allergy=msgspec.UNSET)
    written = exact(HUIYIBAO.acts["patient_info"].write(msgspec.structs.replace(sent, patient=patient)).document)
    assert "allergyFlag" not in written


def test_patient_without_basic_insurance_has_a_blank_card_number() -> None:
    sent = HUIYIBAO.dispatch("3_2_patientBasicInfo")
    visit = msgspec.structs.replace(sent.visit, payer_class="self_pay")
    written = exact(HUIYIBAO.acts["patient_info"].write(msgspec.structs.replace(sent, visit=visit)).document)
    assert (written["siHealthType"], written["cardNumber"]) == (1, "")


@pytest.mark.parametrize(
    ("act", "stem", "part"),
    [
        ("advance", "4_1_advance", "report"),
        ("confirm", "4_3_confirm", "confirmation"),
        ("invoice", "3_9_invoiceInfo", "invoice"),
    ],
)
def test_act_without_the_part_it_rests_on_does_not_leave(act: str, stem: str, part: str) -> None:
    sent = msgspec.structs.replace(HUIYIBAO.dispatch(stem), **{part: msgspec.UNSET})
    with pytest.raises(MessageRefused):
        HUIYIBAO.acts[act].write(sent)


def test_visit_without_a_medical_record_stops_before_the_order() -> None:
    with pytest.raises(MessageRefused):
        HUIYIBAO.acts["record_info"].write(HUIYIBAO.dispatch("3_5_feeInfo"))


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("confirm", {"msg": "", "data": None}),
        ("confirm", {"code": 0, "data": {"directPayNo": "1", "status": 9}}),
        ("confirm", {"code": 0, "data": {"directPayNo": "1", "insuranceAmount": 115.45, "status": 1}}),
        ("advance", {"code": 0, "data": {"status": 0}}),
    ],
)
def test_answer_that_is_not_the_promised_shape_is_not_used(act: str, answer: Any) -> None:
    with pytest.raises(MessageRefused):
        HUIYIBAO.answered(act, json.dumps(answer).encode(), "4_3_confirm")


@pytest.mark.parametrize(
    ("stem", "path", "value", "keyword"),
    [
        ("3_2_patientBasicInfo", ("certType",), "0", "type"),
        ("3_2_patientBasicInfo", ("certType",), 14, "enum"),
        ("3_2_patientBasicInfo", ("siHealthType",), 8, "maximum"),
        ("3_2_patientBasicInfo", ("cardNumber",), ..., "required"),
        ("3_2_patientBasicInfo", ("nation",), "", "additionalProperties"),
        ("3_3_medicalCareInfo", ("visitTime",), "2025-03-05", "type"),
        ("3_3_medicalCareInfo", ("admdiagInfo",), [], "minItems"),
        ("3_4_medicalRecordInfo", ("principleAction",), "", "minLength"),
        ("3_5_feeInfo", ("feeList", 0, "totalAmount"), 430.5, "type"),
        ("3_5_feeInfo", ("feeList", 0, "feeDetailsList", 0, "x_insuranceClass"), "A", "enum"),
        ("3_8_operationInfo", ("operationList", 0, "operationProcess"), ..., "required"),
        ("3_9_invoiceInfo", ("invoiceList", 0, "invoiceTime"), -1, "minimum"),
        ("4_1_advance", ("visitType",), 2, "maximum"),
        ("4_1_advance", ("accountPayAmnt",), 0, "minimum"),
        ("4_1_advance", ("accountPayAmnt",), None, "type"),
        ("4_3_confirm", ("qrCode",), "", "minLength"),
    ],
)
def test_request_schema_refuses(stem: str, path: tuple[str | int, ...], value: Any, keyword: str) -> None:
    sample = json.loads(HUIYIBAO.sample(f"{stem}_request"))
    schema = f"{stem.split('_')[-1]}.request"
    assert HUIYIBAO.violations(schema, sample) == []
    assert keyword in HUIYIBAO.violations(schema, changed(sample, path, value))


def test_bill_without_totals_by_class_takes_them_from_its_lines() -> None:
    sent = HUIYIBAO.dispatch("4_1_advance")
    unset = dict.fromkeys(("own_total", "over_total", "pre_total"), msgspec.UNSET)
    split = msgspec.structs.replace(sent.split, **unset)
    written = exact(HUIYIBAO.acts["advance"].write(msgspec.structs.replace(sent, split=split)).document)
    assert (written["selfBAmount"], written["selfCAmount"]) == (7252, 2800)


def test_line_without_a_class_is_not_called_own_pay() -> None:
    sent = HUIYIBAO.dispatch("3_5_feeInfo")
    bare = msgspec.structs.replace(sent.lines[0], class_level=msgspec.UNSET)
    written = exact(HUIYIBAO.acts["fee_info"].write(msgspec.structs.replace(sent, lines=(bare,))).document)
    detail = written["feeList"][0]["feeDetailsList"][0]
    assert (detail["x_insuranceClass"], detail["x_selfCAmount"]) == ("", 0)
