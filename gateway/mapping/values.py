"""What the compiler passes around: compiled expressions, their scope, and the unit of code that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from gateway.mapping.tables import Table
from gateway.mapping.types import ANY, NO_LABELS, Labels, Type
from gateway.mapping.yamlfile import Book, Pos

if TYPE_CHECKING:
    from gateway.mapping.expressions.facts import Facts, Limit
    from gateway.mapping.schemas.base import Place


class _NotConstant:
    pass


NOT_CONSTANT = _NotConstant()
ANY_PLACES = 99
"""More decimals than any number here has."""


class Value(msgspec.Struct, frozen=True):
    """A compiled expression: Python source, type, the labels it rests on and the paths it read."""

    code: str
    type: Type
    labels: Labels = NO_LABELS
    source: str = ""
    const: Any = NOT_CONSTANT
    many: str = ""
    """For a document value: source of its list form (all children of that name, or the array's items)."""
    path: str = ""
    """Dotted path when it is one: what ``present(path)`` can say something about."""
    texts: frozenset[str] | None = None
    """The only texts it can be, where known: held against the target's enumeration."""
    can: tuple[Any, ...] = ()
    """Some values that it can really have, edges first of all; empty where nothing is known (witness.py)."""
    places: int | None = None
    """Its text is surely a decimal number of at most so many decimals; None where that is not known."""
    at: "Place | None" = None
    """For a document value: the place in its schema."""
    weight: int = 1
    """How many values of the source it may be made of, each as often as it is used."""
    choice: tuple[Table, str, Any] | None = None
    """A table look-up that may be compiled to ready-escaped text: the table, the source of its
    (present) key, and the Enum that the key belongs to, if any."""

    @property
    def is_const(self) -> bool:
        return not isinstance(self.const, _NotConstant)

    def typed(self, code: str, type_: Type) -> "Value":
        """The same flow in another shape."""
        return Value(code, type_, self.labels, self.source)


BROKEN = Value("U", ANY)


class Scope(msgspec.Struct, frozen=True):
    """Names an expression may use, and what is known to be present where it stands."""

    names: Mapping[str, Value]
    known: frozenset[str] = frozenset()
    limits: tuple["Limit", ...] = ()
    """Comparisons that hold here."""
    lenient: bool = False
    """In a ``?`` key: absence passes through functions and leaves the key out."""
    no_walrus: bool = False
    """Inside a comprehension's iterable, where Python allows no assignment expression."""

    loops: int = 0
    """Loops around it: rounds of a loop inside another are counted at run time."""

    def having(self, learnt: "Facts") -> "Scope":
        if not learnt.present and not learnt.limits:
            return self
        return replace(self, known=self.known | learnt.present, limits=self.limits + learnt.limits)

    def with_names(self, **names: Value) -> "Scope":
        return replace(self, names={**self.names, **names})


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a piece of generated code comes from: shown when it fails at run time."""

    target: str
    source: str


@dataclass(slots=True)
class Unit:
    """One compiled function: its constants, temporary names and the leaves it reads."""

    book: Book
    tables: Mapping[str, Table] = field(default_factory=dict)
    partner: Mapping[str, str] = field(default_factory=dict)
    refs: frozenset[str] | None = None
    may_carry: Labels | None = None
    """Labels that may flow out of this function; None where nothing leaves (answers)."""
    consts: dict[str, Any] = field(default_factory=dict)
    leaves: dict[tuple[int, int], Leaf] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    """Names of members, elements and columns that are looked up in a document."""
    inner: list[Any] = field(default_factory=list)
    """Inner documents with a schema, in the order of their index in generated code."""
    answers: bool = False
    """Reads a partner's words: every code of theirs must mean something."""
    declassified: Mapping[str, Labels] = field(default_factory=dict)
    """Labels that the central policy takes from a field here (``Visit.visit_id``)."""
    runs: bool = True
    """The function is wanted, not the check of it alone."""
    cdata: Pos | None = None
    """Where a CDATA section stands, if there is one: it can hold no character references."""
    counter: int = 0

    def temp(self, prefix: str = "t") -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    def keep(self, value: Any) -> str:
        """A constant that generated code reads by name, so that no file text needs to be written into source."""
        name = self.temp("k")
        self.consts[name] = value
        return name

    def note(self, pos: Pos, code: str, message: str, hint: str = "") -> None:
        self.book.note(pos, code, message, hint)
