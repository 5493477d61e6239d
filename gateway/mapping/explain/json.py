"""JSON a second time: every member is built as text of its own and joined."""

import json
from decimal import Decimal

from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.inner import inner_text
from gateway.mapping.explain.rows import Walk, placed
from gateway.mapping.explain.values import Got, Names, Written
from gateway.mapping.targets.base import parse_key
from gateway.mapping.yamlfile import Entry, Map, Node, Scalar, Seq

_EMPTY = ("{}", "[]", '""')


def json_text(got: Got) -> str:
    """A single value as JSON."""
    value = got.value
    if got.absent:
        return "null"
    if isinstance(value, bool | int | Decimal | Written):
        return spelt(value)
    return json.dumps(spelt(value), ensure_ascii=False)


class JsonWalk(Walk):
    def node(self, node: Node, names: Names) -> str:
        if isinstance(node, Scalar):
            return self.told(node, self.leaf(node, names), json_text)
        if isinstance(node, Seq):
            return self._array(node, names)
        if node.get("$each") is not None:
            return "[" + ",".join(self._rows(node, names, 0)) + "]"
        return self._single(node, names)

    def _single(self, node: Map, names: Names) -> str:
        names = self.lets(node, names)
        text = node.get("$text")
        if text is not None:
            return self.node(text, names)
        if node.get("$document") is not None:
            return json.dumps(inner_text(self, node, names), ensure_ascii=False)
        entries = [entry for entry in node if not entry.key.startswith("$")]
        return "{" + ",".join(member for entry in entries for member in self._member(entry, names)) + "}"

    def _member(self, entry: Entry, names: Names) -> list[str]:
        key = parse_key(entry.key)
        head = json.dumps(key.name, ensure_ascii=False) + ":"
        with self.below(key.name):
            if key.optional and isinstance(entry.value, Scalar):
                got = self.leaf(entry.value, names.leaning(True))
                return [] if got.absent else [head + self.told(entry.value, got, json_text)]
            if not self.shown(entry.value, names):
                return []
            text = self.node(entry.value, names)
            return [] if key.optional and len(text) <= len(_EMPTY[0]) else [head + text]

    def _rows(self, node: Map, names: Names, before: int) -> list[str]:
        """One text per round; ``before`` of them stand in the same array already."""
        found: list[str] = []
        item = node.get("$item")
        for inner in self.rounds(node, names):
            inner = placed(inner, before + len(found) + 1)
            with self.below(f"[{before + len(found)}]"):
                made = self._single(node, inner) if item is None else self.node(item, self.lets(node, inner))
            found.append(made)
        return found

    def _array(self, node: Seq, names: Names) -> str:
        found: list[str] = []
        for item in node.items:
            if isinstance(item, Map) and not self.shown(item, names):
                continue
            if isinstance(item, Map) and item.get("$each") is not None:
                found += self._rows(item, names, len(found))
                continue
            with self.below(f"[{len(found)}]"):
                found.append(self.node(item, names))
        return "[" + ",".join(found) + "]"
