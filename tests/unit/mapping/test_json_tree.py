"""Every construct of the target tree, as JSON."""

import base64
import json

import pytest

from gateway.kernel.errors import MessageRefused

REQUEST = "request:\n"


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(
            "  a: =01\n  b: =NO\n  c: =12:30\n", {"a": "01", "b": "NO", "c": "12:30"}, id="constants stay text"
        ),
        pytest.param("  a: =\n", {"a": ""}, id="an equals sign alone is the empty text"),
        pytest.param(
            "  a: 0\n  b: '-3'\n  c: null\n  d: true\n", {"a": 0, "b": -3, "c": None, "d": True}, id="literals"
        ),
        pytest.param("  a: visit.visit_id\n", {"a": "V1"}, id="path"),
        pytest.param('  "name ": =x\n', {"name ": "x"}, id="a name is emitted as written"),
        pytest.param("  a: visit.mdtrt_id\n", {"a": None}, id="absent is null"),
        pytest.param("  a?: visit.mdtrt_id\n  b: =1\n", {"b": "1"}, id="absent with ? is left out"),
        pytest.param("  a?: visit.mdtrt_id\n", {}, id="an object of absent members is empty"),
        pytest.param(
            "  a?: visit.dept_code\n  b?: visit.ward\n  c?: visit.dept_name\n", {"a": "03", "c": "内科"}, id="commas"
        ),
        pytest.param("  a:\n    $when: claim.claimed > 0\n    b: =1\n", {"a": {"b": "1"}}, id="when true"),
        pytest.param("  a:\n    $when: claim.claimed < 0\n    b: =1\n", {}, id="when false"),
        pytest.param(
            "  a: {$when: claim.claimed > 0, $text: claim.claimed}\n", {"a": 17231}, id="text under a condition"
        ),
        pytest.param("  a?: {$text: visit.mdtrt_id}\n  b: =1\n", {"b": "1"}, id="absent text with ? is left out"),
        pytest.param("  a?: {$text: upper(visit.mdtrt_id)}\n", {}, id="absence passes through functions below ?"),
        pytest.param("  a?: {$let: {x: visit.visit_id}, $text: x}\n", {"a": "V1"}, id="present text with ? stays"),
        pytest.param("  a: {$text: visit.mdtrt_id}\n", {"a": None}, id="absent text is null"),
        pytest.param(
            "  a:\n    $each: l in lines\n    n: position\n    c: l.line_no\n",
            {"a": [{"n": 1, "c": "L1"}, {"n": 2, "c": "L2"}]},
            id="each makes an array",
        ),
        pytest.param(
            '  a:\n    $each: d in diagnoses where d.kind != "admission"\n    c: d.code\n',
            {"a": [{"c": "J06.900"}]},
            id="where",
        ),
        pytest.param("  a: {$each: l in lines, $item: l.line_no}\n", {"a": ["L1", "L2"]}, id="array of scalars"),
        pytest.param("  a: {$each: l in procedures, $item: l.code}\n", {"a": []}, id="an empty list is an empty array"),
        pytest.param("  a?: {$each: l in procedures, $item: l.code}\n", {}, id="an empty array with ? is left out"),
        pytest.param("  a?:\n    b?: visit.ward\n", {}, id="an empty object with ? is left out"),
        pytest.param("  a: [=1, claim.claimed, {b: =2}, []]\n", {"a": ["1", 17231, {"b": "2"}, []]}, id="array"),
        pytest.param(
            "  a:\n    - c: =first\n    - $each: l in lines\n      c: l.line_no\n    - $when: claim.claimed < 0\n      c: =no\n",
            {"a": [{"c": "first"}, {"c": "L1"}, {"c": "L2"}]},
            id="each expands in place",
        ),
        pytest.param(
            '  a:\n    $each: l in lines\n    $let: {n: l.line_no + "!", m: n + n}\n    c: m\n',
            {"a": [{"c": "L1!L1!"}, {"c": "L2!L2!"}]},
            id="names of a node",
        ),
        pytest.param(
            "  a:\n    $document: {kind: json, as: text}\n    b: patient.name\n",
            {"a": '{"b":"测试患者甲"}'},
            id="JSON in JSON",
        ),
    ],
)
def test_the_tree_looks_like_the_message(shop, tree, expected):
    assert expected == shop.json(REQUEST + tree)


