"""The CSV form: bills as rows of several kinds (docs/hospital-formats.md)."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

Row = tuple[str, dict[str, Any]]
_ONE = ("patient", "visit", "split", "invoice", "consent", "report", "confirmation", "payout_account")
_MANY = ("diagnoses", "procedures", "lines", "attachments")
_BELOW = ("record", "record_refs", "exam_reports", "lab_results", "categories", "liabilities", "commercial_pay")


def csv_file(bills: dict[str, dict[str, Any]], line_end: str = "\r\n") -> str:
    """Submissions by the key that the file gives each; every kind's columns are those that some row fills."""
    rows = [(kind, {"bill": key, **cells}) for key, bill in bills.items() for kind, cells in _rows(bill)]
    columns: dict[str, dict[str, None]] = {}
    for kind, cells in rows:
        columns.setdefault(kind, {}).update(dict.fromkeys(cells))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerows([f"#{kind}", *names] for kind, names in columns.items())
    writer.writerows([kind, *(_cell(cells.get(name)) for name in columns[kind])] for kind, cells in rows)
    return out.getvalue()


def _rows(bill: dict[str, Any]) -> Iterator[Row]:
    yield "bill", {name: bill[name] for name in ("kind", "order_kind") if name in bill}
    for kind in _ONE:
        if kind in bill:
            yield kind, _flat(bill[kind])
    for kind in _MANY:
        yield from ((kind, _flat(one)) for one in bill.get(kind, ()))
    for policy in bill["policies"]:
        yield "policies", _flat(policy)
        for one in policy.get("liabilities", ()):
            yield "liabilities", {"order_no": policy["order_no"], **one}
    visit = bill["visit"]
    if "record" in visit:
        yield "record", visit["record"]
    yield from _listed(visit, ("record_refs", "exam_reports", "lab_results"))
    yield from _listed(bill["split"], ("categories",))


def _listed(holder: dict[str, Any], kinds: Iterable[str]) -> Iterator[Row]:
    for kind in kinds:
        yield from ((kind, one) for one in holder.get(kind, ()))


def _flat(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _BELOW}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list | tuple) else str(value)
