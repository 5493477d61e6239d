"""S500: the day's settlements and cancellations as the protocol writes them."""

from typing import Any

from gateway.kernel.money import yuan
from gateway.sandbox.common.ledger import Ledger
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import Script
from gateway.sandbox.common.statement import StatementLine, statement_of

_KINDS = {"pay": "1", "refund": "2"}
_STATES = {"done": "1", "refused": "2"}


def day_of(ledger: Ledger, script: Script, day: str) -> list[dict[str, Any]]:
    """Raises ``Violation`` 1000404 while the statement is not made."""
    lines = statement_of(ledger, script, day)
    if lines is None:
        raise Violation("1000404", "对账文件未生成")
    return [_record(line) for line in lines]


def _record(line: StatementLine) -> dict[str, Any]:
    return {
        "settleSerialNum": line.reference,
        "billNum": line.our_refs.get("billNum", ""),
        "tradeType": _KINDS[line.kind],
        "tradeStatus": _STATES[line.state],
        "tradeAmount": yuan(line.amount_fen),
        "tradeTime": f"{line.at:%Y%m%d%H%M%S}",
    }
