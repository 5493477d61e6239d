"""The payer behind the switch: eligibility, estimate, decision, and the response bundles that tell them."""

import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.money import yuan
from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.common.script import is_playing
from gateway.sandbox.common.trouble import Do
from gateway.sandbox.hcx.bundle import Bundle, Item, bill_of, claim_items
from gateway.sandbox.terms import assess, product, refuses

NOT_COVERED = "ELIG-001"
DIFFERS_BY = 100
"""分 that a policy ``DIFFER…`` settles less than it quoted."""
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def money(fen: int) -> dict[str, Any]:
    return {"value": Decimal(yuan(fen)), "currency": "CNY"}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def is_covered(bundle: Bundle) -> bool:
    return bundle.in_force() and not refuses(bundle.policy_no)


@dataclass(frozen=True, slots=True)
class Decision:
    reference: str
    payable: int
    covered: bool
    items: tuple[Item, ...]


@dataclass(slots=True)
class Payer:
    ledger: Ledger
    now: Callable[[], datetime]
    _decided: dict[str, Decision] = field(default_factory=dict)
    _numbers: int = 0

    def eligibility(self, bundle: Bundle) -> dict[str, Any]:
        terms = product(inpatient=bundle.is_inpatient)
        benefit = {
            "type": _concept(_TERMINOLOGY + "benefit-type", "benefit"),
            "allowedMoney": money(self.ledger.residuals.left(bundle.policy_no, terms)),
            "usedMoney": money(self.ledger.residuals.used(bundle.policy_no, terms)),
        }
        category = _concept(_TERMINOLOGY + "ex-benefitcategory", "30")
        covered = is_covered(bundle)
        main = {
            "resourceType": "CoverageEligibilityResponse",
            "status": "active",
            "purpose": bundle.main["purpose"],
            "patient": bundle.main["patient"],
            "servicedPeriod": bundle.main["servicedPeriod"],
            "created": self._created(),
            "request": {"identifier": bundle.main["identifier"][0]},
            "outcome": "complete",
            "insurer": bundle.main["insurer"],
            "insurance": [
                {
                    "coverage": {"reference": bundle.coverage_reference},
                    "inforce": covered,
                    **({"item": [{"category": category, "benefit": [benefit]}]} if covered else {}),
                }
            ],
            **({} if covered else {"error": [{"code": _concept("urn:test:denial", NOT_COVERED)}]}),
        }
        return self._bundle(bundle, main)

    def estimate(self, bundle: Bundle) -> dict[str, Any]:
        """A predetermination or preauthorization: no money moves."""
        return self._claim_response(bundle, self._assess(bundle))

    def decide(self, bundle: Bundle) -> dict[str, Any]:
        """The decision on a claim. The same claim number again is told the first decision and pays nothing more."""
        decision = self._decided.get(bundle.identifier)
        if decision is None:
            decision = self._decided[bundle.identifier] = self._settled(bundle)
            self._enter(bundle, decision)
        return self._claim_response(bundle, decision)

    def acknowledge(self, bundle: Bundle) -> dict[str, Any]:
        """Notices and communications come back as they were sent: received."""
        return self._bundle(bundle, bundle.main)

    def _assess(self, bundle: Bundle) -> Decision:
        items, terms = claim_items(bundle), product(inpatient=bundle.is_inpatient)
        self._numbers += 1
        reference = f"HCXP{self._numbers:08d}"
        if not is_covered(bundle):
            return Decision(reference, 0, False, tuple(items))
        left = self.ledger.residuals.left(bundle.policy_no, terms)
        return Decision(reference, assess(bill_of(bundle, items), terms, left).payable, True, tuple(items))

    def _settled(self, bundle: Bundle) -> Decision:
        """What is settled, for a policy ``DIFFER…`` not what was quoted."""
        decision = self._assess(bundle)
        less = DIFFERS_BY if bundle.policy_no.startswith("DIFFER") else 0
        return replace(decision, payable=max(0, decision.payable - less))

    def _enter(self, bundle: Bundle, decision: Decision) -> None:
        terms, refs = product(inpatient=bundle.is_inpatient), {"claim": bundle.identifier}
        entry = Settlement(decision.reference, bundle.identifier, bundle.policy_no, terms, refs)
        settlement = self.ledger.open(entry)
        if decision.covered:
            self.ledger.apply(settlement, decision.payable)
        else:
            settlement.state = "refused"

    def _claim_response(self, bundle: Bundle, decision: Decision) -> dict[str, Any]:
        main = {
            "resourceType": "ClaimResponse",
            "identifier": [{"system": "urn:test:claimresponse", "value": decision.reference}],
            "status": "active",
            "type": bundle.main["type"],
            "use": bundle.main["use"],
            "patient": bundle.main["patient"],
            "created": self._created(),
            "insurer": bundle.main["insurer"],
            "request": {"identifier": bundle.main["identifier"][0]},
            **(self._paid(decision) if decision.covered else _refused()),
        }
        if bundle.main["use"] == "preauthorization" and decision.covered:
            main["preAuthRef"] = f"AUTH{decision.reference}"
        return self._bundle(bundle, main)

    def _paid(self, decision: Decision) -> dict[str, Any]:
        shares = spread(decision.payable, decision.items)
        total = sum(item.net for item in decision.items)
        return {
            "outcome": "complete",
            "item": [
                {
                    "itemSequence": item.sequence,
                    "adjudication": [_adjudicated("submitted", item.net), _adjudicated("benefit", share)],
                }
                for item, share in zip(decision.items, shares, strict=True)
            ],
            "total": [_adjudicated("submitted", total), _adjudicated("benefit", decision.payable)],
            "payment": {
                "type": _concept(_TERMINOLOGY + "ex-paymenttype", "complete"),
                "date": self._created()[:10],
                "amount": money(decision.payable),
                "identifier": {"system": "urn:test:payment", "value": decision.reference},
            },
        }

    def _created(self) -> str:
        return self.now().astimezone(SHANGHAI).isoformat(timespec="seconds")

    def _bundle(self, request: Bundle, main: dict[str, Any]) -> dict[str, Any]:
        """The response first, then what the request brought along, so that every reference still resolves."""
        others = list(request.entries.items())[1:]
        reference, number = str(uuid.uuid4()), str(uuid.uuid4())
        entries = [(f"urn:uuid:{reference}", main | {"id": reference}), *others]
        return {
            "resourceType": "Bundle",
            "id": number,
            "identifier": {"system": "urn:test:bundle", "value": number},
            "type": "collection",
            "timestamp": self._created(),
            "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
        }


def as_told(bundle: dict[str, Any]) -> dict[str, Any]:
    """The response, with 1.00 more to be paid when the script asks for a wrong amount."""
    payment = bundle.get("entry", [{}])[0].get("resource", {}).get("payment")
    if payment is None or not is_playing(Do.WRONG_AMOUNT):
        return bundle
    wrong = copy.deepcopy(bundle)
    amount = wrong["entry"][0]["resource"]["payment"]["amount"]
    amount["value"] += 1
    return wrong


def _adjudicated(category: str, fen: int) -> dict[str, Any]:
    return {"category": _concept(_TERMINOLOGY + "adjudication", category), "amount": money(fen)}


def _refused() -> dict[str, Any]:
    return {
        "outcome": "error",
        "disposition": "the policy is not in force or does not cover this",
        "error": [{"code": _concept("urn:test:denial", NOT_COVERED)}],
    }


def spread(payable: int, items: tuple[Item, ...]) -> list[int]:
    """Each item's part of what is paid, by its net; own-pay and refund items get none and the parts add up exactly."""
    weights = [0 if item.is_own_pay else max(0, item.net) for item in items]
    whole, given, seen, shares = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        upto = payable * seen // whole if whole else 0
        shares.append(upto - given)
        given = upto
    return shares
