"""Seeded mistakes: each is found at its own line, with its stable code, and nothing that has one loads."""

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import load_folder

GOOD = """mapping: demo/act
version: 1
channel: insurer
source: dispatch
target: {kind: json, schema: t.schema.json}
http: {path: /x}
tables:
  sex: {male: '1', female: '2', unknown: '9'}
let:
  total: yuan(split.total)
request:
  no: claim.claim_id
  sex: code(sex, patient.gender)
  total: total
  lines:
    $each: l in lines where l.amount > 0
    code: l.hosp_code
    qty: l.qty
answer:
  result:
    state: default(r.state, "unknown")
    approved?: fen(r.money)
"""
SCHEMA = """{"type": "object", "additionalProperties": false, "required": ["no", "sex", "lines"], "properties": {
 "no": {"$ref": "parts.json#/$defs/text"}, "sex": {"enum": ["1", "2", "9"], "type": "string"}, "total": {"type": "string"},
 "lines": {"type": "array", "items": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"},
  "qty": {"type": "number"}}, "additionalProperties": false}}}}"""
XSD = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">
 <x:element name="a"><x:complexType><x:sequence>
  <x:element name="b" type="x:string"/><x:element name="c" type="x:int" minOccurs="0"/>
  <x:element name="d" minOccurs="0"><x:simpleType><x:restriction base="x:string"><x:enumeration value="1"/>
  </x:restriction></x:simpleType></x:element>
  <x:element name="e" minOccurs="0" maxOccurs="unbounded" type="x:string"/>
 </x:sequence><x:attribute name="v" use="required"/></x:complexType></x:element></x:schema>"""
XML = """mapping: demo/act
version: 1
channel: insurer
source: dispatch
target: {kind: xml, schema: t.xsd}
http: {path: /x}
request:
  a:
    v@: =1
    b: claim.claim_id
    c: fits(claim.claimed)
    d: =1
    e: {$each: l in lines, $text: l.line_no}
