"""Canonical model v1: what a visit, a claim and a decision are, whichever hospital or insurer speaks.

Absent is not null: an optional field is either absent (``UNSET``) or has a value; ``null`` is refused.
"""

MODEL_VERSION = "1"
