"""The sample hospital's bills: they tie out to the 分, whatever the seed, and say the same in all three spellings."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.claims.canonical.claim import Submission
from gateway.claims.rules import check_submission
from gateway.kernel.money import fen_from_yuan, line_amount
from gateway.sandbox.common import strictjson
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.marks import TOKEN, planted
from gateway.sandbox.hospital.persons import check_digit, person
from gateway.sandbox.hospital.scenario import demo
from gateway.sandbox.hospital.stories import STORIES
from gateway.sandbox.hospital.visits import Wish, submission
from gateway.sandbox.hospital.yibao import yibao_body

INSURED = [name for name, story in STORIES.items() if story.insured]


def amounts(bill: dict[str, Any], *names: str) -> tuple[int, ...]:
    return tuple(bill["split"][name] for name in names)


@pytest.mark.parametrize(
    ("story", "seed", "lines", "expected"),
    [
        ("outpatient", 17, 9, (43000, 2800, 1800, 5452, 32948, 13769, 12000, 17231)),
        ("inpatient", 42, 42, (802256, 53300, 5000, 58920, 685036, 526281, 30000, 245975)),
    ],
)
def test_the_two_published_stories_have_their_published_amounts(
    story: str, seed: int, lines: int, expected: tuple[int, ...]
) -> None:
    bill = submission(Wish(story, seed))
    names = ("total", "own_total", "over_total", "pre_total", "scope_total", "fund_total", "account_pay", "cash_pay")
    assert (len(bill["lines"]), amounts(bill, *names)) == (lines, expected)


def test_the_long_stay_needs_three_batches_of_a_hundred_lines() -> None:
    assert len(submission(Wish("inpatient-long", 1))["lines"]) == 230


@given(story=st.sampled_from(sorted(STORIES)), seed=st.integers(1, 999_999), marks=st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_bill_is_a_sound_canonical_submission(story: str, seed: int, marks: bool) -> None:
    kind = "quick_claim" if seed % 2 else "direct_pay"
    body = to_json(submission(Wish(story, seed, kind, marks=marks)))
    assert check_submission(msgspec.json.decode(body, type=Submission)) == []


@given(st.integers(1, 999_999))
def test_an_id_card_carries_its_check_digit_birth_date_and_sex(seed: int) -> None:
    somebody = person(seed)
    card = somebody.cert_no
    assert card[:6] == "999901"
    assert card[6:14] == somebody.birth_date.strftime("%Y%m%d")
    assert (int(card[16]) % 2 == 1) == (somebody.gender == "male")
    assert check_digit(card[:17]) == card[17]


def test_seeds_and_stories_share_no_number() -> None:
    bills = [submission(Wish(story, seed)) for story in STORIES for seed in (1, 2, 300)]
    for numbers in (
        [bill["visit"]["visit_id"] for bill in bills],
        [bill["visit"]["bill_ref"] for bill in bills],
        [bill["invoice"]["bill_no"] for bill in bills],
        [bill["report"]["report_no"] for bill in bills],
        [line["line_no"] for bill in bills for line in bill["lines"]],
        [bill["visit"]["setl_id"] for bill in bills if "setl_id" in bill["visit"]],
    ):
        assert len(set(numbers)) == len(numbers)
    assert len({bill["patient"]["cert_no"] for bill in bills}) == 3


def test_marks_are_planted_in_every_identity_and_medical_text_and_occur_once_each() -> None:
    bill = submission(Wish("inpatient", 7, marks=True))
    texts = [bill["visit"][name] for name in ("dept_name", "doctor_name", "ward", "bed_no", "operator_name")]
    texts += [bill["patient"]["name"], *bill["visit"]["record"].values(), bill["report"]["reason_text"]]
    texts += [one[name] for one in bill["diagnoses"] for name in ("code", "name")]
    texts += [line[name] for line in bill["lines"] for name in ("hosp_name", "hosp_code", "nat_code", "doctor_name")]
    assert all(TOKEN.fullmatch(text) for text in texts)
    assert len(set(texts)) == len(texts)
    assert set(texts) <= planted(bill)
    assert bill["patient"]["cert_no"] in planted(bill)


def test_marks_change_no_amount_and_no_number() -> None:
    wish = Wish("outpatient", 7)
    plain, marked = submission(wish), submission(replace(wish, marks=True))
    assert plain["split"]["total"] == marked["split"]["total"]
    assert [line["amount"] for line in plain["lines"]] == [line["amount"] for line in marked["lines"]]
    assert plain["visit"]["visit_id"] == marked["visit"]["visit_id"]


def fen(value: Any) -> int:
    return fen_from_yuan(value)


@pytest.mark.parametrize("story", INSURED)
def test_the_national_body_keeps_the_identities_of_its_own_messages(story: str) -> None:
    body = strictjson.loads(to_json(yibao_body(submission(Wish(story, 17)))))
    settled = body["settlement"]["output"]["setlinfo"]
    funds = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
    parts = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    total = fen(settled["medfee_sumamt"])
    assert total == sum(fen(settled[name]) for name in parts)
    assert fen(settled["fund_pay_sumamt"]) == sum(fen(settled[name]) for name in funds)
    assert fen(settled["psn_part_amt"]) == fen(settled["acct_pay"]) + fen(settled["psn_cash_pay"])
    assert total == sum(fen(line["det_item_fee_sumamt"]) for line in body["fee_detail"])
    items = body["settlement_list"]["iteminfo"]
    assert total == sum(fen(one["amt"]) for one in items)
    for one in items:
        assert fen(one["amt"]) == sum(fen(one[part]) for part in ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt"))
    for detail, result in zip(body["fee_detail"], body["fee_result"], strict=True):
        assert detail["feedetl_sn"] == result["feedetl_sn"]
        assert fen(detail["det_item_fee_sumamt"]) == line_amount(Decimal(detail["pric"]), Decimal(detail["cnt"]))


def test_a_bill_without_national_insurance_has_no_national_body() -> None:
    with pytest.raises(ValueError, match="医保"):
        yibao_body(submission(Wish("self-pay", 1)))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


@pytest.mark.parametrize("story", sorted(STORIES))
def test_every_reference_of_the_fhir_bundle_resolves_and_its_items_add_up(story: str) -> None:
    bundle = strictjson.loads(to_json(fhir_bundle(submission(Wish(story, 17, insurers=("package", "hcx"))))))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(references(bundle)) <= set(urls)
    claim = bundle["entry"][0]["resource"]
    assert fen(claim["total"]["value"]) == sum(fen(item["net"]["value"]) for item in claim["item"])
    for item in claim["item"]:
        product = line_amount(Decimal(item["unitPrice"]["value"]), Decimal(item["quantity"]["value"]))
        assert fen(item["net"]["value"]) == product
    assert [one["sequence"] for one in claim["insurance"]] == [1, 2]


@pytest.mark.parametrize("spelling", [yibao_body, fhir_bundle])
def test_each_spelling_carries_every_planted_text(spelling: Any) -> None:
    bill = submission(Wish("inpatient", 9, marks=True))
    text = to_json(spelling(bill)).decode()
    carried = {token for token in planted(bill) if token in text}
    assert planted(bill) - carried <= {category["name"] for category in bill["split"]["categories"]}


def test_the_demo_has_at_least_twelve_bills_over_five_insurers_in_three_formats() -> None:
    claims = demo()
    assert len(claims) >= 12
    insurers = {one.insurer for claim in claims for one in claim.expected}
    assert insurers == {"package", "huiyibao", "ant", "eclaimlink", "hcx"}
    assert {claim.form for claim in claims} == {"canonical", "yibao-2207", "fhir-r4"}
    assert all(json.loads(claim.body) for claim in claims)


def test_the_demo_expects_the_published_payments() -> None:
    by_name = {claim.en: claim for claim in demo()}
    two = by_name["one bill, two policies in order"].expected
    assert [(one.insurer, one.approved_fen) for one in two] == [("package", 11545), ("hcx", 2309)]
    assert by_name["inpatient direct-pay, 42 lines"].approved_fen == 173408
    refused = [one for claim in demo() for one in claim.expected if one.outcome == "refused"]
    assert [one.approved_fen for one in refused] == [0, 0]


def test_two_runs_of_the_demo_share_neither_keys_nor_visits() -> None:
    first, second = demo(1), demo(2)
    assert not {one.idempotency_key for one in first} & {one.idempotency_key for one in second}
    visits = [one.submission["visit"]["visit_id"] for one in (*first, *second)]
    assert len(set(visits)) == len(visits)
