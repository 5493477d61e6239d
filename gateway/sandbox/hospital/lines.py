"""Fee lines and the 医保 split, worked out from catalogue rows in exact decimals (docs: money identities 1 to 8)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from gateway.kernel.money import line_amount
from gateway.sandbox.hospital.catalogue import CATEGORY_NAMES, Item


@dataclass(frozen=True, slots=True)
class Line:
    line_no: str
    item: Item
    qty: Decimal
    occurred_at: datetime
    refund_of: str = ""

    @property
    def amount(self) -> int:
        return line_amount(self.item.price, self.qty)

    @property
    def own_amount(self) -> int:
        return self.amount if self.item.class_level == "C" else 0

    @property
    def over_limit(self) -> int:
        above = self.item.price - self.item.price_limit
        return line_amount(above, self.qty) if self.item.price_limit and above > 0 and not self.own_amount else 0

    @property
    def pre_self(self) -> int:
        if self.own_amount:
            return 0
        share = (self.amount - self.over_limit) * self.item.self_ratio
        return int(share.quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def in_scope(self) -> int:
        return self.amount - self.own_amount - self.over_limit - self.pre_self


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the pool pays: ``ratio`` of what lies in scope above ``deductible``; then serious illness, account, cash."""

    deductible: int = 0
    ratio: Decimal = Decimal(0)
    serious: int = 0
    account: int = 0


def split(lines: Sequence[Line], scheme: Scheme) -> dict[str, int]:
    """The visit's amounts in 分 under their canonical names; ``total = fund_total + account_pay + cash_pay``."""
    total, scope = sum(line.amount for line in lines), sum(line.in_scope for line in lines)
    pool = int((max(0, scope - scheme.deductible) * scheme.ratio).quantize(Decimal(1), ROUND_HALF_UP))
    fund = pool + scheme.serious
    account = min(scheme.account, total - fund)
    return {
        "total": total,
        "fund_total": fund,
        "fund_pool": pool,
        "fund_civil": 0,
        "fund_enterprise": 0,
        "fund_serious": scheme.serious,
        "fund_resident": 0,
        "fund_aid": 0,
        "fund_other": 0,
        "account_pay": account,
        "family_account": 0,
        "cash_pay": total - fund - account,
        "hospital_bear": 0,
        "own_total": sum(line.own_amount for line in lines),
        "over_total": sum(line.over_limit for line in lines),
        "pre_total": sum(line.pre_self for line in lines),
        "scope_total": scope,
        "deductible": scheme.deductible,
        "self_pay_due": total - fund - account,
    }


def categories(lines: Iterable[Line]) -> list[dict[str, object]]:
    """Charge classes in the order of their codes, amounts in 分."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.item.category] = sums.get(line.item.category, 0) + line.amount
    return [{"category": code, "name": CATEGORY_NAMES[code], "amount": sums[code]} for code in sorted(sums)]
