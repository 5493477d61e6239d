"""Holds a database against its hash chain and its signed checkpoints, row by row. Reads only; trusts nothing it reads."""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.kernel import merkle
from gateway.kernel.settlements import made_of
from gateway.store.api import Row
from gateway.store.chain import FIRST_LINK, entry_json, link_of, row_json
from gateway.store.checkpoints import Body
from gateway.store.snapshot import Readable
from gateway.store.tables import INT, SERIAL, Schema, Table

_PAGE = 1000
_MOST_FINDINGS = 200

KeyByName = Callable[[str], Ed25519PublicKey | None]


@dataclass
class Report:
    """``findings`` are sentences of ids and numbers; none means that everything is as it was written."""

    entries: int = 0
    rows: int = 0
    checkpoints: int = 0
    unsigned: int = 0
    """Entries newer than the newest checkpoint: whoever holds the file could still replace those unseen."""
    findings: list[str] = field(default_factory=list)

    def found(self, text: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(text)


def pages(store: Readable, table: Table) -> Iterator[Row]:
    """Every row in the order of the key."""
    after: tuple[Any, ...] | None = None
    while True:
        rows = store.find(table.name, {}, limit=_PAGE, after=after)
        yield from rows
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][name] for name in table.key)


def rows_of(store: Readable, schema: Schema, refs: str) -> list[tuple[Table, Row | None]]:
    """The rows an entry refers to, in its order; None for one that is not there."""
    found: list[tuple[Table, Row | None]] = []
    for ref in refs.splitlines():
        name, *key = ref.split(" ")
        table = schema.table(name)
        if table.serial is not None:
            first, last = int(key[0]), int(key[1])
            there = store.find(name, {}, limit=last - first + 1, after=(first - 1,))
            by_number = {row[table.serial]: row for row in there}
            found += [(table, by_number.get(number)) for number in range(first, last + 1)]
        else:
            typed = {
                column: int(word) if table.columns[column] in (INT, SERIAL) else word
                for column, word in zip(table.key, key, strict=True)
            }
            found.append((table, store.get(name, **typed)))
    return found


def check(store: Readable, schema: Schema, key: KeyByName, outside: Mapping[int, str] | None = None) -> Report:
    """Everything: entries and their rows, rows in no entry, checkpoints, and states against their history.

    ``outside`` are digests of checkpoints that were kept elsewhere, by number.
    """
    report = Report()
    links = _check_entries(store, schema, report)
    _check_checkpoints(store, schema, key, links, report, outside or {})
    _check_states(store, schema, report)
    _check_settlements(store, schema, report)
    return report


def _check_entries(store: Readable, schema: Schema, report: Report) -> list[str]:
    covered: Counter[str] = Counter()
    links = [FIRST_LINK]
    for entry in pages(store, schema.table("chain")):
        if entry["seq"] != len(links):
            report.found(f"entry {len(links)} is missing")
            links += [FIRST_LINK] * (entry["seq"] - len(links))
        digests: list[str] = []
        for table, row in _readable_rows(store, schema, entry, report):
            covered[table.name] += 1
            if row is None:
                report.found(f"entry {entry['seq']}: a row of {table.name} was deleted")
            else:
                digests.append(merkle.digest(row_json(table, row)))
        if link_of(entry_json(entry["seq"], entry["at"], links[-1], digests)) != entry["link"]:
            report.found(f"entry {entry['seq']}: what it covers was altered: {', '.join(entry['refs'].splitlines())}")
        links.append(entry["link"])
    report.entries, report.rows = len(links) - 1, covered.total()
    for table in schema.tables:
        extra = store.count(table.name, {}) - covered[table.name] if table.chained else 0
        if extra > 0:
            report.found(f"{extra} rows of {table.name} are in no entry")
    return links


def _readable_rows(store: Readable, schema: Schema, entry: Row, report: Report) -> list[tuple[Table, Row | None]]:
    try:
        return rows_of(store, schema, entry["refs"])
    except ValueError:
        report.found(f"entry {entry['seq']}: its references were altered")
        return []


