"""Consent before anything leaves (domain §3.1): whose it is, whether it lives, and what an insurer may ask for."""

from typing import Any

import pytest
from support.bills import sample_bill
from support.house import House

YESTERDAY = "2025-03-04T08:00:00+08:00"


def _other_person(consent: dict[str, Any]) -> None:
    consent["patient_id"] = "pat_other"


def _withdrawn(consent: dict[str, Any]) -> None:
    consent["withdrawn_at"] = YESTERDAY


def _ended(consent: dict[str, Any]) -> None:
    consent["valid_to"] = YESTERDAY


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(_other_person, "consent-other-patient", id="e1-identity-mismatch"),
        pytest.param(_ended, "consent-expired", id="e2-expired"),
        pytest.param(_withdrawn, "consent-withdrawn", id="e3-withdrawn"),
    ],
)
async def test_s3_1_without_a_live_consent_of_this_person_nothing_leaves(
    house: House, change: Any, reason: str
) -> None:
    bill = sample_bill("package").changed(lambda submission: change(submission["consent"]))
    before = len(await house.received("package"))

    answer = await house.submit(bill)
    claim = answer.document["claims"][0]

    assert answer.is_decided
    assert (claim["state"], claim["outcome"], claim["reason"]) == ("closed", "not_sent", reason)
    assert answer.document["self_pay_due_fen"] == bill.submission["split"]["cash_pay"]
    assert len(await house.received("package")) == before


async def test_s3_1_e3_a_withdrawn_consent_lets_no_quick_claim_follow_either(house: House) -> None:
    def change(submission: dict[str, Any]) -> None:
        submission["counter"] = {"quick_claim": True}
        _withdrawn(submission["consent"])

    answer = await house.submit(sample_bill("package").changed(change))

    assert [claim["reason"] for claim in answer.document["claims"]] == ["consent-withdrawn"]


async def test_s3_1_e2_a_bill_without_a_policy_is_no_claim(house: House) -> None:
    answer = await house.submit(sample_bill("package").changed(lambda submission: submission.update(policies=[])))

    assert (answer.status, answer.code) == (422, "schema-invalid")
    assert "policies" in answer.document["fields"][0]
