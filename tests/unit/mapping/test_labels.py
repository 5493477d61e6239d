"""Label flow: what rests on an identity or medical field can't reach the payment channel."""

import pytest

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.mapping import Vocabulary

HEAD = (
    "mapping: demo/act\nversion: 1\nchannel: {channel}\nsource: dispatch\ntarget: {{kind: json}}\nhttp: {{path: /x}}\n"
)
MONEY = frozenset({"financial", "operational"})
LEAKS = {
    "a value": "request:\n  a: patient.name\n",
    "a part of a text": 'request:\n  a: "text(claim.claimed) + visit.dept_name"\n',
    "a condition": "request:\n  a: {$when: visit.accident == true, b: =1}\n",
    "a choice": 'request:\n  a: \'"1" if visit.visit_kind == "inpatient" else "2"\'\n',
    "a filter": 'request:\n  a: sum(c.amount for c in split.categories where c.category == "09")\n',
    "a count": "request:\n  a: count(diagnoses)\n",
    "how often a node repeats": "request:\n  a: {$each: d in diagnoses, $item: =x}\n",
    "a table choice": "tables:\n  t: {male: 1, else: 2}\nrequest:\n  a: code(t, patient.gender)\n",
    "presence": "request:\n  a: present(visit.ward)\n",
    "absence": "request:\n  a: invoice == null\n",
    "a let": "let:\n  n: patient.name\nrequest:\n  a: n\n",
    "an id made of it": "request:\n  a: uuid(patient.cert_no)\n",
    "a header": "protected: {a: patient.name}\nrequest: {a: =1}\n",
    "the correlation": "correlation: patient.name\nrequest: {a: =1}\n",
    "a default": 'request:\n  a: default(patient.mobile, "")\n',
}


@pytest.mark.parametrize("body", LEAKS.values(), ids=LEAKS)
def test_medical_and_identity_data_have_no_road_into_the_payment_channel(shop, body):
    shop.vocabulary = Vocabulary(Dispatch, ActResult, MONEY)

    assert "label-leak" in [m.code for m in shop.mistakes(HEAD.format(channel="insurer") + body)]


@pytest.mark.parametrize("body", LEAKS.values(), ids=LEAKS)
def test_a_payment_file_is_held_to_the_payment_labels_whoever_loads_it(shop, body):
    assert "label-leak" in [m.code for m in shop.mistakes(HEAD.format(channel="payment") + body)]


@pytest.mark.parametrize("body", LEAKS.values(), ids=LEAKS)
def test_the_same_file_may_go_to_an_insurer(shop, body):
    assert shop.mistakes(HEAD.format(channel="insurer") + body) == []


def test_amounts_and_ids_may_flow(shop):
    body = "request:\n  a: yuan(claim.claimed)\n  b: claim.claim_id\n  c: {$when: claim.prior_paid > 0, d: policy.policy_no}\n"

    assert shop.mistakes(HEAD.format(channel="payment") + body) == []


def test_a_header_of_the_request_is_a_flow_too(shop):
    text = HEAD.format(channel="payment").replace(
        "{path: /x}", "{path: '/x/{patient.cert_no}', headers: {H: visit.dept_name}}"
    )
    found = [m.code for m in shop.mistakes(text + "request: {a: =1}\n")]

    assert found == ["label-leak", "label-leak"]
