"""The claims room's memory without its doors: decided bills as the engine writes them, and its keeper."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.conversation.states import BillState, ClaimState
from gateway.claims.custody.keeper import Keeper
from gateway.claims.custody.wish import Wish
from gateway.claims.intake import canonical_bytes
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work
from gateway.kernel.ids import new_act_id, new_claim_id, new_order_id
from gateway.kernel.secret import Secret
from gateway.store.api import AnyStore
from gateway.store.checkpoints import Checkpoints
from gateway.store.claims_tables import CLAIMS
from gateway.store.leases import Leases
from gateway.store.sqlite import Store
from gateway.store.vault import Vault
from gateway.wire.keys import Entry, KeyRing
from support.bills import SampleBill, sample_bill

MASTERS = {"m1": Secret(b"1" * 32), "m2": Secret(b"2" * 32)}
AUDIT_KEY = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
ANSWER = "赔付：有诊断的回执".encode()


class TurnedClock:
    """The system's clock, turned by ``days``."""

    def __init__(self) -> None:
        self.days = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self.now().timestamp()


@dataclass
class Room:
    """A ledger and a keeper on one database file."""

    path: Path
    store: AnyStore
    ledger: Ledger
    keeper: Keeper
    clock: TurnedClock

    async def wish(self, action: str, **more: Any) -> dict[str, Any]:
        return await self.keeper.perform("uid:7", msgspec.convert({"action": action, "reason": "case-1"} | more, Wish))

    async def brought(self, bill: SampleBill | None = None, *, approved: int = 100) -> Bill:
        """A bill that was decided after one message out and one in."""
        submission = msgspec.json.decode((bill or sample_bill("package", marks=True)).body, type=Submission)
        encoded, digest = canonical_bytes(submission)
        order_id, now = new_order_id(), self.clock.now()
        claim = ClaimRun(new_claim_id(), order_id, 1, submission.policies[0], submission.kind, now)
        made = Bill(order_id, "H99990100001", order_id, digest, submission, now, [claim], encoded)
        work = self.ledger.work()
        work.safe.belong_to(made)
        work.changed(made, claim, "claim.state", "created", "sent", "claim")
        claim.state, act_id = ClaimState.SENT, new_act_id()
        work.unit.insert("act", act_id=act_id, claim_id=claim.claim_id, order_id=order_id, prepared_at=1)
        self._message(work, act_id, "out", encoded[:500])
        await work.flush(made)
        self._message(work, act_id, "in", ANSWER)
        self._decide(work, made, claim, approved)
        await work.flush(made)
        return made

    def _message(self, work: Work, act_id: str, direction: str, body: bytes) -> None:
        work.message(act_id, direction, body, hashlib.sha256(body).hexdigest(), "audit-sign", 0)

    def _decide(self, work: Work, bill: Bill, claim: ClaimRun, approved: int) -> None:
        claim.approved, claim.outcome, claim.dirty = approved, "paid", True
        work.changed(bill, claim, "claim.approved", "0", str(approved), "paid")
        work.changed(bill, claim, "claim.state", "sent", "decided", "paid")
        work.changed(bill, None, "bill.state", "pending", "decided", "all-claims-final")
        claim.state, bill.state, bill.dirty = ClaimState.DECIDED, BillState.DECIDED, True


def open_room(path: Path, current: str = "m1", masters: tuple[str, ...] = ("m1",), **years: int) -> Room:
    return room_on(Store.open(path, CLAIMS), path, current, masters, **years)


def room_on(
    store: AnyStore, path: Path, current: str = "m1", masters: tuple[str, ...] = ("m1",), holder: str = "", **years: int
) -> Room:
    """``holder``: the name of the process, where several share the store."""
    clock = TurnedClock()
    vault = Vault({name: MASTERS[name] for name in masters}, current, Secret(b"i" * 32))
    ledger = Ledger(store, vault, clock, Leases(store, clock, holder) if holder else None)
    ring = KeyRing(path.parent, {"audit-sign": Entry(AUDIT_KEY, AUDIT_KEY.public_key())}, {}, {})
    checkpoints = Checkpoints(store, "audit-sign", AUDIT_KEY, clock)
    return Room(path, store, ledger, Keeper(ledger, checkpoints, ring, years), clock)
