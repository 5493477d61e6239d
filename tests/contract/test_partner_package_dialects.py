"""The other dialects of the package protocol: each published sample is produced or accepted by a folder of its own."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import test_partner_package as main_dialect
from partner_folder import ROOT, SAMPLES, Folder, changed, exact

from gateway.app import start_gateway
from gateway.claims.canonical.dispatch import read_result
from gateway.claims.partners.manifest import load_faults
from gateway.config import ClaimsSettings, Door, InsurerSettings, Settings
from gateway.kernel.errors import MessageRefused
from gateway.mapping.api import Incoming
from gateway.wire.devkeys import create_development_keys

DIALECTS = {code: Folder(code) for code in ("package-400", "package-cq", "package-wanda")}
V400, AUTHORITY, WANDA = DIALECTS.values()
HOME = SAMPLES / "package"

PRODUCED = {
    "30_dialect400_S200_request": (V400, "eligibility"),
    "33_cq_Q210_request": (AUTHORITY, "report_visit"),
}
"""Published request -> the folder and act that make it, byte for byte."""

ACCEPTED = {
    "31_wanda_QP011_request": "the insurer's query: test_query_for_a_person_is_refused_and_gives_nothing_about_them",
    "32_wanda_token_answer": "test_published_token_becomes_the_authorization",
    "31_wanda_QP011_answer": "its record: test_pushed_visit_has_the_record_of_the_published_answer",
}
"""Published file -> what it is here and which test claims it."""


def sample(name: str) -> bytes:
    return (HOME / f"{name}.json").read_bytes()


def compact(document: bytes) -> bytes:
    """Without layout; members keep their order."""
    return json.dumps(json.loads(document), ensure_ascii=False, separators=(",", ":")).encode()


def test_every_published_sample_of_the_brief_is_produced_or_accepted() -> None:
    requests = {f"{one}_request" for one in (*main_dialect.PRODUCED, *main_dialect.NOTICES)}
    answers = {f"{one}_answer" for one in main_dialect.ACCEPTED} | {"20_C100_answer", "22_C220_answer"}
    refused = {"21_C210_answer", "40_wire_vectors"}
    assert refused <= set(main_dialect.ELSEWHERE), "an exception has its reason there"
    claimed = requests | answers | refused | set(PRODUCED) | set(ACCEPTED)
    assert {file.name for file in HOME.iterdir()} == {f"{name}.json" for name in claimed}


def test_each_claim_names_a_test_of_this_file() -> None:
    assert all(claim.rpartition(" ")[2] in globals() for claim in ACCEPTED.values())


@pytest.mark.parametrize("code", DIALECTS)
def test_folder_has_no_mistake_and_its_own_tests_pass(code: str) -> None:
    assert DIALECTS[code].mistakes() == []
    assert DIALECTS[code].failed_tests() == []
    load_faults(DIALECTS[code].home)


@pytest.mark.parametrize("code", DIALECTS)
def test_folder_without_a_whole_conversation_says_so(code: str) -> None:
    folder = DIALECTS[code]
    assert folder.manifest.kinds == {}
    assert "`kinds` is empty" in (folder.home / "README.md").read_text("utf-8")
    assert set(folder.manifest.acts) <= set(folder.acts)


@pytest.mark.parametrize("stem", PRODUCED)
def test_published_request_is_produced_byte_for_byte(stem: str) -> None:
    folder, act = PRODUCED[stem]
    assert folder.acts[act].write(folder.dispatch(act)).document == compact(sample(stem))


def test_pushed_visit_has_the_record_of_the_published_answer() -> None:
    """31 answers a query for the visit that we push: the same names, values and order, before what QP023 adds."""
    published = exact(sample("31_wanda_QP011_answer"))["package"]
    pushed = WANDA.written("push", "push")["package"]
    record = list(pushed["body"][0].items())
    assert record[: len(published["body"][0])] == list(published["body"][0].items())
    assert list(pushed["head"]) == list(published["head"])
    assert list(pushed["additionInfo"]) == list(published["additionInfo"])


def test_query_for_a_person_is_refused_and_gives_nothing_about_them() -> None:
    act, query = WANDA.acts["patient_query"], Incoming(sample("31_wanda_QP011_request"))
    result = read_result(act.read_callback(query))
    assert (result.state, result.insurer_ref) == ("refused", "QP2025030609300012345678")
    reply = act.write_reply(query).document
    assert json.loads(reply)["package"]["body"] == []
    assert json.loads(reply)["package"]["additionInfo"]["errorCode"] == "1000001"
    asked = json.loads(query.document)["package"]
    assert json.loads(reply)["package"]["head"] == asked["head"], "the heading comes back, stray blank included"
    for told in (asked["body"][0]["idCardNo"], asked["body"][0]["patientName"]):
        assert told.encode() not in reply


def test_reply_schema_lets_no_visit_out() -> None:
    assert "maxItems" in WANDA.violations("notice.reply", json.loads(sample("31_wanda_QP011_answer")))


def test_published_token_becomes_the_authorization() -> None:
    result = read_result(WANDA.acts["token"].read(Incoming(sample("32_wanda_token_answer"))))
    assert (result.state, result.refs["token"], result.expires_in) == ("accepted", "bearer TEST-TOKEN-0002", 28799)
    rule = WANDA.manifest.token
    assert rule is not None
    assert (rule.header, rule.prefix) == ("Authorization", "")


@pytest.mark.parametrize("lost", ["access_token", "token_type"])
def test_token_answer_that_lacks_a_part_is_refused(lost: str) -> None:
    answer = changed(json.loads(sample("32_wanda_token_answer")), (lost,), ...)
    assert read_result(WANDA.acts["token"].read(Incoming(json.dumps(answer).encode()))).state == "refused"


def test_token_is_asked_for_with_the_secret_in_a_header_only() -> None:
    asked = WANDA.acts["token"].write(WANDA.dispatch("push"))
    assert (asked.method, asked.path, asked.query) == ("POST", "/oauth/token", {"grant_type": "client_credentials"})
    assert asked.headers["Authorization"] == "Basic test-secret"


@pytest.mark.parametrize(("code", "state"), [("1000000", "accepted"), ("0", "accepted"), ("1000001", "refused")])
def test_push_is_taken_or_refused(code: str, state: str) -> None:
    answer = changed(json.loads(sample("31_wanda_QP011_answer")), ("package", "additionInfo", "errorCode"), code)
    assert WANDA.answered("push", json.dumps(answer).encode(), "push").state == state


def test_what_a_bill_does_not_say_is_null_and_no_zero() -> None:
    """An amount of 0.0 would be a statement; without the scheme's parts the hospital made none."""
    sent = WANDA.dispatch("push")
    split = msgspec.structs.replace(sent.split, pre_total=msgspec.UNSET, fund_pool=msgspec.UNSET)
    document = WANDA.acts["push"].write(msgspec.structs.replace(sent, split=split)).document
    record = exact(document)["package"]["body"][0]
    unknown = ("selfPay", "insureSelfPay", "classSelfPay", "seriousIllnessFund", "civilServantSubsidy", "birthFund")
    assert [record[name] for name in unknown] == [None] * len(unknown)


