"""From rows to their places: the chain entry that holds each one's digest, and the signed checkpoint over the entry."""

from dataclasses import dataclass, field
from typing import Any

from gateway.kernel import merkle
from gateway.kernel.errors import Conflict
from gateway.store.api import AnyStore, Row
from gateway.store.chain import FIRST_LINK, entry_json, link_of, row_json
from gateway.store.chain_check import rows_of
from gateway.store.claims_tables import CLAIMS

_PAGE = 500
_SLACK_MS = 5_000
"""A row's time is taken when it is gathered and an entry's when it is written; the clock may have been set in between."""


@dataclass(frozen=True)
class Proof:
    """One chain entry and how it leads to a checkpoint."""

    entry: bytes
    checkpoint: Row
    path: list[str]


@dataclass
class Located:
    rows: dict[str, int] = field(default_factory=dict)
    """Digest of a row to the number of its entry."""
    proofs: dict[int, Proof] = field(default_factory=dict)


def locate(store: AnyStore, wanted: list[tuple[str, Row]]) -> Located:
    """Place every wanted row (table, row). Raises ``Conflict`` (``audit-broken``) for one that is not where it must be."""
    found = Located()
    times = {merkle.digest(row_json(CLAIMS.table(table), row)): _time(row) for table, row in wanted}
    open_ones = sorted(times, key=lambda digest: times[digest])
    seq = 1
    while open_ones:
        seq = max(seq, _first_since(store, times[open_ones[0]] - _SLACK_MS))
        page = store.find("chain", {}, limit=_PAGE, after=(seq - 1,))
        if not page:
            raise _broken()
        for entry in page:
            digests = _digests(store, entry)
            hits = [digest for digest in digests if digest in times and digest not in found.rows]
            if hits:
                seq = int(entry["seq"])
                found.rows |= dict.fromkeys(hits, seq)
                found.proofs[seq] = _prove(store, entry, digests)
        open_ones = [digest for digest in open_ones if digest not in found.rows]
        seq = int(page[-1]["seq"]) + 1
    return found


def _time(row: Row) -> int:
    return int(row["at"] if "at" in row else row["created_at"])


def _first_since(store: AnyStore, at: int) -> int:
    """The number of the first entry written at ``at`` (epoch ms) or later, by halving."""
    newest = store.find("chain", {}, order_by="-seq", limit=1)
    low, high = 1, newest[0]["seq"] if newest else 1
    while low < high:
        middle = (low + high) // 2
        entry = store.get("chain", seq=middle)
        if entry is None:
            raise _broken()
        low, high = (middle + 1, high) if entry["at"] < at else (low, middle)
    return low


def _digests(store: AnyStore, entry: Row) -> list[str]:
    rows = rows_of(store, CLAIMS, entry["refs"])
    return [merkle.digest(row_json(table, row)) for table, row in rows if row is not None]


def _prove(store: AnyStore, entry: Row, digests: list[str]) -> Proof:
    before = store.get("chain", seq=entry["seq"] - 1)
    spelt = entry_json(entry["seq"], entry["at"], before["link"] if before else FIRST_LINK, digests)
    over: dict[str, Any] = {"last_seq": (">=", entry["seq"])}
    signed = store.find("checkpoint", over, limit=1)
    if link_of(spelt) != entry["link"] or not signed:
        raise _broken()
    first, last = signed[0]["first_seq"], signed[0]["last_seq"]
    links = [one["link"] for one in store.find("chain", {}, limit=last - first + 1, after=(first - 1,))]
    return Proof(spelt, signed[0], merkle.path(links, entry["seq"] - first))


def _broken() -> Conflict:
    return Conflict(
        "the audit chain does not hold what it must",
        code="audit-broken",
        hint="Run lianpei audit verify: it names the entries. Keep the database as it is.",
    )
