"""It must be able to say: documents inside documents, ready pieces, tags chosen by a condition, fixed order, namespaces."""

import base64
import json

import pytest
from lxml import etree

from gateway.kernel.errors import MappingRefused
from gateway.mapping import MappingFailed


def test_cdata_holds_an_xml_text_with_its_own_declaration(shop):
    tree = """request:
  soap:
    arg:
      $document: {kind: xml, as: cdata, declaration: true, encoding: GBK}
      Claim: {no: visit.visit_id, name: patient.name}
"""
    outer = etree.fromstring(shop.xml(tree, target="{kind: xml, encoding: utf-8}").encode())
    inner = outer.findtext("arg")

    assert inner.startswith('<?xml version="1.0" encoding="GBK"?><Claim>')
    assert etree.fromstring(inner.encode("gbk")).findtext("name") == "测试患者甲"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("{kind: json, as: text}", '{"n":"测试患者甲"}'),
        ("{kind: form}", "n=%E6%B5%8B%E8%AF%95%E6%82%A3%E8%80%85%E7%94%B2"),
        ("{kind: csv}", "n\r\n测试患者甲\r\n"),
        ("{kind: xml}", "<n>测试患者甲</n>"),
    ],
)
def test_a_text_may_be_a_whole_document_of_another_kind(shop, head, expected):
    assert shop.json(f"request:\n  a: {{$document: {head}, n: patient.name}}\n") == {"a": expected}


def test_json_in_json_in_json(shop):
    tree = "  a: {$document: {kind: json}, b: {$document: {kind: json}, list: [{c: patient.name}]}}\n"
    made = shop.json("request:\n" + tree)

    assert json.loads(json.loads(made["a"])["b"]) == {"list": [{"c": "测试患者甲"}]}


def test_base64_of_an_inner_document_keeps_its_encoding_and_its_word_on_lacking_characters(shop):
    head = "{kind: xml, as: base64, encoding: gbk, declaration: true, lacking: escape}"
    made = shop.json(f"request:\n  a: {{$document: {head}, n: patient.name}}\n", shop.renamed("甲😀"))

    inner = base64.b64decode(made["a"])
    assert "甲".encode("gbk") in inner
    assert etree.fromstring(inner).text == "甲😀"


def test_a_ready_piece_of_xml_goes_in_as_it_is(shop):
    piece = '<b k="1">x<!-- y --></b>tail'

    assert shop.xml("request:\n  a: {v@: =1, $raw: patient.name}\n", shop.renamed(piece)) == f'<a v="1">{piece}</a>'


@pytest.mark.parametrize(
    "piece", ["</a><a>", "<b>", "<!DOCTYPE x>", "<?xml version='1.0'?>", "&x;", "<p:b/>", "\ud800"]
)
def test_a_piece_that_would_break_out_of_its_element_is_refused(shop, piece):
    with pytest.raises(MappingFailed) as failed:
        shop.xml("request:\n  a:\n    b: {$raw: patient.name}\n", shop.renamed(piece))
    assert failed.value.target.startswith("a.b")


def test_a_ready_piece_of_json_goes_in_as_it_is_and_nothing_else_does(shop):
    tree = "request:\n  a: {$raw: patient.name}\n"

    assert shop.json(tree, shop.renamed('{"x": [1.50, null]}')) == {"a": {"x": [1.5, None]}}
    for piece in ('1, "b": 2', "{", " ", '{"a": 1, "a": 2}'):
        with pytest.raises(MappingFailed):
            shop.json(tree, shop.renamed(piece))


@pytest.mark.parametrize(
    ("gender", "tag"), [("male", "BoyName"), ("female", "GirlName"), ("unknown", "ns:Other")], ids=str
)
def test_a_tag_is_chosen_by_a_condition_or_a_table(shop, gender, tag):
    import msgspec

    source = shop.dispatch()
    source = msgspec.structs.replace(
        source, patient=msgspec.structs.replace(source.patient, gender=type(source.patient.gender)(gender))
    )
    tables = "tables:\n  tag: {male: BoyName, female: GirlName, else: 'ns:Other'}\n"
    tree = "  a:\n    $ns: {ns: urn:n}\n    name: {$name: 'code(tag, patient.gender)', v@: =1, $text: patient.name}\n"
    by_table = shop.xml(tables + "request:\n" + tree, source)

    assert by_table == f'<a xmlns:ns="urn:n"><{tag} v="1">测试患者甲</{tag}></a>'
    choice = '\'"BoyName" if patient.gender == "male" else "GirlName" if patient.gender == "female" else "ns:Other"\''
    assert shop.xml("request:\n" + tree.replace("'code(tag, patient.gender)'", choice), source) == by_table


XSD = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="a"><x:complexType>
 <x:sequence><x:element name="B" type="x:string" minOccurs="0"/><x:element name="C" type="x:string" minOccurs="0"/></x:sequence>
</x:complexType></x:element></x:schema>"""


@pytest.mark.parametrize(("other", "codes"), [("C", []), ("D", ["unknown-element"])])
def test_every_tag_that_may_come_is_held_against_the_schema(shop, other, codes):
    shop.put("schemas/a.xsd", XSD)
    text = (
        "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\ntarget: {kind: xml, schema: a.xsd}\nhttp: {path: /x}\n"
        f'request:\n  a:\n    b: {{$name: \'"B" if claim.claimed > 0 else "{other}"\', $text: =1}}\n'
    )
    assert [mistake.code for mistake in shop.mistakes(text)] == codes


@pytest.mark.parametrize("name", ["patient.name", '"a b"', '"p:x"', "claim.claimed"])
def test_a_tag_that_is_not_known_beforehand_does_not_load(shop, name):
    with pytest.raises(MappingRefused):
        shop.xml(f"request:\n  a:\n    b: {{$name: '{name}', $text: =1}}\n")


def test_a_section_comes_only_under_its_condition(shop):
    tree = (
        "  a:\n    b: {$when: 'visit.visit_kind == \"inpatient\"', c: =1}\n    d: {$when: claim.claimed > 0, c: =2}\n"
    )

    assert shop.xml("request:\n" + tree) == "<a><d><c>2</c></d></a>"


def test_elements_stand_in_the_order_of_the_file_and_a_name_may_come_again(shop):
    assert shop.xml("request:\n  a: {$nodes: [{z: =1}, {a: =2}, {z: =3}]}\n") == "<a><z>1</z><a>2</a><z>3</z></a>"


def test_attributes_text_and_namespaces(shop):
    tree = '  "p:a": {$ns: {p: urn:1, "": urn:2}, "p:v@": =1, w@: =2, "p:b": {x@: =3, $text: =4}, c: =5}\n'
    root = etree.fromstring(shop.xml("request:\n" + tree))

    assert (root.tag, root.get("{urn:1}v"), root.get("w")) == ("{urn:1}a", "1", "2")
    assert [(child.tag, child.text) for child in root] == [("{urn:1}b", "4"), ("{urn:2}c", "5")]


def test_a_body_is_always_an_array(shop):
    assert shop.json("request: {body: [{a: =1}]}\n") == {"body": [{"a": "1"}]}


def test_an_attribute_may_hold_text_that_only_looks_like_json(shop):
    made = shop.xml("request:\n  a:\n    ext@: '\"{''no'':''\" + visit.visit_id + \"''}\"'\n")

    assert made == "<a ext=\"{'no':'V1'}\" />"
