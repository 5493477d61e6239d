"""The claim post office folder: SOAP document/literal around Base64 files, results fetched by polling."""

import base64
import dataclasses
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from lxml import etree
from partner_folder import INSURERS, SAMPLES, Folder

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.claims.partners.manifest import load_faults
from gateway.kernel.errors import MessageRefused
from gateway.kernel.money import fen_from_yuan
from gateway.mapping import load_folder
from gateway.mapping.api import CompiledAct, Incoming, Outgoing

POST = Folder("eclaimlink")
HOME = SAMPLES / "eclaimlink"
NAMESPACE = "{urn:test:postoffice:v2}"
FILES = {"claim_submission", "prior_request", "prior_request_cancellation", "prior_authorization", "remittance_advice"}
ANSWERS = {
    "soap_UploadTransaction_response": ("claim", "upload"),
    "soap_GetNewTransactions_response_abudhabi": ("list_files", "list_files"),
    "soap_GetNewTransactions_response_dubai": ("list_files", "list_files"),
    "soap_DownloadTransactionFile_response": ("fetch_file", "fetch_file"),
}
OTHERS = {
    "soap_UploadTransaction_failed_response",
    "soap_UploadTransaction_request",
    "soap_SetTransactionDownloaded_request",
}


def sample(name: str) -> bytes:
    return (HOME / f"{name}.xml").read_bytes()


@cache
def acts() -> dict[str, CompiledAct]:
    """The folder with the login of the published samples."""
    partner = {**POST.manifest.settings, "login": "TESTUSER", "password": "TESTPWD"}
    return dict(load_folder(POST.home, POST.schemas, INSURERS, partner, POST.refs))


def written(act: str, stem: str, **parts: Any) -> Outgoing:
    dispatch = POST.dispatch(stem)
    changed = {name: msgspec.structs.replace(getattr(dispatch, name), **new) for name, new in parts.items()}
    return acts()[act].write(msgspec.structs.replace(dispatch, **changed))


def parse(document: bytes) -> Any:
    return etree.fromstring(document)


def call(document: bytes) -> Any:
    """The operation inside the SOAP Body."""
    return parse(document).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]


def file_of(document: bytes) -> Any:
    return parse(base64.b64decode(call(document).findtext(f"{NAMESPACE}fileContent") or ""))


def canonical(element: Any) -> bytes:
    """Exclusive form without the blanks between elements, which carry nothing."""
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.tostring(etree.fromstring(etree.tostring(element, with_tail=False), parser), method="c14n")


def answered(act: str, document: bytes, sent: str = "claim") -> ActResult:
    return read_result(acts()[act].read(Incoming(document), POST.dispatch(sent)))


def expected(stem: str) -> ActResult:
    return POST.expected(stem)


def download(content: bytes, code: str = "0") -> bytes:
    answer = sample("soap_DownloadTransactionFile_response").replace(b"Result>0<", f"Result>{code}<".encode())
    root = parse(answer)
    root.find(f".//{NAMESPACE}file").text = base64.b64encode(content).decode()
    return etree.tostring(root)


def test_every_published_sample_is_covered() -> None:
    assert {file.stem for file in HOME.iterdir()} == FILES | set(ANSWERS) | OTHERS


def test_folder_has_no_mistake_and_its_own_tests_pass() -> None:
    assert POST.mistakes() == []
    folder = Folder("eclaimlink")
    folder.partner["password"] = "secret"
    assert folder.failed_tests() == []


@pytest.mark.parametrize(("stem", "position"), [("claim", 0), ("claim.correction", 1)])
def test_published_claim_is_produced(stem: str, position: int) -> None:
    """Each of our files carries one claim. The canonical model knows no vital signs, so Observation is left out."""
    published = parse(sample("claim_submission")).findall("Claim")[position]
    for activity in published.findall("Activity"):
        for observation in activity.findall("Observation"):
            activity.remove(observation)
    assert canonical(file_of(written("claim", stem).document).find("Claim")) == canonical(published)


def test_header_and_root_of_a_claim_file_are_the_published_ones_but_for_the_count() -> None:
    made, published = file_of(written("claim", "claim").document), parse(sample("claim_submission"))
    assert (made.tag, dict(made.attrib)) == (published.tag, dict(published.attrib))
    published.find("Header/RecordCount").text = "1"
    assert canonical(made.find("Header")) == canonical(published.find("Header"))


