"""``Prefer`` as RFC 7240 has it: however a wish is written, it is followed and named, or the request is refused."""

import time

import pytest

from gateway.claims.door.preferences import preferences
from gateway.kernel.errors import BadRequest

WAITS = {
    "wait=20": (20, "wait=20"),
    "wait=0": (0, "wait=0"),
    'wait="5"': (5, "wait=5"),
    "WAIT = 3": (3, "wait=3"),
    "wait=007": (7, "wait=7"),
    "wait=60": (60, "wait=60"),
    "wait=61": (60, "wait=60"),
    "wait=9999": (60, "wait=60"),
    "wait=" + "9" * 5000: (60, "wait=60"),
    "wait=5, wait=10": (5, "wait=5"),
    "wait=5; strictly, return=minimal": (5, "wait=5"),
}


@pytest.mark.parametrize(("text", "told"), WAITS.items(), ids=lambda one: str(one)[:40])
def test_a_wait_is_followed_up_to_the_longest_and_named(text: str, told: tuple[float, str]) -> None:
    found = preferences(text)

    assert (found.wait, found.applied, found.clear) == (*told, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "respond-async",
        "foo",
        'foo="a, wait=5, confirm; quick-claim"',
        "wait",
        "wait=soon",
        "wait=5.5",
        "wait=５",
    ],
)
def test_what_is_not_known_is_ignored_and_nothing_is_said_to_be_applied(text: str) -> None:
    found = preferences(text)

    assert (found.wait, found.confirm, found.quick_claim, found.applied, found.clear) == (25, False, False, "", True)


@pytest.mark.parametrize(
    "text",
    [
        "wait=5, confirm",
        "confirm,wait=5",
        "wait=5,,Confirm",
        "wait=5 , CONFIRM",
        'wait=5, confirm=""',
        "confirm; x, wait=5",
    ],
)
def test_a_wish_to_be_asked_is_heard_however_it_is_written(text: str) -> None:
    found = preferences(text)

    assert (found.confirm, found.quick_claim, found.applied, found.clear) == (True, False, "wait=5, confirm", True)


def test_everything_that_is_applied_is_named() -> None:
    assert preferences("Quick-Claim, confirm, wait=1").applied == "wait=1, confirm, quick-claim"


@pytest.mark.parametrize(
    "text",
    [
        "confirm=true",
        "confirm=no",
        'quick-claim="yes"',
        "wait=5; confirm",
        "wait=5;Confirm=1",
        "wait=5 confirm",
        'wait="5, confirm',
        "wait=5, =confirm",
    ],
)
def test_a_wish_that_may_be_meant_but_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        preferences(text).require_clear()

    assert (refused.value.http_status, refused.value.error_code) == (400, "preference-unclear")


@pytest.mark.parametrize("text", ['"' + '\\"' * 4000, ";" * 8000 + '"', "a=" + " " * 8000 + '"', "," * 8000])
def test_an_odd_header_costs_no_time(text: str) -> None:
    started = time.perf_counter()

    preferences(text)

    assert time.perf_counter() - started < 0.1
