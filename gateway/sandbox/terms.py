"""Product terms of the five insurers: what a bill is worth, and what is left of a policy (docs/partners.md)."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from gateway.kernel.money import Fen


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    ratio: Decimal
    limit: Fen


OUTPATIENT = Product("outpatient", Decimal("0.80"), Fen(5_000_000))
INPATIENT = Product("inpatient", Decimal("0.90"), Fen(200_000_000))


def product(*, inpatient: bool) -> Product:
    return INPATIENT if inpatient else OUTPATIENT


@dataclass(frozen=True, slots=True)
class Bill:
    """What the adjudication rests on, in 分."""

    cash: int
    """What the patient bears after 医保, before any commercial payer."""
    own_pay: int = 0
    """Sum of the lines that are wholly own-pay (class C)."""
    prior_paid: int = 0
    """What earlier commercial payers took."""


@dataclass(frozen=True, slots=True)
class Assessment:
    product: Product
    base: Fen
    payable: Fen
    left_to_patient: Fen


def assess(bill: Bill, terms: Product, residual: int) -> Assessment:
    """base = cash - own-pay - prior payers; payable = base × ratio, half up to the 分, never above the residual."""
    base = max(0, bill.cash - bill.own_pay - bill.prior_paid)
    share = int((base * terms.ratio).quantize(Decimal(1), ROUND_HALF_UP))
    payable = min(share, max(0, residual))
    return Assessment(terms, Fen(base), Fen(payable), Fen(bill.cash - bill.prior_paid - payable))


UNKNOWN_POLICY = "NOSUCH"
REFUSED_PREFIXES = ("EXPIRED", "REFUSE", UNKNOWN_POLICY)


def refuses(policy_no: str) -> bool:
    return policy_no.startswith(REFUSED_PREFIXES)


def is_slow(policy_no: str) -> bool:
    return policy_no.startswith("SLOW")


@dataclass(slots=True)
class Residuals:
    """What each policy has left. Settling takes from it and a cancel gives back."""

    _used: dict[tuple[str, str], int] = field(default_factory=dict)

    def left(self, policy_no: str, terms: Product) -> Fen:
        return Fen(terms.limit - self.used(policy_no, terms))

    def used(self, policy_no: str, terms: Product) -> Fen:
        return Fen(self._used.get((policy_no, terms.name), 0))

    def take(self, policy_no: str, terms: Product, amount: int) -> None:
        """Raises ``ValueError`` when the policy has less left: the caller must assess first."""
        if amount > self.left(policy_no, terms):
            raise ValueError("more than the policy has left")
        self._used[policy_no, terms.name] = self.used(policy_no, terms) + amount

    def give_back(self, policy_no: str, terms: Product, amount: int) -> None:
        self._used[policy_no, terms.name] = self.used(policy_no, terms) - amount
