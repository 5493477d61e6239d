"""A book of somebody else: read by a partner's mapping or from our own CSV form, which we also write (docs/reconciliation.md)."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from gateway.claims.canonical.dispatch import StatementLine
from gateway.claims.canonical.types import UNSET
from gateway.claims.reconciliation.book import Kind, Line, Standing
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import BadRequest
from gateway.store.api import Row
from gateway.store.vault import Vault

COLUMNS = ("our_id", "peer_ref", "hospital", "kind", "state", "amount_fen", "at")
MOST_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Statement:
    """``raw`` is the document as it came, for the record."""

    lines: Sequence[StatementLine]
    raw: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def read_csv(document: bytes) -> Statement:
    """Our CSV form: UTF-8, with or without BOM, a header line, amounts in 分. Raises ``BadRequest`` naming line and column."""
    try:
        rows = csv.DictReader(io.StringIO(document.decode("utf-8-sig"), newline=""), strict=True)
        found = list(rows)
    except (UnicodeDecodeError, csv.Error):
        raise _form("the document is no CSV in UTF-8") from None
    missing = {"kind", "state", "amount_fen"} - set(rows.fieldnames or ())
    if missing or set(rows.fieldnames or ()) - set(COLUMNS) or len(found) > MOST_LINES:
        raise _form("the header line is not the agreed one, or there are too many lines")
    return Statement([_read_line(row, number) for number, row in enumerate(found, start=2)], document)


def _read_line(row: dict[str, str | None], number: int) -> StatementLine:
    try:
        told: dict[str, object] = {name: value for name, value in row.items() if value}
        told["amount"] = int(str(told.pop("amount_fen")))
        if "at" in told:
            at = datetime.fromisoformat(str(told["at"]))
            told["at"] = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
        return msgspec.convert(told, StatementLine)
    except (KeyError, ValueError, TypeError, msgspec.ValidationError):
        raise _form(f"line {number} is not of the agreed form") from None


def _form(what: str) -> BadRequest:
    return BadRequest(what, code="statement-form", hint="The columns are in docs/reconciliation.md.")


def write_csv(rows: Iterable[Row], hospital: str) -> bytes:
    """Our own locked lines in the same form."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for row in rows:
        at = datetime.fromtimestamp(row["at"] / 1000, SHANGHAI).isoformat(timespec="seconds")
        out.writerow([row["act_id"], "", hospital, row["kind"], row["standing"], row["amount"], at])
    return text.getvalue().encode()


def peer_line(told: StatementLine, number: int, peer: str, vault: Vault) -> Line:
    """A line of the peer's book as it is compared: its own numbers and the person only blinded."""
    at = told.at if told.at is not UNSET and isinstance(told.at, datetime) else None
    mark = vault.blind(f"peer:{peer}", told.peer_ref) if told.peer_ref else ""
    spelt = f"{told.kind}:{told.our_id}:{told.peer_ref}:{number if not (told.our_id or told.peer_ref) else 0}"
    return Line(
        key=vault.blind(f"line:{peer}", spelt)[:32],
        kind=Kind(told.kind),
        standing=Standing(told.state),
        amount=told.amount,
        at=int(at.timestamp() * 1000) if at is not None else 0,
        ids=frozenset({told.our_id}) if told.our_id else frozenset(),
        marks=frozenset({mark}) if mark else frozenset(),
        person=vault.person(told.cert_no) if told.cert_no else "",
        hospital=told.hospital,
        number=number,
    )


def peer_lines(statement: Statement, peer: str, vault: Vault) -> list[Line]:
    """All lines; a number that comes twice is two lines, each with a key of its own."""
    seen: dict[str, int] = {}
    lines = []
    for number, told in enumerate(statement.lines, start=1):
        line = peer_line(told, number, peer, vault)
        times = seen[line.key] = seen.get(line.key, 0) + 1
        lines.append(line if times == 1 else replace(line, key=f"{line.key}.{times}"))
    return lines
