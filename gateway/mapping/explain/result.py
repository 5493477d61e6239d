"""The reading side a second time: a tree of the result type's fields becomes plain data."""

from typing import Any

from msgspec import UNSET

from gateway.mapping.explain.rows import Walk, placed
from gateway.mapping.explain.values import Doc, Got, Names, as_text, raw
from gateway.mapping.opening import PLAIN
from gateway.mapping.targets.base import parse_key
from gateway.mapping.types import Kind, Type, fields_of
from gateway.mapping.yamlfile import Entry, Map, Node, Scalar, Seq

_DIRECTIVES = ("$each", "$when", "$let")


class ResultWalk(Walk):
    def struct(self, node: Node, struct: type, names: Names) -> dict[str, Any]:
        found: dict[str, Any] = {}
        assert isinstance(node, Map)
        names = self.lets(node, names)
        for entry in node:
            if entry.key not in _DIRECTIVES:
                self._field(entry, fields_of(struct)[parse_key(entry.key).name].type, found, names)
        return found

    def _field(self, entry: Entry, type_: Type, into: dict[str, Any], names: Names) -> None:
        key = parse_key(entry.key)
        with self.below(key.name):
            if not self.shown(entry.value, names):
                return
            made = self._made(entry.value, type_, names, key.optional)
        if made is UNSET or (key.optional and isinstance(entry.value, Map | Seq) and made in ({}, [])):
            return
        into[key.name] = made

    def _made(self, node: Node, type_: Type, names: Names, optional: bool) -> Any:
        if type_.kind is Kind.STRUCT and not isinstance(node, Scalar):
            return self.struct(node, type_.of, names)
        if type_.kind is Kind.MAP and isinstance(node, Map):
            return self._refs(node, names)
        if type_.kind is Kind.LIST and not isinstance(node, Scalar):
            return self._list(node, type_.of, names)
        return self._leaf(node, names.leaning(optional), optional)

    def _leaf(self, node: Node, names: Names, optional: bool) -> Any:
        """A value of the result; a document value is read as text, an absent one leaves a ``?`` key out."""
        got = self.leaf(node, names)
        if got.absent and optional:
            return UNSET
        self.required(node, got)
        if isinstance(got.value, list | tuple):
            return self._listed(node, got)
        return self.told(node, got, lambda one: as_text(one.value))

    def _listed(self, node: Node, got: Got) -> list[Any]:
        items = [item if isinstance(item, Got) else got.made(item) for item in got.value]
        for index, item in enumerate(items):
            with self.below(f"[{index}]"):
                self.told(node, item, lambda one: one)
        return [raw(item.value) for item in items]

    def _refs(self, node: Map, names: Names) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in node:
            key = parse_key(entry.key)
            if key.name.startswith("$"):
                continue
            with self.below(key.name):
                made = self._leaf(entry.value, names.leaning(key.optional), key.optional)
            if made is not UNSET:
                found[key.name] = made
        return found

    def _list(self, node: Node, item: Type, names: Names) -> list[Any]:
        found: list[Any] = []
        for part in node.items if isinstance(node, Seq) else [node]:
            if isinstance(part, Map) and part.get("$each") is not None:
                for inner in self.rounds(part, names):
                    with self.below(f"[{len(found)}]"):
                        found += self._item(part, item, placed(inner, len(found) + 1))
            elif part is node or self.shown(part, names):
                with self.below(f"[{len(found)}]"):
                    found += self._item(part, item, names)
        return found

    def _item(self, node: Node, item: Type, names: Names) -> list[Any]:
        if item.kind is Kind.STRUCT:
            return [self.struct(node, item.of, names)]
        one = node
        if isinstance(node, Map):
            names, given = self.lets(node, names), node.get("$item")
            assert given is not None
            one = given
        return [self._leaf(one, names, False)]


def document_names(kind: str, document: Any) -> dict[str, Got]:
    """The root ``r`` of a document that is read."""
    return {"r": Got(Doc("json" if kind in PLAIN else "xml", document), "r", ("r",))}
