"""The whole judgement of a folder: versions, tests, remarks, and what is said about the shipped ones."""

import json
from pathlib import Path

import pytest

from gateway.cli.check import judge_folder
from gateway.mapping import review_folder
from gateway.mapping.mapfile import read_mapping
from gateway.mapping.periods import check_periods
from gateway.mapping.yamlfile import Book

ROOT = Path(__file__).parents[3]
SOUND = """mapping: demo/act
version: 1
channel: insurer
source: dispatch
target: {kind: json}
http: {path: /x}
request: {a: claim.claim_id}
answer:
  result: {state: =accepted}
tests:
  - {name: golden, in: in.json, out: out.json}
  - {name: taken, answer: out.json, result: result.json}
"""


@pytest.fixture
def review(shop):
    shop.put("demo/in.json", json.dumps(_plain(shop.dispatch())))
    shop.put("demo/out.json", '{"a": "clm_1"}')
    shop.put("demo/result.json", '{"state": "accepted"}')
    shop.schemas.mkdir(exist_ok=True)

    def run(text):
        shop.put("demo/act.yaml", text)
        return review_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)

    return run


def _plain(dispatch):
    import msgspec

    return msgspec.to_builtins(dispatch)


def found(review):
    return [(one.line, one.code) for one in review.mistakes]


def test_a_folder_with_its_tests_has_no_mistake(review):
    assert review(SOUND).mistakes == []


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("  - {name: golden, in: in.json, out: out.json}\n", "", (7, "missing-test")),
        ("  - {name: taken, answer: out.json, result: result.json}\n", "", (8, "missing-test")),
        ("a: claim.claim_id", "a: act.act_id", (11, "failing-test")),
        ("state: =accepted", "state: =refused", (12, "failing-test")),
        ("in: in.json", "in: none.json", (11, "failing-test")),
    ],
)
def test_a_missing_or_failing_test_is_a_mistake_at_its_line(review, old, new, mistake):
    assert mistake in found(review(SOUND.replace(old, new)))


@pytest.mark.parametrize(
    ("missing", "told"),
    [("out: out.json", "not recorded yet: `lianpei map test demo --record`"), ("in: in.json", "no file none.json")],
)
def test_a_promise_that_nobody_recorded_says_how_and_a_missing_input_only_its_name(review, missing, told):
    key = missing.partition(":")[0]

    (mistake,) = review(SOUND.replace(missing, f"{key}: none.json")).mistakes

    assert (mistake.code, told in mistake.message) == ("failing-test", True)
    assert "Errno" not in mistake.message


@pytest.mark.parametrize(("codes", "found_there"), [([], [(12, "unlisted-refusal")]), (["2"], []), (None, [])])
def test_a_refused_example_must_be_by_a_code_that_the_folder_lists(review, shop, codes, found_there):
    review(SOUND)
    shop.put("demo/result.json", '{"state": "refused", "peer_code": "2"}')
    shop.put("demo/act.yaml", SOUND.replace("{state: =accepted}", "{state: =refused, peer_code: =2}"))

    told = review_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs, codes)

    assert found(told) == found_there
    assert all("'2'" in one.message and "result.json" in one.message for one in told.mistakes)


def test_the_json_form_has_every_field(review):
    told = json.loads(review(SOUND.replace("claim.claim_id", "claim.claimid")).json())

    assert told["remarks"] == []
    assert told["mistakes"][0] | {"file": ""} == {
        "file": "",
        "line": 7,
        "column": 14,
        "code": "unknown-field",
        "message": "claim has no field 'claimid'",
        "hint": "did you mean claim_id?",
    }


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ('"not": {"const": "x"}', "claim.claim_id"),
        ('"if": {"minLength": 3}, "then": {"maxLength": 5}', "claim.claim_id"),
        ('"oneOf": [{"maxLength": 100}, {"minLength": 1}]', "claim.claim_id"),
        ('"type": "string", "pattern": "\\\\p{L}+"', "claim.claim_id"),
    ],
)
def test_what_can_not_be_decided_is_said_and_left_to_run_time(shop, rule, value):
    shop.put("schemas/t.json", f'{{"type": "object", "properties": {{"a": {{{rule}}}}}}}')
    text = SOUND.replace("kind: json", "kind: json, schema: t.json").replace("claim.claim_id", value)
    shop.put("demo/act.yaml", text)

    told = review_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)

    assert [(one.line, one.code) for one in told.remarks] == [(7, "opaque")]
    assert {one.code for one in told.mistakes} <= {"failing-test"}


DATED = 'mapping: demo/act\nversion: {0}\nchannel: insurer\neffective: {{by: {1}, from: "{2}", to: "{3}"}}\n'


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        (("submitted_at", "2025-01-01", "2025-12-31"), ("submitted_at", "2026-01-01", "2026-12-31"), []),
        (("submitted_at", "2025-01-01", "2025-12-30"), ("submitted_at", "2026-01-01", "2026-12-31"), ["effective-gap"]),
        (("submitted_at", "2025-01-01", "2026-01-01"), ("submitted_at", "2026-01-01", "2026-12-31"), ["effective-overlap"]),
        (("submitted_at", "2025-01-01", "2025-12-31"), ("admitted_at", "2026-01-01", "2026-12-31"), ["effective-overlap"]),
        (("submitted_at", "2025-01-01", "2025-12-31"), ("submitted_at", "2026-12-31", "2026-01-01"), ["bad-value", "effective-gap"]),
    ],
)  # fmt: skip
def test_every_day_has_exactly_one_version(tmp_path, first, second, codes):
    book, files = Book("act@2.yaml"), {}
    for number, said in (("1", first), ("2", second)):
        stem = "act" if number == "1" else "act@2"
        path = tmp_path / f"{stem}.yaml"
        path.write_text(DATED.format(number, *said), "utf-8")
        files[stem] = read_mapping(path, Book(stem), reader=False)
        files[stem].book = book
    check_periods(files)

    assert sorted(one.code for one in book.mistakes) == codes
    assert {one.line for one in book.mistakes} <= {4}


@pytest.mark.parametrize("folder", sorted((ROOT / "mappings/insurers").iterdir()), ids=lambda folder: folder.name)
def test_the_check_says_nothing_about_a_shipped_folder(folder):
    assert judge_folder(folder, ROOT / "schemas").mistakes == []