@pytest.mark.parametrize(
    ("act", "name"), [("prior_request", "prior_request"), ("prior_cancel", "prior_request_cancellation")]
)
def test_published_prior_request_is_produced(act: str, name: str) -> None:
    assert canonical(file_of(written(act, act).document)) == canonical(parse(sample(name)))


def test_published_confirmation_is_produced() -> None:
    made = written("confirm_file", "confirm_file").document
    assert canonical(parse(made)) == canonical(parse(sample("soap_SetTransactionDownloaded_request")))


def test_upload_has_the_published_form_and_our_own_file_name() -> None:
    """The name is our claim number, because the enquiry after a lost answer searches for it."""
    made, published = call(written("claim", "claim").document), call(sample("soap_UploadTransaction_request"))
    assert [(node.tag, node.text) for node in list(made)[:2]] == [(node.tag, node.text) for node in list(published)[:2]]
    assert [node.tag for node in made] == [node.tag for node in published]
    assert made.findtext(f"{NAMESPACE}fileName") == "TESTCLM0001.xml"


def test_call_is_addressed_as_soap_demands() -> None:
    out = written("claim", "claim")
    assert out.headers["SOAPAction"] == '"urn:test:postoffice:v2/UploadTransaction"'
    assert out.content_type == "text/xml; charset=utf-8"
    assert (out.method, out.path, out.correlation) == ("POST", "/postoffice", "TESTCLM0001")


@pytest.mark.parametrize("name", ANSWERS)
def test_published_answer_is_understood(name: str) -> None:
    act, result = ANSWERS[name]
    assert answered(act, sample(name)) == expected(result)


def test_published_failure_is_a_refusal_that_a_person_must_mend() -> None:
    result = answered("claim", sample("soap_UploadTransaction_failed_response"))
    assert (result.state, result.peer_code) == ("refused", "-2")
    assert load_faults(POST.home)["-2"].who == "cashier"


def test_published_remittance_pays_what_its_activities_pay() -> None:
    result = answered("fetch_file", download(sample("remittance_advice")))
    assert [(one.correlation, one.approved, one.peer_code) for one in result.results] == [
        ("TESTCLM0001", 25020, "PRCE-002")
    ]


def test_published_prior_authorization_is_understood() -> None:
    result = answered("fetch_file", download(sample("prior_authorization")))
    assert [(one.correlation, one.state, one.approved) for one in result.results] == [("TESTPRQ0001", "accepted", 9180)]


def test_remittance_of_nothing_is_a_refusal_with_its_reason() -> None:
    refused = parse(sample("remittance_advice"))
    for activity in refused.iter("Activity"):
        activity.find("PaymentAmount").text = "0.00"
        for denial in activity.findall("DenialCode"):
            activity.remove(denial)
        etree.SubElement(activity, "DenialCode").text = "ELIG-001"
    (one,) = answered("fetch_file", download(etree.tostring(refused))).results
    assert (one.verdict, one.approved, one.peer_code) == ("refused", 0, "ELIG-001")
    assert "ELIG-001" in load_faults(POST.home)


@pytest.mark.parametrize("content", [b"<Person.Register><Person/></Person.Register>", b"<Remittance.Advice/>"])
def test_file_without_a_known_record_is_not_taken_as_read(content: bytes) -> None:
    assert answered("fetch_file", download(content)).state == "unknown"


@pytest.mark.parametrize("amount", ["12.345", "1e3", "many"])
def test_payment_that_is_no_amount_is_refused(amount: str) -> None:
    broken = sample("remittance_advice").replace(b">61.20<", f">{amount}<".encode())
    with pytest.raises(MessageRefused):
        answered("fetch_file", download(broken))


def test_what_others_bear_makes_the_activities_add_up() -> None:
    """docs/partners.md: the last activity, Type 8, has minus the patient's share."""
    claim = file_of(written("claim", "claim.others").document).find("Claim")
    nets = [fen_from_yuan(net.text) for net in claim.findall("Activity/Net")]
    assert sum(nets) == fen_from_yuan(claim.findtext("Net")) == 20000
    last = claim.findall("Activity")[-1]
    assert (last.findtext("Type"), last.findtext("Code"), last.findtext("Quantity")) == ("8", "OTHER-PAYERS", "1.00")
    assert fen_from_yuan(last.findtext("Net")) == -fen_from_yuan(claim.findtext("PatientShare"))
    assert fen_from_yuan(claim.findtext("Gross")) == sum(nets) + fen_from_yuan(claim.findtext("PatientShare"))