def test_an_inner_document_has_its_own_encoding_and_declaration(shop):
    head = "{kind: xml, as: base64, encoding: gbk, declaration: true}"
    made = shop.json(f"request:\n  a:\n    $document: {head}\n    b: patient.name\n")

    assert base64.b64decode(made["a"]).decode("gbk") == '<?xml version="1.0" encoding="gbk"?><b>测试患者甲</b>'


def test_a_let_is_computed_once_and_may_use_the_one_above(shop):
    made = shop.json("let:\n  a: claim.claimed + 1\n  b: a * 2\nrequest:\n  x: b\n")

    assert made == {"x": 34464}


def test_numbers_keep_their_digits(shop):
    document = shop.write(
        "request:\n  price: lines_price\n  q: first(l.qty for l in lines)\nlet:\n  lines_price: first(l.price for l in lines)\n"
    )

    assert document.document == b'{"price":12.50,"q":2}'


def test_text_is_escaped_and_chinese_stays_itself(shop):
    source = shop.renamed('引号"反斜\\换行\n')
    document = shop.write("request: {n: patient.name}\n", source).document

    assert json.loads(document) == {"n": '引号"反斜\\换行\n'}
    assert "引号".encode() in document


def test_the_same_input_gives_the_same_bytes(shop):
    act = shop.act("target: {kind: json}\nhttp: {path: /x}\nrequest: {a: uuid(claim.claim_id), b: patient.name}\n")

    assert act.write(shop.renamed("甲")).document == act.write(shop.renamed("甲")).document


def test_an_encoding_of_the_target_is_used_and_a_missing_character_refused(shop):
    act = shop.act("target: {kind: json, encoding: gbk}\nhttp: {path: /x}\nrequest: {n: patient.name}\n")

    assert '{"n":"测试患者甲"}'.encode("gbk") == act.write(shop.renamed("测试患者甲")).document
    with pytest.raises(MessageRefused) as refused:
        act.write(shop.renamed("😀"))
    assert refused.value.error_code == "mapping-failed"


def test_http_parts_are_computed(shop):
    act = shop.act(
        "target: {kind: json}\n"
        "http:\n"
        "  method: PUT\n"
        "  path: /claims/{claim.claim_id + '/ä'}/x\n"
        "  query: {s: partner.sender_code}\n"
        "  headers:\n"
        "    X-N: act.serial\n"
        "    X-None?: visit.ward\n"
        "protected: {k: act.act_id}\n"
        "correlation: uuid(claim.claim_id)\n"
        "request: {a: =1}\n"
    )
    made = act.write(shop.renamed("甲"))

    assert (made.method, made.path, made.query) == ("PUT", "/claims/clm_1%2F%C3%A4/x", {"s": "990000001"})
    assert made.headers == {"X-N": "7"}
    assert made.protected == {"k": "act_1"}
    assert len(made.correlation) == 36
    assert made.content_type == "application/json;charset=utf-8"


def test_an_act_may_have_no_body(shop):
    made = shop.act("target: {kind: json}\nhttp: {method: GET, path: /token}\n").write(shop.renamed("甲"))

    assert (made.document, made.method) == (b"", "GET")


def test_a_form_is_url_encoded(shop):
    made = shop.write("request:\n  user: =a b\n  n: patient.name\n  none?: visit.ward\n", target="{kind: form}")

    assert made.document == b"user=a+b&n=%E6%B5%8B%E8%AF%95%E6%82%A3%E8%80%85%E7%94%B2"
    assert made.content_type == "application/x-www-form-urlencoded"


def test_a_number_below_an_optional_key_is_a_value_however_short(shop):
    shop.refs = frozenset({"unheard_of"})
    assert shop.json(
        "request: {a?: {$when: true, $text: count(lines)}, b?: {$when: true, $text: '0'}, c?: {d?: refs.unheard_of}, e?: null}\n"
    ) == {
        "a": 2,
        "b": 0,
        "e": None,
    }
