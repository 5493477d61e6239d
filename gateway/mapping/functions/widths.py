"""Byte widths and encodings: partners count the bytes of a field, not its characters."""

import codecs

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.base import TEXTS, WHOLE, Function, Param
from gateway.mapping.lift import made
from gateway.mapping.types import SAFE_TEXT, TEXT
from gateway.mapping.values import Scope, Unit, Value

_X = Param("x", TEXTS)
_SIZE = Param("size", WHOLE, constant=True)
_ENCODING = Param("encoding", TEXTS, constant=True)
_SIDES = ("left", "right")


def known_encoding(name: str) -> str:
    """Raises ``MistakeError`` unless it is a text encoding that Python knows."""
    try:
        codecs.lookup(name)
        "x".encode(name)
    except (LookupError, ValueError, TypeError):
        raise MistakeError("unknown-encoding", f"no text encoding {name!r}") from None
    return name


def _counted(helper: str) -> Function:
    def build(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
        known_encoding(str(args[2].const))
        return made(f"{helper}({', '.join(arg.code for arg in args)})", TEXT, args)

    return Function((_X, _SIZE, _ENCODING), build)


def _pad(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    encoding, fill = known_encoding(str(args[2].const)), str(args[3].const)
    try:
        single = len(fill) == 1 and len(fill.encode(encoding)) == 1
    except UnicodeEncodeError:
        single = False
    if not single:
        raise MistakeError("bad-argument", "fill is one character of one byte")
    if args[4].const not in _SIDES:
        raise MistakeError("bad-argument", "side is left or right: where the fill goes")
    return made(f"pad_bytes({', '.join(arg.code for arg in args)})", TEXT, args)


def _base64(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    encoding = known_encoding(str(args[1].const))
    return made(f"encoded64({args[0].code}, {encoding!r})", SAFE_TEXT, args)


TABLE = {
    "cut_bytes": _counted("cut_bytes"),
    "within_bytes": _counted("within_bytes"),
    "pad_bytes": Function(
        (
            *(_X, _SIZE, _ENCODING),
            *(Param("fill", TEXTS, constant=True, default=" "), Param("side", TEXTS, constant=True, default="right")),
        ),
        _pad,
    ),
    "base64": Function((_X, Param("encoding", TEXTS, constant=True, default="utf-8")), _base64),
}
