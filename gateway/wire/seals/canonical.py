"""The text that is signed: sorted ``k=v`` pairs or compact sorted JSON, written from parsed members.

Both forms lose something of the message (types, empties, order). So what is believed afterwards is not the message but
``covered``: the members as the text shows them, and nothing that the text leaves out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.settings import Settings

SETTINGS = frozenset({"empties", "numbers", "escape", "charset", "key_text"})
PAIR_SETTINGS = SETTINGS | {"separator", "assign", "values", "nested"}

_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]")

_SECRET = "{secret}"  # noqa: S105 - a placeholder

Members = Mapping[str, Any]


class Empties(StrEnum):
    """Empty texts, empty lists and nulls, at every level."""

    KEEP = "keep"
    DROP = "drop"


class Numbers(StrEnum):
    AS_WRITTEN = "as-written"
    TEXT = "text"
    """Numbers and booleans inside nested JSON become texts."""


class Escape(StrEnum):
    r"""Characters outside ASCII in JSON: as they are, or ``\uXXXX`` with lower or upper hex digits."""

    NONE = "none"
    LOWER = "lower"
    UPPER = "upper"


class Values(StrEnum):
    """Whether a value stands in the text as it is or URL-encoded (a blank as %20)."""

    RAW = "raw"
    URL = "url"


class Nested(StrEnum):
    """Objects and lists as a pair's value: compact sorted JSON, or not at all."""

    JSON = "json"
    REFUSE = "refuse"


class Charset(StrEnum):
    UTF_8 = "utf-8"
    GBK = "gbk"
    GB18030 = "gb18030"


class Canonical(Protocol):
    def covered(self, members: Members) -> dict[str, Any]:
        """The members as the text shows them. Raises ``SealRefused`` (seal-ambiguous) if others would show the same."""
        ...

    def text(self, covered: Members) -> bytes:
        """The bytes to sign."""
        ...


@dataclass(frozen=True, slots=True)
class Tail:
    """What follows the text: the agreed word and the shared secret (``&key=…``), or nothing."""

    word: str = ""
    secret: Secret[str] | None = None

    def end(self, text: str) -> str:
        return text if self.secret is None else text + self.word + self.secret.expose()


@dataclass(frozen=True, slots=True)
class SortedJson:
    empties: Empties
    numbers: Numbers
    escape: Escape
    charset: Charset
    tail: Tail

    def covered(self, members: Members) -> dict[str, Any]:
        return _normal(members, self.empties, self.numbers)

    def text(self, covered: Members) -> bytes:
        encoded = _SORTED.encode(covered)
        if self.escape is Escape.NONE and self.charset is Charset.UTF_8 and self.tail.secret is None:
            return encoded
        return _bytes(self.tail.end(_escaped(encoded.decode(), self.escape)), self.charset)


@dataclass(frozen=True, slots=True)
class SortedPairs:
    """Booleans stand as true and false, null as an empty text.

    The text has one reading only: names hold no mark, a value holds no separator, and what starts like JSON is JSON.
    """

    separator: str
    assign: str
    values: Values
    nested: Nested
    empties: Empties
    numbers: Numbers
    escape: Escape
    charset: Charset
    tail: Tail

    def covered(self, members: Members) -> dict[str, Any]:
        if not all(map(_NAME.fullmatch, members)):
            raise refusal.ambiguous("a member's name holds a character that pairs do not allow")
        return _normal(members, self.empties, self.numbers)

    def text(self, covered: Members) -> bytes:
        pairs = [f"{name}{self.assign}{self._value(covered[name])}" for name in sorted(covered)]
        return _bytes(self.tail.end(self.separator.join(pairs)), self.charset)

    def _value(self, value: Any) -> str:
        shown = self._nested(value) if isinstance(value, dict | list) else self._plain(value)
        return quote(shown, safe="", encoding=self.charset) if self.values is Values.URL else shown

    def _nested(self, value: Any) -> str:
        if self.nested is Nested.REFUSE:
            raise refusal.ambiguous("a value is nested, but only plain values were agreed")
        return _escaped(_SORTED.encode(value).decode(), self.escape)

    def _plain(self, value: Any) -> str:
        shown = value if isinstance(value, str) else "" if value is None else _number_text(value)
        if self.nested is Nested.JSON and shown[:1] in ("{", "["):
            raise refusal.ambiguous("a plain value starts like a nested one, so the signed text has a second reading")
        if self.values is Values.RAW and self.separator in shown:
            raise refusal.ambiguous("a value holds the separator, so the signed text has a second reading")
        return shown


