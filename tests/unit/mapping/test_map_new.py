"""`lianpei map new`: a draft from the partner's own words, the same every time, and nothing in it loads unconfirmed."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from gateway.claims.canonical.dispatch import Dispatch
from gateway.claims.partners.manifest import load_manifest
from gateway.cli import main
from gateway.kernel.errors import ConfigRefused, MappingRefused
from gateway.mapping.drafting import draft_folder, read_contract
from gateway.mapping.errors import MistakeError

HARBOUR = Path("docs/tutorial/harbour.wsdl")
XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


@cache
def drafted(path: Path, operation: str = "", answer: Path | None = None) -> str:
    """The drafted mapping file of one schema or sample."""
    said = read_contract(answer) if answer else None
    draft = draft_folder("demo", read_contract(path, operation), Dispatch, "act", said)
    return draft.files["act.yaml"]


def request_of(text: str):  # type: ignore[no-untyped-def]
    return yaml.load(text, yaml.BaseLoader)["request"]


def put(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def xsd(folder: Path, body: str, name: str = "demo.xsd") -> Path:
    head = f'<xs:schema {XS} xmlns="urn:demo" targetNamespace="urn:demo" elementFormDefault="qualified">'
    return put(folder, name, f"{head}{body}</xs:schema>")


def test_the_whole_tree_in_the_order_of_the_schema() -> None:
    tree = request_of(drafted(HARBOUR))["SubmitClaim"]
    assert list(tree) == [
        "$ns",
        "Header",
        "PolicyNumber",
        "Insured",
        "Visit",
        "Diagnosis",
        "Items",
        "Amounts",
        "InvoiceNumber?",
    ]
    assert list(tree["Insured"]) == ["Name", "IdType", "IdNumber", "Sex", "BirthDate", "Mobile?"]
    assert tree["Header"]["version@"] == "?=2.1"


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("BirthDate: ", '?date(patient.birth_date, "%Y-%m-%d")'),
        ("IdNumber: ", "?patient.cert_no"),
        ("Sex: ", "?code(gender, patient.gender)"),
        ("FundPayment: ", "?yuan(split.fund_total)"),
        ("ItemNumber: ", "?l.line_no"),
        ("Category: ", "?l.fee_category"),
        ("DischargeTime?: ", '?datetime(visit.end_at, "%Y-%m-%dT%H:%M:%S%:z")'),
        ("count@: ", "?count(lines)"),
        ("$each: ", "?d in diagnoses"),
    ],
)
def test_a_source_is_suggested_by_name_chinese_name_and_type(part: str, source: str) -> None:
    line = next(line for line in drafted(HARBOUR).splitlines() if line.strip().startswith(part))
    assert line.strip().removeprefix(part).split("  # ")[0] == source


def test_a_national_code_is_recognised_under_any_spelling(tmp_path: Path) -> None:
    schema = put(
        tmp_path,
        "a.json",
        json.dumps({"properties": {"medinsListCodg": {"type": "string"}, "psn_name": {"type": "string"}}}),
    )
    text = drafted(schema)
    assert "psn_name?: ?patient.name" in text
    sample = put(tmp_path, "b.json", json.dumps({"rows": [{"medins_list_codg": "x", "fee_ocur_time": "20250101"}]}))
    assert "medins_list_codg: ?l.hosp_code" in drafted(sample)


def test_limits_codes_and_remarks_stand_behind_each_part() -> None:
    text = drafted(HARBOUR)
    assert "# text · one of M F U" in text
    assert "max 20" in text
    assert "证件类型: 01 身份证" in text


def test_the_answer_is_listed_and_its_words_are_suggested() -> None:
    answer = yaml.load(drafted(HARBOUR), yaml.BaseLoader)["answer"]["result"]
    assert answer["state"] == "?code(outcome, r.Body.SubmitClaimResponse.ResultCode)"
    assert answer["approved?"] == "?fen(r.Body.SubmitClaimResponse.ApprovedAmount)"
    assert answer["insurer_ref?"] == "?r.Body.SubmitClaimResponse.ClaimNumber"


def test_xsd_choice_extension_group_attribute_import_and_recursion(tmp_path: Path) -> None:
    xsd(
        tmp_path,
        '<xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:length value="8"/></xs:restriction></xs:simpleType>',
        "types.xsd",
    )
    path = xsd(
        tmp_path,
        """<xs:include schemaLocation="types.xsd"/>
        <xs:group name="Who"><xs:sequence><xs:element name="PatientName" type="xs:string"/></xs:sequence></xs:group>
        <xs:complexType name="Base"><xs:sequence><xs:group ref="Who"/></xs:sequence>
          <xs:attribute name="kind" use="required"/></xs:complexType>
        <xs:complexType name="More"><xs:complexContent><xs:extension base="Base"><xs:sequence>
          <xs:choice><xs:element name="Cash" type="xs:decimal"/><xs:element name="Token" type="xs:string"/></xs:choice>
          <xs:element name="BirthDay" type="Code"/><xs:element name="Inner" type="More" minOccurs="0"/>
        </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
        <xs:element name="Root" type="More"/>""",
    )
    text = drafted(path)
    root = request_of(text)["Root"]
    assert list(root)[:4] == ["$ns", "kind@", "PatientName", "Cash"]
    assert root["BirthDay"] == '?date(patient.birth_date, "%Y%m%d")'
    assert "    # Token: ?" in text
    contract = read_contract(path)
    assert [file.name for file in contract.files] == ["demo.xsd", "types.xsd"]


def test_unqualified_children_get_a_prefix_at_their_parent(tmp_path: Path) -> None:
    inside = '<xs:complexType><xs:sequence><xs:element name="ClaimNo" type="xs:string"/></xs:sequence></xs:complexType>'
    body = f'<xs:schema {XS} targetNamespace="urn:u"><xs:element name="Claim">{inside}</xs:element></xs:schema>'
    tree = request_of(drafted(put(tmp_path, "u.xsd", body)))
    assert tree == {"n1:Claim": {"$ns": {"n1": "urn:u"}, "ClaimNo": "?claim.claim_id"}}


def test_json_schema_references_all_of_arrays_and_constants(tmp_path: Path) -> None:
    put(
        tmp_path,
        "parts.json",
        json.dumps(
            {
                "$defs": {
                    "Line": {
                        "type": "object",
                        "required": ["itemName"],
                        "properties": {
                            "itemName": {"type": "string"},
                            "quantity": {"type": "number"},
                            "amount": {"type": "number"},
                        },
                    }
                }
            }
        ),
    )
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [{"type": "object", "required": ["function", "details"]}],
        "properties": {
            "function": {"const": "S1"},
            "details": {"type": "array", "items": {"$ref": "parts.json#/$defs/Line"}},
        },
    }
    tree = request_of(drafted(put(tmp_path, "claim.json", json.dumps(schema))))
    assert tree["function"] == "?=S1"
    assert tree["details"] == {
        "$each": "?l in lines",
        "itemName": "?l.hosp_name",
        "quantity?": "?number(l.qty, 2)",
        "amount?": "?yuan_number(l.amount)",
    }


def test_a_sample_message_is_enough_and_its_values_are_not_copied(tmp_path: Path) -> None:
    soap = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Claim xmlns="urn:c">
      <PatientName>张三丰</PatientName><Item><Price>1.5</Price></Item><Item><Price>2.5</Price><Note>n</Note></Item></Claim></s:Body></s:Envelope>"""
    text = drafted(put(tmp_path, "sample.xml", soap))
    tree = request_of(text)["Claim"]
    assert tree["PatientName"] == "?patient.name"
    assert tree["Item"]["Price"] == "?l.price"
    assert "target: {kind: soap11}" in text
    assert "张三丰" not in text


