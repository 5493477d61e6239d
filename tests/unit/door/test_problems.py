"""Problem documents: what every refusal says, and what it asks of the caller's next request."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.claims.door.problems import answer_to
from gateway.kernel.errors import (
    BadClaim,
    Busy,
    Conflict,
    KeyReused,
    LianpeiError,
    NotAllowed,
    RoleMissing,
    TooOften,
    UnderWay,
)
from gateway.kernel.errorwords import error_words, in_chinese


def answer(wrong: Exception, *more: str) -> web.Response:
    return answer_to(make_mocked_request("POST", "/v1/claims"), wrong, *more)


def document(wrong: Exception) -> dict[str, Any]:
    body = answer(wrong).body
    assert isinstance(body, bytes)
    told: dict[str, Any] = json.loads(body)
    return told


@pytest.mark.parametrize(
    ("wrong", "seconds"), [(Busy("no"), "1"), (UnderWay("no"), "1"), (TooOften("no", retry_after_s=7), "7")]
)
def test_what_passes_says_when_to_come_again(wrong: LianpeiError, seconds: str) -> None:
    assert answer(wrong).headers["Retry-After"] == seconds


@pytest.mark.parametrize("wrong", [KeyReused("no"), Conflict("no", code="already-paid"), BadClaim("no")])
def test_what_repeating_never_mends_does_not_invite_to_repeat(wrong: LianpeiError) -> None:
    assert "Retry-After" not in answer(wrong).headers


def test_another_body_under_a_used_key_is_a_mistake_of_the_request_and_no_conflict() -> None:
    assert answer(KeyReused("no")).status == 422


def test_a_refusal_speaks_chinese_by_its_code_and_leads_to_its_explanation() -> None:
    told = document(Conflict("the bill is paid", code="already-paid", hint="Collect nothing."))

    assert (told["type"], told["code"]) == ("/errors/already-paid", "already-paid")
    assert (told["title"], told["hint"]) == ("the bill is paid", "Collect nothing.")
    assert told["zh"] == "账单已付。请勿再收。"


def test_our_own_mistake_says_nothing_of_itself() -> None:
    told = document(RuntimeError("张三 of ward 4"))

    assert (told["status"], told["code"]) == (500, "internal")
    assert "张三" not in json.dumps(told, ensure_ascii=False)


def test_a_code_that_nobody_explained_is_told_as_a_mistake_of_ours() -> None:
    assert in_chinese("no-such-code") == in_chinese("internal")


def test_every_code_has_words_in_both_languages() -> None:
    for code, words in error_words().items():
        assert all(words), code


def test_a_refused_method_is_told_which_ones_are_taken() -> None:
    assert answer(web.HTTPMethodNotAllowed("PUT", ["POST", "GET"])).headers["Allow"] == "GET,POST"


@pytest.mark.parametrize(
    ("challenge", "told"), [("Signature", 'Signature realm="lianpei"'), ("Bearer", 'Bearer realm="lianpei"')]
)
def test_an_unknown_caller_is_told_how_to_prove_itself(challenge: str, told: str) -> None:
    assert answer(NotAllowed("no"), challenge).headers["WWW-Authenticate"] == told


def test_a_known_caller_is_not_asked_to_prove_itself_again() -> None:
    assert "WWW-Authenticate" not in answer(RoleMissing("no")).headers
