"""A document as fields: a path for each value, with its spelling."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lxml import etree

from gateway.mapping.mapfile import Target
from gateway.mapping.opening import PLAIN, open_document

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
Fields = dict[str, str]
"""Path to value, in the order of the document. JSON values keep their spelling (``"1"`` is no ``1``)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; None is a side that does not have it."""

    field: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Fields that are gone, new or other, in the order of the first message and then of the second."""
    names = dict.fromkeys([*before, *after])
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def document_fields(document: bytes, target: Target) -> Fields:
    """A document that was written for a target. Raises ``MessageRefused`` when it isn't one."""
    opened = open_document(document, replace(target, decode=target.encoding))
    if target.kind in PLAIN:
        return value_fields(opened)
    found: Fields = {}
    _element(opened, etree.QName(opened).localname, found)
    return found


def by_value(fields: Fields) -> Fields:
    """The same fields with numbers by their value: ``12.50`` and ``12.5`` are one."""
    return {name: _by_value(text) for name, text in fields.items()}


def _by_value(text: str) -> str:
    plain = _NUMBER.fullmatch(text)
    return text.rstrip("0").rstrip(".") if plain and "." in text else text


def value_fields(value: Any) -> Fields:
    """Plain data: objects by member, arrays by index."""
    found: Fields = {}
    _value(value, "", found)
    return found


def _value(value: Any, path: str, into: Fields) -> None:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            _value(inner, f"{path}.{key}".lstrip("."), into)
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            _value(inner, f"{path}[{index}]", into)
    else:
        into[path] = _spelt(value)


def _spelt(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False, default=str)


def _element(node: etree._Element, path: str, into: Fields) -> None:
    for name, value in node.attrib.items():
        into[f"{path}.{etree.QName(str(name)).localname}@"] = str(value)
    children = [child for child in node if isinstance(child.tag, str)]
    if not children:
        into[path] = node.text or ""
        return
    names = [etree.QName(child).localname for child in children]
    many, seen = Counter(names), Counter[str]()
    for name, child in zip(names, children, strict=True):
        place = f"[{seen[name]}]" if many[name] > 1 else ""
        seen[name] += 1
        _element(child, f"{path}.{name}{place}", into)
