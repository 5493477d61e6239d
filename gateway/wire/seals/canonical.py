"""The text that is signed: sorted ``k=v`` pairs or compact sorted JSON, written from parsed members.

Both forms lose something of the message (types, empties, order). So what is believed afterwards is not the message but
``Written.covered``: the members as the text shows them, and nothing that the text leaves out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import quote

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.normal import Empties, Normal, build_normal, number_text
from gateway.wire.seals.settings import Settings

SETTINGS = frozenset({"empties", "numbers", "escape", "charset", "key_text"})
PAIR_SETTINGS = SETTINGS | {"separator", "assign", "values", "nested"}

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]")

_SECRET = "{secret}"  # noqa: S105 - a placeholder

Members = Mapping[str, Any]


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


@dataclass(frozen=True, slots=True)
class Written:
    """One message in canonical form."""

    covered: Members
    """The members as the text shows them; the very object that was given when nothing had to change."""
    document: bytes
    """``covered`` as compact sorted JSON."""
    text: bytes
    """The bytes to sign."""


class Canonical(Protocol):
    def write(self, members: Members) -> Written:
        """Raises ``SealRefused`` (seal-ambiguous) when other members would show the same text."""
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
    normal: Normal
    escape: Escape
    charset: Charset
    tail: Tail

    def write(self, members: Members) -> Written:
        covered, document = self.normal.value(members)
        if self.escape is Escape.NONE and self.charset is Charset.UTF_8 and self.tail.secret is None:
            return Written(covered, document, document)
        text = self.tail.end(_escaped(document.decode(), self.escape))
        return Written(covered, document, _bytes(text, self.charset))


@dataclass(frozen=True, slots=True)
class SortedPairs:
    """Booleans stand as true and false, null as an empty text.

    The text has one reading only: names hold no mark, a value holds no separator, and what starts like JSON is JSON.
    """

    separator: str
    assign: str
    values: Values
    nested: Nested
    normal: Normal
    escape: Escape
    charset: Charset
    tail: Tail

    def write(self, members: Members) -> Written:
        if not all(map(_NAME.fullmatch, members)):
            raise refusal.ambiguous("a member's name holds a character that pairs do not allow")
        separator, assign = self.separator.encode(self.charset), self.assign.encode(self.charset)
        covered, same = {}, True
        text: list[bytes] = []
        document: list[bytes] = []
        for name in sorted(members):
            value, encoded = self.normal.value(members[name])
            if self.normal.drops(value):
                same = False
                continue
            same, covered[name], spelt = same and value is members[name], value, name.encode()
            text += (separator, spelt, assign, self._shown(value, encoded))
            document += (b',"', spelt, b'":', encoded)
        # Joined once, from the second piece on: a message may be large, and every copy of it costs as much as reading it.
        end = _bytes(self.tail.end(""), self.charset)
        whole = b"".join((b'{"', *document[1:], b"}")) if document else b"{}"
        return Written(members if same else covered, whole, b"".join((*text[1:], end)))

    def _shown(self, value: Any, encoded: bytes) -> bytes:
        if isinstance(value, dict | list):
            if self.nested is Nested.REFUSE:
                raise refusal.ambiguous("a value is nested, but only plain values were agreed")
            if self.escape is Escape.NONE and self.charset is Charset.UTF_8 and self.values is Values.RAW:
                return encoded
            shown = _escaped(encoded.decode(), self.escape)
        else:
            shown = self._plain(value)
        spelt = _bytes(shown, self.charset)
        return quote(spelt, safe="").encode() if self.values is Values.URL else spelt

    def _plain(self, value: Any) -> str:
        shown = value if isinstance(value, str) else "" if value is None else number_text(value)
        if self.nested is Nested.JSON and shown[:1] in ("{", "["):
            raise refusal.ambiguous("a plain value starts like a nested one, so the signed text has a second reading")
        if self.values is Values.RAW and self.separator in shown:
            raise refusal.ambiguous("a value holds the separator, so the signed text has a second reading")
        return shown


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
        build_normal(settings, Empties.KEEP),
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
        build_normal(settings, Empties.DROP),
        settings.choice("escape", Escape, Escape.NONE),
        settings.choice("charset", Charset, Charset.UTF_8),
        tail,
    )
