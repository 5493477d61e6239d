"""Over random bills: what ties out passes, and no single moved 分 goes unseen."""

import sys
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "rules"))
from rule_bills import bill, line, submission

from gateway.claims.rules import Severity, check_submission
from gateway.kernel.money import fen_from_yuan, line_amount, yuan

prices = st.decimals(min_value=0, max_value=99999, places=4)
quantities = st.decimals(min_value=Decimal("0.01"), max_value=999, places=2)


@st.composite
def lines(draw: st.DrawFn) -> list[dict[str, object]]:
    drawn = draw(st.lists(st.tuples(prices, quantities), min_size=1, max_size=12))
    return [
        line(number, str(price), str(qty), line_amount(price, qty))
        for number, (price, qty) in enumerate(drawn, start=1)
    ]


@st.composite
def splits(draw: st.DrawFn, total: int) -> dict[str, int]:
    fund = draw(st.integers(0, total))
    account = draw(st.integers(0, total - fund))
    return {
        "total": total,
        "fund_total": fund,
        "account_pay": account,
        "cash_pay": total - fund - account,
        "personal_total": total - fund,
    }


@st.composite
def bills(draw: st.DrawFn) -> dict[str, object]:
    drawn = draw(lines())
    split = draw(splits(sum(int(str(item["amount"])) for item in drawn)))
    return {"lines": drawn, "split": split, "invoice.amount": max(split["total"], 1)}


@settings(max_examples=80, deadline=None)
@given(bills())
def test_every_bill_that_ties_out_is_taken(edits: dict[str, object]) -> None:
    found = [f for f in check_submission(submission(edits)) if f.rule.startswith("money") and f.rule != "money-18"]

    assert found == []


@settings(max_examples=80, deadline=None)
@given(bills(), st.sampled_from(["total", "fund_total", "account_pay", "cash_pay"]), st.sampled_from([-1, 1, 100]))
def test_no_moved_fen_of_a_share_goes_unseen(edits: dict[str, object], share: str, step: int) -> None:
    split = dict(edits["split"])  # type: ignore[call-overload]  # hypothesis draws it as an object
    split[share] += step
    found = check_submission(submission({**edits, "split": split}))

    assert any(f.severity is Severity.REFUSE and f.rule == "money-3" for f in found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8), st.integers(2, 10**6), st.sampled_from([-1, 1]))
def test_no_moved_fen_of_a_line_goes_unseen(index: int, by: int, sign: int) -> None:
    amount = bill()["lines"][index]["amount"] + sign * by
    found = check_submission(submission({f"lines.{index}.amount": amount}))

    assert {f.rule for f in found if f.severity is Severity.REFUSE} >= {"money-1", "money-2", "money-7"}


@given(st.integers(1 - 10**15, 10**15 - 1))
def test_yuan_and_fen_are_two_spellings_of_one_amount(amount: int) -> None:
    assert fen_from_yuan(yuan(amount)) == amount
