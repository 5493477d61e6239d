"""Rules about several policies in one bill, and about the guardian of a child."""

from typing import Any

import pytest
from rule_bills import bill, submission

from gateway.claims.rules import check_submission


def broken(edits: dict[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.rule, one.severity.value, one.fields) for one in check_submission(submission(edits))]


def beside(**more: Any) -> dict[str, Any]:
    """The bill's policy and a second one that differs from it in ``more`` alone."""
    made = bill()
    first, split = made["policies"][0], made["split"]
    nothing_paid = {"commercial_pay": [], "self_pay_due": split["cash_pay"]}
    return {"policies": [first, first | {"order_no": 2} | more], "split": split | nothing_paid}


def test_a_policy_counts_once_in_a_bill() -> None:
    assert broken(beside()) == [("claim-22", "refuse", ("policies.0.policy_no", "policies.1.policy_no"))]


def test_two_policies_cannot_both_be_the_first_to_pay() -> None:
    found = broken(beside(policy_no="P2", order_no=1))

    assert found == [("claim-22", "refuse", ("policies.0.order_no", "policies.1.order_no"))]


@pytest.mark.parametrize(
    "more",
    [
        {"policy_no": "P2"},
        {"insurer_code": "hcx"},
        {"cert_no_group": "G2"},
        {"product_code": "prod-2"},
        {"benefit_type": "fixed"},
        {"policy_no": "P2", "order_no": 20},
    ],
)
def test_what_differs_in_insurer_number_certificate_product_or_benefit_is_another_policy(more: dict[str, Any]) -> None:
    assert broken(beside(**more)) == []


def child(born: str, **more: Any) -> dict[str, Any]:
    """The visit begins on 5 March 2025."""
    patient = bill()["patient"] | {"birth_date": born, "cert_type": "birth", "cert_no": "B1"}
    return {"patient": patient | more}


@pytest.mark.parametrize(
    ("born", "told"), [("2020-01-01", True), ("2011-03-06", True), ("2011-03-05", False), ("2010-12-31", False)]
)
def test_a_patient_before_the_fourteenth_birthday_without_a_guardian_is_flagged(born: str, told: bool) -> None:
    flags = [("claim-23", "flag", ("patient.guardian_ref", "patient.birth_date"))]

    assert broken(child(born)) == (flags if told else [])


def test_a_child_whose_guardian_is_named_is_an_ordinary_patient() -> None:
    assert broken(child("2020-01-01", guardian_ref="grd_1")) == []


def test_the_birthday_is_a_day_in_shanghai() -> None:
    """16:30 in London on the 4th is the 5th in Shanghai."""
    edits = child("2011-03-05") | {"visit.begin_at": "2025-03-04T16:30:00Z"}

    assert all(rule != "claim-23" for rule, _, _ in broken(edits))
