"""The Ant folder speaks the published health claim sync messages, variant A, to the byte."""

import hashlib
import json
import re
from typing import Any

import msgspec
import pytest
from lxml import etree
from partner_folder import SAMPLES, Folder

from gateway.claims.canonical.dispatch import ActResult, Dispatch, read_result
from gateway.claims.partners.manifest import load_faults
from gateway.kernel.errors import MessageRefused
from gateway.mapping.api import Incoming

ANT = Folder("ant")
HOME = SAMPLES / "ant"

NOTICES = {"02_case_close_action2_request": "action2", "03_reject_action9_request": "action9"}
NOTICES["04_material_action10_request"] = "action10"
ELSEWHERE = {"10_mybank_style_request_unsigned": "variant B (enveloped XML signature), a protocol of its own"}


def sample(name: str) -> bytes:
    return (HOME / f"{name}.xml").read_bytes()


def inner(document: bytes, tag: str = "request") -> bytes:
    """The signed bytes: strictly between the first opening and the last closing tag."""
    start, end = f"<{tag}>".encode(), f"</{tag}>".encode()
    return document[document.index(start) + len(start) : document.rindex(end)]


def parse(document: bytes) -> Any:
    return etree.fromstring(document)


def report(**changes: Any) -> Dispatch:
    """The fixture of action 1 with parts replaced."""
    fixture = ANT.dispatch("report")
    parts = {
        name: msgspec.structs.replace(getattr(fixture, name), **new) if isinstance(new, dict) else new
        for name, new in changes.items()
    }
    return msgspec.structs.replace(fixture, **parts)


def written(dispatch: Dispatch) -> bytes:
    return ANT.acts["report"].write(dispatch).document


def context(document: bytes) -> dict[str, str]:
    pairs = parse(document).findall("request/body/actionContext/extendInfo")
    return {str(pair.get("key")): str(pair.get("value")) for pair in pairs}


def answered(document: bytes) -> ActResult:
    return read_result(ANT.acts["report"].read(Incoming(document), ANT.dispatch("report")))


def notified(document: bytes) -> ActResult:
    return read_result(ANT.acts["notify"].read_callback(Incoming(document)))


def expected(stem: str) -> ActResult:
    return ANT.expected(stem)


def test_every_published_sample_is_covered_or_named_as_another_variant() -> None:
    covered = {"01_report_sync_request", "01_report_sync_answer", "sign_inputs", *NOTICES, *ELSEWHERE}
    assert {file.stem for file in HOME.iterdir()} == covered


def test_folder_has_no_mistake_and_its_own_tests_pass() -> None:
    assert ANT.mistakes() == []
    assert ANT.failed_tests() == []


def test_action_1_is_the_published_message_to_the_byte() -> None:
    """The signature stands over these bytes, so a blank before ``/>`` counts."""
    made = written(ANT.dispatch("report"))
    assert inner(made) == inner(sample("01_report_sync_request"))
    assert made == sample("01_report_sync_request")


def test_signed_bytes_have_the_published_digest() -> None:
    published = json.loads((HOME / "sign_inputs.json").read_text())["files"]["01_report_sync_request.xml"]
    signed = inner(written(ANT.dispatch("report")))
    assert len(signed) == published["inner_utf8_bytes"]
    assert hashlib.sha256(signed).hexdigest() == published["sha256_of_inner_bytes"]


def test_published_answer_means_taken_and_not_decided() -> None:
    result = answered(sample("01_report_sync_answer"))
    assert result == expected("report")
    assert (result.state, result.approved) == ("pending", msgspec.UNSET)


@pytest.mark.parametrize("name", NOTICES)
def test_published_notice_is_understood(name: str) -> None:
    assert notified(sample(name)) == expected(NOTICES[name])


def test_notice_is_acknowledged_in_the_form_of_the_published_answer() -> None:
    """Our acknowledgement has the head of the notice; every name and its order is that of the published answer."""
    notice = sample("02_case_close_action2_request")
    reply = ANT.acts["notify"].write_reply(Incoming(notice))
    made, published = parse(reply.document), parse(sample("01_report_sync_answer"))
    assert [node.tag for node in made.iter()] == [node.tag for node in published.iter()]
    assert made.find("response/head/reqMsgId").text == parse(notice).findtext("request/head/reqMsgId")
    assert etree.tostring(made.find("response/body")) == etree.tostring(published.find("response/body"))
    assert reply.status == 200


