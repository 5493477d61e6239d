"""The reading side: answers, callbacks and hospital documents become typed plain data."""

import json
from datetime import date

import msgspec
import pytest

from gateway.claims.canonical.visit import Patient
from gateway.kernel.errors import MessageRefused
from gateway.mapping import Incoming, MappingFailed, Vocabulary, load_reader

ANSWER = {
    "code": 0,
    " name ": " x ",
    "money": 115.45,
    "list": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}],
    "lonely": {"k": "c"},
    "null": None,
    "inner": '{"deep": {"no": 7}}',
    "xml": "PGE+PGIgaz0idiI+dGV4dDwvYj48L2E+",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("r.code", "0"),
        ("r.name", " x "),
        ("trim(r.name)", "x"),
        ("text(fen(r.money))", "11545"),
        ("first(r.list).k", "a"),
        ('first(x.v for x in r.list where x.k == "b")', "2"),
        ('find(r.list, "k", "b").v', "2"),
        ('join(list(text(x.k) for x in r.list), "+")', "a+b"),
        ("text(count(r.list)) + text(count(r.lonely)) + text(count(r.nothing))", "210"),
        (
            '"same" if r.code == "0" and r.code == 0 and r.money == 115.45 else "no"'.replace(
                "115.45", 'decimal("115.45")'
            ),
            "same",
        ),
        ('"no" if r.nothing > 3 else "absent is no"'.replace("r.nothing", "int(r.nothing)"), "absent is no"),
        ('default(r["null"], "was null")', "was null"),
        ('default(r.a.b.c, "no step fails")', "no step fails"),
        ("parse_json(r.inner).deep.no", "7"),
        ('attr(parse_xml(unbase64(r.xml)).b, "k") + node_text(parse_xml(unbase64(r.xml)).b)', "vtext"),
        ("text(http.status)", "201"),
        ('protected["x-id"]', "p7"),
        ("sent.claim.claim_id", "clm_1"),
        ("code(t, r.nothing)", "else"),
    ],
)
def test_a_json_answer_is_read(shop, expression, expected):
    result = f"  result: {{state: =accepted, peer_code: {json.dumps(expression)}}}\n"
    shop.put("demo/keep.txt", "")
    act = shop.act("target: {kind: json}\nhttp: {path: /x}\ntables:\n  t: {a: b, else: else}\nanswer:\n" + result)
    incoming = Incoming(json.dumps(ANSWER).encode(), 201, {"x-id": "p7"})

    assert expected == act.read(incoming, shop.dispatch())["peer_code"]


def test_an_xml_answer_is_read_by_local_names(shop):
    document = '<n:a xmlns:n="urn:x"><n:b k="1">one</n:b><n:b k="2">two</n:b><c><d> 3.50 </d></c></n:a>'
    result = """  result:
    state: =accepted
    peer_code: r.b
    peer_text: join(list(attr(x, "k") + node_text(x) for x in r.b), ",")
    approved: fen(r.c.d)
    refs: {settle_no: 'find(r.b, "nothing", "x") if present(r.zzz) else "-"'}
"""

    expected = {
        "state": "accepted",
        "peer_code": "one",
        "peer_text": "1one,2two",
        "approved": 350,
        "refs": {"settle_no": "-"},
    }
    assert expected == shop.read(result, document, "xml")


def test_an_element_that_stands_in_for_a_text_is_read_as_text(shop):
    result = "  result: {state: =accepted, peer_code: 'default(empty_as_absent(r.b), r.c)'}\n"

    assert shop.read(result, "<a><b></b><c>stands in</c></a>", "xml")["peer_code"] == "stands in"


def test_results_may_be_lists_of_objects_and_of_texts(shop):
    result = """  let: {others: list(x.k for x in r.list)}
  result:
    state: =accepted
    items: {$each: x in r.list, $item: x.k}
    policies:
      - $each: x in r.list where x.k != "b"
        $let: {no: text(x.k) + x.v}
        policy_no: no
        residual?: fen(x.none)
      - policy_no: =fixed
"""
    made = shop.read(result, json.dumps(ANSWER))

    assert made["items"] == ["a", "b"]
    assert made["policies"] == [{"policy_no": "a1"}, {"policy_no": "fixed"}]


def test_an_absent_value_that_is_needed_is_refused_and_one_with_a_question_mark_left_out(shop):
    made = shop.read("  result:\n    state: =accepted\n    approved?: fen(r.none)\n", "{}")
    assert made == {"state": "accepted"}

    with pytest.raises(MappingFailed) as failed:
        shop.read("  result:\n    state: r.none\n", "{}")
    assert failed.value.target == "state"


