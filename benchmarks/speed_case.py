"""What the mapping benchmark maps: an inpatient claim of any length, the partner's answers to it, and the compiled acts.

Everything is synthetic and the same in every run.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.sample import submission
from gateway.app import INSURER_VOCABULARY
from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping import load_folder

FOLDER = Path(__file__).parent / "speed"
ACT = {"act_id": "act_1", "name": "settle", "sent_at": "2025-03-20T10:15:00+08:00", "serial": 7}
_NAMES = (
    "一次性使用无菌注射器 5ml",
    "阿莫西林胶囊(0.25g*24粒)",
    "血常规检查",
    "床位费（三人间）",
    "注射用头孢曲松钠",
    "C-反应蛋白<CRP>测定",
    "葡萄糖&氯化钠注射液",
    "Ⅱ级护理",
)
_SPECS = ("5ml", "0.25g*24粒", "", "", "1.0g", "项", "250ml:12.5g&2.25g", "日")


def _line(number: int) -> dict[str, Any]:
    """One of many kinds of line: some without a specification, some with an own share, now and then a refund."""
    kind, minute = number % len(_NAMES), number % 1440
    sign = -1 if number % 50 == 49 else 1
    price, qty = Decimal(1235 + 7 * (number % 400)) / 100, 1 + number % 3
    line = {
        "line_no": f"ZY2025030001-{number:05d}",
        "occurred_at": f"2025-03-{1 + number % 19:02d}T{minute // 60:02d}:{minute % 60:02d}:00+08:00",
        "item_kind": "drug",
        "fee_category": f"{1 + number % 14:02d}",
        "hosp_code": f"XJ01CA{number % 1000:04d}" if number % 2 else f"YN-{number % 1000:05d}",
        "hosp_name": _NAMES[kind],
        "price": f"{price:.2f}",
        "qty": str(sign * qty),
        "amount": sign * int(price * 100) * qty,
    }
    optional = {"spec": _SPECS[kind], "own_amount": 125 + number % 90 if number % 4 == 0 else ""}
    return line | {name: value for name, value in optional.items() if value != ""}


def dispatch(lines: int) -> Dispatch:
    """An inpatient claim of so many fee lines, as an insurer mapping gets it."""
    bill = submission(1)
    rows = [_line(number) for number in range(lines)]
    total = sum(row["amount"] for row in rows)
    claim = {"kind": "quick_claim", "claimed": total, "prior_paid": 0, "created_at": ACT["sent_at"]}
    return msgspec.convert(
        {
            "act": ACT,
            "claim": {"claim_id": "clm_01JQ8Z6T", **claim},
            **{name: bill[name] for name in ("patient", "visit", "diagnoses", "consent")},
            "procedures": [],
            "lines": rows,
            "split": {"total": total, "fund_total": 0, "account_pay": 0, "cash_pay": total},
            "policy": bill["policies"][0],
        },
        Dispatch,
    )


def _decisions(lines: int) -> list[tuple[str, str, str, str]]:
    """Number, status, paid and reason of each line."""
    kinds = (("1", "23.50", ""), ("1", "108.00", ""), ("2", "0.00", "超出目录范围"), ("1", "7.35", ""))
    return [(f"ZY2025030001-{number:05d}", *kinds[number % 4]) for number in range(lines)]


def json_answer(lines: int) -> bytes:
    rows = [
        {"no": no, "status": status, "paid": paid} | ({"reason": reason} if reason else {})
        for no, status, paid, reason in _decisions(lines)
    ]
    return msgspec.json.encode({"status": "1", "settleNo": "S2025032000017", "approved": "6942.50", "lines": rows})


def xml_answer(lines: int) -> bytes:
    rows = "".join(
        f"<Line><No>{no}</No><Status>{status}</Status><Paid>{paid}</Paid>{reason and f'<Reason>{reason}</Reason>'}</Line>"
        for no, status, paid, reason in _decisions(lines)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        '<soap:Body><ClaimAnswer xmlns="urn:test:claim:v2"><Status>1</Status><SettleNo>S2025032000017</SettleNo>'
        f"<Approved>6942.50</Approved><Lines>{rows}</Lines></ClaimAnswer></soap:Body></soap:Envelope>"
    ).encode()


def acts() -> Any:
    """The compiled acts ``xml`` and ``json`` of the folder ``speed``."""
    return load_folder(FOLDER, FOLDER / "schemas", INSURER_VOCABULARY, {}, frozenset())
