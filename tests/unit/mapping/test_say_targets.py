"""It must be able to say: SOAP 1.1 and 1.2, CSV, forms, and any Python codec with a word on the characters that it lacks."""

import json

import pytest
from lxml import etree

from gateway.kernel.errors import MappingRefused, MessageRefused
from gateway.mapping import Incoming, MappingFailed, Vocabulary, load_reader

SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
SCHEMA = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified">
 <x:element name="Send"><x:complexType><x:sequence><x:element name="No" type="x:string"/></x:sequence></x:complexType></x:element>
 <x:element name="SendResponse"><x:complexType><x:sequence>
  <x:element name="Code" type="x:int"/></x:sequence></x:complexType></x:element>
</x:schema>"""
SEND = 'request:\n  Send: {$ns: {"": "urn:t"}, No: claim.claim_id}\n'


def soap(shop, kind, http="http: {path: /x, action: urn:t/Send}\n", tree=SEND):
    shop.put("schemas/t.xsd", SCHEMA)
    result = "  result: {state: =accepted, peer_code: r.Body.SendResponse.Code}\n"
    answer = f"answer:\n  target: {{kind: {kind}, schema: t.xsd}}\n{result}"
    return shop.act(f"target: {{kind: {kind}, schema: t.xsd}}\n{http}{tree}{answer}")


def test_soap_12_has_its_own_envelope_and_says_the_action_in_the_content_type(shop):
    made = soap(shop, "soap12").write(shop.dispatch())

    envelope = etree.fromstring(made.document)
    assert envelope.tag == f"{{{SOAP12}}}Envelope"
    assert envelope.findtext(f"{{{SOAP12}}}Body/{{urn:t}}Send/{{urn:t}}No") == "clm_1"
    assert made.content_type == 'application/soap+xml; charset=utf-8; action="urn:t/Send"'
    assert "SOAPAction" not in made.headers


def test_soap_11_without_a_wsdl_says_the_action_in_a_header(shop):
    made = soap(shop, "soap11").write(shop.dispatch())

    assert made.headers["SOAPAction"] == '"urn:t/Send"'
    assert made.content_type == "text/xml; charset=utf-8"


def test_the_body_of_soap_12_is_held_against_its_schema_and_a_fault_reaches_the_mapping(shop):
    act = soap(shop, "soap12")

    def answer(body):
        return Incoming(f'<e:Envelope xmlns:e="{SOAP12}"><e:Body>{body}</e:Body></e:Envelope>'.encode())

    assert act.read(answer('<SendResponse xmlns="urn:t"><Code>7</Code></SendResponse>'))["peer_code"] == "7"
    with pytest.raises(MappingFailed):
        act.read(answer('<SendResponse xmlns="urn:t"><Code>x</Code></SendResponse>'))
    with pytest.raises(MappingFailed) as failed:
        act.read(answer("<e:Fault/>"))
    assert failed.value.target == "peer_code"


def test_blocks_of_a_soap_header_stand_before_the_body(shop):
    tree = 'request:\n  $header: {Auth: {$ns: {"": "urn:a"}, User: partner.sender_code}}\n' + SEND.split("\n", 1)[1]
    document = soap(shop, "soap11", tree=tree).write(shop.dispatch()).document

    assert b'<soap:Header><Auth xmlns="urn:a"><User>990000001</User></Auth></soap:Header><soap:Body><Send' in document


@pytest.mark.parametrize(
    ("target", "tree", "expected"),
    [
        pytest.param(
            "{kind: csv}",
            "  $each: l in lines\n  No: l.line_no\n  Name: l.hosp_name\n  Amount: yuan(l.amount)\n",
            "No,Name,Amount\r\nL1,测试药品<A>&B,25.00\r\nL2,测试药品<A>&B,-1.05\r\n",
            id="one line for each row",
        ),
        pytest.param("{kind: csv}", "  A: =1\n  B?: visit.ward\n", "A,B\r\n1,\r\n", id="an absent cell stays empty"),
        pytest.param(
            "{kind: csv, header: false, delimiter: tab, line_end: lf}", '  A: =x"y\n  B: =\n', '"x""y"\t\n', id="quotes"
        ),
        pytest.param("{kind: csv, quote: always, header: false}", "  A: claim.claimed\n", '"17231"\r\n', id="always"),
        pytest.param(
            "{kind: csv, header: false, delimiter: '|'}",
            "  $rows:\n    - {t: =H, n: count(lines), sum: yuan(split.total)}\n"
            "    - {$each: l in lines where l.amount > 0, t: =D, n: position, name: '\"a|b\"'}\n"
            "    - {$when: claim.claimed < 0, t: =T}\n",
            'H|2|430.00\r\nD|1|"a|b"\r\n',
            id="lines of several kinds",
        ),
    ],
)
def test_a_csv_body_has_a_line_for_each_row(shop, target, tree, expected):
    made = shop.write("request:\n" + tree, target=target)

    assert made.document.decode() == expected
    assert made.content_type == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("target", "tree"),
    [
        ("{kind: csv}", "  $rows: [{A: =1}, {B: =2}]\n"),
        ("{kind: csv}", "  A: visit.ward\n"),
        ("{kind: csv}", "  A: {b: =1}\n"),
        ("{kind: csv, delimiter: ab}", "  A: =1\n"),
        ("{kind: csv, lacking: escape}", "  A: =1\n"),
        ("{kind: csv, schema: x.xsd}", "  A: =1\n"),
        ("{kind: json, delimiter: ';'}", "  A: =1\n"),
        ("{kind: xml, encoding: gbk, lacking: escape}", "  a: {$cdata: patient.name}\n"),
        ("{kind: xml, encoding: klingon}", "  a: =1\n"),
        ("{kind: xml, lacking: perhaps}", "  a: =1\n"),
        ("{kind: xml, lacking: {with: x}}", "  a: =1\n"),
        ("{kind: xml, lacking: {replace: '<'}}", "  a: =1\n"),
    ],
)
def test_what_a_target_can_not_say_does_not_load(shop, target, tree):
    with pytest.raises(MappingRefused):
        shop.write("request:\n" + tree, target=target)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "gb2312", "big5", "shift_jis", "utf-16", "cp1252", "utf-8"])
def test_any_codec_of_python_is_an_encoding(shop, encoding):
    target = f"{{kind: xml, encoding: {encoding}, lacking: escape}}"
    out = shop.write("request: {a: patient.name}\n", shop.renamed("é甲"), target)

    assert etree.fromstring(out.document).text == "é甲"
    assert out.utf8 == (encoding == "utf-8"), "only what is UTF-8 is told to be"


@pytest.mark.parametrize(
    ("kind", "lacking", "expected"),
    [
        ("xml", "escape", '<?xml version="1.0" encoding="gbk"?><a>甲&#128512;&amp;</a>'),
        ("xml", '{replace: "?"}', '<?xml version="1.0" encoding="gbk"?><a>甲?&amp;</a>'),
        ("json", "escape", '{"a":"甲\\ud83d\\ude00&"}'),
        ("json", "{replace: 口}", '{"a":"甲口&"}'),
        ("csv", "{replace: =}", "a\r\n甲=&\r\n"),
        ("form", "{replace: '*'}", "a=%BC%D7%2A%26"),
    ],
)
def test_a_character_that_the_encoding_lacks_is_spelt_or_replaced(shop, kind, lacking, expected):
    target = f"{{kind: {kind}, encoding: gbk, lacking: {lacking}}}"

    assert shop.write("request: {a: patient.name}\n", shop.renamed("甲😀&"), target).document == expected.encode("gbk")


@pytest.mark.parametrize("kind", ["xml", "json", "csv", "form"])
def test_or_it_is_refused(shop, kind):
    with pytest.raises(MessageRefused):
        shop.write("request: {a: patient.name}\n", shop.renamed("😀"), f"{{kind: {kind}, encoding: gbk}}")


def test_a_partner_may_name_another_encoding_than_that_of_its_bytes(shop):
    target = "{kind: xml, encoding: utf-8, declared: GBK, schema: a.xsd}"
    shop.put(
        "schemas/a.xsd",
        '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="a" type="x:string"/></x:schema>',
    )
    made = shop.write("request: {a: patient.name}\n", target=target)

    assert made.document == '<?xml version="1.0" encoding="GBK"?><a>测试患者甲</a>'.encode()
    assert made.content_type == "application/xml; charset=gbk"


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("xml", '<?xml version="1.0" encoding="UTF-8"?><r><state>accepted</state><name>甲</name></r>'),
        ("json", '{"state": "accepted", "name": "甲"}'),
    ],
)
def test_an_answer_may_be_read_by_another_encoding_than_it_names(shop, kind, document):
    answer = f"answer:\n  target: {{kind: {kind}, encoding: gbk}}\n  result: {{state: r.state, peer_text: r.name}}\n"
    act = shop.act(f"target: {{kind: {kind}}}\nhttp: {{path: /x}}\n{answer}")

    assert act.read(Incoming(document.encode("gbk")))["peer_text"] == "甲"
    with pytest.raises(MessageRefused) as refused:
        act.read(Incoming(b"\xff\xff"))
    assert refused.value.error_code == "bad-text"


def test_a_request_in_gbk_json_is_held_against_its_schema_and_answered_in_gbk(shop):
    shop.put("schemas/a.json", '{"properties": {"n": {"maxLength": 5}}}')
    act = shop.act(
        "target: {kind: json, encoding: gbk, schema: a.json}\nhttp: {path: /x}\nrequest: {n: fits(patient.name)}\n"
        "answer: {result: {state: =accepted, peer_text: r.t}}\n"
    )

    assert json.loads(act.write(shop.dispatch()).document.decode("gbk")) == {"n": "测试患者甲"}
    with pytest.raises(MappingFailed):
        act.write(shop.renamed("测试患者甲乙"))
    assert act.read(Incoming('{"t": "甲"}'.encode("gbk")))["peer_text"] == "甲"


HIS = "mapping: his/visit\nversion: 1\nchannel: hospital\nsource: none\n"


@pytest.mark.parametrize(
    ("reads", "document"),
    [
        ("{kind: csv, encoding: gbk}", "编号,姓名\r\n1,甲\r\n2,乙\r\n".encode("gbk")),
        ("{kind: csv, delimiter: tab}", '\ufeff编号\t姓名\n1\t"甲"\n2\t乙\n'.encode()),
    ],
)
def test_a_hospital_may_send_csv(shop, reads, document):
    import msgspec

    class Names(msgspec.Struct):
        names: tuple[str, ...]

    result = "result: {names: {$each: 'x in r.rows where x.编号 != \"3\"', $item: 'x[\"姓名\"]'}}\n"
    file = shop.put("his/visit.yaml", f"{HIS}reads: {reads}\n{result}")
    reader = load_reader(file, Vocabulary(None, Names, frozenset()))

    assert reader.read(Incoming(document)) == {"names": ["甲", "乙"]}
    for bad in (b"a\n1,2\t3\n", b'a\n"', b"a,a\n1,2\n" if b"," in document else b"a\ta\n", b"\xff\xff\xff"):
        with pytest.raises(MessageRefused) as refused:
            reader.read(Incoming(bad))
        assert refused.value.error_code == "bad-text"


def test_an_answer_may_be_a_form(shop):
    act = shop.act(
        "target: {kind: json}\nhttp: {path: /x}\n"
        "answer: {target: {kind: form}, result: {state: r.state, peer_text?: empty_as_absent(r.msg)}}\n"
    )

    assert act.read(Incoming(b"state=accepted&msg=")) == {"state": "accepted"}
    with pytest.raises(MessageRefused):
        act.read(Incoming(b"state=accepted&state=refused"))
