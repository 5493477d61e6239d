"""What surely fits its schema is not validated again; whatever is not plain is, for every message."""

import pytest
from support.workshop import Workshop

from gateway.mapping.errors import MappingFailed

HEAD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
DOCUMENT = (
    '<xs:element name="a"><xs:complexType><xs:sequence>{}</xs:sequence></xs:complexType></xs:element></xs:schema>'
)
MONEY = '<xs:simpleType name="m"><xs:restriction base="xs:decimal"><xs:fractionDigits value="2"/></xs:restriction></xs:simpleType>'
SHORT = '<xs:simpleType name="s"><xs:restriction base="xs:string"><xs:maxLength value="99"/></xs:restriction></xs:simpleType>'


def element(name: str, kind: str = "xs:string", low: int = 1, high: str = "1") -> str:
    return f'<xs:element name="{name}" type="{kind}" minOccurs="{low}" maxOccurs="{high}"/>'


def is_sure(shop: Workshop, content: str, request: str) -> bool:
    shop.put("schemas/a.xsd", HEAD + MONEY + SHORT + DOCUMENT.format(content))
    act = shop.act(f"target: {{kind: xml, schema: a.xsd}}\nhttp: {{path: /x}}\nrequest:\n  a: {request}\n")
    sure: bool = act.request.sure
    return sure


@pytest.mark.parametrize(
    ("content", "request_"),
    [
        (element("n"), "{n: patient.name}"),
        (element("n"), "{n: {$empty: true}}"),
        (element("n", low=0), "{n?: visit.ward}"),
        (element("n", "m"), "{n: yuan(claim.claimed)}"),
        (element("n", "xs:decimal", high="unbounded"), "{n: {$each: l in lines, $text: text(l.qty)}}"),
        (element("n", "xs:integer"), "{n: count(lines)}"),
        (element("n", high="unbounded"), "{n: {$each: l in lines, $text: l.hosp_name}}"),
        (element("n") + element("o"), "{n: =1, o: =2}"),
    ],
)
def test_plain_trees_are_sure(shop: Workshop, content: str, request_: str) -> None:
    assert is_sure(shop, content, request_)


@pytest.mark.parametrize(
    ("content", "request_"),
    [
        (element("n", "s"), "{n: fits(patient.name)}"),
        (element("n", "m", high="unbounded"), "{n: {$each: l in lines, $text: fits(text(l.qty))}}"),
        (element("n", "xs:int"), "{n: count(lines)}"),
        (element("n", "xs:date"), """{n: 'date(patient.birth_date, "%Y-%m-%d")'}"""),
        (element("n", low=2, high="unbounded"), "{n: {$each: l in lines, $text: l.hosp_name}}"),
        (f"<xs:choice>{element('n')}{element('o')}</xs:choice>", "{n: =1}"),
        ("<xs:any processContents='lax'/>", "{n: =1}"),
        (element("n"), "{n: {$raw: patient.name}}"),
    ],
)
def test_everything_else_is_validated(shop: Workshop, content: str, request_: str) -> None:
    assert not is_sure(shop, content, request_)


def test_characters_that_are_replaced_on_the_way_take_the_sureness(shop: Workshop) -> None:
    shop.put("schemas/a.xsd", HEAD + DOCUMENT.format(element("n")))
    target = '{kind: xml, schema: a.xsd, encoding: gbk, lacking: {replace: "?"}}'
    act = shop.act(f"target: {target}\nhttp: {{path: /x}}\nrequest:\n  a: {{n: patient.name}}\n")
    assert not act.request.sure


def test_a_repeated_element_that_comes_out_empty_is_still_found(shop: Workshop) -> None:
    content = element("n", high="unbounded")
    assert is_sure(shop, content, "{n: {$each: p in procedures, $text: p.name}}")
    body = "request:\n  a: {n: {$each: p in procedures, $text: p.name}}\n"
    act = shop.act("target: {kind: xml, schema: a.xsd}\nhttp: {path: /x}\n" + body)
    with pytest.raises(MappingFailed, match="breaks its schema"):
        act.write(shop.dispatch(procedures=[]))


def test_a_comment_inside_a_schemas_group_means_nothing(shop: Workshop) -> None:
    assert is_sure(shop, "<!-- first the name -->" + element("n") + "<!-- and that is all -->", "{n: patient.name}")
