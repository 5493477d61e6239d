"""CSV a second time: lines of cells, quoted as RFC 4180 has it."""

from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.rows import Walk, placed
from gateway.mapping.explain.values import Got, Names
from gateway.mapping.mapfile import Target
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.targets.base import parse_key
from gateway.mapping.yamlfile import Entry, Map, Seq

_DIRECTIVES = ("$each", "$when", "$let")


class CsvWalk(Walk):
    def __init__(self, mapping: str, target: Target, outer: Walk | None = None) -> None:
        super().__init__(mapping, outer)
        self._target = target

    def root(self, node: Map, names: Names) -> str:
        spelt_rows = node.get("$rows")
        kinds = [item for item in spelt_rows.items if isinstance(item, Map)] if isinstance(spelt_rows, Seq) else [node]
        lines = [self._line([parse_key(cell.key).name for cell in _cells(kinds[0])])] if self._target.header else []
        for kind in kinds:
            if self.shown(kind, names):
                lines += self._lines(kind, names, len(lines))
        return "".join(lines)

    def _lines(self, row: Map, names: Names, before: int) -> list[str]:
        if row.get("$each") is None:
            return [self._cells_of(row, names, before)]
        found: list[str] = []
        for inner in self.rounds(row, names):
            found.append(self._cells_of(row, placed(inner, len(found) + 1), before + len(found)))
        return found

    def _cells_of(self, row: Map, names: Names, place: int) -> str:
        names = self.lets(row, names)
        with self.below(f"[{place}]"):
            return self._line([self._cell(entry, names) for entry in _cells(row)])

    def _cell(self, entry: Entry, names: Names) -> str:
        """A column is never left out: with ``?`` an absent value is an empty cell."""
        key = parse_key(entry.key)
        with self.below(key.name):
            got = self.leaf(entry.value, names.leaning(key.optional))
            if got.absent and key.optional:
                got = Got("", reads=got.reads)
            self.required(entry.value, got)
            return self.told(entry.value, got, lambda one: _carried(spelt(one.value)))

    def _line(self, cells: list[str]) -> str:
        return self._target.delimiter.join(map(self._quoted, cells)) + self._target.line_end

    def _quoted(self, text: str) -> str:
        plain = not self._target.quote_all and text == text.strip() and not set(text) & {'"', "\r", "\n"}
        if plain and self._target.delimiter not in text:
            return text
        return '"' + text.replace('"', '""') + '"'


def _cells(row: Map) -> list[Entry]:
    return [entry for entry in row if entry.key not in _DIRECTIVES]


def _carried(text: str) -> str:
    if "\x00" in text:
        raise RefusalError("the text has a character that CSV can't carry")
    return text