def test_quantity_is_sent_as_the_hospital_gave_it() -> None:
    dispatch = POST.dispatch("claim")
    line = msgspec.structs.replace(dispatch.lines[0], qty=Decimal("0.3333"))
    made = acts()["claim"].write(msgspec.structs.replace(dispatch, lines=(line, *dispatch.lines[1:])))
    assert file_of(made.document).findtext("Claim/Activity/Quantity") == "0.3333"


STATES = {"0": "pending", "1": "pending", "-2": "refused", "-4": "unknown", "-8": "unknown", "17": "unknown"}


@pytest.mark.parametrize("code", STATES)
def test_result_code_means_what_the_service_says(code: str) -> None:
    """-4 is an unexpected error after which the file may lie there, and codes outside the list say nothing."""
    answer = sample("soap_UploadTransaction_response").replace(b"Result>0<", f"Result>{code}<".encode())
    assert answered("claim", answer).state == STATES[code]


def test_every_refusing_code_is_explained() -> None:
    refusing = {"-1", "-2", "-3", "-5", "-6", "-7", "-10"}
    assert refusing <= set(load_faults(POST.home))


@pytest.mark.parametrize("content", ["", "&lt;Files /&gt;", "&lt;Files&gt;&lt;/Files&gt;"])
def test_empty_list_means_that_nothing_waits(content: str) -> None:
    answer = sample("soap_GetNewTransactions_response_abudhabi")
    start, end = answer.index(b"<xmlTransactions>") + 17, answer.index(b"</xmlTransactions>")
    assert answered("list_files", answer[:start] + content.encode() + answer[end:]).items == ()


@pytest.mark.parametrize(("stem", "state"), [("found", "pending"), ("missing", "not_found")])
def test_enquiry_by_file_name_tells_whether_the_office_has_it(stem: str, state: str) -> None:
    answer = (POST.home / "examples" / f"status.{stem}.xml").read_bytes()
    assert answered("status", answer, "status").state == state


def test_enquiry_that_finds_only_another_file_has_not_found_ours() -> None:
    answer = (POST.home / "examples" / "status.found.xml").read_bytes().replace(b"TESTCLM0001.xml", b"TESTCLM0009.xml")
    assert answered("status", answer, "status").state == "not_found"


def test_enquiry_that_fails_tells_nothing_about_the_claim() -> None:
    answer = (POST.home / "examples" / "status.found.xml").read_bytes().replace(b"Result>0<", b"Result>-5<")
    assert answered("status", answer, "status").state == "unknown"


def test_fault_leaves_the_outcome_unknown() -> None:
    fault = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        b"<faultcode>s:Server</faultcode><faultstring>busy</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    assert answered("claim", fault).state == "unknown"


def test_claim_that_breaks_the_files_schema_does_not_leave() -> None:
    with pytest.raises(MessageRefused):
        acts()["claim"].write(msgspec.structs.replace(POST.dispatch("claim"), diagnoses=()))


def test_act_of_polling_needs_no_claim() -> None:
    """The collector's acts run without patient or claim: they may read the act, the refs and the settings only."""
    bare = POST.dispatch("list_files")
    empty = dict.fromkeys(("claim", "patient", "visit", "split", "policy", "consent"), msgspec.UNSET)
    for act, refs in (("list_files", {}), ("fetch_file", {"item": "900002"}), ("confirm_file", {"item": "900002"})):
        dispatch = msgspec.structs.replace(bare, refs=refs, **empty)
        assert acts()[act].write(dispatch).document


def test_fetching_without_a_file_number_sends_nothing() -> None:
    with pytest.raises(MessageRefused):
        acts()["fetch_file"].write(POST.dispatch("list_files"))


def test_a_message_says_which_mapping_made_it() -> None:
    pin = acts()["claim"].pin
    assert dataclasses.asdict(pin).keys() == {"name", "version", "digest"}
    assert pin.name == "eclaimlink/claim"


def test_the_number_of_an_authorization_travels_with_every_activity_of_the_claim_that_follows() -> None:
    (granted,) = answered("fetch_file", download(sample("prior_authorization"))).results
    plain = POST.dispatch("claim")
    refs = {name: value for name, value in plain.refs.items() if name != "authorized_line"}
    claim = acts()["claim"].write(msgspec.structs.replace(plain, refs={**refs, **granted.refs}))
    activities = file_of(claim.document).findall("Claim/Activity")
    named = {one.findtext("PriorAuthorizationID") for one in activities if one.findtext("Code") != "OTHER-PAYERS"}
    assert named == {granted.refs["authorization_no"]}
