"""Two sound mappings with their schemas; a seed is a small edit of one and the mistake that must be found at its line."""

from dataclasses import dataclass

HEAD = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n"


@dataclass(frozen=True)
class Seed:
    """``old`` becomes ``new``; ``code`` is found at ``line``."""

    name: str
    old: str
    new: str
    line: int
    code: str


JSON = (
    HEAD
    + """target: {kind: json, schema: t.schema.json}
http: {path: /x}
tables:
  sex: {male: M, female: F, unknown: U}
  states: {OK: accepted, NO: refused, else: unknown}
let:
  day: date(day_of(visit.begin_at), "%Y-%m-%d")
request:
  no: claim.claim_id
  sex: code(sex, patient.gender)
  kind: =direct
  dept: substr(visit.dept_name, 0, 20)
  at: datetime(act.sent_at, "%Y-%m-%dT%H:%M:%S%:z")
  day: day
  sum: fits(claim.claimed)
  tries: act.attempt
  rate: number(fits(decimal("1.50")), 2)
  main: {$when: present(visit.mdtrt_id), id: visit.mdtrt_id}
  payer: {yibao: policy.policy_no}
  lines:
    $each: l in lines where l.amount > 0
    code: l.hosp_code
    name?: l.spec
  first:
    - {code: =1}
answer:
  target: {kind: json, schema: a.schema.json}
  let: {b: first(r.body)}
  result:
    state: code(states, r.state)
    peer_code: default(r.state, "")
    approved?: fen(b.paid)
    insurer_ref?: text(b.no)
"""
)
JSON_SCHEMA = """{"type": "object", "additionalProperties": false,
"required": ["no", "sex", "kind", "dept", "at", "day", "sum", "tries", "lines", "first", "payer"], "properties": {
 "no": {"$ref": "parts.json#/$defs/id"}, "sex": {"enum": ["M", "F", "U"]}, "kind": {"const": "direct"},
 "dept": {"type": "string", "minLength": 2, "maxLength": 20}, "at": {"type": "string", "format": "date-time"},
 "day": {"type": "string", "format": "date"}, "sum": {"type": "integer", "minimum": 0, "maximum": 100000000},
 "tries": {"type": "integer"}, "rate": {"type": "number", "multipleOf": 0.01},
 "main": {"type": "object", "properties": {"id": {"type": "string"}}},
 "payer": {"oneOf": [
  {"type": "object", "required": ["yibao"], "properties": {"yibao": {"type": "string"}}, "additionalProperties": false},
  {"type": "object", "required": ["other"], "properties": {"other": {"const": "none"}}, "additionalProperties": false}]},
 "lines": {"type": "array", "items": {"type": "object", "required": ["code"], "additionalProperties": false,
  "properties": {"code": {"type": "string", "maxLength": 150}, "name": {"type": "string"}}}},
 "first": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"allOf": [{"$ref": "parts.json#/$defs/coded"}]}}}}"""
PARTS = """{"$defs": {"id": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
 "coded": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}}}"""
ANSWER = """{"type": "object", "additionalProperties": false, "properties": {"state": {"enum": ["OK", "NO", "WAIT"]},
 "body": {"type": ["array", "null"], "items": {"type": "object", "additionalProperties": false,
 "properties": {"paid": {"type": "string"}, "no": {"type": "string"}}}}}}"""

