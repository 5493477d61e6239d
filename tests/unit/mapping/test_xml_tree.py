"""Every construct of the target tree, as XML, forms of SOAP included."""

import base64

import pytest
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.mapping import Incoming, MappingFailed

WSDL = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
 <wsdl:types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
  <x:element name="Send"><x:complexType><x:sequence>
   <x:element name="No" type="x:string"/><x:element name="Amount" type="t:Money"/>
  </x:sequence></x:complexType></x:element>
  <x:element name="SendResponse"><x:complexType><x:sequence>
   <x:element name="Result" type="x:int"/>
  </x:sequence></x:complexType></x:element>
  <x:simpleType name="Money"><x:restriction base="x:decimal"><x:maxInclusive value="1000"/></x:restriction></x:simpleType>
 </x:schema></wsdl:types>
 <wsdl:message name="in"><wsdl:part name="p" element="t:Send"/></wsdl:message>
 <wsdl:message name="out"><wsdl:part name="p" element="t:SendResponse"/></wsdl:message>
 <wsdl:portType name="P"><wsdl:operation name="Send">
  <wsdl:input message="t:in"/><wsdl:output message="t:out"/></wsdl:operation></wsdl:portType>
 <wsdl:binding name="B" type="t:P"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="Send"><soap:operation soapAction="urn:t/Send" style="document"/>
   <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
  </wsdl:operation></wsdl:binding>
 <wsdl:service name="S"><wsdl:port name="Q" binding="t:B"><soap:address location="http://127.0.0.1/"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param("  a: =x\n", "<a>x</a>", id="element"),
        pytest.param("  a: {v@: =1, b: =2}\n", '<a v="1"><b>2</b></a>', id="attribute and child"),
        pytest.param("  a: {v@: claim.claimed}\n", '<a v="17231" />', id="attributes only"),
        pytest.param("  a: {$empty: true}\n", "<a></a>", id="a deliberate empty element"),
        pytest.param("  a: {v@: =1, $empty: true}\n", '<a v="1"></a>', id="empty with an attribute"),
        pytest.param("  a: {b: =}\n", "<a><b></b></a>", id="the empty text"),
        pytest.param("  a: {v@: =1, $text: patient.name}\n", '<a v="1">测试患者甲</a>', id="text beside attributes"),
        pytest.param(
            "  a: {b: '=<&>\"\\n', v@: '=<&>\"'}\n",
            '<a v="&lt;&amp;&gt;&quot;"><b>&lt;&amp;&gt;"\\n</b></a>',
            id="constants are escaped",
        ),
        pytest.param(
            "  a:\n    v@?: visit.ward\n    b?: visit.ward\n    c: =1\n", "<a><c>1</c></a>", id="absent is left out"
        ),
        pytest.param(
            "  a:\n    b?:\n      c?: visit.ward\n    d: =1\n", "<a><d>1</d></a>", id="nothing in it, left out"
        ),
        pytest.param(
            "  a:\n    b: {$each: l in lines, no@: l.line_no, $text: yuan(l.amount)}\n",
            '<a><b no="L1">25.00</b><b no="L2">-1.05</b></a>',
            id="each repeats the element",
        ),
        pytest.param("  a: {b: [=1, =2]}\n", "<a><b>1</b><b>2</b></a>", id="a list repeats the element"),
        pytest.param(
            "  a:\n    $nodes: [{b: =1}, {c: =2}, {b: {v@: =3}}]\n",
            '<a><b>1</b><c>2</c><b v="3" /></a>',
            id="nodes in any order",
        ),
        pytest.param("  a: {b: {$when: claim.claimed < 0, $text: =1}, c: =2}\n", "<a><c>2</c></a>", id="when false"),
        pytest.param("  a: {$cdata: '\"x]]>y<\"'}\n", "<a><![CDATA[x]]]]><![CDATA[>y<]]></a>", id="cdata"),
        pytest.param(
            '  "p:a": {$ns: {p: urn:1, "": urn:2}, b: =1, "p:v@": =2}\n',
            '<p:a xmlns:p="urn:1" xmlns="urn:2" p:v="2"><b>1</b></p:a>',
            id="namespaces",
        ),
        pytest.param(
            "  a: {b: {$document: {kind: xml, as: cdata, declaration: true, encoding: GBK}, c: =1}}\n",
            '<a><b><![CDATA[<?xml version="1.0" encoding="GBK"?><c>1</c>]]></b></a>',
            id="a document in CDATA",
        ),
        pytest.param(
            "  a: {b: {$document: {kind: xml, as: text}, c: patient.name}}\n",
            "<a><b>&lt;c&gt;测试患者甲&lt;/c&gt;</b></a>",
            id="a document as escaped text",
        ),
        pytest.param("  a: {b: {$document: {kind: json}, c: =1}}\n", '<a><b>{"c":"1"}</b></a>', id="JSON in XML"),
        pytest.param("  a: {b: 1 > 2, c: patient.gender}\n", "<a><b>false</b><c>male</c></a>", id="truth and codes"),
    ],
)
def test_the_tree_looks_like_the_message(shop, tree, expected):
    assert expected.replace("\\n", "\n") == shop.xml("request:\n" + tree).replace("\\n", "\n")


