"""Single texts a second time: path, query, headers, form fields."""

import re
from urllib.parse import quote, quote_plus

from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.rows import Walk
from gateway.mapping.explain.values import Names
from gateway.mapping.mapfile import Target
from gateway.mapping.opening import is_utf8
from gateway.mapping.runtime.widths import form_bytes
from gateway.mapping.targets.base import parse_key
from gateway.mapping.yamlfile import Map, Node, Scalar

_FILLED = re.compile(r"\{([^}]*)\}?")


def texts(walk: Walk, node: Map | None, names: Names, what: str) -> dict[str, str]:
    """A section of names to texts; a ``?`` key is left out when absent."""
    found: dict[str, str] = {}
    for entry in node or ():
        key = parse_key(entry.key)
        with walk.below(what), walk.below(key.name):
            got = walk.leaf(entry.value, names.leaning(key.optional))
            if key.optional and got.absent:
                continue
            walk.required(entry.value, got)
            found[key.name] = walk.told(entry.value, got, lambda one: spelt(one.value))
    return found


def path_text(walk: Walk, node: Node | None, names: Names) -> str:
    """``/orders/{order.no}``: each expression in braces is filled in, percent-encoded."""
    if not isinstance(node, Scalar):
        return ""

    def filled(match: "re.Match[str]") -> str:
        at = Scalar(match[1], node.pos.shifted(match.start(1)))
        got = walk.required(at, walk.leaf(at, names))
        return walk.told(at, got, lambda one: quote(spelt(one.value), safe=""))

    with walk.below("path"):
        return _FILLED.sub(filled, node.text)


class FormWalk(Walk):
    def __init__(self, mapping: str, target: Target, outer: Walk | None = None) -> None:
        super().__init__(mapping, outer)
        self._target = target

    def root(self, node: Map, names: Names) -> str:
        parts: list[str] = []
        for entry in node:
            key = parse_key(entry.key)
            with self.below(key.name):
                got = self.leaf(entry.value, names.leaning(key.optional))
                if key.optional and got.absent:
                    continue
                self.required(entry.value, got)
                value = self.told(entry.value, got, lambda one: self._value(spelt(one.value)))
            parts.append(f"{quote_plus(key.name, safe='')}={value}")
        return "&".join(parts)

    def _value(self, text: str) -> str:
        if is_utf8(self._target.encoding) and self._target.lacking == "strict":
            return quote_plus(text, safe="")
        return form_bytes(text, self._target.encoding, self._target.lacking)