XML = (
    HEAD
    + """target: {kind: xml, schema: t.xsd}
http: {path: /x}
tables:
  kinds: {outpatient: 1, emergency: 1, outpatient_chronic: 1, inpatient: 2, pharmacy: 1}
request:
  'b:Bill':
    $ns: {b: urn:bill}
    version@: =1.0
    'b:No': claim.claim_id
    'b:Kind': code(kinds, visit.visit_kind)
    'b:When': datetime(act.sent_at, "%Y-%m-%dT%H:%M:%S%:z")
    'b:Sum':
      unit@: =CNY
      $text: yuan_number(fits(claim.claimed))
    'b:Stay': {$when: visit.visit_kind == "inpatient", 'b:Days': =3}
    'b:Bank': need(refs.settle_no)
    'b:Line':
      $each: l in lines
      'b:Code': l.line_no
      'b:Qty': number(fits(l.qty), 2)
    'b:Note': {by@: =us, $text: =none}
answer:
  target: {kind: xml, schema: t.xsd}
  result:
    state: '"accepted" if r.No == "1" else "unknown"'
    peer_code: attr(r.Sum, "unit")
    items: {$each: l in r.Line, $item: l.Code}
"""
)
XSD = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:bill" targetNamespace="urn:bill"
 elementFormDefault="qualified"><x:include schemaLocation="parts.xsd"/>
 <x:element name="Bill" type="b:Long"/>
 <x:complexType name="Short"><x:sequence><x:element name="No" type="b:Number"/><x:element name="Kind" type="b:Kind"/>
  <x:element name="When" type="x:dateTime"/></x:sequence><x:attribute name="version" use="required" fixed="1.0"/></x:complexType>
 <x:complexType name="Long"><x:complexContent><x:extension base="b:Short"><x:sequence>
  <x:element name="Sum" type="b:Money"/>
  <x:element name="Stay" minOccurs="0"><x:complexType><x:sequence><x:element name="Days" type="x:positiveInteger"/>
   <x:element name="Ward" type="x:string" minOccurs="0"/></x:sequence></x:complexType></x:element>
  <x:choice><x:element name="Cash" type="x:decimal"/><x:element name="Bank" type="x:string"/>
   <x:sequence><x:element name="Card" type="x:string"/><x:element name="Pin" type="x:string"/></x:sequence></x:choice>
  <x:group ref="b:Lines"/>
  <x:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
  <x:element name="Note" minOccurs="0"><x:complexType><x:simpleContent><x:restriction base="b:Noted"><x:maxLength value="10"/>
   </x:restriction></x:simpleContent></x:complexType></x:element></x:sequence></x:extension></x:complexContent></x:complexType>
</x:schema>"""
XSD_PARTS = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:bill" targetNamespace="urn:bill"
 elementFormDefault="qualified">
 <x:simpleType name="Number"><x:restriction base="x:string"><x:pattern value="[A-Za-z0-9_.:\\-]{1,64}"/></x:restriction></x:simpleType>
 <x:simpleType name="Kind"><x:restriction base="x:string"><x:enumeration value="1"/>
  <x:enumeration value="2"/></x:restriction></x:simpleType>
 <x:complexType name="Money"><x:simpleContent><x:extension base="b:Decimal"><x:attributeGroup ref="b:unit"/></x:extension>
 </x:simpleContent></x:complexType>
 <x:simpleType name="Decimal"><x:restriction base="x:decimal"><x:totalDigits value="10"/><x:fractionDigits value="2"/></x:restriction>
 </x:simpleType>
 <x:attributeGroup name="unit"><x:attribute name="unit" use="required"><x:simpleType><x:restriction base="x:string">
  <x:enumeration value="CNY"/></x:restriction></x:simpleType></x:attribute></x:attributeGroup>
 <x:group name="Lines"><x:sequence><x:element name="Line" maxOccurs="unbounded"><x:complexType><x:all>
  <x:element name="Code" type="x:string"/><x:element name="Qty" type="x:decimal"/></x:all></x:complexType></x:element></x:sequence>
 </x:group>
 <x:complexType name="Noted"><x:simpleContent><x:extension base="x:string"><x:attribute name="by" type="x:NCName"/>
 </x:extension></x:simpleContent></x:complexType>
</x:schema>"""


def put_schemas(shop):
    shop.put("schemas/t.schema.json", JSON_SCHEMA)
    shop.put("schemas/parts.json", PARTS)
    shop.put("schemas/a.schema.json", ANSWER)
    shop.put("schemas/t.xsd", XSD)
    shop.put("schemas/parts.xsd", XSD_PARTS)


def assert_found(shop, sound: str, seed: Seed) -> None:
    """The seed's mistake is told at its line with its code."""
    assert sound.count(seed.old) >= 1, "the seed edits what is not there"
    put_schemas(shop)
    found = shop.mistakes(sound.replace(seed.old, seed.new, 1))
    assert (seed.line, seed.code) in [(one.line, one.code) for one in found], "\n".join(map(str, found))
