"""A sample message to an outline. A sample shows what is there, not what may be left out: everything counts as required."""

import re
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.kernel.errors import LianpeiError
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.drafting.outline import Contract, Part
from gateway.mapping.errors import MistakeError

_SHAPES = (
    ("datetime", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?|\d{14}")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d|(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")),
    ("number", re.compile(r"-?\d+\.\d+")),
    ("boolean", re.compile(r"true|false")),
)
_ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")


def read_sample(path: Path) -> Contract:
    """An XML, SOAP or JSON message. Raises ``MistakeError`` when it is none."""
    data = path.read_bytes()
    try:
        if data.lstrip()[:1] in (b"{", b"["):
            return Contract("json", _json("", strict_json(data)), seen=path.name)
        root = parse_xml(data)
    except LianpeiError:
        raise MistakeError("bad-schema", f"{path.name} is neither XML nor JSON") from None
    kind, space = "xml", etree.QName(root).namespace or ""
    if space in _ENVELOPES:
        body = root.find(f"{{{space}}}Body")
        if body is None or len(body) != 1:
            raise MistakeError("bad-schema", f"{path.name} has no Body with one child")
        kind, root = ("soap11", "soap12")[_ENVELOPES.index(space)], body[0]
    return Contract(kind, _element([root]), seen=path.name)


def _json(name: str, value: Any) -> Part:
    if isinstance(value, list):
        items = [_json(name, item) for item in value]
        part = _together(items) if items else Part(name, "any")
        part.many = True
        return part
    if isinstance(value, dict):
        return Part(name, "group", children=[_json(key, inner) for key, inner in value.items()])
    if isinstance(value, bool):
        return Part(name, "boolean")
    if isinstance(value, int):
        return Part(name, "integer")
    if value is None or isinstance(value, str):
        return Part(name, _kind(value or ""), limits=_seen(value or ""))
    return Part(name, "number")


def _together(parts: list[Part]) -> Part:
    """Rows of one list: a member that a row lacks may be left out."""
    whole = parts[0]
    by_name = {child.name: child for child in whole.children}
    for other in parts[1:]:
        names = {child.name for child in other.children}
        for child in other.children:
            if child.name not in by_name:
                child.required = False
                by_name[child.name] = child
                whole.children.append(child)
        for name in by_name.keys() - names:
            by_name[name].required = False
    return whole


def _element(same: list[etree._Element]) -> Part:
    """Elements of one name below one parent."""
    return _together([_single(node) for node in same])


def _single(node: etree._Element) -> Part:
    name = etree.QName(node)
    part = Part(name.localname, namespace=name.namespace or "")
    for key, value in node.attrib.items():
        at = etree.QName(str(key))
        kind = _kind(str(value))
        part.children.append(
            Part(at.localname, kind, attribute=True, namespace=at.namespace or "", limits=_seen(str(value)))
        )
    groups: dict[str, list[etree._Element]] = {}
    for child in node.iterchildren(tag=etree.Element):
        groups.setdefault(str(child.tag), []).append(child)
    if groups:
        part.kind = "group"
        for same in groups.values():
            inner = _element(same)
            inner.many = len(same) > 1
            part.children.append(inner)
    else:
        part.kind, part.limits = _kind(node.text or ""), _seen(node.text or "")
    return part


def _kind(text: str) -> str:
    return next((kind for kind, shape in _SHAPES if shape.fullmatch(text)), "text")


def _seen(text: str) -> tuple[str, ...]:
    """The form of a sample's value, without the value: it may be a person's."""
    if not text:
        return ("empty in the sample",)
    form = re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", text))
    return (f"like {form[:24]}",) if re.fullmatch(r"[9a\-./:+ ]+", form) else (f"{len(text)} characters in the sample",)
