"""The walk that all target trees share: leaves with their places, conditions, repeats, names given on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from gateway.mapping.errors import MappingFailed, MistakeError
from gateway.mapping.explain.expressions import evaluate, holds
from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.loops import rounds
from gateway.mapping.explain.values import Got, Names, fen_of, needed
from gateway.mapping.expressions.parse import parse_expression, parse_loop
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.targets.base import parse_key
from gateway.mapping.yamlfile import Map, Node, Pos, Scalar

_parsed = lru_cache(maxsize=20_000)(parse_expression)
_loop = lru_cache(maxsize=2_000)(parse_loop)
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Row:
    """One value of the message: where it stands, what it is, what it rests on and which line of the mapping said so."""

    target: str
    value: str | None
    """As the peer reads it, without escaping; None is JSON's null."""
    sources: tuple[str, ...]
    line: int
    column: int
    expression: str
    fen: int | None = None
    """An amount, in 分, whatever its spelling in the message."""


class Walk:
    """One section of a mapping file being walked. Raises ``MappingFailed`` at the line that can't be mapped."""

    def __init__(self, mapping: str, outer: "Walk | None" = None) -> None:
        self.mapping = mapping
        self.rows: list[Row] = outer.rows if outer else []
        self.path: list[str] = list(outer.path) if outer else []

    @property
    def target(self) -> str:
        return ".".join(self.path).replace(".[", "[")

    @contextmanager
    def below(self, step: str) -> Iterator[None]:
        self.path.append(step)
        yield
        self.path.pop()

    @contextmanager
    def at(self, pos: Pos, source: str = "") -> Iterator[None]:
        """Failures inside are told at this place, without the error that may hold values."""
        try:
            yield
            return
        except (MappingFailed, MistakeError):
            raise
        except Exception as error:
            refused = isinstance(error, RefusalError)
            reason = str(error) if refused else f"can't be computed ({type(error).__name__})"
        raise MappingFailed(self.mapping, pos.line, self.target, source, reason)

    def leaf(self, node: Node, names: Names) -> Got:
        """The value of ``=text`` or of an expression."""
        assert isinstance(node, Scalar)
        if node.text.startswith("="):
            return Got(node.text[1:])
        with self.at(node.pos, node.text):
            return evaluate(_parsed(node.text), names)

    def told(self, node: Node, got: Got, form: Callable[[Got], _Made]) -> _Made:
        """The value in the target's form, with its row in the account."""
        assert isinstance(node, Scalar)
        with self.at(node.pos, node.text):
            made = form(got)
            value = None if got.absent else spelt(got.value)
        self.rows.append(
            Row(self.target, value, got.reads, node.pos.line, node.pos.column, node.text, fen_of(got.value))
        )
        return made

    def required(self, node: Node, got: Got) -> Got:
        with self.at(node.pos, node.text if isinstance(node, Scalar) else ""):
            needed(got.value)
        return got

    def named(self, node: Node | None, names: Names) -> Names:
        """``let`` names, in order; each may use the ones above it."""
        for entry in node if isinstance(node, Map) else ():
            key = parse_key(entry.key)
            got = self.leaf(entry.value, names.leaning(key.optional))
            names = names.having(**{key.name: got})
        return names

    def lets(self, node: Map, names: Names) -> Names:
        return self.named(node.get("$let"), names)

    def shown(self, node: Node, names: Names) -> bool:
        """The node's ``$when``; a node without one is always there."""
        when = node.get("$when") if isinstance(node, Map) else None
        if not isinstance(when, Scalar):
            return True
        with self.at(when.pos, when.text):
            return holds(_parsed(when.text), names)

    def rounds(self, node: Map, names: Names) -> list[Names]:
        """The names of each round of the node's ``$each``."""
        each = node.get("$each")
        assert isinstance(each, Scalar)
        with self.at(each.pos, each.text):
            return rounds(_loop(each.text), names, evaluate, apart=True)


def placed(names: Names, position: int) -> Names:
    """The names of a round that is the ``position``-th to be written."""
    return names.having(position=Got(position))
