"""The package protocol folder speaks the published 泰康-like dialect, both ways."""

import json
from typing import Any

import msgspec
import pytest
from partner_folder import Folder, changed, exact

from gateway.claims.canonical.dispatch import read_result
from gateway.claims.canonical.types import UNSET
from gateway.claims.partners.manifest import load_faults
from gateway.kernel.errors import MessageRefused
from gateway.mapping.api import Incoming

PACKAGE = Folder("package")

PRODUCED = {
    "01_S200": "eligibility",
    "02_S210": "open_visit",
    "03_S230": "change_visit",
    "04_S240": "withdraw_visit",
    "05_S250": "fee_lines",
    "06_S290": "quote",
    "07_S291": "settle",
    "08_S270": "cancel",
    "09_S260": "withdraw_lines",
    "10_S250_refund": "fee_lines",
    "11_S291_resettle": "settle",
    "13_S340": "record",
    "14_S250": "fee_lines",
    "15_S291": "settle",
    "16_S300": "claim",
    "17_S310": "accept",
}
"""Published request -> the act that makes it."""

ACCEPTED = {**PRODUCED, "18_error": "quote", "19_token": "token"}
del ACCEPTED["10_S250_refund"]
"""Published answer -> the act that reads it."""

NOTICES = {"20_C100": "case_notice", "21_C210": "visit_query", "22_C220": "file_confirm"}
"""Published call of the insurer -> the act that answers it."""

ELSEWHERE = {
    "21_C210_answer": "medical data of a person; we refuse C210 instead (README.md of the folder)",
    "30_dialect400_S200_request": "folder package-400",
    "31_wanda_QP011_answer": "folder package-wanda",
    "31_wanda_QP011_request": "folder package-wanda",
    "32_wanda_token_answer": "folder package-wanda",
    "33_cq_Q210_request": "folder package-cq",
    "40_wire_vectors": "cipher vectors, a matter of the seal",
}
"""Published files that are not this folder's dialect (test_partner_package_dialects.py has those), and why."""


def test_every_published_sample_is_covered_or_named_as_another_dialect() -> None:
    covered = {f"{one}_request" for one in (*PRODUCED, *NOTICES)} | {f"{one}_answer" for one in ACCEPTED}
    covered |= {"20_C100_answer", "22_C220_answer", *ELSEWHERE}
    assert {file.stem for file in PACKAGE.samples.iterdir()} == covered


def test_folder_has_no_mistake_and_its_own_tests_pass() -> None:
    assert PACKAGE.mistakes() == []
    assert PACKAGE.failed_tests() == []


def test_every_act_of_the_manifest_has_a_mapping() -> None:
    named = {act for acts in PACKAGE.manifest.kinds.values() for act in acts} | set(PACKAGE.manifest.acts)
    named |= {rule.status for rule in PACKAGE.manifest.acts.values() if rule.status}
    named |= {rule.undo for rule in PACKAGE.manifest.acts.values() if rule.undo}
    assert named - set(PACKAGE.acts) == set()


@pytest.mark.parametrize("stem", PRODUCED)
def test_published_request_is_produced(stem: str) -> None:
    assert PACKAGE.written(PRODUCED[stem], stem) == exact(PACKAGE.sample(f"{stem}_request"))


@pytest.mark.parametrize("stem", ACCEPTED)
def test_published_answer_is_understood(stem: str) -> None:
    sent = stem if stem in PRODUCED else "06_S290"
    answer = PACKAGE.answered(ACCEPTED[stem], PACKAGE.sample(f"{stem}_answer"), sent)
    assert answer == PACKAGE.expected(stem)


@pytest.mark.parametrize("stem", NOTICES)
def test_insurers_notice_is_read_in_spite_of_stray_blanks(stem: str) -> None:
    result = read_result(PACKAGE.acts[NOTICES[stem]].read_callback(Incoming(PACKAGE.sample(f"{stem}_request"))))
    assert result.state == ("refused" if stem == "21_C210" else "accepted")
    number = {"20_C100": "TESTCASE0000001", "21_C210": "TESTAUTH0001", "22_C220": "OP20250305000017"}[stem]
    assert (result.insurer_ref, result.correlation) == (number, UNSET), "no act of ours waits for it"


@pytest.mark.parametrize("stem", ["20_C100", "22_C220"])
def test_acknowledgement_is_the_published_one_but_for_its_second(stem: str) -> None:
    """Our trade number takes its time from the notice, so that the same notice is answered with the same bytes."""
    notice = Incoming(PACKAGE.sample(f"{stem}_request"))
    reply = exact(PACKAGE.acts[NOTICES[stem]].write_reply(notice).document)
    sample = exact(PACKAGE.sample(f"{stem}_answer"))
    assert reply["package"]["additionInfo"].pop("receiverTradeNum") == "20250306083030-990000001-0001"
    assert sample["package"]["additionInfo"].pop("receiverTradeNum") == "20250306083031-990000001-0001"
    assert reply == sample


