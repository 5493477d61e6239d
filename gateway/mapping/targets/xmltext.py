"""Single values as XML: element text, attribute text or CDATA."""

import re

from gateway.mapping.code.writer import Code, Parts
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.text import xattr, xcdata, xtext
from gateway.mapping.targets.jsontext import ready_codes, ready_table
from gateway.mapping.types import Kind
from gateway.mapping.values import Unit, Value
from gateway.mapping.yamlfile import Pos

_PATH = re.compile(r"\w+(?:\.\w+)*")
_ESCAPES = {"text": ("xtext", xtext), "attribute": ("xattr", xattr), "cdata": ("xcdata", xcdata)}

_PLAIN = {
    "text": "{0}.isprintable() and '&' not in {0} and '<' not in {0} and '>' not in {0}",
    "attribute": "{0}.isalnum()",
}
"""Most texts need no escape (what XML can't carry is not printable either): asking in line saves the call for each of them."""


def xml_text(value: Value, pos: Pos, place: str, unit: Unit) -> Parts:
    """A present value at its ``place``: ``text``, ``attribute`` or ``cdata``."""
    if place == "cdata":
        unit.cdata = unit.cdata or pos
    kind, escape = value.type.kind, _ESCAPES[place]
    if value.is_const and value.const is not None:
        return [_constant(value.const, place, pos, unit)]
    if value.choice and place != "cdata":
        return [Code(ready_table(value, unit, escape[1]), pos)]
    if kind is Kind.ENUM and place != "cdata":
        return [Code(f"{ready_codes(value.type.of, unit, escape[1])}[{value.code}]", pos)]
    if (kind is Kind.TEXT and value.type.safe and place != "cdata") or kind in (Kind.INT, Kind.NUMBER):
        return [Code(value.code, pos)]
    if kind is Kind.TEXT and place in _PLAIN and _PATH.fullmatch(value.code):
        unit.attributes |= {"isalnum", "isprintable"}
        return [Code(f"({value.code} if {_PLAIN[place].format(value.code)} else {escape[0]}({value.code}))", pos)]
    code = {
        Kind.TEXT: f"{escape[0]}({value.code})",
        Kind.ENUM: f"{escape[0]}({value.code})",
        Kind.DOC: f"{escape[0]}(dtext({value.code}))",
        Kind.DECIMAL: f"decimal_text({value.code})",
        Kind.BOOL: f"('true' if {value.code} else 'false')",
        Kind.ANY: "''",
    }.get(kind)
    if code is None:
        hint = "use date(x, form) or datetime(x, form)" if kind in (Kind.DATE, Kind.DATETIME) else "name a field of it"
        unit.note(pos, "type-clash", f"a {value.type.name} is no XML text", hint)
        return []
    return [Code(code, pos)]


def _constant(value: object, place: str, pos: Pos, unit: Unit) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    try:
        return _ESCAPES[place][1](text)
    except RefusalError:
        unit.note(pos, "bad-value", "the constant has a character that XML can't carry")
        return ""
