"""The types an expression can have, read from msgspec Structs, and the labels that flow with a value."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import UnsetType
from msgspec.structs import replace

from gateway.mapping.edges import edges
from gateway.mapping.kinds import Kind as Kind

Labels = frozenset[str]
NO_LABELS: Labels = frozenset()


class Type(msgspec.Struct, frozen=True):
    kind: Kind
    optional: bool = False
    """May be absent (``UNSET``)."""
    of: Any = None
    """Struct or Enum class; (key, row) of a group; item ``Type`` of a list; ``"json"`` or ``"xml"`` of a document value."""
    soft: bool = False
    """Comes from a document, where absence flows through functions instead of being a mistake."""
    safe: bool = False
    """Text that needs no escaping in any target: digits, dates, Base64."""
    labels: Labels = NO_LABELS
    """Own labels of a list's declaration."""

    @property
    def name(self) -> str:
        return self.kind.value

    def present(self) -> "Type":
        return replace(self, optional=False)

    def absent(self, soft: bool = False) -> "Type":
        return replace(self, optional=True, soft=self.soft or soft)


TEXT = Type(Kind.TEXT)
SAFE_TEXT = Type(Kind.TEXT, safe=True)
INT = Type(Kind.INT)
DECIMAL = Type(Kind.DECIMAL)
NUMBER = Type(Kind.NUMBER)
BOOL = Type(Kind.BOOL)
DATE = Type(Kind.DATE)
DATETIME = Type(Kind.DATETIME)
NULL = Type(Kind.NULL)
ANY = Type(Kind.ANY)
_PLAIN: Mapping[Any, Type] = {
    str: TEXT,
    int: INT,
    Decimal: DECIMAL,
    bool: BOOL,
    date: DATE,
    datetime: DATETIME,
}


def document(kind: str) -> Type:
    return Type(Kind.DOC, optional=True, of=kind, soft=True)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: Type
    labels: Labels
    required: bool
    """The Struct has no default for it."""
    can: tuple[Any, ...] = ()
    """Some values that it can really have: the edges of its limits."""


@cache
def fields_of(struct: type) -> Mapping[str, Field]:
    """The fields of a Struct by name. Raises ``TypeError`` for a field type that the language does not know."""
    found = {}
    for info in msgspec.structs.fields(struct):
        type_, labels = _read(info.type)
        can = edges(type_.kind, type_.of, _limits(info.type))
        found[info.name] = Field(info.name, replace(type_, labels=labels), labels, info.required, can)
    return found


@cache
def labels_within(struct: type) -> Labels:
    """Labels of every leaf below a Struct: what its mere presence or number may tell."""
    found: set[str] = set()
    for field in fields_of(struct).values():
        found |= spread(field.type) | field.labels
    return frozenset(found)


def spread(type_: Type) -> Labels:
    """What a whole list or object tells: its own label when it has one, otherwise those of its leaves."""
    if type_.labels:
        return type_.labels
    if type_.kind is Kind.STRUCT:
        return labels_within(type_.of)
    if type_.kind is Kind.LIST:
        return spread(type_.of)
    if type_.kind is Kind.GROUP:
        key, row = type_.of
        return spread(key) | spread(row)
    return NO_LABELS


def _read(annotation: Any) -> tuple[Type, Labels]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        type_, labels = _read(inner)
        return type_, labels | {label for note in notes if (label := _label(note))}
    if origin in (Union, types.UnionType):
        rest = [arm for arm in get_args(annotation) if arm is not UnsetType]
        if len(rest) != 1:
            raise TypeError("a field of the source must have one type besides UnsetType")
        type_, labels = _read(rest[0])
        return type_.absent(), labels
    if origin is tuple:
        item, labels = _read(get_args(annotation)[0])
        return Type(Kind.LIST, of=replace(item, labels=labels)), NO_LABELS
    if origin is dict:
        return Type(Kind.MAP), NO_LABELS
    return _plain(annotation), NO_LABELS


def _plain(annotation: Any) -> Type:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return Type(Kind.STRUCT, of=annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Type(Kind.ENUM, of=annotation)
    raise TypeError(f"the mapping language has no type for {annotation!r}")


def _label(note: Any) -> str:
    extra = getattr(note, "extra_json_schema", None) or {}
    return str(extra.get("x-label", ""))


_LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")


def _limits(annotation: Any) -> dict[str, Any]:
    """The constraints that a field's declaration states."""
    origin = get_origin(annotation)
    found: dict[str, Any] = {}
    if origin in (Union, types.UnionType):
        for arm in get_args(annotation):
            found |= _limits(arm)
    elif origin is Annotated:
        for note in get_args(annotation)[1:]:
            told = getattr(note, "extra_json_schema", None) or {}
            stated = {key: getattr(note, key, None) for key in _LIMITS}
            found |= {key: told[key] for key in _LIMITS if key in told}
            found |= {key: value for key, value in stated.items() if value is not None}
    return found
