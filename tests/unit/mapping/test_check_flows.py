"""Sneaky flows: no condition, count, order, table or detour carries medical or personal data where it may not be."""

from datetime import date

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import declassify

PAYMENT = "mapping: demo/act\nversion: 1\nchannel: payment\nsource: dispatch\ntarget: {kind: json}\nhttp: {path: /x}\n"
INSURER = PAYMENT.replace("channel: payment", "channel: insurer")
ANSWER = "request: {a: act.act_id}\nanswer:\n  result:\n    state: =accepted\n    "
TODAY = date(2026, 1, 31)

SNEAKY = {
    "a diagnosis chooses a constant": 'request:\n  a: \'"1" if any(d.code == "J06" for d in diagnoses) else "2"\'\n',
    "a count of lines of one kind": 'request:\n  a: count(1 for l in lines where l.item_kind == "drug")\n',
    "a sum over them": 'request:\n  a: sum(1 for l in lines where l.item_kind == "drug")\n',
    "a table keyed by department": "tables: {t: {内科: 1, else: 2}}\nrequest:\n  a: code(t, visit.dept_name)\n",
    "the position in a list": "request:\n  a: {$each: l in lines, $item: position}\n",
    "which item comes first": "request:\n  a: first(l.amount for l in lines)\n",
    "an amount that only some bills have": "request:\n  a?: 'claim.claimed if present(visit.ward) else null'\n",
    "an id wrapped in functions": "request:\n  a: uuid(upper(trim(patient.cert_no)))\n",
    "an age": "request:\n  a: age(patient.birth_date, day_of(act.sent_at))\n",
    "the day of the visit": 'request:\n  a: date(day_of(visit.begin_at), "%Y%m%d")\n',
    "an unused name": "let: {n: patient.name}\nrequest: {a: =1}\n",
    "a name given in a loop": "request:\n  a: {$each: c in split.categories, $let: {n: visit.dept_name}, b: c.amount}\n",
    "the body's mere presence": "request:\n  a: {$when: count(procedures) > 0, b: =1}\n",
    "a waiver for the schema": "request:\n  a: fits(patient.name)\n",
    "a path in a URL": "request: {a: =1}\nprotected: {h: visit.dept_code}\n",
    "half of a choice": "request:\n  a: default(visit.ward, policy.policy_no)\n",
}


@pytest.mark.parametrize("body", SNEAKY.values(), ids=SNEAKY)
def test_a_sneaky_flow_into_the_payment_channel_does_not_load(shop, body):
    with pytest.raises(MappingRefused, match="label-leak"):
        shop.act(body, head=PAYMENT)


HIDDEN = {
    "a value": "insurer_ref: sent.visit.dept_name\n",
    "a choice": 'insurer_ref: \'"1" if sent.visit.visit_kind == "inpatient" else "2"\'\n',
    "a kept reference": "refs: {settle_no: sent.patient.cert_no}\n",
    "a condition": "policies:\n      - {$when: sent.visit.accident == true, policy_no: sent.policy.policy_no}\n",
    "a loop": "policies:\n      $each: d in sent.diagnoses\n      policy_no: sent.policy.policy_no\n",
    "a name": "insurer_ref: n\n  let: {n: sent.patient.name}\n",
}


@pytest.mark.parametrize("result", HIDDEN.values(), ids=HIDDEN)
def test_nothing_medical_hides_in_a_field_that_the_window_may_read(shop, result):
    assert "label-leak" in [one.code for one in shop.mistakes(INSURER + ANSWER + result)]


def test_a_medical_field_of_the_result_takes_medical_words(shop):
    assert shop.mistakes(INSURER + ANSWER + "peer_text: sent.visit.dept_name\n") == []


ROW = """rows:
  - field: Visit.dept_code
    mapping: demo/act
    label: medical
    reason: the hospital's own counter number
    decided: "2025-12-01"
    until: "2026-12-01"
"""
BODY = "request: {a: visit.dept_code}\n"


@pytest.fixture
def central(tmp_path, monkeypatch):
    """The central file for this test."""
    monkeypatch.setattr(declassify, "FILE", tmp_path / "declassify.yaml")

    def write(text):
        (tmp_path / "declassify.yaml").write_text(text, "utf-8")
        monkeypatch.setattr(declassify, "central_policy", lambda: declassify.read_policy(declassify.FILE, TODAY))
        monkeypatch.setattr("gateway.mapping.loader.central_policy", declassify.central_policy)

    return write


def test_the_shipped_file_frees_nothing():
    policy = declassify.central_policy()

    assert policy.rows == {}
    assert policy.mistakes == ()


def test_a_row_frees_one_field_for_one_mapping(shop, central):
    central(ROW)

    assert shop.mistakes(PAYMENT + BODY) == []
    assert [one.code for one in shop.mistakes(PAYMENT + BODY.replace("code", "name"))] == ["label-leak"]


def test_a_row_for_another_mapping_frees_nothing(shop, central):
    central(ROW.replace("demo/act", "demo/other"))

    assert [one.code for one in shop.mistakes(PAYMENT + BODY)] == ["label-leak"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("    reason: the hospital's own counter number\n", "", 2),
        ('    decided: "2025-12-01"\n', "", 2),
        ("label: medical", "label: harmless", 2),
        ("2026-12-01", "2026-01-30", 2),
        ("2026-12-01", "for ever", 2),
    ],
)
def test_while_a_row_is_wrong_or_over_nothing_loads(shop, central, old, new, line):
    central(ROW.replace(old, new))
    found = shop.mistakes(PAYMENT + "request: {a: =1}\n")

    assert [(one.line, one.code) for one in found] == [(line, "bad-declassification")]


def test_no_mapping_can_declassify(shop):
    found = shop.mistakes(PAYMENT + BODY + "declassify: {Visit.dept_code: medical}\n")

    assert {"unknown-key", "label-leak"} <= {one.code for one in found}