"""


@pytest.fixture
def bench(shop):
    shop.put("schemas/t.schema.json", SCHEMA)
    shop.put("schemas/parts.json", '{"$defs": {"text": {"type": "string"}}}')
    shop.put("schemas/t.xsd", XSD)
    return shop


def test_the_unspoilt_files_have_no_mistake(bench):
    assert bench.mistakes(GOOD) == []
    assert bench.mistakes(XML) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("mapping: demo/act", "mapping: demo/other", 1, "wrong-name"),
        ("version: 1", "version: one", 2, "bad-value"),
        ("channel: insurer", "chanel: insurer", 3, "unknown-key"),
        ("kind: json, schema: t.schema.json", "kind: json, schema: none.json", 5, "unknown-file"),
        ("kind: json, schema: t.schema.json", "kind: yaml", 5, "bad-value"),
        ("http: {path: /x}", "http: {pathh: /x}", 6, "unknown-key"),
        ("male: '1', female: '2', unknown: '9'", "male: '1', female: '2'", 13, "table-gap"),
        ("male: '1', female", "mal: '1', else: '9', female", 8, "unknown-code"),
        ("unknown: '9'}", "unknown: '9', unknown: '3'}", 8, "duplicate-key"),
        ("unknown: '9'", "unknown: '7'", 13, "outside-enumeration"),
        ("total: yuan(split.total)", "total: yuan(split.totl)", 10, "unknown-field"),
        ("total: yuan(split.total)", "claim: yuan(split.total)", 10, "bad-name"),
        ("total: yuan(split.total)", "total: yaun(split.total)", 10, "unknown-function"),
        ("total: yuan(split.total)", "total: yuan(split.total, 3)", 10, "bad-argument"),
        ("total: yuan(split.total)", "total: yuan(visit.visit_id)", 10, "type-clash"),
        ("total: yuan(split.total)", "total: visit.visit_id + split.total", 10, "type-clash"),
        ("total: yuan(split.total)", "total: split.total / 100", 10, "not-in-language"),
        ("total: yuan(split.total)", "total: yuan(1.5)", 10, "no-float"),
        ("total: yuan(split.total)", "total: yuan(split.over_total)", 10, "may-be-absent"),
        ("total: yuan(split.total)", "total: yuan(split.total", 10, "bad-expression"),
        ("total: yuan(split.total)", "total: partner.sender_cod", 10, "unknown-setting"),
        ("total: yuan(split.total)", "total: refs.settle_number", 10, "unknown-ref"),
        ("total: yuan(split.total)", 'total: datetime(act.sent_at, "%A")', 10, "bad-argument"),
        ("total: yuan(split.total)", 'total: cut_bytes(visit.visit_id, 2, "klingon")', 10, "unknown-encoding"),
        ("no: claim.claim_id", "no: claim.claimed", 12, "wrong-kind"),
        ("no: claim.claim_id", "no: visit.mdtrt_id", 12, "null-into-required"),
        ("no: claim.claim_id", "no: act.sent_at", 12, "type-clash"),
        ("  no: claim.claim_id", "  no?: visit.mdtrt_id", 12, "missing-required"),
        ("  no: claim.claim_id\n", "", 12, "missing-required"),
        ("  no: claim.claim_id", "  no: claim.claim_id\n  noo: =1", 13, "unknown-member"),
        ("code(sex, patient.gender)", "code(sx, patient.gender)", 13, "unknown-table"),
        ("l in lines where l.amount > 0", "l in lins where l.amount > 0", 16, "unknown-name"),
        ("l in lines where l.amount > 0", "l in lines if l.amount > 0", 16, "bad-expression"),
        ("l in lines where l.amount > 0", "l in lines where l.amount", 16, "type-clash"),
        ("l in lines where l.amount > 0", 'l in lines where l.item_kind == "drugs"', 16, "unknown-code"),
        ("code: l.hosp_code", "code: x.hosp_code", 17, "unknown-name"),
        ("qty: l.qty", "qty: text(l.qty)", 18, "wrong-kind"),
        ("qty: l.qty", "$wen: l.qty > 0", 18, "unknown-key"),
        ('    state: default(r.state, "unknown")\n', "", 21, "missing-required"),
        ("approved?: fen", "aproved?: fen", 22, "unknown-field"),
        ("fen(r.money)", "r.money", 22, "type-clash"),
        ("fen(r.money)", "sent.claim.claimd", 22, "unknown-field"),
        ("sex: code(sex, patient.gender)", "sex: &a code(sex, patient.gender)", 13, "yaml-feature"),
        ("no: claim.claim_id", "<<: {no: claim.claim_id}", 12, "yaml-feature"),
        ("no: claim.claim_id", "no: !!str claim.claim_id", 12, "yaml-feature"),
        ("no: claim.claim_id", "? [no]\n  : claim.claim_id", 12, "bad-key"),
        ("tables:\n", "tables:\n  t: {$file: ../../secret.csv, $key: a, $value: b}\n", 8, "unknown-file"),
    ],
)
def test_a_mistake_in_json_is_found_at_its_line(bench, old, new, line, code):
    assert old in GOOD
    found = bench.mistakes(GOOD.replace(old, new, 1))

    assert (line, code) in [(mistake.line, mistake.code) for mistake in found], "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("    v@: =1\n", "", 8, "missing-required"),
        ("v@: =1", "v@: =1\n    w@: =1", 10, "unknown-attribute"),
        ("    b: claim.claim_id\n", "", 8, "missing-required"),
        ("b: claim.claim_id", "b?: visit.ward", 10, "missing-required"),
        ("b: claim.claim_id", "b: visit.ward", 10, "may-be-absent"),
        ("    c: fits(claim.claimed)\n    d: =1\n", "    d: =1\n    c: fits(claim.claimed)\n", 12, "misordered"),
        ("c: fits(claim.claimed)", "c: yuan_number(claim.claimed)", 11, "wrong-kind"),
        ("c: fits(claim.claimed)", "c: =x", 11, "wrong-kind"),
        ("c: fits(claim.claimed)", "c: {$each: l in lines, $text: =1}", 11, "repeated"),
        ("d: =1", "d: =2", 12, "outside-enumeration"),
        ("d: =1", "dd: =1", 12, "unknown-element"),
        ("d: =1", "'p:d': =1", 12, "unknown-prefix"),
        ("d: =1", "'d d': =1", 12, "bad-name"),
        ("d: =1", "d: {}", 12, "bad-shape"),
        ("  a:\n", "  z:\n", 8, "unknown-element"),
        ("  a:\n", "  a:\n    $ns: {'': urn:x}\n", 8, "wrong-namespace"),
        ("kind: xml", "kind: soap11", 5, "unknown-file"),
    ],
)
def test_a_mistake_in_xml_is_found_at_its_line(bench, old, new, line, code):
    assert old in XML
    text = XML.replace(old, new, 1)
    found = bench.mistakes(text.replace("schema: t.xsd", "wsdl: none.wsdl") if "soap11" in new else text)

    assert (line, code) in [(mistake.line, mistake.code) for mistake in found], "\n".join(map(str, found))


def test_all_mistakes_of_a_folder_are_told_at_once_and_nothing_loads(bench):
    bench.put("demo/one.yaml", GOOD.replace("demo/act", "demo/one").replace("split.total", "split.totl"))
    bench.put("demo/two.yaml", XML.replace("demo/act", "demo/two").replace("d: =1", "d: =2").replace("v@", "vv@"))

    with pytest.raises(MappingRefused) as refused:
        load_folder(bench.folder, bench.schemas, bench.vocabulary, bench.partner, bench.refs)
    said = refused.value.message
    assert "one.yaml:10:" in said
    assert "did you mean total?" in said
    assert "two.yaml:12:" in said
    assert "two.yaml:9:" in said


def test_a_mistake_points_at_the_column_of_the_word(bench):
    found = bench.mistakes(GOOD.replace("total: yuan(split.total)", "total: yuan(split.total) + visit.nam"))

    assert found[0].column == 30


def test_a_file_that_is_no_yaml_is_told_at_its_line(bench):
    found = bench.mistakes("mapping: demo/act\nrequest: {a: b\n")

    assert [mistake.code for mistake in found] == ["bad-yaml"]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ("{", "bad-schema"),
        ('{"type": "nonsense"}', "bad-schema"),
        ('{"$ref": "https://example.org/x.json"}', "bad-schema"),
    ],
)
def test_a_schema_that_is_none_does_not_load(bench, schema, code):
    bench.put("schemas/t.schema.json", schema)

    assert code in [mistake.code for mistake in bench.mistakes(GOOD)]
