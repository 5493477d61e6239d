"""Withdrawing a consent (§3.1 E3): nothing new is sent from now on, insurers are told, what was never sent is deleted.

What an insurer decided stays: books and evidence must be kept. What only lies open there is taken back by its own act; of an
insurer that can't be told so, the operators' work list says that somebody must write.
"""

from dataclasses import dataclass, field

from gateway.claims.changes import Order
from gateway.claims.consents.registry import consent_row, registration
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.resting import rest
from gateway.claims.conversation.states import ActState
from gateway.claims.custody.bills import bills_of, is_at_rest, key_row
from gateway.claims.custody.erasure import erase
from gateway.claims.custody.wish import Wish
from gateway.claims.worklist import open_item
from gateway.kernel.errors import Conflict
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.data_keys import CONSENT
from gateway.store.errors import StaleWrite

REASON = "consent-withdrawn"


@dataclass(slots=True)
class _Reach:
    """How far the consent's data got."""

    open: list[str] = field(default_factory=list)
    """Orders that are still worked on."""
    resting: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    """Insurers that were sent something, each with one of the orders."""


@dataclass(slots=True)
class Withdrawing:
    engine: Engine

    async def withdraw(self, hospital: str, consent_id: str) -> Row:
        """The consent's row then; saying it again changes nothing. Raises ``NotFound``."""
        engine, ledger = self.engine, self.engine.ledger
        row = await ledger.read(consent_row, ledger, hospital, consent_id)
        if row["withdrawn_at"]:
            return row
        reach = await ledger.read(self._reach, row)
        work = ledger.work()
        now = work.now()
        key = {"hospital": hospital, "consent_id": consent_id}
        work.unit.update("consent", dict(key), expect={"withdrawn_at": 0}, withdrawn_at=now)
        work.unit.insert("consent_withdrawal", **key, at=now)
        work.audit(REASON, f"hospital:{hospital}", consent_id)
        work.event(Order(consent_id, hospital), REASON)
        for insurer in reach.told:
            item = f"consent:{consent_id}:{insurer}"
            open_item(work, item, consent_id, "", insurer=insurer, kind="consent", why=REASON, amount=0)
        try:
            await work.flush()
        except StaleWrite:
            return await self.withdraw(hospital, consent_id)
        engine.talk.withdrawals.add(hospital, consent_id)
        await self._stop(reach)
        return row | {"withdrawn_at": now}

    def _reach(self, row: Row) -> _Reach:
        """Every bill of the person that names this consent."""
        ledger, found = self.engine.ledger, _Reach()
        for one in bills_of(ledger, registration(ledger, row).cert_no):
            if one["data_class"] == CONSENT or one["erased_at"]:
                continue
            bill = ledger.load_bill(one["order_id"])
            if bill is None or (bill.hospital, bill.submission.consent.consent_id) != (
                row["hospital"],
                row["consent_id"],
            ):
                continue
            (found.resting if is_at_rest(ledger, one) else found.open).append(bill.order_id)
            for claim in bill.claims:
                if self._sent(claim.claim_id):
                    found.told.setdefault(claim.insurer, bill.order_id)
        return found

    def _sent(self, claim_id: str) -> bool:
        return any(act["state"] != ActState.NOT_SENT for act in self.engine.ledger.act_rows(claim_id))

    async def _stop(self, reach: _Reach) -> None:
        for order_id in reach.open:
            await self._fence(order_id)
            await self.engine.wake(order_id)
        for order_id in (*reach.open, *reach.resting):
            try:
                await rest(self.engine, order_id)
                if await self.engine.ledger.read(self._never_left, order_id):
                    await erase(self.engine.ledger, "gateway", Wish("erase", REASON, order_id))
            except Conflict:
                continue  # it is still worked on: retention deletes it later

    async def _fence(self, order_id: str) -> None:
        """Another process that works on the bill commits no further intent: its version is gone."""
        ledger = self.engine.ledger
        if not await ledger.read(ledger.elsewhere, order_id):
            return
        row = await ledger.read(ledger.bill_row, order_id)
        assert row is not None
        work = ledger.work()
        version = row["version"]
        work.unit.update(
            "bill", {"order_id": order_id}, expect={"version": version}, version=version + 1, look_at=DUE_NOW
        )
        try:
            await work.flush()
        except StaleWrite:
            await self._fence(order_id)

    def _never_left(self, order_id: str) -> bool:
        """At rest, and no insurer was sent a byte of it."""
        ledger = self.engine.ledger
        claims = ledger.claim_rows(order_id)
        return is_at_rest(ledger, key_row(ledger, order_id)) and not any(self._sent(one["claim_id"]) for one in claims)