def test_the_same_schema_gives_the_same_draft_whatever_the_hash_seed() -> None:
    code = (
        "from pathlib import Path; from gateway.claims.canonical.dispatch import Dispatch;"
        "from gateway.mapping.drafting import draft_folder, read_contract;"
        f"print(draft_folder('demo', read_contract(Path('{HARBOUR}')), Dispatch, 'act').files['act.yaml'], end='')"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ".", "PYTHONIOENCODING": "utf-8"}
    order = [sys.executable, "-c", code]
    again = subprocess.run(order, env=environment, capture_output=True, encoding="utf-8", check=True, timeout=60)
    assert again.stdout == drafted(HARBOUR)


@pytest.mark.parametrize(
    "body",
    [
        "request: {a: '?patient.name'}",
        "request: {a: '?'}",
        "request: {a: '?=1'}",
        "request: {rows: {$each: '?l in lines', a: l.line_no}}",
        "request: {rows: {$each: l in lines where l.amount > 0, $when: '?true', a: l.line_no}}",
        "tables: {sex: {male: '?1', else: 2}}\nrequest: {a: 'code(sex, patient.gender)'}",
        "let: {a: '?claim.claim_id'}\nrequest: {b: a}",
        "request: {a: =1}\nanswer: {result: {state: '?code(outcome, r.code)'}}",
    ],
)
def test_an_unconfirmed_suggestion_never_loads(shop, body: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MappingRefused) as refused:
        shop.act(f"target: {{kind: json}}\nhttp: {{path: /x}}\n{body}\n")
    assert " unconfirmed a suggestion that nobody has confirmed" in refused.value.message