def test_values_are_escaped_wherever_they_stand(shop):
    evil = "]]><x a='1'>&\"\r\t"
    body = "request:\n  a: {v@: patient.name, b: patient.name, c: {$cdata: patient.name}}\n"

    root = etree.fromstring(shop.xml(body, shop.renamed(evil)))

    assert evil == root.get("v") == root.findtext("b")
    assert evil.replace("\r", "\n") == root.findtext("c")


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\ufffe", "\ud800"])
def test_a_character_that_xml_cannot_carry_is_refused_with_its_place(shop, character):
    with pytest.raises(MappingFailed) as failed:
        shop.xml("request:\n  a:\n    b: patient.name\n", shop.renamed("甲" + character))

    assert failed.value.target == "a.b"
    assert "甲" not in str(failed.value)


def test_the_declaration_names_the_encoding_of_the_bytes(shop):
    made = shop.write("request: {a: patient.name}\n", target="{kind: xml, encoding: GBK}")

    assert '<?xml version="1.0" encoding="GBK"?><a>测试患者甲</a>'.encode("gbk") == made.document
    assert made.content_type == "application/xml; charset=gbk"


def soap(shop, amount="yuan(fits(claim.claimed))", extra=""):
    shop.put("schemas/s.wsdl", WSDL)
    request = f'request:\n  Send: {{$ns: {{"": "urn:t"}}, No: claim.claim_id, Amount: {amount}}}\n'
    return shop.act("target: {kind: soap11, wsdl: s.wsdl, operation: Send}\nhttp: {path: /s}\n" + request + extra)


def test_a_soap_call_has_envelope_action_and_a_checked_body(shop):
    made = soap(shop).write(shop.dispatch())

    body = etree.fromstring(made.document)[0]
    assert [child.tag for child in body] == ["{urn:t}Send"]
    assert made.headers == {"SOAPAction": '"urn:t/Send"'}
    assert made.content_type == "text/xml; charset=utf-8"


def test_a_body_that_breaks_the_wsdl_does_not_leave(shop):
    with pytest.raises(MappingFailed) as failed:
        soap(shop, "yuan(fits(claim.claimed * 100))").write(shop.dispatch())

    assert "Amount" in str(failed.value)
    assert "17231" not in str(failed.value)


def test_a_soap_answer_is_read_from_its_envelope_and_a_fault_passes_to_the_mapping(shop):
    answer = """answer:
  result:
    state: default(r.Body.SendResponse.Result, "unknown")
    peer_code: default(r.Body.Fault.faultcode, "")
"""
    act = soap(shop, extra=answer)
    envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'

    with pytest.raises(MessageRefused):
        act.read(Incoming(envelope.format('<SendResponse xmlns="urn:t"><Result>x</Result></SendResponse>').encode()))
    fault = envelope.format("<s:Fault><faultcode>Server</faultcode><faultstring>x</faultstring></s:Fault>")
    assert act.read(Incoming(fault.encode())) == {"state": "unknown", "peer_code": "Server"}


def test_an_inner_document_is_held_against_its_own_schema(shop):
    shop.put(
        "schemas/f.xsd",
        '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="f"><x:complexType><x:sequence>'
        '<x:element name="n"><x:simpleType><x:restriction base="x:string"><x:maxLength value="5"/></x:restriction>'
        "</x:simpleType></x:element></x:sequence></x:complexType></x:element></x:schema>",
    )
    body = "request:\n  a:\n    b:\n      $document: {kind: xml, as: base64, schema: f.xsd}\n      f: {n: fits(patient.name)}\n"

    inner = base64.b64decode(etree.fromstring(shop.xml(body)).findtext("b"))
    assert "<f><n>测试患者甲</n></f>".encode() == inner
    with pytest.raises(MappingFailed):
        shop.xml(body, shop.renamed("六个字的名字"))