def test_a_repeat_keeps_the_business_number_and_takes_a_new_message_number() -> None:
    first, again = (parse(written(report(act={"attempt": attempt}))).find("request") for attempt in (1, 2))
    assert first.findtext("body/outBizNo") == again.findtext("body/outBizNo")
    assert first.findtext("head/reqMsgId") != again.findtext("head/reqMsgId")


def test_amount_is_in_fen_without_a_point() -> None:
    assert context(written(report(claim={"claimed": 100})))["claimApplyAmount"] == "100"


def test_text_with_markup_stays_text() -> None:
    name = '甲<乙>&"丙'
    assert context(written(report(patient={"name": name})))["claimerCertName"] == name


def test_quote_in_a_hospitals_name_does_not_end_the_single_quoted_data() -> None:
    data = context(written(report(visit={"hospital_name": "圣'测试医院"})))["bizData"]
    assert re.fullmatch(r"\{'confirmed_hospital':'[^']*'\}", data)


def test_claim_without_material_has_an_empty_list_and_is_valid() -> None:
    made = written(report(attachments=(), report=msgspec.UNSET))
    assert b'<extendInfos key="attachments"></extendInfos>' in made
    assert context(made)["accidentDesc"] == "急性上呼吸道感染"


@pytest.mark.parametrize(
    ("code", "means"), [("400", "refused"), ("401", "refused"), ("408", "unknown"), ("999", "unknown")]
)
def test_refusal_counts_only_when_its_code_is_listed(code: str, means: str) -> None:
    """After 408 and 409 an earlier message of ours may have been taken: nobody knows, so it is enquired."""
    result = answered(
        sample("01_report_sync_answer").replace(b"<success>1", b"<success>0").replace(b">200<", f">{code}<".encode())
    )
    assert result.state == "refused"
    assert (result.peer_code in load_faults(ANT.home)) is (means == "refused")


def test_success_with_another_code_is_no_success() -> None:
    assert answered(sample("01_report_sync_answer").replace(b">200<", b">500<")).state == "refused"


@pytest.mark.parametrize(
    "broken",
    [
        b"<html>busy</html>",
        b"<document><signature></signature></document>",
        sample("01_report_sync_answer").replace(b"<success>1</success>", b""),
        b'<!DOCTYPE d [<!ENTITY e "x">]>' + sample("01_report_sync_answer").partition(b"?>")[2],
    ],
)
def test_answer_of_another_form_is_never_taken_for_an_answer(broken: bytes) -> None:
    with pytest.raises(MessageRefused):
        answered(broken)


def test_answer_without_a_body_leaves_the_outcome_unknown() -> None:
    assert answered(b"").state == "unknown"


def test_closing_without_an_amount_names_no_amount() -> None:
    """An absent claimFee must not turn into a payment of zero; the engine parks a decision without amount."""
    notice = re.sub(rb'<extendInfo key="claimFee"[^>]*/>', b"", sample("02_case_close_action2_request"), count=1)
    result = notified(notice)
    assert (result.state, result.approved, result.verdict) == ("accepted", msgspec.UNSET, msgspec.UNSET)


def test_closing_with_zero_is_a_zero_settlement() -> None:
    notice = sample("02_case_close_action2_request").replace(b'"claimFee" value="11545"', b'"claimFee" value="0"', 1)
    result = notified(notice)
    assert (result.state, result.approved, result.verdict) == ("accepted", 0, "zero")


@pytest.mark.parametrize("fee", ["-1x", "115.45", ""])
def test_amount_that_is_no_whole_number_of_fen_is_refused(fee: str) -> None:
    notice = sample("02_case_close_action2_request").replace(b'value="11545"', f'value="{fee}"'.encode(), 1)
    with pytest.raises(MessageRefused):
        notified(notice)


def test_action_that_the_brief_does_not_know_is_refused_by_the_schema() -> None:
    with pytest.raises(MessageRefused):
        notified(sample("03_reject_action9_request").replace(b"<action>9<", b"<action>7<"))


@pytest.mark.parametrize("changes", [{"policy": {"policy_no": "P" * 65}}, {"claim": {"claim_id": "C" * 65}}])
def test_message_that_breaks_the_partners_schema_does_not_leave(changes: dict[str, Any]) -> None:
    with pytest.raises(MessageRefused):
        written(report(**changes))