def test_an_unconfirmed_address_never_loads(shop) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MappingRefused) as refused:
        shop.act("target: {kind: json}\nhttp: {path: ?/x}\nrequest: {a: =1}\n")
    assert refused.value.message.count("unconfirmed") == 1


def test_an_unconfirmed_manifest_is_refused_by_the_names_of_its_keys(tmp_path: Path) -> None:
    put(tmp_path, "insurer.yaml", "insurer: x\nnames: {zh: '?', en: X}\nkinds: {direct_pay: ['?settle']}\n")
    with pytest.raises(ConfigRefused, match=r"names\.zh, kinds\.direct_pay\.0"):
        load_manifest(tmp_path)


def test_the_command_writes_a_folder_and_never_over_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mappings = tmp_path / "mappings"
    order = ["map", "new", "harbour", "--from", str(HARBOUR), "--mappings", str(mappings)]
    assert main(order) == 0
    assert "50 parts: " in capsys.readouterr().out
    folder = mappings / "insurers" / "harbour"
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert names == ["examples/submit_claim.dispatch.json", "faults.yaml", "insurer.yaml", "submit_claim.yaml"]
    assert (tmp_path / "schemas/insurers/harbour/harbour.wsdl").is_file()
    assert main(order) == 1
    assert "is already there" in capsys.readouterr().err
    assert main(["map", "check", "harbour", "--mappings", str(mappings)]) == 1
    assert "not confirmed: names.zh" in capsys.readouterr().err


def test_the_sample_visit_that_a_draft_brings_is_a_whole_dispatch() -> None:
    import msgspec

    sample = msgspec.json.decode(Path("gateway/cli/maptools/sample_dispatch.json").read_bytes(), type=Dispatch)
    assert (
        sample.split.total
        == sum(line.amount for line in sample.lines)
        == sample.split.fund_total + sample.split.account_pay + sample.split.cash_pay
    )


@pytest.mark.parametrize(
    "text", ["<a", "{", "", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<xs:schema " + XS + "><bad/></xs:schema>"]
)
def test_a_file_that_is_no_schema_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MistakeError) as wrong:
        read_contract(put(tmp_path, "x.xsd", text))
    assert wrong.value.code == "bad-schema"


def test_an_operation_must_be_named_where_there_are_several() -> None:
    with pytest.raises(MistakeError, match="GetNewTransactions"):
        read_contract(Path("schemas/insurers/eclaimlink/postoffice.wsdl"))
