"""The claims room's durable memory: what is read back, and the vault. Writes go through ``Work``."""

from typing import Any

import msgspec

from gateway.claims.amendments import as_amended
from gateway.claims.beside import pinned_guarantees
from gateway.claims.bill import ActRecord, Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.canonical.types import ClaimKind
from gateway.claims.clock_watch import ClockWatch
from gateway.claims.conversation.states import MAY_WAIT, BillState, ClaimState
from gateway.claims.safe import ref_id
from gateway.claims.work import Work, moment
from gateway.kernel.clock import Clock
from gateway.kernel.ids import ActId, ClaimId, HospitalCode, OrderId
from gateway.store.api import AnyStore, Row
from gateway.store.data_keys import DataKeys
from gateway.store.leases import Leases
from gateway.store.vault import Vault

_submission_decoder = msgspec.json.Decoder(Submission)
_result_decoder = msgspec.msgpack.Decoder(ActResult)


_HOUR_MS = 3_600_000


class Ledger:
    """Reads and the vault; writes go through ``Work``."""

    def __init__(self, store: AnyStore, vault: Vault, clock: Clock, leases: Leases | None = None) -> None:
        """``leases`` where several processes share the store."""
        self.leases = leases
        self._owner = "" if leases is None else leases.holder
        self.store = store
        self.read = store.read
        self.keys = DataKeys(store, vault)
        self.clock = clock
        self.watch = ClockWatch(clock)

    def work(self, order_id: str = "") -> Work:
        """Rows to gather; for a stored bill, what is kept in them is sealed under its data key."""
        return Work(self.store, self.keys, self.watch, order_id, self._owner)

    def bill_row(self, order_id: str) -> Row | None:
        return self.store.get("bill", order_id=order_id)

    def bill_by_key(self, hospital: str, idem_key: str) -> Row | None:
        return self.store.get("bill", hospital=hospital, idem_key=idem_key)

    def due(self, now: int, limit: int) -> list[Row]:
        """Bills whose time has come (``now`` in epoch ms), and whatever processes that are gone left open."""
        mine: dict[str, Any] = {"look_at": ("<=", now)}
        if self.leases is None:
            return self.store.find("bill", mine, order_by="look_at", limit=limit)
        found = self.store.find("bill", mine | {"owner": self.leases.holder}, order_by="look_at", limit=limit)
        left = {"look_at": (">", 0), "owner": ("in", self.leases.gone())}
        return found + self.store.find("bill", left, order_by="look_at", limit=limit)

    def elsewhere(self, order_id: str) -> bool:
        """Whether another process that lives works on this bill."""
        row = self.bill_row(order_id) if self.leases is not None else None
        return row is not None and self.leases is not None and not self.leases.is_mine_to_take(row["owner"] or "")

    def is_ours(self, order_id: str) -> bool:
        """Whether no other process took this bill since it was worked on here."""
        if self.leases is None:
            return True
        row = self.bill_row(order_id)
        return row is not None and row["owner"] == self.leases.holder

    def claim_rows(self, order_id: str) -> list[Row]:
        return self.store.find("claim", {"order_id": order_id}, order_by="seq", limit=100)

    def act_rows(self, claim_id: str) -> list[Row]:
        return self.store.find("act", {"claim_id": claim_id}, order_by="prepared_at", limit=10_000)

    def act_by_correlation(self, insurer: str, correlation: str) -> Row | None:
        named = self.store.get("correlation", insurer=insurer, value=correlation)
        return None if named is None else self.store.get("act", claim_id=named["claim_id"], act_id=named["act_id"])

    def load_bill(self, order_id: str) -> Bill | None:
        """A bill as it stands on disk, ready to be worked on again."""
        row = self.bill_row(order_id)
        if row is None:
            return None
        submission = _submission_decoder.decode(self.submission(order_id))
        if row["amendments"]:
            submission = as_amended(self.store, self.keys, order_id, submission, row["amendments"])
        policies = sorted(submission.policies, key=lambda policy: policy.order_no)
        claims = [
            self._claim(claim, policies[(claim["policy"] or claim["seq"]) - 1]) for claim in self.claim_rows(order_id)
        ]
        bill = Bill(
            order_id=OrderId(row["order_id"]),
            hospital=row["hospital"],
            idem_key=row["idem_key"],
            digest=row["body_digest"],
            submission=submission,
            created_at=moment(row["created_at"]),
            claims=claims,
            state=BillState(row["state"]),
            version=row["version"],
            stored=True,
            dirty=False,
            resumed=True,
            committed=True,
            look_at=row["look_at"] or 0,
            apart=row["kind"] if row["kind"] in ("guarantee", "policies") else "",
            amendments=row["amendments"] or 0,
            quoted_until=row["quoted_until"] or 0,
            undo_id=row["undo_id"] or "",
            warnings=row["warnings"] or "",
        )
        bill.guaranteed = pinned_guarantees(self.store, bill)
        bill.acknowledged.set()
        return bill

    def _claim(self, row: Row, policy: Policy) -> ClaimRun:
        refs = self.store.find("ref", {"claim_id": row["claim_id"]}, limit=1000)
        vault = self.keys.of(row["order_id"])
        return ClaimRun(
            claim_id=ClaimId(row["claim_id"]),
            order_id=OrderId(row["order_id"]),
            seq=row["seq"],
            policy=policy,
            kind=ClaimKind(row["kind"]),
            created_at=moment(row["created_at"]),
            state=ClaimState(row["state"]),
            outcome=row["outcome"],
            claimed=row["claimed"],
            approved=row["approved"],
            quoted=row["quoted"],
            step=row["step"],
            reason=row["reason_code"],
            version=row["version"],
            refs={
                ref["name"]: vault.open_text(ref_id(ref["claim_id"], ref["name"]), ref["value"], "ref") for ref in refs
            },
            stored=True,
            dirty=False,
            waiting=row["state"] in MAY_WAIT,
            policy_no=row["policy"] or 0,
        )

    def result_of(self, act_id: str) -> ActResult | None:
        """The stored result of an answered act."""
        row = self.store.get("vault", record_id=f"result:{act_id}")
        if row is None:
            return None
        return _result_decoder.decode(self.keys.of(row["order_id"]).open(f"result:{act_id}", row["blob"], "result"))

    def brought(self, order_id: str, waiting: frozenset[str]) -> dict[str, ActResult]:
        """Stored results of this bill's acts among those ``waiting``."""
        acts = [act["act_id"] for claim in self.claim_rows(order_id) for act in self.act_rows(claim["claim_id"])]
        found = {act_id: self.result_of(act_id) for act_id in waiting.intersection(acts)}
        return {act_id: result for act_id, result in found.items() if result is not None}

    def left_nothing(self) -> list[str]:
        """Processes that are long gone and whose bills are all with others."""
        gone = self.leases.gone(_HOUR_MS) if self.leases is not None else []
        return [one for one in gone if not self.store.find("bill", {"look_at": (">", 0), "owner": one}, limit=1)]

    def submission(self, order_id: str) -> bytes:
        """What the hospital brought, as it was accepted."""
        found = self.store.find("message", {"owner_id": order_id, "direction": "submission"}, limit=1)
        return self.opened(found[0])

    def opened(self, message: Row) -> bytes:
        """The bytes of a message row. Raises ``VaultRefused``."""
        return self.keys.of(message["order_id"]).open(sealed_under(message), message["body"] or b"", "message")

    def events(self, hospital: HospitalCode, after: int, limit: int) -> list[Row]:
        return self.store.find("event", {"hospital": hospital}, order_by="seq", limit=limit, after=(after,))


def sealed_under(message: Row) -> str:
    """The id that a message row's body is sealed under."""
    return f"{message['owner_id']}:{message['direction']}:{message['digest']}"


def act_view(row: Row) -> ActView:
    """A stored act as mappings see it."""
    return ActView(
        act_id=row["act_id"],
        name=row["name"],
        sent_at=moment(row["prepared_at"]),
        serial=row["serial"],
        attempt=row["attempts"],
        batch_no=row["batch_no"],
        batch_count=row["batch_count"],
    )


def record_of(row: Row) -> ActRecord:
    return ActRecord(
        act_id=ActId(row["act_id"]),
        name=row["name"],
        batch_no=row["batch_no"],
        batch_count=row["batch_count"],
        serial=row["serial"],
        state=row["state"],
        prepared_at=moment(row["prepared_at"]),
        attempts=row["attempts"],
        correlation=row["correlation"],
    )
