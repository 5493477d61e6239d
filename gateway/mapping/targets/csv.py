"""A CSV body: one line per row map, columns in the order of the first row's keys."""

from msgspec.structs import replace

from gateway.mapping.code.writer import Code, Parts, Writer
from gateway.mapping.mapfile import Target
from gateway.mapping.runtime.text import csv_cell
from gateway.mapping.targets.base import Shape, Tree, parse_key
from gateway.mapping.targets.text import as_plain_text
from gateway.mapping.values import Scope, Unit
from gateway.mapping.yamlfile import Entry, Map, Node, Seq

_DIRECTIVES = ("$each", "$when", "$let")


class CsvTree(Tree):
    """``{Column: expr, …}`` with ``$each`` for many lines, or ``$rows: [row, …]`` for lines of several kinds."""

    def __init__(self, unit: Unit, writer: Writer, target: Target) -> None:
        super().__init__(unit, writer)
        self.target = target

    def root(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        if self.target.records:
            self.wrong(self.target.pos, "bad-value", "header: records is for documents that are read")
        rows = self.unit.temp("x")
        self.writer.put(f"{rows} = []", node.pos)
        kinds = self._kinds(node)
        columns = [self._columns(kind) for kind in kinds]
        if self.target.header and columns:
            self.writer.put(f"{rows}.append({self._header(columns[0])!r})", node.pos)
            for kind, names in zip(kinds, columns, strict=True):
                if names != columns[0]:
                    self.wrong(kind.pos, "bad-shape", "lines below one header have the same columns", "header: false")
        for kind in kinds:
            condition, inner = self.condition(kind, scope)
            with self.writer.block(f"if {condition or 'True'}:", kind.pos):
                self._lines(kind, inner, rows)
        return [Code(f"''.join({rows})", node.pos)], Shape(node.pos, "array")

    def _kinds(self, node: Map) -> list[Map]:
        spelt: Node | None = node.get("$rows")
        if spelt is None:
            return [node]
        if len(node.entries) > 1 or not isinstance(spelt, Seq):
            self.wrong(node.pos, "bad-shape", "$rows is a list of rows and stands alone")
            return []
        for item in spelt.items:
            if not isinstance(item, Map):
                self.wrong(item.pos, "bad-shape", "a row is {Column: …}")
        return [item for item in spelt.items if isinstance(item, Map)]

    def _columns(self, row: Map) -> list[str]:
        names = []
        for entry in self._cells(row):
            key = parse_key(entry.key)
            if key.name in names or key.attribute:
                self.wrong(entry.pos, "bad-name", f"the column {key.name!r} is made twice, or is none")
            names.append(key.name)
        return names

    def _cells(self, row: Map) -> list[Entry]:
        return [entry for entry in row if entry.key not in _DIRECTIVES]

    def _header(self, names: list[str]) -> str:
        return self.target.delimiter.join(self._constant(name) for name in names) + self.target.line_end

    def _constant(self, text: str) -> str:
        return csv_cell(text, self.target.delimiter, self.target.quote_all)

    def _lines(self, row: Map, scope: Scope, rows: str) -> None:
        if row.get("$each") is None:
            self.writer.put_text(f"{rows}.append(", self._line(row, scope), ")", row.pos)
            return
        lines = self.unit.temp("x")
        self.writer.put(f"{lines} = []", row.pos)
        self.repeat(row, scope, lines, lambda inner: self._line(row, inner))
        self.writer.put(f"{rows}.extend({lines})", row.pos)

    def _line(self, row: Map, scope: Scope) -> Parts:
        scope = self.lets(row, scope)
        parts: Parts = []
        for entry in self._cells(row):
            if entry.key.startswith("$"):
                self.wrong(entry.pos, "unknown-key", f"{entry.key} means nothing in a CSV row")
                continue
            if parts:
                parts.append(self.target.delimiter)
            parts.append(self._cell(entry, scope))
        return [*parts, self.target.line_end]

    def _cell(self, entry: Entry, scope: Scope) -> str | Code:
        """A column is never left out: with ``?`` an absent value is an empty cell."""
        key, pos = parse_key(entry.key), entry.value.pos
        self.path.append(key.name)
        value = self.value(entry.value, replace(scope, lenient=key.optional))
        self.path.pop()
        if value.is_const and isinstance(value.const, str):
            return self._constant(value.const)
        text = as_plain_text(value, pos, self.unit)
        may_go = value.type.optional and key.optional
        text = f"filled({text})" if may_go else self.required(value, text, pos, key.name)
        return Code(f"csv_cell({text}, {self.target.delimiter!r}, {self.target.quote_all})", pos)