def test_an_empty_body_leaves_the_word_to_the_status(shop):
    result = '  result: {state: \'"pending" if http.status == 202 else "unknown"\'}\n'

    assert shop.read(result, b"", http_status=202)["state"] == "pending"


def test_a_result_outside_its_type_is_refused_by_path_only(shop):
    with pytest.raises(MappingFailed) as failed:
        shop.read("  result: {state: r.s}\n", '{"s": "paid-in-full"}')

    assert (failed.value.target, "paid-in-full" in str(failed.value)) == ("$.state", False)


@pytest.mark.parametrize("document", [b"{", b'{"a":1,"a":2}', b"<a/>", b"[" * 100 + b"]" * 100])
def test_a_document_that_is_no_plain_json_is_refused(shop, document):
    with pytest.raises(MessageRefused) as refused:
        shop.read("  result: {state: =accepted}\n", document)

    assert refused.value.error_code == "bad-json"


def test_an_answer_is_held_against_its_schema(shop):
    shop.put(
        "schemas/a.schema.json", '{"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}'
    )
    answer = "answer:\n  target: {kind: json, schema: a.schema.json}\n  result: {state: =accepted}\n"
    body = "target: {kind: json}\nhttp: {path: /x}\n" + answer
    act = shop.act(body)

    assert act.read(Incoming(b'{"code": "1"}')) == {"state": "accepted"}
    with pytest.raises(MappingFailed) as failed:
        act.read(Incoming(b'{"code": 4711}'))
    assert "code: type" in str(failed.value)
    assert "4711" not in str(failed.value)


CALLBACK = """callback:
  path: /on_submit
  correlation: protected["x-id"]
  result: {state: r.state}
  reply:
    status: 202
    target: {kind: json}
    body: {id: 'protected["x-id"]', code: '0'}
"""


def test_a_callback_is_correlated_and_answered(shop):
    act = shop.act(CALLBACK, "mapping: demo/act\nversion: 3\nchannel: insurer\n")
    incoming = Incoming(b'{"state": "accepted"}', protected={"x-id": "p1"})

    assert act.callback_path == "/on_submit"
    assert act.read_callback(incoming) == {"state": "accepted", "correlation": "p1"}
    reply = act.write_reply(incoming)
    assert (reply.document, reply.status) == (b'{"id":"p1","code":0}', 202)


def test_the_pin_names_version_and_content(shop):
    first = shop.act(CALLBACK, "mapping: demo/act\nversion: 3\nchannel: insurer\n").pin
    second = shop.act(CALLBACK + "# other\n", "mapping: demo/act\nversion: 3\nchannel: insurer\n").pin

    assert (first.name, first.version) == ("demo/act", 3)
    assert first.digest != second.digest


HOSPITAL = """mapping: his/visit
version: 1
channel: hospital
source: none
reads: {kind: json}
tables:
  sex: {"1": male, "2": female, else: unknown}
result:
  patient_id: r.no
  name: r.name
  cert_type: =id_card
  cert_no: r.cert
  gender: code(sex, r.sex)
  birth_date: parse_date(r.birth, "%Y%m%d")
  mobile?: empty_as_absent(r.phone)
tests:
  - {name: golden, in: a.json, result: b.json}
"""


def test_a_hospital_document_becomes_the_canonical_form(shop):
    file = shop.put("his/visit.yaml", HOSPITAL)
    reader = load_reader(file, Vocabulary(None, Patient, frozenset()))
    document = {"no": "1", "name": "甲", "cert": "9", "sex": 2, "birth": "20250131", "phone": ""}
    made = reader.read(Incoming(json.dumps(document).encode()))

    assert date(2025, 1, 31) == made["birth_date"]
    assert msgspec.convert(made, Patient).gender == "female"
    assert "mobile" not in made


def test_an_inner_document_that_calls_itself_gbk_is_read_as_the_text_that_it_is(shop):
    """The outer document decided the bytes: what the inner declaration says of them no longer counts."""
    inner = '<?xml version="1.0" encoding="GBK"?><Out><Code>成功</Code></Out>'
    act = shop.act(
        "target: {kind: xml}\nhttp: {path: /x}\nanswer:\n  let: {inner: parse_xml(r.arg)}\n"
        "  result: {state: =accepted, peer_code: inner.Code}\n",
        "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n",
    )
    found = act.read(Incoming(f"<Call><arg><![CDATA[{inner}]]></arg></Call>".encode()), shop.dispatch())
    assert found["peer_code"] == "成功"
