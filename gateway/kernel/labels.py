"""What a piece of data tells about a person. Every leaf of every schema carries exactly one label."""

from enum import StrEnum


class Label(StrEnum):
    IDENTITY = "identity"
    """Who the person is: name, certificate number, phone."""
    MEDICAL = "medical"
    """What the person has or was given: diagnosis, fee line, department, visit time."""
    FINANCIAL = "financial"
    """Amounts and policy numbers."""
    OPERATIONAL = "operational"
    """Random ids, states, times of our own acts."""


PAYMENT_MAY_SEE = frozenset({Label.FINANCIAL, Label.OPERATIONAL})
"""Lock 3 of the wall: what a payment schema and a payment-channel mapping may carry, and nothing else."""


def may_enter(field: frozenset[str]) -> frozenset[str] | None:
    """Labels of what may be written into a field of these labels; None where anything may.

    A financial or operational field is one that payment may see one day, so nothing else may hide in it.
    """
    visible = PAYMENT_MAY_SEE & field
    return frozenset(label.value for label in PAYMENT_MAY_SEE) if visible else None
