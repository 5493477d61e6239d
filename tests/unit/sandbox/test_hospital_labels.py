"""What is planted follows from the labels of the published model: a leaf that is added there is planted, here nothing changes."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.claims.canonical.claim import Submission
from gateway.claims.rules import check_submission
from gateway.sandbox.hospital import labels
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.marks import markable_leaves, where_planted, with_marks
from gateway.sandbox.hospital.visits import Wish, submission

NEW = {"remark_of_ward": "medical", "nickname": "identity", "internal_no": "operational"}


@pytest.fixture
def grown_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The published schema with three leaves that no code here has heard of."""
    schema = json.loads(labels.SCHEMA.read_bytes())
    for name, label in NEW.items():
        schema["$defs"]["Visit"]["properties"][name] = {"type": "string", "maxLength": 40, "x-label": label}
    grown = tmp_path / "submission.schema.json"
    grown.write_text(json.dumps(schema), "utf-8")
    monkeypatch.setattr(labels, "SCHEMA", grown)
    labels.structs.cache_clear()
    yield
    labels.structs.cache_clear()


def test_a_sensitive_leaf_that_is_added_to_the_model_is_planted(grown_model: None) -> None:
    leaves = set(where_planted(submission(Wish("inpatient", 5, marks=True, every=True))).values())

    assert {"Visit.remark_of_ward", "Visit.nickname"} <= leaves
    assert "Visit.internal_no" not in leaves


def test_full_inpatient_bills_hold_a_mark_in_every_leaf_that_can_hold_one() -> None:
    """Of both kinds: a quick-claim's payee is the patient, so one text stands in two leaves there."""
    bills = [submission(Wish("inpatient", 5, kind, marks=True, every=True)) for kind in ("direct_pay", "quick_claim")]

    assert {leaf.path for leaf in markable_leaves()} == {
        leaf for bill in bills for leaf in where_planted(bill).values()
    }


@pytest.mark.parametrize("story", ["outpatient", "inpatient", "self-pay", "pharmacy"])
def test_a_bill_with_every_leaf_filled_is_sound(story: str) -> None:
    bill = with_marks(submission(Wish(story, 7)), 7, every=True)

    assert check_submission(msgspec.json.decode(to_json(bill), type=Submission)) == []
