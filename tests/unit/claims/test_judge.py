"""What an insurer's answer does to a claim: each row is one promise."""

import pytest

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.judge import Judgement, Verdict, judge
from gateway.claims.conversation.plan import Step
from gateway.claims.partners.manifest import ActRule

SETTLE = Step("settle", ActRule(role="settle"))
QUOTE = Step("quote", ActRule(role="quote"))
UPLOAD = Step("fee_lines", ActRule())
AFTER = Step("invoice", ActRule(role="after"))


@pytest.mark.parametrize(
    ("step", "result", "quoted", "expected"),
    [
        (UPLOAD, ActResult(state="accepted"), None, Judgement(Verdict.GO_ON)),
        (UPLOAD, ActResult(state="refused", peer_code="9"), None, Judgement(Verdict.DECIDED, "refused", 0, "9")),
        (UPLOAD, ActResult(state="pending"), None, Judgement(Verdict.WAIT)),
        (UPLOAD, ActResult(state="unknown"), None, Judgement(Verdict.ASK)),
        (SETTLE, ActResult(state="not_found"), None, Judgement(Verdict.GONE)),
        (QUOTE, ActResult(state="accepted", approved=500), None, Judgement(Verdict.GO_ON, approved=500)),
        (QUOTE, ActResult(state="accepted", approved=0), None, Judgement(Verdict.DECIDED, "zero", 0, "")),
        (QUOTE, ActResult(state="accepted"), None, Judgement(Verdict.PARK, reason="quote-without-amount")),
        (
            QUOTE,
            ActResult(state="accepted", approved=1001),
            None,
            Judgement(Verdict.PARK, reason="quote-out-of-bounds"),
        ),
        (SETTLE, ActResult(state="accepted", approved=500), 500, Judgement(Verdict.DECIDED, "paid", 500, "")),
        (
            SETTLE,
            ActResult(state="accepted", verdict="partial", approved=500),
            None,
            Judgement(Verdict.DECIDED, "partial", 500, ""),
        ),
        (SETTLE, ActResult(state="accepted", approved=0), None, Judgement(Verdict.DECIDED, "zero", 0, "")),
        (
            SETTLE,
            ActResult(state="accepted", verdict="refused", peer_code="R1"),
            None,
            Judgement(Verdict.DECIDED, "refused", 0, "R1"),
        ),
        (AFTER, ActResult(state="refused"), None, Judgement(Verdict.GO_ON)),
    ],
)
def test_an_answer_means(step: Step, result: ActResult, quoted: int | None, expected: Judgement) -> None:
    assert judge(step, result, claimed=1000, quoted=quoted) == expected


def test_an_insurer_that_approves_more_than_the_patient_bears_is_looked_at_by_a_person() -> None:
    result = ActResult(state="accepted", approved=1001)

    assert judge(SETTLE, result, claimed=1000, quoted=None) == Judgement(Verdict.PARK, reason="decision-out-of-bounds")


def test_a_settlement_that_differs_from_the_quote_is_never_taken_silently() -> None:
    result = ActResult(state="accepted", approved=499)

    assert judge(SETTLE, result, claimed=1000, quoted=500) == Judgement(
        Verdict.PARK, approved=499, reason="settled-differs-from-quote"
    )


def test_a_decision_without_an_amount_is_no_decision() -> None:
    assert judge(SETTLE, ActResult(state="accepted"), claimed=1000, quoted=None).verdict is Verdict.PARK
