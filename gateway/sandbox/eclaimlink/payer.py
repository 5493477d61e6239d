"""The payer behind the post office: what each activity of a claim is paid (docs/partners.md, eclaimlink)."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.eclaimlink.files import Payment, Record
from gateway.sandbox.terms import product, refuses


def _share(net: int, ratio: Decimal) -> int:
    return int((net * ratio).quantize(Decimal(1), ROUND_HALF_UP))


def adjudicate(record: Record, residual: int) -> list[Payment]:
    """Ordinary activities at the product's ratio, OTHER-PAYERS in full; the sum stays within 0 and the residual."""
    if refuses(record.member_id):
        return [Payment(one, 0, "ELIG-001") for one in record.activities]
    ratio = product(inpatient=record.inpatient).ratio
    others = sum(one.net for one in record.activities if not one.is_ordinary)
    shares = {one.id: _share(one.net, ratio) for one in record.activities if one.is_ordinary}
    excess = max(0, sum(shares.values()) + others - max(0, residual))
    payments = []
    for one in record.activities:
        if not one.is_ordinary:
            payments.append(Payment(one, max(others, -sum(shares.values()))))
            continue
        cut = min(excess, max(0, shares[one.id]))
        excess -= cut
        paid = shares[one.id] - cut
        payments.append(Payment(one, paid, "PRCE-002" if paid < one.net else ""))
    return payments


@dataclass(slots=True)
class Payer:
    ledger: Ledger
    _claims: dict[str, Settlement] = field(default_factory=dict)

    def has(self, claim_id: str) -> bool:
        return claim_id in self._claims

    def decide(self, record: Record, reference: str, file_name: str) -> list[Payment]:
        """Adjudicate and enter the decision in the books. The caller refuses a claim that was decided before."""
        terms = product(inpatient=record.inpatient)
        payments = adjudicate(record, self.ledger.residuals.left(record.member_id, terms))
        refs = {"claim_id": record.id, "file_name": file_name}
        settlement = self.ledger.open(Settlement(reference, record.id, record.member_id, terms, refs))
        total = sum(payment.fen for payment in payments)
        if refuses(record.member_id):
            settlement.state = "refused"
        else:
            self.ledger.apply(settlement, total)
        self._claims[record.id] = settlement
        return payments

    def may_resubmit(self, claim_id: str) -> bool:
        """Only a refused claim may come again as a correction; a paid one would be paid twice."""
        settlement = self._claims.get(claim_id)
        return settlement is None or settlement.state == "refused"

    def quote(self, record: Record) -> list[Payment]:
        return adjudicate(record, self.ledger.residuals.left(record.member_id, product(inpatient=record.inpatient)))
