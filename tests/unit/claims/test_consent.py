"""Without a live consent of this person, for this hospital, insurer and purpose, nothing leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.claims.canonical.cover import Consent
from gateway.claims.consent import consent_gap

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
GOOD = Consent(
    consent_id="c1",
    patient_id="p1",
    grantor="self",
    hospital_codes=("H1",),
    insurer_codes=("ins",),
    purposes=("claim",),
    data_classes=("identity", "medical", "financial"),
    text_version="v1",
    text_sha256="0" * 64,
    given_at=NOW - timedelta(days=1),
    valid_to=NOW + timedelta(days=1),
    channel="app",
    proof_ref="proof1",
)


def _gap(**changes: Any) -> str:
    return consent_gap(msgspec.structs.replace(GOOD, **changes), patient="p1", hospital="H1", insurer="ins", now=NOW)


def test_a_live_consent_leaves_no_gap() -> None:
    assert _gap() == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"patient_id": "p2"}, "consent-other-patient"),
        ({"withdrawn_at": NOW}, "consent-withdrawn"),
        ({"valid_to": NOW}, "consent-expired"),
        ({"given_at": NOW + timedelta(seconds=1)}, "consent-expired"),
        ({"hospital_codes": ("H2",)}, "consent-other-hospital"),
        ({"insurer_codes": ("other",)}, "consent-other-insurer"),
        ({"purposes": ("payout",)}, "consent-other-purpose"),
        ({"data_classes": ("identity", "financial")}, "consent-other-data"),
    ],
)
def test_every_gap_has_its_own_reason(changes: dict[str, Any], reason: str) -> None:
    assert _gap(**changes) == reason


def test_a_consent_that_is_withdrawn_later_is_good_until_then() -> None:
    assert _gap(withdrawn_at=NOW + timedelta(minutes=1)) == ""
