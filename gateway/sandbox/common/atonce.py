"""Quick-claims that are decided in the answer itself, as insurers without callbacks do."""

from dataclasses import dataclass, field

from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.terms import Bill, Product, assess, refuses


@dataclass(frozen=True, slots=True)
class Asked:
    """What a claim asks for; two messages that ask the same under one number are one claim."""

    number: str
    """The hospital side's number of the claim."""
    policy_no: str
    applied: int
    """In 分."""
    terms: Product
    content: tuple[str, ...] = ()
    """Whatever else must not change when the number comes again."""


@dataclass(slots=True)
class AtOnce:
    """``refused`` and ``reused`` are the insurer's codes for a policy that does not pay and a number with other content."""

    ledger: Ledger
    prefix: str
    refused: str
    reused: str
    _known: dict[str, tuple[Asked, Settlement]] = field(default_factory=dict)

    def decide(self, asked: Asked) -> Settlement:
        """The settlement of a claim; the same claim again is told the first decision. Raises ``Violation``."""
        before = self._known.get(asked.number)
        if before is not None and before[0] != asked:
            raise Violation(self.reused, "同一编号内容不同")
        settlement = before[1] if before is not None else self._settle(asked)
        if settlement.state == "refused":
            raise Violation(self.refused, "保单不予赔付")
        return settlement

    def _settle(self, asked: Asked) -> Settlement:
        reference = f"{self.prefix}{len(self._known) + 1:08d}"
        entry = Settlement(reference, asked.number, asked.policy_no, asked.terms, {"claim": asked.number})
        settlement = self.ledger.open(entry)
        self._known[asked.number] = (asked, settlement)
        if refuses(asked.policy_no):
            settlement.state = "refused"
        else:
            left = self.ledger.residuals.left(asked.policy_no, asked.terms)
            self.ledger.apply(settlement, assess(Bill(asked.applied), asked.terms, left).payable)
        return settlement
