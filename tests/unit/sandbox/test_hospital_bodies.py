"""docs/hospital-formats.md holds: the hospital mappings give every bill back, field for field, from either spelling."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.claims.canonical.claim import Submission
from gateway.kernel.labels import Label
from gateway.mapping import load_reader
from gateway.mapping.api import Incoming, Vocabulary
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.stories import STORIES
from gateway.sandbox.hospital.visits import Wish, submission
from gateway.sandbox.hospital.yibao import yibao_body

MAPPINGS = Path(__file__).parents[3] / "mappings" / "hospitals"
VOCABULARY = Vocabulary(None, Submission, frozenset(Label))
Spelling = Callable[[dict[str, Any]], dict[str, Any]]


def canonical(form: str, spelling: Spelling, bill: dict[str, Any]) -> Submission:
    reader = load_reader(MAPPINGS / form / "visit.yaml", VOCABULARY)
    return msgspec.convert(reader.read(Incoming(to_json(spelling(bill)))), Submission)


@pytest.mark.parametrize("kind", ["direct_pay", "quick_claim"])
@pytest.mark.parametrize("story", [name for name, story in STORIES.items() if story.insured])
def test_the_national_body_gives_the_bill_back(story: str, kind: str) -> None:
    bill = submission(Wish(story, 17, kind, ("package", "hcx")))
    assert canonical("yibao-2207", yibao_body, bill) == msgspec.convert(bill, Submission)


@pytest.mark.parametrize("kind", ["direct_pay", "quick_claim"])
@pytest.mark.parametrize("story", sorted(STORIES))
def test_the_fhir_bundle_gives_the_bill_back(story: str, kind: str) -> None:
    bill = submission(Wish(story, 17, kind, ("package", "hcx"), marks=True))
    assert canonical("fhir-r4", fhir_bundle, bill) == msgspec.convert(bill, Submission)
