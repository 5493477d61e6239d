"""Rows of one bill, gathered and committed before anything leaves the house."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.claims.beside import columns_beside, free_invoice, payout_token, pin_guarantees, use_invoice
from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.canonical.types import UNSET
from gateway.claims.changes import Changes
from gateway.claims.claim_rows import claim_changes, claim_row
from gateway.claims.clock_watch import ClockWatch
from gateway.claims.conversation.states import HELD_UP, WAITING, ActState
from gateway.claims.partners.partner import Prepared
from gateway.claims.safe import Safe, ref_id
from gateway.claims.wishes import put_wish
from gateway.kernel.ids import ActId
from gateway.store.api import AnyStore
from gateway.store.data_keys import DataKeys
from gateway.store.errors import StaleWrite, StoreFailed
from gateway.store.rows import ActRow, BillRow, MessageRow
from gateway.store.tables import Value
from gateway.store.unit import Unit

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_PREPARED = ActState.PREPARED
_ANSWERED = ActState.ANSWERED


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def moment(stored: int) -> datetime:
    return datetime.fromtimestamp(stored / 1000, UTC)


class Work(Changes):
    """Rows of one bill, gathered until ``flush``. A crash before ``flush`` leaves nothing of them, and nothing was sent."""

    def __init__(self, store: AnyStore, keys: DataKeys, watch: ClockWatch, order_id: str = "", owner: str = "") -> None:
        """``owner`` is this process where several share the database, else empty."""
        self.owner = owner
        """With it every commit of a shared bill expects its version: who lost the bill commits no further intent."""
        self._store = store
        self._keys = keys
        self.safe = Safe(keys, order_id)
        self._watch = watch
        self.now = watch.clock.epoch_ms
        self.unit = Unit()
        self._acts = {}
        self.told: dict[str, tuple[ClaimRun, ActResult]] = {}
        """By act of money: what the insurer answered, until it is kept; only where several processes share the database."""
        self.refused: Unit | None = None
        """What was not kept, or nobody knows."""

    def keep(self, record_id: str, kind: str, data: bytes) -> None:
        """Put medical or identifying bytes where they may lie: encrypted in the vault."""
        blob = self.safe.vault(self.unit).seal(record_id, data, kind)
        self.unit.insert("vault", record_id=record_id, order_id=self.safe.order_id, kind=kind, blob=blob)

    async def flush(self, bill: Bill | None = None) -> None:
        """Commit what was gathered. Raises ``Duplicate``, ``StaleWrite`` or ``StoreFailed``; then nothing was kept."""
        if bill is not None:
            self._put_bill(bill)
        unit = self.unit
        if not unit.steps:
            return
        self.unit = Unit()
        try:
            await self._store.commit(unit)
        except (StaleWrite, StoreFailed):
            self.refused = unit
            raise
        if self.told:
            self.told = {}
        if bill is not None:
            bill.committed = True
            bill.acknowledged.set()

    def _put_bill(self, bill: Bill) -> None:
        now = self.now()
        moved = [claim for claim in bill.claims if claim.dirty]
        if bill.dirty or moved or 0 < bill.look_at <= now:
            self._set_alarm(bill, now)
        if not bill.stored:
            self._insert_bill(bill, now)
        elif bill.dirty or (self.owner and (self.unit.steps or moved)):
            self._update_bill(bill, now)
        bill.dirty = False
        for claim in moved:
            self._put_claim(claim, now)

    def _set_alarm(self, bill: Bill, now: int) -> None:
        """A bill that is not at rest for good says when to look: it is taken up again even if this process dies now."""
        at = bill.next_look(now)
        if at != bill.look_at and not now < bill.look_at <= at:
            bill.look_at, bill.dirty = at, True
            if at:
                self._watch.note(now)

    def _update_bill(self, bill: Bill, now: int) -> None:
        approved, self_pay_due = bill.amounts()
        changes: dict[str, Value] = {
            "version": bill.version + 1,
            "state": bill.state,
            "approved": approved,
            "self_pay_due": self_pay_due,
            "look_at": bill.look_at or None,
            "updated_at": now,
        }
        if self.owner:
            changes["owner"] = self.owner
        changes |= columns_beside(bill)
        self.unit.change("bill", {"order_id": bill.order_id}, changes, {"version": bill.version})
        bill.version += 1

    def _insert_bill(self, bill: Bill, now: int) -> None:
        self.safe.belong_to(bill)
        approved, self_pay_due = bill.amounts()
        split, wish = bill.submission.split, bill.submission.payment
        if wish is not UNSET:
            put_wish(self.unit, bill.order_id, wish)
        row = BillRow(
            order_id=bill.order_id,
            hospital=bill.hospital,
            idem_key=bill.idem_key,
            body_digest=bill.digest,
            kind=bill.kind,
            state=bill.state,
            version=bill.version,
            created_at=millis(bill.created_at),
            updated_at=now,
            total=split.total,
            approved=approved,
            self_pay_due=self_pay_due,
            order_kind=bill.submission.order_kind,
            visit_id=bill.submission.visit.visit_id,
            fund_total=split.fund_total,
            account_pay=split.account_pay,
            cash_pay=split.cash_pay,
            payout_token=payout_token(bill),
            look_at=bill.look_at or None,
            owner=self.owner or None,
            wishes=None if wish is UNSET else 1,
            amendments=bill.amendments or None,
            quoted_until=bill.quoted_until if bill.asks else None,
            warnings=bill.warnings or None,
        )
        self.unit.add(row)
        self.message(bill.order_id, "submission", bill.encoded, bill.digest, "", 0)
        if not bill.apart and not bill.held:
            use_invoice(bill, self._keys.vault, self.unit)
        if bill.guaranteed:
            pin_guarantees(bill, self.unit)
        bill.stored = True

    def free_invoice(self, bill: Bill, insurers: frozenset[str] | None = None) -> None:
        """The bill's invoice may support another bill at ``insurers`` (None: at all)."""
        free_invoice(bill, self._keys.vault, self.unit, insurers)

    def _put_claim(self, claim: ClaimRun, now: int) -> None:
        if claim.stored:
            key: dict[str, Value] = {"order_id": claim.order_id, "seq": claim.seq}
            self.unit.change("claim", key, claim_changes(claim, now), {"version": claim.version})
            claim.version += 1
        else:
            self.unit.add(claim_row(claim, millis(claim.created_at), now))
            claim.stored = True
        claim.dirty = False
        self._put_waiting(claim)

    def _put_waiting(self, claim: ClaimRun) -> None:
        waits = claim.state in WAITING or (claim.next_at > 0 and claim.state in HELD_UP)
        if waits:
            self.unit.upsert(
                "waiting",
                claim_id=claim.claim_id,
                order_id=claim.order_id,
                insurer=claim.insurer,
                kind=claim.kind,
                state=claim.state,
                amount=claim.claimed,
            )
        elif claim.waiting:
            self.unit.delete("waiting", {"claim_id": claim.claim_id})
        claim.waiting = waits

    def intent(self, claim: ClaimRun, act: ActView, prepared: Prepared, digest: str, deadline: int) -> None:
        """The act as it will be sent: committed before the first byte leaves (promise P2)."""
        correlation, pin = prepared.outgoing.correlation, prepared.pin
        keys = ",".join(prepared.sealed.key_ids)
        at = millis(act.sent_at)
        self._acts[act.act_id] = _PREPARED
        row = ActRow(
            act_id=act.act_id,
            claim_id=claim.claim_id,
            order_id=claim.order_id,
            insurer=claim.insurer,
            name=act.name,
            batch_no=act.batch_no,
            batch_count=act.batch_count,
            serial=act.serial,
            state=_PREPARED,
            outcome="",
            attempts=1,
            mapping=pin.name,
            mapping_version=pin.version,
            mapping_digest=pin.digest,
            key_ids=keys,
            request_digest=digest,
            correlation=correlation,
            prepared_at=at,
            answered_at=0,
            deadline_at=deadline,
        )
        self.unit.add(row)
        self.message(act.act_id, "out", prepared.sealed.body, digest, keys, 0)
        self.known_as(claim.insurer, correlation, claim.claim_id, act.act_id)

    def known_as(self, insurer: str, correlation: str, claim_id: str, act_id: str) -> None:
        """The partner will name this act by ``correlation`` when it calls."""
        if correlation:
            self.unit.upsert("correlation", insurer=insurer, value=correlation, claim_id=claim_id, act_id=act_id)

    def message(self, owner_id: str, direction: str, body: bytes, digest: str, keys: str, status: int) -> None:
        """Every message in and out is kept with its digest and time, sealed (promise P6).

        What comes for a bill after it was erased is kept by its digest alone.
        """
        now = self.now()
        order_id, sealed = self.safe.message(f"{owner_id}:{direction}:{digest}", body, self.unit, now)
        self.unit.add(MessageRow(order_id, owner_id, direction, now, digest, keys, len(body), status, sealed))

    def audit(self, kind: str, who: str, reason: str, detail: str = "") -> None:
        """A line in the audit about this bill: who did what, and why. Ids and codes only."""
        self.unit.insert(
            "audit", at=self.now(), kind=kind, who=who, order_id=self.safe.order_id, reason=reason, detail=detail
        )

    def act_became(self, claim_id: str, act_id: ActId | str, state: ActState, outcome: str, **also: Any) -> None:
        """An answered act never becomes anything else. Raises ``Conflict`` for a step that its table has not."""
        if not self.step_act(act_id, state):
            return
        changes: dict[str, Any] = {"state": state, "outcome": outcome, **also}
        if state is _ANSWERED:
            changes["answered_at"] = self.now()
        self.unit.change("act", {"claim_id": claim_id, "act_id": act_id}, changes, {})

    def result(self, act_id: str, result: ActResult) -> None:
        self.keep(f"result:{act_id}", "result", msgspec.msgpack.encode(result))

    def refs(self, claim: ClaimRun, found: dict[str, str]) -> None:
        for name, value in found.items():
            if value and claim.refs.get(name) != value:
                claim.refs[name] = value
                self.ref(claim.claim_id, name, value)

    def ref(self, claim_id: str, name: str, value: str) -> None:
        """A partner's own number for something of ours: its words, so nobody knows what is in them, so sealed."""
        sealed = self.safe.vault(self.unit).seal_text(ref_id(claim_id, name), value, "ref")
        self.unit.upsert("ref", claim_id=claim_id, name=name, value=sealed)
