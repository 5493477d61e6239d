"""What a mapping may read: every leaf of the source model with its names in English, Chinese and the national interface."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec.structs import replace

from gateway.mapping.types import Kind, Type, fields_of

MONEY_LIMIT = 10**15
"""The canonical model bounds every amount in 分 by this; no other whole number has the bound."""


class Candidate(msgspec.Struct, frozen=True):
    """One leaf that an expression can name."""

    path: str
    type: Type
    zh: str = ""
    yibao: str = ""
    money: bool = False
    home: str = ""
    """The list that the loop variable in ``path`` goes over, or empty."""

    @property
    def optional(self) -> bool:
        return self.type.optional

    def below(self, variable: str, struct_path: str) -> "Candidate":
        return replace(self, path=variable + self.path.removeprefix(struct_path), home=struct_path)


@dataclass(frozen=True, slots=True)
class ListSource:
    """A list of objects that a repeating part may go over."""

    path: str
    optional: bool
    items: tuple[Candidate, ...]


def notes_of(struct: type) -> dict[str, dict[str, Any]]:
    """Field name to what its declaration says beside the type: ``x-zh``, ``x-yibao``, ``x-label``, ``money``."""
    return {info.name: _notes(info.type) for info in msgspec.structs.fields(struct)}


def _notes(annotation: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for inner in get_args(annotation) if get_origin(annotation) is not Annotated else ():
        found |= _notes(inner)
    if get_origin(annotation) is Annotated:
        for meta in annotation.__metadata__:
            if isinstance(meta, msgspec.Meta):
                found |= meta.extra_json_schema or {}
                found["money"] = meta.le == MONEY_LIMIT
    return found


def leaves_of(struct: type, path: str = "", optional: bool = False) -> Iterator[Candidate]:
    """Leaves below a Struct that are in no list, in the order of the model."""
    notes = notes_of(struct)
    for name, field in fields_of(struct).items():
        here = f"{path}.{name}" if path else name
        absent = optional or field.type.optional
        if field.type.kind is Kind.STRUCT:
            yield from leaves_of(field.type.of, here, absent)
        elif field.type.kind not in (Kind.LIST, Kind.MAP):
            said = notes[name]
            type_ = replace(field.type, optional=absent)
            yield Candidate(here, type_, said.get("x-zh", ""), said.get("x-yibao", ""), said.get("money", False))


def lists_of(struct: type, path: str = "", optional: bool = False) -> Iterator[ListSource]:
    for name, field in fields_of(struct).items():
        here = f"{path}.{name}" if path else name
        absent = optional or field.type.optional
        if field.type.kind is Kind.STRUCT:
            yield from lists_of(field.type.of, here, absent)
        elif field.type.kind is Kind.LIST and field.type.of.kind is Kind.STRUCT:
            yield ListSource(here, absent, tuple(leaves_of(field.type.of.of, here)))
