"""What the money identities promise: a sound bill passes; a broken sum names its rule, its fields, the difference."""

from typing import Any

import pytest
from rule_bills import edited, line, submission

from gateway.claims.rules import Severity, check_submission, invoice_uses, patient_burden, remaining, require_sound
from gateway.kernel.errors import BadMoney

LAST = 8
"""Index of the class C line of the nine-line bill."""


def only(edits: dict[str, Any], lines: int = 9) -> tuple[str, Severity, int | None]:
    found = check_submission(submission(edits, lines))

    assert len(found) == 1, [finding.en for finding in found]
    return found[0].rule, found[0].severity, found[0].difference_fen


@pytest.mark.parametrize("count", [1, 9, 42, 230])
def test_a_bill_that_ties_out_breaks_no_rule(count: int) -> None:
    assert check_submission(submission(lines=count)) == []


@pytest.mark.parametrize(
    ("edits", "rule", "difference"),
    [
        ({"split.fund_pool": 0}, "money-5", None),
        ({"split.family_account": 10**9}, "money-5", None),
        ({"split.family_account": -1}, "money-5", None),
        ({"split.personal_total": 7}, "money-6", None),
        ({"split.scope_total": 0}, "money-4", None),
        ({"split.categories.0.amount": 1}, "money-8", None),
        ({"split.self_pay_due": 0}, "money-10", None),
        ({"policies.0.residual": 99}, "money-11", None),
        ({"invoice.kind": "red"}, "money-18", None),
        ({"invoice.amount": 0}, "money-18", None),
        ({"invoice.amount": 10**9}, "money-18", None),
        ({"lines.0.own_amount": 1}, "money-7", 1),
    ],
)
def test_one_broken_sum_is_refused_under_its_own_rule(edits: dict[str, Any], rule: str, difference: int | None) -> None:
    name, severity, found = only(edits)

    assert (name, severity) == (rule, Severity.REFUSE)
    assert difference is None or found == difference


def test_lines_off_the_total_by_one_fen_are_refused_with_that_fen() -> None:
    found = {f.rule: f for f in check_submission(submission({"lines.0.amount": 2470, "lines.0.in_scope": 2470}))}

    assert found["money-2"].difference_fen == 1
    assert found["money-2"].severity is Severity.REFUSE
    assert "lines.amount" in found["money-2"].fields


def test_a_line_rounded_otherwise_by_one_fen_keeps_the_hospitals_amount() -> None:
    rounded = line(1, "12.344", "2", 2470)

    assert only({"lines.0": rounded, "lines.1": line(2, "12.34", "2", 2468)}) == ("money-1", Severity.FLAG, 1)


def test_a_line_off_by_more_than_one_fen_is_refused() -> None:
    edits = {"lines.0": line(1, "12.35", "2", 2467), "lines.1": line(2, "24.71", "1", 2471)}

    assert only(edits) == ("money-1", Severity.REFUSE, -3)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1E+400000", "9" * 40])
def test_a_price_that_is_no_price_is_refused_and_breaks_nothing(price: str) -> None:
    found = check_submission(submission({"lines.0.price": price}))

    assert [(f.rule, f.severity) for f in found] == [("money-1", Severity.REFUSE)]


def test_the_payers_shares_make_the_total() -> None:
    found = {
        f.rule: f.difference_fen for f in check_submission(submission({"split.cash_pay": 1, "split.self_pay_due": 1}))
    }

    assert found["money-3"] is not None
    assert found["money-3"] < 0


def test_a_negative_share_cannot_lift_the_cash_part_above_the_total() -> None:
    body = edited({})["split"]
    total, account = body["total"], body["account_pay"]
    edits = {
        "split.fund_total": -1000,
        "split.fund_pool": -1010,
        "split.cash_pay": total - account + 1000,
        "split.personal_total": total + 1000,
        "split.self_pay_due": total - account + 900,
    }

    assert only(edits) == ("money-3", Severity.REFUSE, None)


