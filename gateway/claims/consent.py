"""Whether a patient's consent lets data go to one insurer for one purpose, now."""

from datetime import datetime

from gateway.claims.canonical.cover import Consent
from gateway.claims.canonical.types import UNSET

_NEEDED = frozenset({"identity", "medical", "financial"})
"""The data classes of which any claim holds something."""


def consent_gap(
    consent: Consent, *, patient: str, hospital: str, insurer: str, now: datetime, purpose: str = "claim"
) -> str:
    """The reason why nothing may be sent, or an empty text when the consent is good."""
    if consent.patient_id != patient:
        return "consent-other-patient"
    if consent.withdrawn_at is not UNSET and consent.withdrawn_at <= now:
        return "consent-withdrawn"
    if not consent.given_at <= now < consent.valid_to:
        return "consent-expired"
    if hospital not in consent.hospital_codes:
        return "consent-other-hospital"
    if insurer not in consent.insurer_codes:
        return "consent-other-insurer"
    if purpose not in consent.purposes:
        return "consent-other-purpose"
    if not _NEEDED.issubset(consent.data_classes):
        return "consent-other-data"
    return ""
