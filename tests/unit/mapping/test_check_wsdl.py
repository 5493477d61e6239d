"""A tree against a WSDL: document/literal wrapped and bare, rpc/literal, one schema or several, one file or two."""

import pytest

TYPES = """<x:schema targetNamespace="urn:a" elementFormDefault="qualified" xmlns:b="urn:b"><x:import namespace="urn:b"/>
 <x:element name="Send"><x:complexType><x:sequence><x:element name="No" type="b:No"/></x:sequence></x:complexType></x:element>
 <x:element name="SendResponse"><x:complexType><x:sequence><x:element name="Code" type="x:string"/></x:sequence></x:complexType>
 </x:element></x:schema>
 <x:schema targetNamespace="urn:b"><x:simpleType name="No"><x:restriction base="x:string"><x:maxLength value="64"/>
 </x:restriction></x:simpleType><x:complexType name="Bill"><x:sequence><x:element name="No" type="b:No" xmlns:b="urn:b"/>
 <x:element name="Sum" type="x:decimal"/></x:sequence></x:complexType></x:schema>"""


def wsdl(style, parts_in, parts_out, body="", types=TYPES, soap="soap"):
    return f"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:a="urn:a" xmlns:b="urn:b"
 xmlns:s="http://schemas.xmlsoap.org/wsdl/{soap}/" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:w" xmlns:w="urn:w">
 <wsdl:types>{types}</wsdl:types>
 <wsdl:message name="in">{parts_in}</wsdl:message><wsdl:message name="out">{parts_out}</wsdl:message>
 <wsdl:portType name="P"><wsdl:operation name="Send"><wsdl:input message="w:in"/><wsdl:output message="w:out"/></wsdl:operation>
 </wsdl:portType>
 <wsdl:binding name="B" type="w:P"><s:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="Send"><s:operation soapAction="urn:do"/><wsdl:input><s:body use="literal" {body}/></wsdl:input>
  <wsdl:output><s:body use="literal" {body}/></wsdl:output></wsdl:operation></wsdl:binding></wsdl:definitions>"""


WRAPPED = wsdl("document", '<wsdl:part name="p" element="a:Send"/>', '<wsdl:part name="p" element="a:SendResponse"/>')
RPC = wsdl(
    "rpc",
    '<wsdl:part name="bill" type="b:Bill"/><wsdl:part name="times" type="x:int"/>',
    '<wsdl:part name="code" type="x:string"/>',
    'namespace="urn:c"',
)
BARE = wsdl("document", '<wsdl:part name="p" element="a:No"/>', '<wsdl:part name="p" element="a:No"/>').replace(
    '<x:element name="Send">', '<x:element name="No" type="b:No"/><x:element name="Send">'
)
HEAD = "target: {kind: soap11, wsdl: s.wsdl, operation: Send}\nhttp: {path: /s}\n"
START = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n"
DOCUMENT = "request:\n  'a:Send':\n    $ns: {a: urn:a}\n    'a:No': claim.claim_id\n"
CALL = """request:
  'c:Send':
    $ns: {c: urn:c}
    bill:
      No: claim.claim_id
      Sum: yuan_number(claim.claimed)
    times: act.attempt
"""
ANSWER = 'answer:\n  result:\n    state: \'"accepted" if r.Body.{0} == "0" else "unknown"\'\n'


@pytest.mark.parametrize(
    ("text", "body", "answer"),
    [
        pytest.param(WRAPPED, DOCUMENT, "SendResponse.Code", id="document/literal wrapped, two schemas"),
        pytest.param(
            BARE, "request:\n  'a:No': {$ns: {a: urn:a}, $text: claim.claim_id}\n", "No", id="document/literal bare"
        ),
        pytest.param(RPC, CALL.replace("act.attempt", "fits(act.attempt)"), "SendResponse.code", id="rpc/literal"),
    ],
)
def test_a_sound_call_has_no_mistake_and_what_it_writes_is_valid(shop, text, body, answer):
    shop.put("schemas/s.wsdl", text)
    made = shop.act(HEAD + body + ANSWER.format(answer)).write(shop.dispatch())

    assert made.headers["SOAPAction"] == '"urn:do"'


@pytest.mark.parametrize(
    ("text", "body", "old", "new", "line", "code"),
    [
        (WRAPPED, DOCUMENT, "'a:No'", "'a:Nr'", 10, "unknown-element"),
        (WRAPPED, DOCUMENT, "a: urn:a", "a: urn:z", 8, "unknown-element"),
        (WRAPPED, DOCUMENT, "    'a:No': claim", "    No: claim", 10, "wrong-namespace"),
        (WRAPPED, DOCUMENT, "claim.claim_id", "visit.hospital_name", 10, "too-long"),
        (WRAPPED, DOCUMENT, "Send}", "Sent}", 5, "unknown-operation"),
        (RPC, CALL, "      Sum: yuan_number(claim.claimed)\n", "", 10, "missing-required"),
        (RPC, CALL, "    times: act.attempt\n", "", 8, "missing-required"),
        (RPC, CALL, "    times: act.attempt", "    times: =many", 13, "wrong-kind"),
        (RPC, CALL, "    times: act.attempt", "    times: act.attempt\n    more: =1", 14, "unknown-element"),
        (RPC, CALL, "c:Send", "c:Submit", 8, "unknown-element"),
    ],
)
def test_a_mistake_is_found_at_its_line(shop, text, body, old, new, line, code):
    shop.put("schemas/s.wsdl", text)
    whole = START + HEAD + body
    assert old in whole

    found = shop.mistakes(whole.replace(old, new))

    assert (line, code) in [(one.line, one.code) for one in found], "\n".join(map(str, found))


def test_a_step_that_the_operations_answer_can_not_have_is_found(shop):
    shop.put("schemas/s.wsdl", WRAPPED)

    found = shop.mistakes(START + HEAD + DOCUMENT + ANSWER.format("SendResponse.Kode"))

    assert [(one.line, one.code, one.hint) for one in found] == [(13, "unknown-path", "did you mean Code?")]


def test_a_wsdl_may_import_its_types_from_a_file_beside_it_and_nowhere_else(shop):
    types = '<x:schema><x:import namespace="urn:a" schemaLocation="{0}"/></x:schema>'
    alone = TYPES.split("</x:schema>")[0].replace(
        "<x:schema", '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"', 1
    )
    shop.put(
        "schemas/types.xsd",
        alone.replace('<x:import namespace="urn:b"/>', "").replace("b:No", "x:string") + "</x:schema>",
    )
    parts = '<wsdl:part name="p" element="a:Send"/>', '<wsdl:part name="p" element="a:SendResponse"/>'

    shop.put("schemas/s.wsdl", wsdl("document", *parts, types=types.format("types.xsd")))
    assert shop.mistakes(START + HEAD + DOCUMENT) == []
    shop.put("schemas/s.wsdl", wsdl("document", *parts, types=types.format("../../types.xsd")))
    assert [one.code for one in shop.mistakes(START + HEAD + DOCUMENT)] != []


def test_an_encoded_rpc_call_is_refused_by_name(shop):
    shop.put("schemas/s.wsdl", RPC.replace('use="literal"', 'use="encoded"'))

    assert ("bad-schema") in [one.code for one in shop.mistakes(START + HEAD + CALL)]
