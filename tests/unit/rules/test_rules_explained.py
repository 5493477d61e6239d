"""A refused body is explained by places and rules: everything at once, nothing of what was sent, and at little cost."""

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from rule_bills import bill, edited

from gateway.claims.canonical.claim import Submission
from gateway.claims.explain import LONGEST, MOST, explain_invalid, mistakes_of
from gateway.claims.intake import Intake
from gateway.kernel.errors import BadClaim

PLANT = "显眼"


def explained(body: Any) -> tuple[str, ...]:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(encoded, type=Submission)
    return explain_invalid(refused.value, encoded, Submission)


def long_bill(**changes: Any) -> dict[str, Any]:
    made = edited({name.replace("__", "."): value for name, value in changes.items()}, lines=400)
    assert len(json.dumps(made)) > LONGEST
    return made


def test_all_mistakes_are_told_at_once_by_path_and_rule() -> None:
    body = edited({"patient.birth_date": PLANT, "lines.0.amount": PLANT, "kind": PLANT, "lines.1.price": PLANT})
    del body["split"]["total"]
    body["visit"]["begin_at"] = "2025-03-05T09:30:00"
    body["patient"]["张显眼"] = 1

    assert set(explained(body)) == {
        "patient.birth_date: format",
        "lines.0.amount: type",
        "kind: enum",
        "lines.1.price: pattern",
        "split.total: required",
        "visit.begin_at: format",
        "patient: unknown key",
    }


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"patient.birthDate": "1990-03-07"}, "patient: unknown key"),  # birth_date is there
        ({"patient.mobil": "x"}, "patient: unknown key, perhaps mobile"),
        ({"payoutAccount": {}}, "$: unknown key, perhaps payout_account"),
        ({"zzz": {}}, "$: unknown key"),
        ({"x" * 10_000: {}}, "$: unknown key"),
    ],
)
def test_an_unknown_key_is_told_by_its_place_and_the_name_it_resembles(sent: dict[str, Any], told: str) -> None:
    """The resembling name is one of ours that is not there; what was sent is never repeated."""
    assert explained(edited(sent)) == (told,)


def test_null_is_not_absent() -> None:
    assert explained(edited({"patient.mobile": None})) == ("patient.mobile: type",)


def test_an_empty_object_misses_every_required_member_once() -> None:
    found = explained(b"{}")

    assert len(found) == len(set(found))
    assert "patient: required" in found


def test_a_body_that_is_no_object_is_told_so() -> None:
    assert explained(b"[1]") == ("$: type",)


def test_a_list_of_mistakes_is_bounded() -> None:
    assert len(explained(edited({"lines": [{}] * 500}))) == MOST


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lines.7.amount": PLANT}, "lines.7.amount: form"),
        ({"split": {}}, "split.total: required"),
        ({"split.显眼": 1}, "split: unknown key"),
        ({"kind": PLANT}, "kind: form"),
    ],
)
def test_a_long_body_gets_its_first_mistake_in_the_same_words(change: dict[str, Any], told: str) -> None:
    assert explained(long_bill(**{name.replace(".", "__"): value for name, value in change.items()})) == (told,)


@pytest.mark.parametrize("key", [f"x` - at `$.{PLANT}", "x` - at `$.zhang.san", "x` - at `$.lines[110101199003070038]"])
def test_a_key_that_looks_like_a_place_is_not_taken_for_one(key: str) -> None:
    body = long_bill()

    assert explained({key: 1, **body}) == ("$: unknown key",)


def test_a_long_wrong_bill_costs_no_more_than_a_sound_one() -> None:
    """Many of them from one hospital would else hold up every other: this runs where all of them are served."""
    sound = json.dumps(bill(lines=3000)).encode()
    wrong = json.dumps(edited({"lines.2999.price": None}, lines=3000)).encode()

    assert _seconds(wrong) < 2 * _seconds(sound)


@pytest.mark.parametrize(
    "body",
    [edited({"lines.70.price": None}, lines=100), {"lines": [1] * 16_000}, {"a" * n: 1 for n in range(1, 240)}],
    ids=["one mistake", "mistakes only", "unknown keys only"],
)
def test_the_longest_whole_explanation_is_soon_made(body: dict[str, Any]) -> None:
    encoded = json.dumps(body, separators=(",", ":")).encode()
    assert LONGEST * 0.8 < len(encoded) <= LONGEST

    assert min(_spent(lambda: mistakes_of(encoded, Submission)) for _ in range(5)) < 0.03


def _seconds(body: bytes) -> float:
    def read() -> None:
        with suppress(BadClaim):
            Intake({}).read("canonical", body)

    return min(_spent(read) for _ in range(5))


def _spent(work: Any) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started
