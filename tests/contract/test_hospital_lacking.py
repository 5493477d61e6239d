"""A hospital's engineer is told everything that a message lacks at once, by the names that the message itself uses."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from partner_folder import ROOT

from gateway.claims.canonical.claim import Submission
from gateway.claims.intake import Intake, Reader
from gateway.kernel.errors import BadClaim
from gateway.kernel.labels import Label
from gateway.mapping import Vocabulary, load_reader

FORMS = ("yibao-2207", "fhir-r4", "csv")
HEAD = "settlement.output.setlinfo"


@cache
def intake() -> Intake:
    vocabulary = Vocabulary(None, Submission, frozenset(label.value for label in Label))
    readers: dict[str, Reader] = {
        form: load_reader(ROOT / "mappings" / "hospitals" / form / "visit.yaml", vocabulary) for form in FORMS
    }
    return Intake(readers)


def refused(form: str, body: bytes) -> BadClaim:
    with pytest.raises(BadClaim) as told:
        intake().read(form, body)
    return told.value


def settled(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The shipped 2207 example, changed."""
    example = ROOT / "mappings" / "hospitals" / "yibao-2207" / "examples" / "outpatient.body.json"
    body = json.loads(example.read_bytes())
    change(body)
    return json.dumps(body).encode()


def head_of(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["settlement"]["output"]["setlinfo"]
    return found


def test_all_that_is_absent_is_told_at_once_where_the_message_should_have_it() -> None:
    def cut(body: dict[str, Any]) -> None:
        for name in ("certno", "psn_name", "medfee_sumamt"):
            del head_of(body)[name]
        for row in body["fee_detail"][3:5]:
            del row["pric"]
        del body["commercial"]["consent"]["grantor"]
        del body["commercial"]["policies"][0]["policy_no"]

    assert set(refused("yibao-2207", settled(cut)).fields) == {
        f"{HEAD}.certno",
        f"{HEAD}.psn_name",
        f"{HEAD}.medfee_sumamt",
        "fee_detail.[].pric",
        "commercial.consent.grantor",
        "commercial.policies.[].policy_no",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda body: head_of(body).update(medfee_sumamt="430.001"), f"{HEAD}.medfee_sumamt"),
        (lambda body: head_of(body).update(med_type="99"), f"{HEAD}.med_type"),
        (lambda body: body["fee_detail"][2].update(cnt="zwei"), "fee_detail.[].cnt"),
        (lambda body: body["fee_result"].pop(), "lines.[].fee_category"),
    ],
    ids=["an amount", "a code", "a row's number", "of two places"],
)
def test_a_value_that_cannot_be_read_is_told_by_its_place(change: Callable[[Any], object], field: str) -> None:
    """What comes of two lists together has no one place: it is told by the name of the model."""
    assert refused("yibao-2207", settled(change)).fields == (field,)


def test_a_sender_is_shown_the_formats_page_and_no_line_of_our_files() -> None:
    told = refused("yibao-2207", settled(lambda body: head_of(body).pop("certno")))

    assert told.error_code == "format-incomplete"
    assert "docs/hospital-formats.md" in told.hint
    assert not any(ours in f"{told.message} {told.hint}" for ours in (".yaml", "visit", "<-"))


@pytest.mark.parametrize(("form", "body"), [("fhir-r4", b"{}"), ("csv", b"#patient,name\n"), ("yibao-2207", b"{}")])
def test_of_an_empty_message_no_more_than_twenty_places_are_told(form: str, body: bytes) -> None:
    fields = refused(form, body).fields

    assert len(fields) == len(set(fields)) == 20
