"""Quirks of whole messages (docs/quirks.md) that no construct's own test names."""

import json

from gateway.mapping import Incoming

HEAD = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n"


def test_quirk_2_stray_blanks_in_names_and_values_of_an_answer_do_no_harm(shop):
    result = '  result: {state: \'"accepted" if trim(r.head.busseID) == "C100" else "refused"\', peer_code: trim(r.recordCount)}\n'
    answer = '{"head": {"busseID": " C100"}, " recordCount ": " 3"}'
    assert shop.read(result, answer) == {"state": "accepted", "peer_code": "3"}


def test_quirk_19_the_inner_declaration_says_gbk_while_the_outer_document_is_utf_8(shop):
    body = (
        "request:\n  Call:\n    arg:\n      $document: {kind: xml, as: cdata, encoding: gbk, declaration: true}\n"
        "      In: {Name: patient.name}\n"
    )
    made = shop.write(body, target="{kind: xml}").document
    assert made.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert '<![CDATA[<?xml version="1.0" encoding="gbk"?><In><Name>测试患者甲'.encode() in made


def test_quirk_37_the_function_code_stands_in_a_header_the_address_or_a_field(shop):
    http = "http: {method: POST, path: '/fn/{claim.kind}', query: {fn: =S291}, headers: {X-Function: =S291}}\n"
    outgoing = shop.act(f"target: {{kind: json}}\n{http}request: {{serialNo: =S291}}\n", HEAD).write(shop.dispatch())
    assert (outgoing.path, outgoing.query, outgoing.headers["X-Function"]) == ("/fn/direct_pay", {"fn": "S291"}, "S291")
    assert json.loads(outgoing.document) == {"serialNo": "S291"}


def test_quirk_38_user_and_password_stand_in_headers_or_in_the_message(shop):
    shop.partner = {"user": "u1", "password": "p1"}
    http = "http: {path: /x, headers: {X-User: partner.user, X-Password: partner.password}}\n"
    outgoing = shop.act(f"target: {{kind: json}}\n{http}request: {{pwd: partner.password}}\n", HEAD).write(
        shop.dispatch()
    )
    assert outgoing.headers == {"X-User": "u1", "X-Password": "p1"}
    assert json.loads(outgoing.document) == {"pwd": "p1"}


def test_quirk_39_packing_is_switched_by_the_query(shop):
    http = "http: {path: /x, query: {gzip: =false}}\n"
    assert shop.act(f"target: {{kind: json}}\n{http}request: {{a: =1}}\n", HEAD).write(shop.dispatch()).query == {
        "gzip": "false"
    }


def test_quirk_48_attachments_have_a_type_a_mark_and_a_place_to_fetch_them(shop):
    paper = {"kind": "invoice", "ref": "att/1", "sha256": "0" * 64}
    body = (
        "tables: {material: {invoice: 14, id_card: 2, else: 99}}\nrequest:\n"
        '  imageFlag: \'"1" if count(attachments) > 0 else "0"\'\n'
        "  files: {$each: a in attachments, type: 'code(material, a.kind)',"
        " url: '\"https://files.example/\" + a.ref', sha256: a.sha256}\n"
        "  inline: base64(patient.name)\n"
    )
    made = shop.json(body, shop.dispatch(attachments=[paper]))
    assert made["imageFlag"] == "1"
    assert made["files"] == [{"type": "14", "url": "https://files.example/att/1", "sha256": "0" * 64}]
    assert made["inline"] == "5rWL6K+V5oKj6ICF55Sy"


def test_quirk_50_a_province_calls_national_fields_by_names_of_its_own(shop):
    result = (
        "  result: {state: =accepted, approved: 'fen(default(r.med_fee_sumamt, default(r.medfee_sumamt, r.total)))'}\n"
    )
    for name in ("med_fee_sumamt", "medfee_sumamt", "total"):
        assert shop.read(result, json.dumps({name: "12.34"}))["approved"] == 1234


def test_quirk_52_comments_and_declarations_inside_inner_xml_and_lost_namespaces(shop):
    result = (
        "  let: {inner: parse_xml(r.arg)}\n  result: {state: =accepted, peer_code: inner.Code, insurer_ref: inner.No}\n"
    )
    inner = '<?xml version="1.0"?><!-- made by hand --><x:Out xmlns:x="urn:x"><!-- c --><x:Code>7</x:Code><No>9</No></x:Out>'
    act = shop.act(f"target: {{kind: xml}}\nhttp: {{path: /x}}\nanswer:\n{result}", HEAD)
    found = act.read(Incoming(f"<Call><arg><![CDATA[{inner}]]></arg></Call>".encode()), shop.dispatch())
    assert found == {"state": "accepted", "peer_code": "7", "insurer_ref": "9"}
