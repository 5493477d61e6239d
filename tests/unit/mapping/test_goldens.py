"""A file's own tests: they pass when the promise holds and name the path, never a value, when it doesn't."""

import json

import msgspec
import pytest

from gateway.mapping import Vocabulary, run_folder_tests, run_reader_tests

FILE = """mapping: demo/act
version: 1
channel: insurer
source: dispatch
target: {kind: KIND}
http: {path: /x}
request:
  a: {n: patient.name, total: yuan_number(split.total)}
answer:
  result: {state: r.state, peer_code: sent.claim.claim_id}
callback:
  path: /c
  result: {state: protected.state}
  reply: {target: {kind: json}, body: {ok: true}}
tests:
  - {name: out, in: in.json, out: out.txt}
  - {name: answer, answer: answer.txt, sent: in.json, result: result.json, status: '200'}
  - {name: callback, callback: answer.txt, protected: protected.json, result: callback.json, reply: reply.json}
"""
GOOD = {
    "json": ('{"a": {"total": 430.0, "n": "测试患者甲"}}', '{"state": "accepted"}'),
    "xml": ("<a><n>测试患者甲</n><total>430.00</total></a>", "<x><state>accepted</state></x>"),
}


def failures(shop, kind, out=None):
    good, answer = GOOD[kind]
    shop.put("demo/act.yaml", FILE.replace("KIND", kind))
    shop.put("demo/in.json", msgspec.json.encode(shop.dispatch()))
    shop.put("demo/out.txt", good if out is None else out)
    shop.put("demo/answer.txt", answer)
    shop.put("demo/protected.json", '{"state": "pending"}')
    shop.put("demo/result.json", '{"state": "accepted", "peer_code": "clm_1"}')
    shop.put("demo/callback.json", '{"state": "pending"}')
    shop.put("demo/reply.json", '{"ok": true}')
    return run_folder_tests(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_goldens_that_hold_say_nothing(shop, kind):
    assert failures(shop, kind) == []


@pytest.mark.parametrize(
    ("kind", "out", "path"),
    [
        ("json", '{"a": {"total": 430.01, "n": "测试患者甲"}}', ".a.total differs"),
        ("json", '{"a": {"total": "430", "n": "测试患者甲"}}', ".a.total differs"),
        ("json", '{"a": {"total": 430, "n": "测试患者甲", "z": 1}}', ".a.z is missing"),
        ("xml", "<a><n>测试患者乙</n><total>430.00</total></a>", "/a/n has other text"),
        ("xml", "<a><total>430.00</total><n>测试患者甲</n></a>", "/a/total is another element"),
        ("xml", "<a x='1'><n>测试患者甲</n><total>430.00</total></a>", "/a has other attributes"),
    ],
)
def test_a_golden_that_fails_names_the_path_only(shop, kind, out, path):
    (failure,) = failures(shop, kind, out)

    assert path in failure
    assert "患者" not in failure


def test_a_missing_example_fails_the_test(shop):
    failures(shop, "json")
    (shop.folder / "out.txt").unlink()

    (failure,) = run_folder_tests(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    assert "not recorded yet" in failure


def test_a_hospital_mapping_runs_its_own_tests(shop):
    class Bill(msgspec.Struct):
        no: str

    file = shop.put(
        "his/visit.yaml",
        "mapping: his/visit\nversion: 1\nchannel: hospital\nsource: none\nreads: {kind: json}\nresult: {no: r.n}\n"
        "tests:\n  - {name: good, in: a.json, result: good.json}\n  - {name: bad, in: a.json, result: bad.json}\n",
    )
    shop.put("his/a.json", json.dumps({"n": "1"}))
    shop.put("his/good.json", json.dumps({"no": "1"}))
    shop.put("his/bad.json", json.dumps({"no": "2"}))

    (failure,) = run_reader_tests(file, Vocabulary(None, Bill, frozenset()))
    assert "'bad': result.no differs" in failure


@pytest.mark.parametrize(
    ("target", "out", "failing"),
    [
        ("{kind: csv}", "n\r\n测试患者甲\r\n", 0),
        ("{kind: csv}", "n\r\n测试患者乙\r\n", 1),
        ("{kind: json, encoding: gbk}", '{"n": "测试患者甲"}', 0),
        ("{kind: xml, encoding: gbk, declared: utf-8}", '<?xml version="1.0" encoding="utf-8"?><n>测试患者甲</n>', 0),
    ],
)
def test_a_golden_is_compared_in_its_own_encoding_and_kind(shop, target, out, failing):
    head = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\nhttp: {path: /x}\n"
    shop.put(
        "demo/act.yaml",
        f"{head}target: {target}\nrequest: {{n: patient.name}}\ntests: [{{name: x, in: a.json, out: out}}]\n",
    )
    shop.put("demo/a.json", msgspec.json.encode(shop.dispatch()))
    shop.put("demo/out", out.encode("gbk" if "gbk" in target else "utf-8"))
    shop.schemas.mkdir(exist_ok=True)

    assert len(run_folder_tests(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)) == failing
