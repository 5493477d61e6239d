"""What an undo takes back from whom: pure arithmetic in 分, held by property tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from gateway.kernel.errors import BadMoney


class Decided(Protocol):
    """What planning needs of a claim; ``ClaimRun`` has it."""

    @property
    def claim_id(self) -> str: ...

    @property
    def seq(self) -> int: ...

    @property
    def approved(self) -> int: ...


class Original(Protocol):
    """A fee line of the bill."""

    @property
    def line_no(self) -> str: ...

    @property
    def qty(self) -> Decimal: ...

    @property
    def amount(self) -> int: ...


class Refund(Protocol):
    """A negative line."""

    @property
    def refund_of(self) -> str: ...

    @property
    def qty(self) -> Decimal: ...

    @property
    def amount(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Money:
    """A bill's money by who paid it. ``cash`` is what the payment room was told to collect; 0 when it was told nothing."""

    claims: tuple[tuple[str, int], ...]
    """Claim id and approved amount, the last policy first."""
    yibao: int
    cash: int


def money_of(claims: Iterable[Decided], fund: int, account: int, cash: int) -> Money:
    ordered = sorted(claims, key=lambda claim: -claim.seq)
    return Money(tuple((claim.claim_id, claim.approved) for claim in ordered), fund + account, cash)


def legs_of(scope: str, money: Money, amount: int, given_back: int) -> list[tuple[str, int]]:
    """Legs in the order in which they are undone, with what each gives back.

    Insurers and 医保 take a settlement back whole or not at all, so a part undoes every leg and the hospital settles again
    what remains; only where nobody but the patient paid, cash goes back in part. ``given_back`` is the cash that earlier
    undos of the bill gave back. Raises ``BadMoney``.
    """
    others = any(approved for _, approved in money.claims) or money.yibao
    cash = money.cash - given_back
    if scope == "part" and not others:
        if amount > cash:
            raise beyond("amount")
        cash = amount
    return [
        *((f"claim:{claim_id}", approved) for claim_id, approved in money.claims),
        ("yibao", money.yibao),
        ("cash", cash),
    ]


def require_refundable(lines: Sequence[Original], before: Iterable[Refund], wished: Sequence[Refund]) -> int:
    """Rule 14 over all refunds of a bill together: no line gives back more than it was, in money or in quantity.

    Returns what is wished in all, positive. Raises ``BadMoney`` that names the line's place in the wish.
    """
    left: dict[str, tuple[int, Decimal]] = {}
    for line in lines:
        money, quantity = left.get(line.line_no, (0, Decimal(0)))
        left[line.line_no] = money + line.amount, quantity + line.qty
    for earlier in before:
        money, quantity = left[earlier.refund_of]
        left[earlier.refund_of] = money + earlier.amount, quantity + earlier.qty
    for place, refund in enumerate(wished):
        money, quantity = left.get(refund.refund_of, (-1, Decimal(-1)))
        money, quantity = money + refund.amount, quantity + refund.qty
        if money < 0 or quantity < 0:
            raise beyond(f"lines.{place}")
        left[refund.refund_of] = money, quantity
    return -sum(refund.amount for refund in wished)


def beyond(field: str) -> BadMoney:
    return BadMoney(
        "a refund passes what was paid",
        code="refund-beyond",
        hint="Count earlier refunds of the same line in; a line gives back at most its amount and quantity.",
        fields=(field,),
    )
