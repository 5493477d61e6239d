"""The daily statement of a partner's books, and one that disagrees when the script says so."""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.common.ledger import Ledger, Move
from gateway.sandbox.common.script import Script
from gateway.sandbox.common.trouble import Do, Trouble

OP = "statement"
"""What a script names: ``{"match": {"op": "statement"}, "do": "omit_line"}``."""
INVENTED = "TESTINVENTED0001"


@dataclass(frozen=True, slots=True)
class StatementLine:
    kind: str
    """pay | refund"""
    state: str
    """done | refused"""
    reference: str
    our_refs: dict[str, str]
    amount_fen: int
    at: datetime
    """In Shanghai's time."""
    number: str = ""


def statement_of(ledger: Ledger, script: Script, day: str) -> list[StatementLine] | None:
    """Every movement of ``day`` (yyyyMMdd) in order; None while the script says that there is no statement yet."""
    lines = [_line(move) for move in ledger.moves if f"{move.at.astimezone(SHANGHAI):%Y%m%d}" == day]
    trouble = script.take(OP)
    if trouble is not None and trouble.do is Do.NO_STATEMENT:
        return None
    return lines if trouble is None else _disagreeing(lines, trouble)


def _line(move: Move) -> StatementLine:
    one = move.settlement
    at = move.at.astimezone(SHANGHAI)
    return StatementLine(move.kind, "done", one.reference, one.our_refs, move.amount_fen, at, move.number)


def _disagreeing(lines: list[StatementLine], trouble: Trouble) -> list[StatementLine]:
    """The newest line is left out, altered, refused or told twice under an invented number."""
    if not lines:
        return lines
    *rest, last = lines
    match trouble.do:
        case Do.OMIT_LINE:
            return rest
        case Do.ALTER_AMOUNT:
            return [*rest, replace(last, amount_fen=last.amount_fen + 1)]
        case Do.ALTER_STATE:
            return [*rest, replace(last, state="refused")]
        case Do.INVENT_LINE:
            return [*lines, replace(last, reference=INVENTED, our_refs={})]
        case _:
            return lines
