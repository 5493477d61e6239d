"""What a broken rule looks like: its name, the fields it ties together and by how much they miss. Never a value."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from gateway.kernel.money import yuan


class Severity(StrEnum):
    REFUSE = "refuse"
    """The bill is not taken; the hospital mends it and sends again."""
    FLAG = "flag"
    """The bill is taken as it is and the finding is kept beside it (``warnings_of``)."""


class Finding(msgspec.Struct, frozen=True):
    """One broken rule.

    ``rule`` is ``money-<n>`` or ``claim-<n>`` after the numbers of the table in docs/model.md. ``difference_fen`` is
    found minus expected in 分, or None where the rule is not about an amount. Fields are paths: ``lines.3.amount``.
    """

    rule: str
    severity: Severity
    fields: tuple[str, ...]
    difference_fen: int | None
    zh: str
    en: str


def refuse(rule: str, fields: tuple[str, ...], zh: str, en: str, difference: int | None = None) -> Finding:
    return _finding(rule, Severity.REFUSE, fields, zh, en, difference)


def flag(rule: str, fields: tuple[str, ...], zh: str, en: str, difference: int | None = None) -> Finding:
    return _finding(rule, Severity.FLAG, fields, zh, en, difference)


def warnings_of(flags: Iterable[Finding]) -> str:
    """Flags as JSON, the form in which they are kept and shown: each sentence once with every place it is about."""
    places: dict[tuple[str, str, str], dict[str, None]] = {}
    for found in flags:
        places.setdefault((found.rule, found.zh, found.en), {}).update(dict.fromkeys(found.fields))
    told = [{"rule": rule, "fields": list(fields), "zh": zh, "en": en} for (rule, zh, en), fields in places.items()]
    return msgspec.json.encode(told).decode()


def _finding(
    rule: str, severity: Severity, fields: tuple[str, ...], zh: str, en: str, difference: int | None
) -> Finding:
    if difference is not None:
        zh = f"{zh}，相差 {yuan(difference)} 元"
        en = f"{en}; the difference is {yuan(difference)} 元"
    return Finding(rule, severity, fields, difference, zh, en)