def _check_checkpoints(
    store: Readable, schema: Schema, key: KeyByName, links: list[str], report: Report, outside: Mapping[int, str]
) -> None:
    previous, reached, number = FIRST_LINK, 0, 0
    held = dict(outside)
    for row in pages(store, schema.table("checkpoint")):
        number += 1
        spelt = row["body"].encode()
        digest = merkle.digest(spelt)
        for wrong in _faults(row, spelt, key, links, (number, reached + 1, previous)):
            report.found(f"checkpoint {row['number']}: {wrong}")
        if held.pop(row["number"], digest) != digest:
            report.found(f"checkpoint {row['number']}: it is not the one that was kept elsewhere")
        previous, reached = digest, row["last_seq"]
    for missing in held:
        report.found(f"checkpoint {missing}: it was kept elsewhere and is not here")
    report.checkpoints, report.unsigned = number, max(0, len(links) - 1 - reached)


def _faults(row: Row, spelt: bytes, key: KeyByName, links: list[str], expected: tuple[int, int, str]) -> Iterator[str]:
    try:
        body = msgspec.json.decode(spelt, type=Body)
    except msgspec.DecodeError:
        yield "it can't be read"
        return
    if (body.number, body.first, body.previous) != expected or row["number"] != body.number:
        yield "it does not follow the one before"
    if row["last_seq"] != body.last or body.root != merkle.root(links[body.first : body.last + 1]):
        yield f"entries {body.first} to {body.last} are not the ones that were signed"
    if not signed(spelt, row["signature"], key(body.key)):
        yield "its signature is not valid, or its key is not known here"


def signed(body: bytes, signature: str, key: Ed25519PublicKey | None) -> bool:
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), body)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _check_settlements(store: Readable, schema: Schema, report: Report) -> None:
    """Each payment has the kind, amount and state that its changes tell. Those from before payments were numbered there
    are held by their count alone."""
    unnumbered: Counter[str] = Counter()
    for row in pages(store, schema.table("settlement")):
        changes = store.find("change", {"order_id": row["order_id"]}, limit=10_000)
        about = [one for one in changes if one["field"] == "settlement"]
        mine = [one for one in about if one["act_id"] == row["settlement_id"]]
        if not mine:
            unnumbered[row["order_id"]] += 1
            if unnumbered[row["order_id"]] > sum(not one["act_id"] and not one["old"] for one in about):
                report.found(f"payment {row['settlement_id']}: it has no history")
        elif mine[0]["old"] or not mine[0]["cause"].endswith(made_of("", row["kind"], row["amount"])):
            report.found(f"payment {row['settlement_id']}: its kind or amount is not what its history says")
        elif mine[-1]["new"] != row["state"]:
            report.found(f"payment {row['settlement_id']}: its state is not what its history says")


def _check_states(store: Readable, schema: Schema, report: Report) -> None:
    """A bill's and a claim's state and the approved amount are what their last change says."""
    for bill in pages(store, schema.table("bill")):
        order_id = bill["order_id"]
        last: dict[tuple[str, str], str] = {}
        for change in store.find("change", {"order_id": order_id}, limit=10_000):
            last[change["claim_id"], change["field"]] = change["new"]
        if bill["state"] != last.get(("", "bill.state"), "pending"):
            report.found(f"bill {order_id}: its state is not what its history says")
        claims = store.find("claim", {"order_id": order_id}, limit=100)
        for missing in {claim_id for claim_id, _ in last} - {claim["claim_id"] for claim in claims} - {""}:
            report.found(f"claim {missing}: it has a history and is not here")
        for claim in claims:
            told = {field: last.get((claim["claim_id"], field)) for field in ("claim.state", "claim.approved")}
            if claim["state"] != (told["claim.state"] or "created"):
                report.found(f"claim {claim['claim_id']}: its state is not what its history says")
            if str(claim["approved"] or 0) != (told["claim.approved"] or "0"):
                report.found(f"claim {claim['claim_id']}: its approved amount is not what its history says")
