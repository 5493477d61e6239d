"""The one way that untyped JSON from outside becomes data: exact decimals, bounded depth, no key said twice."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from itertools import chain
from typing import Any

import msgspec

from gateway.kernel.errors import MessageRefused

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64

MAX_DIGITS = 100

bounded_decimal: Callable[[str | int | Decimal], Decimal] = Context(
    prec=MAX_DIGITS, Emax=MAX_DIGITS, Emin=-MAX_DIGITS, traps=[InvalidOperation, Overflow, Inexact]
).create_decimal
"""Text to the exact number. Raises ``ArithmeticError`` for what is none, or has more than ``MAX_DIGITS`` places: ``1e999999999`` is
ten letters, and its digits a gigabyte."""
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=bounded_decimal)
_KEYS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?', re.DOTALL)


def strict_json(data: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """JSON bytes to plain data; numbers with a point become ``Decimal``, others ``int``.

    Raises ``MessageRefused`` (``json-invalid``) for what is not in UTF-8, and (``bad-json``) for malformed JSON (each says at which
    byte), more than ``MAX_DEPTH`` levels, a number of more than ``MAX_DIGITS`` places, or a repeated key: two readers of such a
    document would see two different messages.
    """
    if len(data) > max_bytes:
        raise _refused("the JSON document is too large", f"At most {max_bytes >> 20} MB.")
    value, wrong = _decoded(data)
    if wrong is not None:
        raise _unread(wrong, data)
    if not _each_once(data, _count_keys(value)):
        raise _refused("the JSON document says a key twice", "Write each key once in its object.")
    return value


def _decoded(data: bytes) -> tuple[Any, Exception | None]:
    try:
        return _DECODER.decode(data), None
    except (msgspec.DecodeError, RecursionError, ArithmeticError, UnicodeDecodeError) as wrong:
        return None, wrong


def _unread(wrong: Exception, data: bytes) -> MessageRefused:
    """What is so: whoever nests too deep or writes in GBK looks for another mistake than a missing comma."""
    if isinstance(wrong, RecursionError):
        return _too_deep()
    if isinstance(wrong, ArithmeticError | msgspec.ValidationError):
        return _refused("a number of the JSON document is too long", f"Numbers have at most {MAX_DIGITS} digits.")
    foreign = _first_foreign(data)
    if foreign is not None:
        rule = f"the JSON document is not UTF-8 (byte {foreign})"
        return MessageRefused(rule, code="json-invalid", hint="Send UTF-8, not GBK or UTF-16.")
    hint = "Send UTF-8 without a byte order mark." if data.startswith(BOM_UTF8) else "Send JSON as RFC 8259 has it."
    return _refused(f"the document is not well-formed JSON{_place_of(wrong, data)}", hint)


def _first_foreign(data: bytes) -> int | None:
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        return wrong.start
    return None


def _place_of(wrong: Exception, data: bytes) -> str:
    """`` (byte 17)`` where the library says it: the place tells nothing of the content."""
    if "truncated" in str(wrong):
        return f" (byte {len(data)})"
    found = _PLACE.search(str(wrong))
    return f" ({found[1]})" if found else ""


def surely_each_key_once(data: bytes, again: bytes) -> bool:
    """Whether ``data`` can be seen at a glance to write each key once, given ``again``: what was kept, written again.

    Written again, nothing gains a comma: texts keep theirs where nothing is escaped, and no member is added. A key said twice
    loses one with each value that was not kept. False means: look closer (``strict_json``).
    """
    return b"\\" not in data and data.count(b",") == again.count(b",")


_PLACE = re.compile(r"\((byte [0-9]+)\)\Z")
_BLANKS = (b" ", b"\t", b"\n", b"\r")


def _blank_before_colon(data: bytes) -> bool:
    """One byte is looked for first: that is many times faster than two, and most senders write no blanks at all."""
    return bool([blank for blank in _BLANKS if blank in data and blank + b":" in data])


def _each_once(data: bytes, keys: int) -> bool:
    """Whether the text writes as many keys as the data kept: fewer were kept when one was said twice.

    Each key has one colon. Colons inside texts need a closer look: where nothing is escaped, ``":`` stands behind keys and at
    the start of texts; when that does not settle it, the texts are walked over one by one.
    """
    if data.count(b":") == keys:
        return True
    plain = b"\\" not in data and not _blank_before_colon(data)
    if plain and data.count(b'":') == keys:
        return True
    return sum(map(bool, _KEYS.findall(data))) == keys


def _count_keys(value: Any) -> int:
    """Level by level, so that a level of plain values costs no Python step per value."""
    level, keys, depth = [value], 0, 0
    while True:
        kinds = set(map(type, level))
        boxes = [one for one in level if type(one) is dict] if dict in kinds else []
        lists = [one for one in level if type(one) is list] if list in kinds else []
        if not boxes and not lists:
            return keys
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        keys += sum(map(len, boxes))
        level = [*chain.from_iterable(map(dict.values, boxes)), *chain.from_iterable(lists)]


def _too_deep() -> MessageRefused:
    return _refused("the JSON document is nested too deeply", f"At most {MAX_DEPTH} levels.")


def _refused(rule: str, hint: str) -> MessageRefused:
    return MessageRefused(rule, code="bad-json", hint=hint)
