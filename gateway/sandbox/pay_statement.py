"""The payment channel's daily bill: one CSV line per payment or refund of the day."""

import csv
import io

from aiohttp import web

from gateway.kernel.money import yuan
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.statement import statement_of

_COLUMNS = ("out_trade_no", "trade_no", "biz_type", "total_amount", "status", "finished_at")


def statement_of_day(desk: Desk, day: str) -> web.Response:
    """404 while the bill is not made."""
    lines = statement_of(desk.ledger, desk.script, day)
    if lines is None:
        return web.json_response({"code": "not-ready"}, status=404)
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(_COLUMNS)
    for line in lines:
        kind = "REFUND" if line.kind == "refund" else line.our_refs.get("biz_type", "SELF_PAY")
        number = line.number or line.our_refs.get("out_trade_no", line.reference)
        status = "SUCCESS" if line.state == "done" else "FAILED"
        at = f"{line.at:%Y-%m-%d %H:%M:%S}"
        out.writerow([number, line.reference, kind, yuan(line.amount_fen), status, at])
    return web.Response(text=text.getvalue(), content_type="text/csv", charset="utf-8")
