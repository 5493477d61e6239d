"""What becomes of a message's values before they are written into a signed text: empties dropped, numbers as texts."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from gateway.wire.seals.settings import Settings

_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")


class Empties(StrEnum):
    """Empty texts, empty lists and nulls, at every level."""

    KEEP = "keep"
    DROP = "drop"


class Numbers(StrEnum):
    AS_WRITTEN = "as-written"
    TEXT = "text"
    """Numbers and booleans inside nested JSON become texts."""


@dataclass(frozen=True, slots=True)
class Normal:
    """What becomes of values before they are written."""

    empties: Empties
    numbers: Numbers

    def value(self, value: Any) -> tuple[Any, bytes]:
        """The value without empty members (an object left without any stays) and with numbers as texts; and its JSON."""
        if self.numbers is not Numbers.TEXT:  # which needs a walk in any case
            encoded = _SORTED.encode(value)
            if not self._changes(encoded):
                return value, encoded
        value = self._walked(value)
        return value, _SORTED.encode(value)

    def drops(self, value: Any) -> bool:
        return self.empties is Empties.DROP and value in _EMPTY

    def _changes(self, encoded: bytes) -> bool:
        """Whether a walk may drop something: cheaper to see in the text than value by value."""
        return self.empties is Empties.DROP and any(mark in encoded for mark in _EMPTY_MARKS)

    def _walked(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return [self._walked(one) for one in value]
        if kind is dict:
            return self._members(value)
        return number_text(value) if self.numbers is Numbers.TEXT and kind in _NUMBERS else value

    def _members(self, members: dict[str, Any]) -> dict[str, Any]:
        """Where nearly all the time goes: a plain text costs no call."""
        drop, text, kept = self.empties is Empties.DROP, self.numbers is Numbers.TEXT, {}
        for name, value in members.items():
            kind = type(value)
            if kind is dict or kind is list:
                value = self._walked(value)
            elif text and kind in _NUMBERS:
                value = str(value) if kind is int else number_text(value)
            if value or not drop or value not in _EMPTY:
                kept[name] = value
        return kept


_EMPTY: tuple[Any, ...] = ("", None, [])
_EMPTY_MARKS = (b'":""', b'":null', b'":[]')
"""How an empty member stands in compact JSON; a text that looks so costs a walk and no more."""
_NUMBERS = frozenset({int, Decimal, bool})


def number_text(value: int | Decimal | bool) -> str:
    """As it is written, but never with an exponent."""
    if type(value) is bool:
        return "true" if value else "false"
    text = str(value)
    return format(value, "f") if "E" in text else text


def build_normal(settings: Settings, empties: Empties) -> Normal:
    """From ``empties`` (the profile's default) and ``numbers`` (as-written)."""
    return Normal(settings.choice("empties", Empties, empties), settings.choice("numbers", Numbers, Numbers.AS_WRITTEN))
