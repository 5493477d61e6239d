"""JSON a second time: every member is built as text of its own and joined."""

import json
from decimal import Decimal

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.inner import inner_text
from gateway.mapping.explain.rows import Walk, placed
from gateway.mapping.explain.values import Got, Names, Written
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.targets.base import parse_key
from gateway.mapping.yamlfile import Entry, Map, Node, Scalar, Seq

_NOT_INSIDE = ("$when", "$each", "$let", "$name")
_EMPTY = ("{}", "[]", '""')


def json_text(got: Got) -> str:
    """A single value as JSON."""
    value = got.value
    if got.absent:
        return "null"
    if isinstance(value, bool | int | Decimal | Written):
        return spelt(value)
    return json.dumps(spelt(value), ensure_ascii=False)


def raw_json(got: Got) -> str:
    """A ready JSON text, as it is."""
    try:
        strict_json(spelt(got.value).encode())
        return spelt(got.value)
    except (MessageRefused, UnicodeEncodeError):
        pass
    raise RefusalError("the text is no JSON")


def _once(name: str, taken: set[str]) -> None:
    if name in taken:
        raise RefusalError("the object would have a member twice")
    taken.add(name)


def _is_computed(entry: Entry) -> bool:
    return isinstance(entry.value, Map) and entry.value.get("$name") is not None


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
        raw = node.get("$raw")
        if raw is not None:
            return self.told(raw, self.required(raw, self.leaf(raw, names)), raw_json)
        return "{" + ",".join(self._members(node, names)) + "}"

    def _members(self, node: Map, names: Names) -> list[str]:
        entries = [entry for entry in node if not entry.key.startswith("$")]
        stated = {parse_key(entry.key).name for entry in entries if not _is_computed(entry)}
        found: list[str] = []
        for entry in entries:
            found += self._computed(entry, names, stated) if _is_computed(entry) else self._member(entry, names)
        return found

    def _computed(self, entry: Entry, names: Names, taken: set[str]) -> list[str]:
        """``$name``: a member whose name is computed, or with ``$each`` one for each round."""
        node, found = entry.value, list[str]()
        assert isinstance(node, Map)
        with self.below(parse_key(entry.key).name):
            if not self.shown(node, names):
                return []
            many = node.get("$each") is not None
            for inner in self.rounds(node, names) if many else [names]:
                found.append(self._named(node, placed(inner, len(found) + 1) if many else inner, taken))
        return found

    def _named(self, node: Map, names: Names, taken: set[str]) -> str:
        names, said = self.lets(node, names), node.get("$name")
        assert said is not None
        name = spelt(self.required(said, self.leaf(said, names)).value)
        inside = Map(node.pos, [entry for entry in node if entry.key not in _NOT_INSIDE])
        item = inside.get("$item")
        with self.below(f"[{name}]"):
            made = self._single(inside, names) if item is None else self.node(item, names)
        with self.at(said.pos):
            _once(name, taken)
        return json.dumps(name, ensure_ascii=False) + ":" + made

    def _member(self, entry: Entry, names: Names) -> list[str]:
        key = parse_key(entry.key)
        head = json.dumps(key.name, ensure_ascii=False) + ":"
        with self.below(key.name):
            if key.optional and isinstance(entry.value, Scalar):
                got = self.leaf(entry.value, names.leaning(True))
                deliberate = entry.value.text.strip() == "null"
                return [] if got.absent and not deliberate else [head + self.told(entry.value, got, json_text)]
            if not self.shown(entry.value, names):
                return []
            by_text = isinstance(entry.value, Map) and entry.value.get("$text") is not None
            text = self.node(entry.value, names.leaning(True) if key.optional and by_text else names)
            gone = text in _EMPTY or (by_text and text == "null")
            return [] if key.optional and gone else [head + text]

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