def test_request_for_visit_files_is_refused_and_gives_nothing_about_the_person() -> None:
    reply = PACKAGE.acts["visit_query"].write_reply(Incoming(PACKAGE.sample("21_C210_request"))).document
    package = exact(reply)["package"]
    assert package["additionInfo"]["errorCode"] == "1000403"
    assert package["body"] == []
    assert b"999901198503120012" not in reply


def test_answer_of_a_dialect_with_stray_blanks_in_names_and_values_is_read() -> None:
    """31 writes ``clientmacAddress␠``; 乐约-like answers write names and codes with blanks around."""
    wanda = PACKAGE.sample("31_wanda_QP011_answer")
    assert PACKAGE.answered("withdraw_visit", wanda, "04_S240").state == "accepted"
    blank = changed(json.loads(wanda), ("package", "additionInfo", "errorCode"), " 0 ")
    assert PACKAGE.answered("withdraw_visit", json.dumps(blank).encode(), "04_S240").state == "accepted"


@pytest.mark.parametrize("code", ["0", "1"])
def test_both_success_codes_mean_done(code: str) -> None:
    answer = changed(json.loads(PACKAGE.sample("05_S250_answer")), ("package", "additionInfo", "errorCode"), code)
    assert PACKAGE.answered("fee_lines", json.dumps(answer).encode(), "05_S250").state == "accepted"


@pytest.mark.parametrize("body", [None, [], ...])
def test_failing_answer_without_a_body_is_a_refusal(body: Any) -> None:
    answer = changed(json.loads(PACKAGE.sample("18_error_answer")), ("package", "body"), body)
    result = PACKAGE.answered("settle", json.dumps(answer).encode(), "07_S291")
    assert (result.state, result.peer_code) == ("refused", "1000001")


@pytest.mark.parametrize(("sign", "verdict"), [("0", "to_quick_claim"), ("1", msgspec.UNSET), ("2", msgspec.UNSET)])
def test_settlement_that_falls_back_to_quick_claim_says_so_and_any_other_is_paid(sign: str, verdict: Any) -> None:
    answer = changed(json.loads(PACKAGE.sample("07_S291_answer")), ("package", "body", 0, "indemnitySign"), sign)
    assert PACKAGE.answered("settle", json.dumps(answer).encode(), "07_S291").verdict == verdict


@pytest.mark.parametrize(
    ("asked", "code", "state"),
    [
        ("settle", "0", "accepted"),
        ("settle", "1000404", "not_found"),
        ("cancel", "0", "not_found"),
        ("cancel", "1000404", "accepted"),
        ("settle", "1000008", "refused"),
    ],
)
def test_enquiry_tells_whether_the_act_asked_about_took_effect(asked: str, code: str, state: str) -> None:
    sent = PACKAGE.dispatch("54_status")
    assert isinstance(sent.target, msgspec.Struct)
    sent = msgspec.structs.replace(sent, target=msgspec.structs.replace(sent.target, name=asked))
    answer = changed(json.loads(PACKAGE.sample("16_S300_answer")), ("package", "additionInfo", "errorCode"), code)
    assert read_result(PACKAGE.acts["status"].read(Incoming(json.dumps(answer).encode()), sent)).state == state


def test_lost_settlement_is_asked_for_by_our_own_bill_number() -> None:
    record = PACKAGE.written("status", "54_status")["package"]["body"][0]
    assert record == {"settleSerialNum": "B20250305000017"}


def test_claim_under_a_policy_that_the_insurer_does_not_list_stops() -> None:
    sent = PACKAGE.dispatch("02_S210")
    answer = changed(
        json.loads(PACKAGE.sample("01_S200_answer")),
        ("package", "body", 0, "commercialInsuranceList", 0, "polDetailList", 0, "commercialBillNum"),
        "ANOTHER",
    )
    result = read_result(PACKAGE.acts["eligibility"].read(Incoming(json.dumps(answer).encode()), sent))
    assert (result.state, result.peer_code) == ("refused", "policy-not-listed")


def test_known_policy_number_is_sent_and_its_residual_read() -> None:
    sent = PACKAGE.dispatch("02_S210")
    request = exact(PACKAGE.acts["eligibility"].write(sent).document)
    assert request["package"]["body"][0]["commercialBillNum"] == "TESTP2025000001"
    result = read_result(PACKAGE.acts["eligibility"].read(Incoming(PACKAGE.sample("01_S200_answer")), sent))
    assert (result.state, result.residual) == ("accepted", 5_000_000)


def test_withdrawing_several_lines_names_the_whole_visit() -> None:
    """S260 is one record a call, and a record names one line or none."""
    sent = msgspec.structs.replace(PACKAGE.dispatch("09_S260"), lines=PACKAGE.dispatch("05_S250").lines)
    package = exact(PACKAGE.acts["withdraw_lines"].write(sent).document)["package"]
    assert package["head"]["recordCount"] == "1"
    assert [(one["medicalNum"], one["recipeSerialNum"]) for one in package["body"]] == [("OP20250305000017", None)]


