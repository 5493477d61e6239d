"""Valid sources from their types: every limit that a type declares is met, and gone up to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

from gateway.mapping.fuzz.texts import matching, odd_text, plain_text

Data = dict[str, Any]
_LINES = (0, 1, 2, 3, 7)
_MANY = (100, 1000)
_DECIMALS = ("0", "1", "0.1", "2.50", "12.3456", "-1.5", "0.00000001", "99999999.9999", "100", "1E+2")
_ZONES = (0, 480, 480, 480, 345, -210, 840)
"""Offsets in minutes: mostly China's, and some that are no whole hour."""
_DAYS = ("1900-01-01", "1969-12-31", "2000-02-29", "2024-02-29", "2025-12-31", "9999-12-31", "0001-01-01")


@dataclass(frozen=True, slots=True)
class Mood:
    """How one source is made."""

    plain: bool
    """Harmless texts and amounts: what comes out is meant to be sent."""
    optional: float
    """Chance that an optional part is there: 0, 1 or between."""
    many: int
    """So many items in one of the long lists, or 0."""


def mood_of(number: int, rng: Random) -> Mood:
    """The first cases are those that matter most: everything there, next to nothing there, a thousand lines."""
    if number < len(_FIRST):
        return _FIRST[number]
    many = rng.choice(_MANY) if rng.random() < 0.01 else 0
    plain = rng.random() < 0.5
    return Mood(plain, rng.choice((1.0, 1.0, 0.9, 0.5) if plain else (0.0, 1.0, 0.5, 0.9)), many)


_FIRST = (Mood(True, 1.0, 0), Mood(True, 0.0, 0), Mood(True, 1.0, 1000), Mood(False, 1.0, 0))


class SourceMaker:
    """Makes plain data of one Struct type; ``refs`` are the keys that a map of texts may have."""

    def __init__(self, struct: type, refs: Sequence[str]) -> None:
        self._struct = struct
        self._refs = tuple(sorted(refs))
        self._kind: Any = inspect.type_info(struct)

    def make(self, number: int, rng: Random) -> Data:
        mood = mood_of(number, rng)
        made = self._struct_data(self._kind, rng, mood, 0)
        self._grow(made, rng, mood)
        return made

    def built(self, data: Data) -> Any:
        """The Struct, as a decoder would make it. Raises ``msgspec.ValidationError``."""
        return msgspec.convert(data, self._struct)

    def _struct_data(self, kind: Any, rng: Random, mood: Mood, depth: int) -> Data:
        return {
            field.encode_name: self._value(field.type, rng, mood, depth + 1)
            for field in kind.fields
            if field.required or rng.random() < mood.optional
        }

    def _grow(self, made: Data, rng: Random, mood: Mood) -> None:
        """One long list, because size is what most mappings forget: mostly the one with the widest rows."""
        lists = sorted(filter(_is_list_of_structs, self._kind.fields), key=_row_width)
        if mood.many and lists:
            field = lists[-1] if mood.plain else rng.choice(lists)
            item = _bare(field.type).item_type
            made[field.encode_name] = [self._value(item, rng, mood, 2) for _ in range(mood.many)]

    def _value(self, kind: Any, rng: Random, mood: Mood, depth: int) -> Any:
        told = isinstance(kind, inspect.Metadata) and (kind.extra_json_schema or {}).get("pattern")
        if told:
            return matching(told, rng, mood.plain)
        kind = _bare(kind)
        if isinstance(kind, inspect.StructType):
            return self._struct_data(kind, rng, mood, depth)
        if isinstance(kind, inspect.VarTupleType):
            least, most = kind.min_length or 0, kind.max_length or 10**6
            count = max(least, min(most, rng.choice(_LINES[mood.plain :]) if mood.optional else least))
            return [self._value(kind.item_type, rng, mood, depth + 1) for _ in range(count)]
        if isinstance(kind, inspect.DictType):
            chance = 1.0 if mood.plain else max(mood.optional, 0.5)
            return {key: plain_text(rng, 1, 20) for key in self._refs if rng.random() < chance}
        return _LEAVES[type(kind)](kind, rng, mood)


def _bare(kind: Any) -> Any:
    """A field's type without its notes."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _is_list_of_structs(field: Any) -> bool:
    bare = _bare(field.type)
    return isinstance(bare, inspect.VarTupleType) and isinstance(_bare(bare.item_type), inspect.StructType)


def _row_width(field: Any) -> int:
    return len(_bare(_bare(field.type).item_type).fields)


def _text(kind: Any, rng: Random, mood: Mood) -> str:
    if kind.pattern:
        return matching(kind.pattern, rng, mood.plain)
    least, most = kind.min_length or 0, kind.max_length or 60
    return plain_text(rng, max(least, 1), most) if mood.plain else odd_text(rng, least, min(most, 4000))


def _whole(kind: Any, rng: Random, mood: Mood) -> int:
    least = kind.ge if kind.ge is not None else -(10**6)
    most = kind.le if kind.le is not None else 10**6
    if mood.plain:
        return int(rng.randint(max(least, 0), min(most, 10**6)))
    return int(rng.choice((least, most, max(least, 0), max(least, 1), min(most, 99), rng.randint(least, most))))


def _decimal(_kind: Any, rng: Random, mood: Mood) -> str:
    if mood.plain:
        return f"0.{rng.randint(0, 99):02d}"
    return rng.choice(_DECIMALS)


def _instant(_kind: Any, rng: Random, mood: Mood) -> str:
    zone = timezone(timedelta(minutes=480 if mood.plain else rng.choice(_ZONES)))
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 3 * 365 * 86400))
    if not mood.plain:
        moment = moment.replace(year=rng.choice((1900, 1985, 1999, 2024, 2038, 9998)), day=rng.choice((1, 28)))
        moment = moment.replace(microsecond=rng.choice((0, 1, 999_999)))
    return moment.astimezone(zone).isoformat()


def _day(_kind: Any, rng: Random, mood: Mood) -> str:
    if mood.plain or rng.random() < 0.5:
        return (date(1940, 1, 1) + timedelta(days=rng.randint(0, 31_000))).isoformat()
    return rng.choice(_DAYS)


def _code(kind: Any, rng: Random, _mood: Mood) -> Any:
    return rng.choice(list(kind.cls)).value


_LEAVES: Mapping[type, Callable[[Any, Random, Mood], Any]] = {
    inspect.StrType: _text,
    inspect.IntType: _whole,
    inspect.DecimalType: _decimal,
    inspect.DateTimeType: _instant,
    inspect.DateType: _day,
    inspect.EnumType: _code,
    inspect.BoolType: lambda _kind, rng, _mood: rng.random() < 0.5,
}
