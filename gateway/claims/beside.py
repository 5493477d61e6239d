"""What only some bills write beside their plain rows: an invoice, an amendment, quotes that wait for the patient."""

from typing import Any

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.types import UNSET
from gateway.claims.rules.split import invoice_uses
from gateway.store.api import AnyStore
from gateway.store.unit import Unit
from gateway.store.vault import Vault


def columns_beside(bill: Bill) -> dict[str, Any]:
    """Further columns of the bill's row; plain bills write no word of them."""
    beside: dict[str, Any] = {}
    if bill.asks:
        beside["quoted_until"] = bill.quoted_until
    if bill.amendments:
        beside["amendments"] = bill.amendments
        beside["payout_token"] = payout_token(bill)
    return beside


def columns_apart(claim: ClaimRun) -> dict[str, Any]:
    """Further columns of a claim's row whose policy lost its place: the row is the place's, what is in it may change."""
    return {
        "policy": claim.policy_no,
        "insurer": claim.insurer,
        "claim_id": claim.claim_id,
        "kind": claim.kind,
        "fixed": 1 if claim.fixed else None,
    }


def payout_token(bill: Bill) -> str:
    account = bill.submission.payout_account
    return "" if account is UNSET else account.account_token


def use_invoice(bill: Bill, vault: Vault, unit: Unit) -> None:
    """Rule 18: one row per insurer of expenses. The whole unit is refused with ``Duplicate`` for a second bill."""
    for insurer, code, number in invoice_uses(bill.submission):
        blind = vault.invoice(code, number)
        unit.insert_new("invoice_use", insurer=insurer, blind=blind, order_id=bill.order_id)


def free_invoice(bill: Bill, vault: Vault, unit: Unit, insurers: frozenset[str] | None = None) -> None:
    """The bill no longer rests on its invoice at ``insurers`` (None: at none of them)."""
    for insurer, code, number in invoice_uses(bill.submission):
        if insurers is None or insurer in insurers:
            blind = vault.invoice(code, number)
            unit.delete("invoice_use", {"insurer": insurer, "blind": blind, "order_id": bill.order_id})


def pin_guarantees(bill: Bill, unit: Unit) -> None:
    """The quotas that the bill was brought under, so that they hold after a restart."""
    for insurer, (quota, _) in bill.guaranteed.items():
        unit.insert("guarantee_pin", order_id=bill.order_id, insurer=insurer, quota=quota)


def pinned_guarantees(store: AnyStore, bill: Bill) -> dict[str, tuple[int, dict[str, str]]]:
    """By insurer, as ``Bill.guaranteed`` has them; the insurer's numbers are with the claims already."""
    wish = bill.submission.counter
    if wish is UNSET or wish.guarantee is UNSET:
        return {}
    return {row["insurer"]: (row["quota"], {}) for row in store.find("guarantee_pin", {"order_id": bill.order_id})}