def _normal(members: Members, empties: Empties, numbers: Numbers) -> dict[str, Any]:
    """New members without empties (an object left without members stays) and with numbers as texts, as agreed."""
    if empties is Empties.KEEP and numbers is Numbers.AS_WRITTEN:
        return dict(members)
    drop, text = empties is Empties.DROP, numbers is Numbers.TEXT

    def walk(value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            inner = {name: walk(one) for name, one in value.items()}
            return {name: one for name, one in inner.items() if one not in _EMPTY} if drop else inner
        if kind is list:
            return [walk(one) for one in value]
        return _number_text(value) if text and kind in _NUMBERS else value

    normal: dict[str, Any] = walk(dict(members))
    return normal


_EMPTY: tuple[Any, ...] = ("", None, [])
_NUMBERS = (int, Decimal, bool)


def _number_text(value: int | Decimal | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _escaped(text: str, escape: Escape) -> str:
    if escape is Escape.NONE or text.isascii():
        return text
    form = "04x" if escape is Escape.LOWER else "04X"

    def write(found: "re.Match[str]") -> str:
        units = found[0].encode("utf-16-be")
        return "".join(f"\\u{units[at] << 8 | units[at + 1]:{form}}" for at in range(0, len(units), 2))

    return _OUTSIDE_ASCII.sub(write, text)


def _bytes(text: str, charset: Charset) -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        raise refusal.form("the message holds a character that the agreed charset lacks") from None


def build_tail(settings: Settings, keys: KeyRing) -> Tail:
    """From ``key_text``, which ends with ``{secret}`` (``&key={secret}``), and ``secret``: what stands behind the text.

    Only behind: a plain hash with the secret in front could be lengthened by anyone.
    """
    word = settings.optional("key_text")
    if not word:
        return Tail()
    if not word.endswith(_SECRET) or word.count(_SECRET) > 1:
        raise settings.refuse("key_text", "must end with {secret}")
    return Tail(word.removesuffix(_SECRET), keys.secret(settings.text("secret")))


def build_json(settings: Settings, tail: Tail) -> SortedJson:
    """From ``empties`` (keep), ``numbers`` (as-written), ``escape`` (none), ``charset`` (utf-8)."""
    return SortedJson(
        settings.choice("empties", Empties, Empties.KEEP),
        settings.choice("numbers", Numbers, Numbers.AS_WRITTEN),
        settings.choice("escape", Escape, Escape.NONE),
        settings.choice("charset", Charset, Charset.UTF_8),
        tail,
    )


def build_pairs(settings: Settings, tail: Tail) -> SortedPairs:
    """From the same, with ``empties`` (drop), and ``separator`` (&), ``assign`` (=), ``values`` (raw | url),
    ``nested`` (json | refuse)."""
    separator, assign = settings.text("separator", "&"), settings.text("assign", "=")
    for name, mark in (("separator", separator), ("assign", assign)):
        if any(_NAME.fullmatch(sign) for sign in mark):
            raise settings.refuse(name, "must hold no letter, digit, point, dash or underline, because names do")
    return SortedPairs(
        separator,
        assign,
        settings.choice("values", Values, Values.RAW),
        settings.choice("nested", Nested, Nested.JSON),
        settings.choice("empties", Empties, Empties.DROP),
        settings.choice("numbers", Numbers, Numbers.AS_WRITTEN),
        settings.choice("escape", Escape, Escape.NONE),
        settings.choice("charset", Charset, Charset.UTF_8),
        tail,
    )