def test_known_policy_number_is_asked_for_in_400_and_its_absence_asks_for_all() -> None:
    sent = V400.dispatch("eligibility")
    known = msgspec.structs.replace(sent, policy=msgspec.structs.replace(sent.policy, policy_no="TESTP2025000001"))
    asked = [exact(V400.acts["eligibility"].write(one).document) for one in (sent, known)]
    assert [one["package"]["body"][0]["commercialBillNum"] for one in asked] == ["", "TESTP2025000001"]


@pytest.mark.parametrize(("code", "state"), [("1", "accepted"), ("0", "refused"), ("1000001", "refused")])
def test_only_the_published_success_of_400_is_a_success(code: str, state: str) -> None:
    """``0`` is read as refused with a code that the folder does not list, which the gateway takes as unknown."""
    answer = changed(json.loads(main_dialect.PACKAGE.sample("01_S200_answer")), ("package", "additionInfo"), {})
    answer["package"]["additionInfo"]["errorCode"] = code
    assert V400.answered("eligibility", json.dumps(answer).encode(), "eligibility").state == state
    assert code not in load_faults(V400.home)


def test_report_without_diagnoses_leaves_the_list_out() -> None:
    sent = msgspec.structs.replace(AUTHORITY.dispatch("report_visit"), diagnoses=())
    record = exact(AUTHORITY.acts["report_visit"].write(sent).document)["package"]["body"][0]
    assert "additionalDiagnosisList" not in record


