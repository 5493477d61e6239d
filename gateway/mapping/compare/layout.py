"""Documents and differences laid out for reading."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lxml import etree

from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.compare.fields import Change

_LONG = 80


def laid_out(document: bytes, kind: str) -> str:
    """JSON and XML with indents, a form with a line per field. Values are not touched."""
    if not document:
        return ""
    if kind == "json":
        return pretty_json(strict_json(document))
    if kind == "form":
        return document.decode("utf-8").replace("&", "\n&") + "\n"
    root = parse_xml(document)
    etree.indent(root)
    return str(etree.tostring(root, encoding="unicode")) + "\n"


def pretty_json(value: Any) -> str:
    """Numbers keep their digits (``12.50`` stays ``12.50``)."""
    return "".join(_json(value, "")) + "\n"


def _json(value: Any, indent: str) -> Iterator[str]:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        yield "{\n"
        for index, (key, item) in enumerate(value.items()):
            yield f"{inner if not index else ',' + chr(10) + inner}{json.dumps(key, ensure_ascii=False)}: "
            yield from _json(item, inner)
        yield f"\n{indent}}}"
    elif isinstance(value, list | tuple) and value:
        yield "[\n"
        for index, item in enumerate(value):
            yield inner if not index else ",\n" + inner
            yield from _json(item, inner)
        yield f"\n{indent}]"
    else:
        yield format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)


def told(change: Change) -> str:
    """One difference as a line: ``~ field: before → after``; long values are cut in the middle."""
    mark = "+" if change.before is None else "-" if change.after is None else "~"
    sides = [_short(side) for side in (change.before, change.after) if side is not None]
    return f"{mark} {change.field}: {' → '.join(sides)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]}…{text[-_LONG // 2 :]}"
