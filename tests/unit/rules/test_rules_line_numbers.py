"""Line numbers are looked at together; each is held to the form of an id all the same, wherever a bill comes from."""

import json
from typing import Any

import msgspec
import pytest
from rule_bills import bill

from gateway.claims.canonical.claim import Submission
from gateway.claims.explain import mistakes_of
from gateway.kernel.ids import are_ids, is_id

WRONG = ("", "a b", "a\n", "\n", "行1", "a" * 65, "a\ud800", "a/b", "a\0")
GOOD = ("1", "A.b_c:d-9", "z" * 64)


def with_number(number: str) -> dict[str, Any]:
    made = bill()
    made["lines"][-1]["line_no"] = number
    return made


@pytest.mark.parametrize("number", WRONG, ids=ascii)
def test_a_number_that_is_no_id_is_refused_with_its_place(number: str) -> None:
    made = with_number(number)
    place = rf" - at `\$\.lines\[{len(made['lines']) - 1}\]\.line_no`$"

    with pytest.raises(msgspec.ValidationError, match=place):
        msgspec.convert(made, Submission)


@pytest.mark.parametrize("number", [one for one in WRONG if "\ud800" not in one], ids=ascii)
def test_the_sender_is_told_the_field_and_the_rule(number: str) -> None:
    made = with_number(number)
    body = json.dumps(made).encode()

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Submission)
    assert mistakes_of(body, Submission) == [f"lines.{len(made['lines']) - 1}.line_no: pattern"]


@pytest.mark.parametrize("number", GOOD)
def test_a_number_that_is_an_id_is_taken(number: str) -> None:
    assert msgspec.convert(with_number(number), Submission).lines[-1].line_no == number


@pytest.mark.parametrize("number", [*WRONG, *GOOD], ids=ascii)
def test_many_are_ids_when_each_is_one(number: str) -> None:
    assert are_ids(["x", number, "y"]) == is_id(number)
