"""FHIR bundles as a strict payer reads them: references resolve, items multiply and add up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import fen_from_yuan
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.terms import Bill

EXTENSION = "urn:lianpei:"
_COVERED = ("identifier", "insurance", "patient", "insurer")
_REQUIRED = {
    "Claim": (*_COVERED, "type", "use", "billablePeriod", "item", "total"),
    "CoverageEligibilityRequest": (*_COVERED, "purpose", "servicedPeriod"),
}


def invalid(rule: str) -> Violation:
    return Violation("ERR_INVALID_DOMAIN_PAYLOAD", rule)


@dataclass(frozen=True, slots=True)
class Item:
    sequence: int
    net: int
    is_own_pay: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. ``entries`` maps fullUrl to resource, in the order of the bundle."""

    entries: dict[str, dict[str, Any]]
    main: dict[str, Any]

    @property
    def coverage(self) -> dict[str, Any]:
        """The focal coverage of the main resource."""
        insurances = self.main["insurance"]
        focal = next((one for one in insurances if one.get("focal")), insurances[0])
        return self.entries[focal["coverage"]["reference"]]

    @property
    def coverage_reference(self) -> str:
        return next(url for url, resource in self.entries.items() if resource is self.coverage)

    @property
    def policy_no(self) -> str:
        return str(self.coverage["identifier"][0]["value"])

    @property
    def identifier(self) -> str:
        """The sender's own number of the main resource: the same claim twice is one claim."""
        return str(self.main["identifier"][0]["value"])

    @property
    def is_inpatient(self) -> bool:
        return any(one.get("code") == "institutional" for one in self.main.get("type", {}).get("coding", []))

    def check_cover(self) -> None:
        """Raises ``KeyError``, ``IndexError`` or ``Violation`` when the cover can't be judged."""
        self.in_force()
        _ = self.policy_no, self.identifier

    def in_force(self) -> bool:
        """Whether the coverage is active during the whole service."""
        service = self.main.get("servicedPeriod") or self.main.get("billablePeriod")
        period = self.coverage["period"]
        if service is None:
            raise invalid("the request names no time of service")
        started, ended = _day(service["start"]), _day(service.get("end", service["start"]))
        active = self.coverage.get("status") == "active"
        return active and _day(period["start"]) <= started and ended <= _day(period["end"])


def read_bundle(document: dict[str, Any], expected: str, use: str = "") -> Bundle:
    """Check form and references. Raises ``Violation``: ``ERR_WRONG_DOMAIN_PAYLOAD`` when it is about something else."""
    try:
        if document["resourceType"] != "Bundle" or document["type"] != "collection":
            raise invalid("the payload must be a Bundle of type collection")
        entries = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
        if len(entries) != len(document["entry"]):
            raise invalid("a fullUrl stands twice")
        main = next(iter(entries.values()))
        if main["resourceType"] != expected or main.get("use", "") != use:
            raise Violation("ERR_WRONG_DOMAIN_PAYLOAD", f"the first entry must be a {expected} of this call's use")
        if any(name not in main for name in _REQUIRED.get(expected, ())):
            raise invalid("a required element of the main resource is missing")
        _check_references(document, entries)
        bundle = Bundle(entries, main)
        if expected in _REQUIRED:
            bundle.check_cover()
    except (KeyError, IndexError, TypeError, AttributeError, StopIteration) as error:
        raise invalid("a required element is missing or has another form") from error
    return bundle


def _check_references(document: dict[str, Any], entries: dict[str, Any]) -> None:
    if any(reference not in entries for reference in _references(document)):
        raise invalid("a reference does not resolve inside the bundle")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise invalid("a period needs calendar days") from error


def _fen(money: dict[str, Any]) -> int:
    if money.get("currency") != "CNY":
        raise invalid("amounts are in CNY")
    try:
        return fen_from_yuan(money["value"])
    except BadMoney as error:
        raise invalid("an amount has at most two decimals") from error


def _extensions(node: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in node.get("extension", []) if one.get("url") == EXTENSION + name]


def claim_items(bundle: Bundle) -> list[Item]:
    """The items of a Claim. Raises ``Violation`` when net is not quantity × price or the nets are not the total."""
    try:
        items = [_item(one) for one in bundle.main["item"]]
        total = _fen(bundle.main["total"])
    except (KeyError, TypeError, AttributeError) as error:
        raise invalid("an item lacks sequence, quantity, unitPrice or net") from error
    if [one.sequence for one in items] != list(range(1, len(items) + 1)):
        raise invalid("items are numbered from 1 without a gap")
    if sum(one.net for one in items) != total:
        raise invalid("the items do not add up to the total")
    return items


def _item(item: dict[str, Any]) -> Item:
    net = _fen(item["net"])
    product = Decimal(item["quantity"]["value"]) * Decimal(item["unitPrice"]["value"]) * 100
    if net != int((product * Decimal(item.get("factor", 1))).quantize(Decimal(1), ROUND_HALF_UP)):
        raise invalid("net is not quantity × unitPrice, half up")
    levels = _extensions(item, "class-level")
    return Item(item["sequence"], net, any(level.get("valueCode") == "C" for level in levels))


def bill_of(bundle: Bundle, items: list[Item]) -> Bill:
    """What the terms rest on; without the cash extension the whole total counts as the patient's."""

    def amount(name: str, default: int) -> int:
        found = _extensions(bundle.main, name)
        return _fen(found[0]["valueMoney"]) if found else default

    own_pay = sum(item.net for item in items if item.is_own_pay)
    return Bill(amount("cash-after-basic", sum(item.net for item in items)), own_pay, amount("prior-paid", 0))
