"""Small FHIR pieces: money, codings and the ``urn:lianpei:*`` extensions (docs/hospital-formats.md)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from gateway.kernel.money import yuan

_FEN_FIELDS = frozenset(
    {"total", "amount", "residual", "deductible_left", "deductible", "hospital_bear", "cash_pay", "account_pay"}
    | {"family_account", "self_pay_due", "own_total", "over_total", "pre_total", "scope_total"}
)


class Refs(Protocol):
    """From an entry's short name to its ``urn:uuid:`` reference."""

    def __call__(self, name: str) -> str: ...


def money(fen: int) -> dict[str, Any]:
    return {"value": Decimal(yuan(fen)), "currency": "CNY"}


def coding(system: str, code: str, display: str) -> dict[str, Any]:
    """A CodeableConcept with one coding."""
    return {"coding": [one_coding(system, code, display)]}


def one_coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"urn:lianpei:{system}", "code": code, "display": display}


def extension(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"url": f"urn:lianpei:{name}", kind: value}


def nested(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A whole canonical object as one extension; a list field repeats its entry."""
    parts = [
        {"url": field, **_value(field, one)}
        for field, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return {"url": f"urn:lianpei:{name}", "extension": parts}


def _value(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        is_fen = field in _FEN_FIELDS or field.startswith("fund_")
        return {"valueMoney": money(value)} if is_fen else {"valueInteger": value}
    return {"valueString": str(value)}
