"""Money identities and consistency rules of a bill: pure, cheap, and the same for every hospital and insurer."""

from gateway.claims.rules.check import RULES, check_submission, require_sound
from gateway.claims.rules.finding import Finding, Severity, warnings_of
from gateway.claims.rules.split import invoice_uses, patient_burden, remaining

__all__ = [
    "RULES",
    "Finding",
    "Severity",
    "check_submission",
    "invoice_uses",
    "patient_burden",
    "remaining",
    "require_sound",
    "warnings_of",
]
