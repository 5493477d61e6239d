"""Documents and differences laid out for reading."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lxml import etree

from gateway.mapping.compare.fields import Change
from gateway.mapping.mapfile import Target
from gateway.mapping.opening import open_document

_LONG = 80


def laid_out(document: bytes, target: Target) -> str:
    """JSON and XML with indents, a form with a line per field, CSV as it is. Values are not touched."""
    if not document:
        return ""
    if target.kind in ("form", "csv"):
        text = document.decode(target.encoding)
        return text.replace("&", "\n&") + "\n" if target.kind == "form" else text
    opened = open_document(document, replace(target, decode=target.encoding))
    if target.kind == "json":
        return pretty_json(opened)
    etree.indent(opened)
    return str(etree.tostring(opened, encoding="unicode")) + "\n"


def pretty_json(value: Any, step: str = "  ") -> str:
    """Numbers keep their digits (``12.50`` stays ``12.50``); ``step`` is one indent."""
    return "".join(_json(value, "", step)) + "\n"


def step_of(document: bytes) -> str:
    """The indent that a JSON file has, so that writing it anew changes only what changed."""
    found = re.match(rb"[{\[]\n( +)", document)
    return found[1].decode() if found else "  "


def _json(value: Any, indent: str, step: str) -> Iterator[str]:
    inner = indent + step
    if isinstance(value, dict) and value:
        yield "{\n"
        for index, (key, item) in enumerate(value.items()):
            yield f"{inner if not index else ',' + chr(10) + inner}{json.dumps(key, ensure_ascii=False)}: "
            yield from _json(item, inner, step)
        yield f"\n{indent}}}"
    elif isinstance(value, list | tuple) and value:
        yield "[\n"
        for index, item in enumerate(value):
            yield inner if not index else ",\n" + inner
            yield from _json(item, inner, step)
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