def test_what_the_hospital_bears_counts_as_a_payer() -> None:
    cash = edited({})["split"]["cash_pay"]
    edits = {
        "split.hospital_bear": 50,
        "split.cash_pay": cash - 50,
        "split.personal_total": edited({})["split"]["personal_total"] - 50,
        "split.self_pay_due": cash - 150,
    }

    assert check_submission(submission(edits)) == []


def test_commercial_shares_never_pass_what_the_patient_bears() -> None:
    cash = edited({})["split"]["cash_pay"]
    pays = [{"policy_no": "P1", "amount": cash}, {"policy_no": "OTHER", "amount": 1}]

    assert only({"split.commercial_pay": pays}) == ("money-11", Severity.REFUSE, 1)


def test_a_negative_commercial_share_is_refused() -> None:
    cash = edited({})["split"]["cash_pay"]
    pays = [{"policy_no": "P1", "amount": -1}]

    assert only({"split.commercial_pay": pays, "split.self_pay_due": cash + 1})[:2] == ("money-11", Severity.REFUSE)


def test_a_fixed_benefit_lowers_nothing_at_the_counter() -> None:
    cash = edited({})["split"]["cash_pay"]
    edits = {
        "policies.0.benefit_type": "fixed",
        "split.commercial_pay.0.amount": 1_000_000,
        "split.self_pay_due": cash,
    }

    assert check_submission(submission(edits)) == []


def _with_refund(amount: int, qty: str, refund_of: str | None) -> dict[str, Any]:
    """The bill's second line undoes its first; the rest stays out so that the sums still hold."""
    more = {} if refund_of is None else {"refund_of": refund_of}
    first, back = line(1, "10.00", "3", 3000), line(2, "10.00", qty, amount, **more)
    rest = line(3, "2.00", "1", 200)
    total = 3000 + amount + 200
    split = {
        "total": total,
        "fund_total": 0,
        "account_pay": 0,
        "cash_pay": total,
    }
    return {"lines": [first, back, rest], "split": split, "invoice.amount": max(total, 1)}


def test_a_refund_inside_its_line_is_sound() -> None:
    assert check_submission(submission(_with_refund(-3000, "-3", "L0001"))) == []


def test_refunds_that_pass_their_line_in_money_are_refused_with_the_excess() -> None:
    found = check_submission(submission(_with_refund(-3100, "-3.1", "L0001")))

    assert [(f.rule, f.severity, f.difference_fen) for f in found] == [("money-14", Severity.REFUSE, 100)]


def test_two_refunds_of_one_line_count_together() -> None:
    edits = _with_refund(-2000, "-2", "L0001")
    edits["lines"].append(line(4, "10.00", "-2", -2000, refund_of="L0001"))
    edits["lines"].append(line(5, "20.00", "1", 2000))
    found = check_submission(submission(edits))

    assert [(f.rule, f.difference_fen) for f in found] == [("money-14", 1000)]


def test_a_refund_that_names_no_line_of_the_bill_is_only_flagged() -> None:
    assert only(_with_refund(-1000, "-1", None))[:2] == ("money-14", Severity.FLAG)
    assert only(_with_refund(-1000, "-1", "L9999"))[:2] == ("money-14", Severity.FLAG)


def test_a_line_number_counts_once() -> None:
    assert only({"lines.0.line_no": "L0002"})[:2] == ("money-2", Severity.REFUSE)


def test_what_a_class_should_say_is_only_flagged_because_provinces_differ() -> None:
    assert only({f"lines.{LAST}.own_amount": 0, f"lines.{LAST}.in_scope": 2800})[:2] == ("money-7", Severity.FLAG)
    edits = {"lines.0.class_level": "A", "lines.0.pre_self": 100, "lines.0.in_scope": 2369}
    assert only(edits)[:2] == ("money-7", Severity.FLAG)


def test_a_refusal_names_rule_fields_and_difference_and_no_value_of_the_patient() -> None:
    with pytest.raises(BadMoney) as caught:
        require_sound(
            submission({"split.categories.0.amount": 1, "patient.name": "张显眼", "lines.0.hosp_name": "显眼药"})
        )

    (broken,) = caught.value.errors
    assert broken["rule"] == "money-8"
    assert "split.total" in broken["fields"]
    assert "split.categories.amount" in caught.value.fields
    assert broken["difference_fen"] != 0
    assert "相差" in broken["zh"]
    assert "显眼" not in caught.value.message + caught.value.hint + str(broken)