def test_report_goes_to_the_authority_in_plain_text() -> None:
    outgoing = AUTHORITY.acts["report_visit"].write(AUTHORITY.dispatch("report_visit"))
    assert (outgoing.path, outgoing.query) == ("/nhfpc/q", {"senderCode": "990000001"})
    assert AUTHORITY.manifest.seal == {"profile": "plain", "content_type": "text/plain;charset=utf-8"}


@pytest.mark.parametrize(
    ("folder", "schema", "stem", "path", "value", "keyword"),
    [
        (V400, "S200.request", "30_dialect400_S200_request", ("head", "businessID"), "S210", "const"),
        (V400, "S200.request", "30_dialect400_S200_request", ("head", "busseID"), "S200", "additionalProperties"),
        (V400, "S200.request", "30_dialect400_S200_request", ("body", 0, "treatType"), "3", "enum"),
        (V400, "S200.request", "30_dialect400_S200_request", ("additionInfo", "errorCode"), "", "const"),
        (AUTHORITY, "Q210.request", "33_cq_Q210_request", ("head", "busenissType"), "2", "const"),
        (AUTHORITY, "Q210.request", "33_cq_Q210_request", ("body", 0, "medicalType"), "10", "enum"),
        (AUTHORITY, "Q210.request", "33_cq_Q210_request", ("body", 0, "additionalDiagnosisList"), [], "minItems"),
        (WANDA, "QP011.notice", "31_wanda_QP011_request", ("body", 0, "patientType"), "1", "pattern"),
        (WANDA, "QP011.notice", "31_wanda_QP011_request", ("head", "sendTradeNum"), ..., "required"),
    ],
)
def test_schema_refuses(
    folder: Folder, schema: str, stem: str, path: tuple[str | int, ...], value: Any, keyword: str
) -> None:
    published = json.loads(sample(stem))
    assert folder.violations(schema, published) == []
    if path == ("head", "busseID"):
        published["package"]["head"]["busseID"] = value
    assert keyword in folder.violations(schema, changed(published, ("package", *path), value))


def test_query_that_is_none_is_refused_without_an_answer() -> None:
    with pytest.raises(MessageRefused):
        WANDA.acts["patient_query"].read_callback(Incoming(b'{"package":{}}'))


def gateway_settings(keys: Path, *insurers: str) -> Settings:
    door = Door(port=0)
    return Settings(
        mode="development",
        keys=str(keys),
        mappings=str(ROOT / "mappings"),
        schemas=str(ROOT / "schemas"),
        claims=ClaimsSettings("claims.db", door, door, door),
        insurers={code: InsurerSettings("http://127.0.0.1:9") for code in insurers},
    )


@pytest.mark.parametrize(
    ("named", "loaded"), [(("package",), ("package",)), (("package", "package-cq"), ("package", "package-cq"))]
)
async def test_gateway_starts_with_and_without_a_folder_that_offers_no_kind(
    tmp_path: Path, named: tuple[str, ...], loaded: tuple[str, ...]
) -> None:
    create_development_keys(tmp_path / "keys")
    gateway = await start_gateway(gateway_settings(tmp_path / "keys", *named), tmp_path)
    try:
        assert gateway.engine.registry.codes == loaded
        assert gateway.ready()
    finally:
        await gateway.stop()
