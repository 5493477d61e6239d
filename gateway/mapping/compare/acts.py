"""Two versions of an act over the same samples: fields that differ, and what happens to the money."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.kernel.errors import LianpeiError
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming
from gateway.mapping.compare.fields import Change, Fields, changes, document_fields, value_fields
from gateway.mapping.explain import explain_request
from gateway.mapping.mapfile import MapFile

_INDEX = re.compile(r"\[\d+\]")
REFUSED = "(refused)"
"""Field that stands for a whole message that one version refuses to make."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version of an act."""

    act: MappedAct
    file: MapFile
    partner: Mapping[str, str]


@dataclass(slots=True)
class Comparison:
    """One act over all samples."""

    act: str
    samples: int = 0
    changes: dict[str, list[Change]] = field(default_factory=dict)
    """Sample's name to what differs in it; samples without a difference are not in it."""
    money: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    """Total in 分 by field (without indices) on either side, over all samples."""

    @property
    def money_changes(self) -> dict[str, tuple[int, int]]:
        before, after = self.money
        names = dict.fromkeys([*before, *after])
        return {name: (before[name], after[name]) for name in names if before[name] != after[name]}

    @property
    def same(self) -> bool:
        return not self.changes and not self.money_changes

    def add(self, name: str, before: Fields, after: Fields) -> None:
        self.samples += 1
        found = changes(before, after)
        if found:
            self.changes[name] = found


def compare_requests(name: str, a: Side, b: Side, sources: Iterable[tuple[str, Any]]) -> Comparison:
    """The requests that both versions make of each named source."""
    found = Comparison(name)
    for sample, source in sources:
        before, after = (_fields_or_refusal(_request, side, source) for side in (a, b))
        found.add(sample, before, after)
        for side, total in zip((a, b), found.money, strict=True):
            total.update(_money(side, source))
    return found


def compare_answers(name: str, a: Side, b: Side, answers: Iterable[tuple[str, Incoming, Any, bool]]) -> Comparison:
    """The results that both versions read from each named answer or callback."""
    found = Comparison(name)
    for sample, *answer in answers:
        before, after = (_fields_or_refusal(_result, side.act, *answer) for side in (a, b))
        found.add(sample, before, after)
    return found


def _result(act: MappedAct, incoming: Incoming, sent: Any, callback: bool) -> Fields:
    return value_fields(act.read_callback(incoming) if callback else act.read(incoming, sent))


def _fields_or_refusal(make: Callable[..., Fields], *args: Any) -> Fields:
    try:
        return make(*args)
    except LianpeiError as refused:
        return {REFUSED: f"{refused.error_code} {refused.message}"}


def _request(side: Side, source: Any) -> Fields:
    out = side.act.write(source)
    fields = document_fields(out.document, side.file.target) if out.document else {}
    whole = {"(method)": out.method, "(path)": out.path, "(content type)": out.content_type}
    parts = {"(query)": out.query, "(header)": out.headers, "(protected)": out.protected}
    named = {f"{word} {name}": str(value) for word, part in parts.items() for name, value in part.items()}
    return whole | named | fields


def _money(side: Side, source: Any) -> Counter[str]:
    """Amounts by field, indices left out; a version that refuses moves no money."""
    try:
        rows = explain_request(side.file, side.partner, source).rows
    except LianpeiError:
        return Counter()
    found: Counter[str] = Counter()
    for row in rows:
        if row.fen is not None:
            found[_INDEX.sub("[]", row.target)] += row.fen
    return found