def test_flags_do_not_stop_a_bill_and_are_handed_back() -> None:
    flags = require_sound(submission({"visit.days": 9}))

    assert [flag.rule for flag in flags] == ["claim-16"]


def test_a_wrong_mapping_of_a_long_bill_gives_a_bounded_answer_with_refusals_first() -> None:
    found = check_submission(submission({f"lines.{index}.price": "1" for index in range(220)}, 230))

    assert len(found) == 100
    assert {finding.severity for finding in found} == {Severity.REFUSE}


def test_burden_and_remainder() -> None:
    s = submission()

    assert patient_burden(s) == s.split.cash_pay
    assert remaining(100, 40) == 60
    with pytest.raises(ValueError, match="burden"):
        remaining(100, 101)


def test_an_invoice_is_used_once_per_expense_insurer() -> None:
    assert invoice_uses(submission()) == (("package", "99000001", "0000000001"),)
    assert invoice_uses(submission({"policies.0.benefit_type": "fixed"})) == ()


def rules_of(refused: BadMoney) -> set[str]:
    return {error["rule"] for error in refused.errors}


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+400", "-1E+14", "1E-400", "0E-400"])
@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("lines.0.price", "money-1"),
        ("lines.0.qty", "money-1"),
        ("lines.0.self_ratio", "money-21"),
        ("lines.0.price_limit", "money-21"),
        ("policies.0.liabilities", "money-21"),
    ],
)
def test_a_number_that_cannot_be_written_out_is_refused_by_its_field(field: str, rule: str, number: str) -> None:
    told = [{"code": "L1", "ratio": number}] if field.endswith("liabilities") else number
    named = f"{field}.0.ratio" if field.endswith("liabilities") else field

    with pytest.raises(BadMoney) as refused:
        require_sound(submission({field: told}))

    assert rule in rules_of(refused.value)
    assert named in refused.value.fields
    assert number not in f"{refused.value} {refused.value.errors}"


@pytest.mark.parametrize("ratio", ["-5", "-0.0001", "1.0001", "20", "99999"])
@pytest.mark.parametrize("field", ["lines.0.self_ratio", "policies.0.liabilities"])
def test_a_ratio_is_a_part_of_the_whole(field: str, ratio: str) -> None:
    told = [{"code": "L1", "ratio": ratio}] if field.endswith("liabilities") else ratio

    assert only({field: told}) == ("money-21", Severity.REFUSE, None)


@pytest.mark.parametrize(
    "edits",
    [
        {"lines.0.price_limit": "-0.01"},
        {"policies.0.deductible_left": -1},
        {"policies.0.liabilities": [{"code": "L1", "limit": -1}]},
    ],
)
def test_a_limit_and_what_is_left_of_one_are_not_negative(edits: dict[str, Any]) -> None:
    assert only(edits) == ("money-21", Severity.REFUSE, None)


def test_a_negative_residual_is_refused_even_where_nothing_is_to_be_paid_of_it() -> None:
    cash = edited({})["split"]["cash_pay"]
    edits = {"policies.0.residual": -1, "split.commercial_pay": [], "split.self_pay_due": cash}

    assert only(edits) == ("money-21", Severity.REFUSE, None)


def test_nothing_and_the_whole_are_ratios_and_limits_too() -> None:
    cover = {"code": "L1", "ratio": "1", "limit": 0}
    edits = {
        "lines.0.self_ratio": "0",
        "lines.1.self_ratio": "1.0000",
        "lines.2.price_limit": "0",
        "policies.0.deductible_left": 0,
        "policies.0.liabilities": [cover, cover | {"ratio": "0.0000"}],
    }

    assert check_submission(submission(edits)) == []


def test_a_price_beyond_any_is_refused_although_nothing_was_taken_of_it() -> None:
    with pytest.raises(BadMoney) as refused:
        require_sound(submission({"lines.0.price": "1E+400", "lines.0.qty": "0", "lines.0.amount": 0}))

    assert "money-1" in rules_of(refused.value)