def test_earlier_payers_are_told_at_the_quote() -> None:
    sent = PACKAGE.dispatch("06_S290")
    sent = msgspec.structs.replace(sent, claim=msgspec.structs.replace(sent.claim, prior_paid=1234))
    assert exact(PACKAGE.acts["quote"].write(sent).document)["package"]["body"][0][
        "commercialInsurancePayment"
    ] == exact("12.34")


def test_hundred_lines_go_in_one_call_and_one_more_does_not() -> None:
    sent = PACKAGE.dispatch("05_S250")
    full = msgspec.structs.replace(sent, lines=(sent.lines * 12)[:100])
    package = exact(PACKAGE.acts["fee_lines"].write(full).document)["package"]
    assert (package["head"]["recordCount"], len(package["body"])) == ("100", 100)
    with pytest.raises(MessageRefused):
        PACKAGE.acts["fee_lines"].write(msgspec.structs.replace(sent, lines=(sent.lines * 12)[:101]))


def test_settling_without_a_confirmed_quote_does_not_leave() -> None:
    sent = PACKAGE.dispatch("07_S291")
    claim = msgspec.structs.replace(sent.claim, quoted=msgspec.UNSET)
    with pytest.raises(MessageRefused):
        PACKAGE.acts["settle"].write(msgspec.structs.replace(sent, claim=claim))


def test_answer_without_its_error_code_is_not_an_answer() -> None:
    answer = changed(json.loads(PACKAGE.sample("07_S291_answer")), ("package", "additionInfo", "errorCode"), ...)
    with pytest.raises(MessageRefused):
        PACKAGE.answered("settle", json.dumps(answer).encode(), "07_S291")


@pytest.mark.parametrize(
    ("stem", "path", "value", "keyword"),
    [
        ("01_S200", ("head", "busseID"), "S210", "const"),
        ("01_S200", ("head", "sendTradeNum"), "2025-1", "pattern"),
        ("01_S200", ("head", "intermediaryCode"), "7", "enum"),
        ("01_S200", ("head", "extra"), "", "additionalProperties"),
        ("01_S200", ("body",), {}, "type"),
        ("01_S200", ("body",), [], "minItems"),
        ("01_S200", ("body", 0, "credentialType"), "1", "enum"),
        ("01_S200", ("body", 0, "name"), ..., "required"),
        ("01_S200", ("body", 0, "birthday"), "1985-03-12", "pattern"),
        ("02_S210", ("body", 0, "medicalType"), "10", "enum"),
        ("02_S210", ("body", 0, "race"), "01", "pattern"),
        ("02_S210", ("body", 0, "inHosClinicalDiagnosis"), "", "minLength"),
        ("03_S230", ("body", 0, "hospitalDay"), 1, "type"),
        ("05_S250", ("body", 0, "platformItemCat"), "15", "enum"),
        ("05_S250", ("body", 0, "feesGrade"), "甲", "enum"),
        ("05_S250", ("body", 0, "money"), "25.00", "type"),
        ("05_S250", ("body", 0, "price"), -1, "minimum"),
        ("05_S250", ("body", 0, "selfPayRatio"), 1.5, "maximum"),
        ("05_S250", ("additionInfo", "errorCode"), "0", "const"),
        ("07_S291", ("body", 0, "billNum"), None, "type"),
        ("07_S291", ("body", 0, "hospitalDay"), "1", "type"),
        ("07_S291", ("body", 0, "dischDiagnosisList"), [], "minItems"),
        ("07_S291", ("body", 0, "medFeeList", 0, "feeValue"), "25", "pattern"),
        ("07_S291", ("body", 0, "dischCause"), "5", "enum"),
        ("17_S310", ("body", 0, "acceptFlag"), "2", "enum"),
        ("13_S340", ("body", 0, "hospitalRecordId"), ..., "required"),
    ],
)
def test_request_schema_refuses(stem: str, path: tuple[str | int, ...], value: Any, keyword: str) -> None:
    sample = json.loads(PACKAGE.sample(f"{stem}_request"))
    schema = f"{stem[3:7]}.request"
    assert PACKAGE.violations(schema, sample) == []
    assert keyword in PACKAGE.violations(schema, changed(sample, ("package", *path), value))


def test_reply_schema_lets_no_visit_file_out() -> None:
    assert "maxItems" in PACKAGE.violations("notice.reply", json.loads(PACKAGE.sample("21_C210_answer")))


@pytest.mark.parametrize(
    "code", ["1000001", "1000010", "1000404", "case-refused", "policy-not-listed", "no-consent", "ERR0004"]
)
def test_refusal_code_has_words_for_the_counter(code: str) -> None:
    fault = load_faults(PACKAGE.home)[code]
    assert fault.zh
    assert fault.en


def test_line_without_a_class_is_not_called_own_pay() -> None:
    sent = PACKAGE.dispatch("05_S250")
    bare = msgspec.structs.replace(sent.lines[0], class_level=msgspec.UNSET)
    written = exact(PACKAGE.acts["fee_lines"].write(msgspec.structs.replace(sent, lines=(bare,))).document)
    assert written["package"]["body"][0]["feesGrade"] is None
