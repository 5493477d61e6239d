"""Reading documents: steps that never fail, and values read as text, number or truth."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from lxml import etree
from msgspec import UNSET

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import bounded_decimal, strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.runtime.base import RefusalError

_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
Absent = Any
"""``UNSET``: the step led nowhere."""


def jget(value: Any, *names: str) -> Any:
    """JSON members one below the other; a name is looked up exactly, then trimmed; null is absent."""
    for name in names:
        if type(value) is not dict:
            return UNSET
        found = value.get(name, UNSET)
        value = _trimmed(value, name) if found is UNSET and name in map(str.strip, value) else found
    return UNSET if value is None else value


def _trimmed(box: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in box.items() if key.strip() == name), UNSET)


def jmissing(box: Mapping[str, Any], name: str) -> Any:
    """``jget`` of an object that has no value, or null, under just that name; its names are remembered."""
    if len(TRIM_NAMES) + len(box) <= _MOST_NAMES:
        TRIM_NAMES.update(key for key in box if key == key.strip())
    return jget(box, name)


TRIM_NAMES: set[str] = set()
"""Member names seen in documents that have no blanks around them. Partners choose them, so that only so many are kept."""
_MOST_NAMES = 4096


def jall(value: Any) -> Sequence[Any]:
    """The items of an array; a single value counts as one item."""
    if value is UNSET:
        return ()
    return [item for item in value if item is not None] if type(value) is list else (value,)


def xget(node: Any, *names: str) -> Any:
    """First child elements by local name, one below the other."""
    for name in names:
        if not isinstance(node, etree._Element):
            return UNSET
        node = next(node.iterchildren(_TAGS[name]), UNSET)
    return node


def xall(node: Any, name: str) -> Sequence[Any]:
    if not isinstance(node, etree._Element):
        return ()
    return list(node.iterchildren(_TAGS[name]))


def xone(node: Any) -> Sequence[Any]:
    return () if node is UNSET else (node,)


def xtexts(node: Any) -> Mapping[str | None, Any]:
    """First children by local name: the text of those that hold text alone, of any other the element."""
    if not isinstance(node, etree._Element):
        return _NO_CHILDREN
    children = _CHILDREN(node)
    found = _by_name(children)
    return found if len(found) == len(children) else _by_name(children[::-1])


def _by_name(children: Sequence[etree._Element]) -> dict[str | None, Any]:
    """Of several of one name, the last."""
    return {_LOCAL[child.tag]: child if len(child) else child.text or "" for child in children}


_CHILDREN: Callable[[etree._Element], list[etree._Element]] = itemgetter(slice(None))
"""All of them in one step, which is faster than one by one."""
_NO_CHILDREN: Mapping[str | None, Any] = {}


class _Locals(dict[Any, str | None]):
    """Tags to local names; a processing instruction has none. Partners choose the tags, so that only so many are kept."""

    def __missing__(self, tag: Any) -> str | None:
        local = tag.rpartition("}")[2] if isinstance(tag, str) else None
        return self.setdefault(tag, local) if len(self) < _MOST_NAMES else local


_LOCAL = _Locals()


class _Tags(dict[str, str]):
    """Names of mapping files to lxml's pattern for that local name in any namespace or none."""

    def __missing__(self, name: str) -> str:
        plain = bool(name) and not set(name) & set("*{}")
        return self.setdefault(name, "{*}" + name if plain else _NOWHERE)


_NOWHERE = "{urn:lianpei:nowhere}x"
"""Matches no element: the name can't be one, or means something to lxml."""
_TAGS = _Tags()


def attr(node: Any, name: str) -> Any:
    """An attribute by its local name."""
    if not isinstance(node, etree._Element):
        return UNSET
    return next((str(v) for k, v in node.attrib.items() if str(k).rpartition("}")[2] == name), UNSET)


_ELEMENT = etree._Element


def dtext(value: Any) -> Any:
    """A document value as text: an element's own text, a scalar's spelling. Raises ``RefusalError`` for an object or array."""
    if type(value) is str or value is UNSET:
        return value
    if isinstance(value, _ELEMENT):
        return _own_text(value) if len(value) else value.text or ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return _decoded(value)
    raise RefusalError("text was expected, the document has an object or array")


def _own_text(node: etree._Element) -> str:
    return (node.text or "") + "".join([child.tail or "" for child in node])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise RefusalError("the inner document is not UTF-8")


def ddecimal(value: Any) -> Any:
    """A document value as an exact number. Raises ``RefusalError`` when it isn't one."""
    number = dnumber(value)
    if number is UNSET and value is not UNSET:
        raise RefusalError("a number was expected")
    return number


def dnumber(value: Any) -> Any:
    """A document value as a number for ``==``: what is no number equals none."""
    if type(value) is int or type(value) is Decimal:
        return _bounded(value)
    text = value if isinstance(value, str) else UNSET if value in (True, False) else dtext(value)
    if text is UNSET:
        return UNSET
    return _bounded(text.strip())


def _bounded(spelt: Any) -> Any:
    """The number, or ``UNSET`` for what is none, not finite, or has more places than any number here."""
    try:
        number = bounded_decimal(spelt)
    except ArithmeticError:
        return UNSET
    return number if number.is_finite() else UNSET


def dbool(value: Any) -> Any:
    if value is True or value is False:
        return value
    return {"true": True, "false": False}.get(dtext(value), UNSET) if value is not UNSET else UNSET


def jfind(cache: dict[Any, Any], box: Any, name: str, wanted: str) -> Any:
    """First item of an array whose member reads as the text; the array is indexed once per document."""
    items = jall(box)
    return _indexed(cache, (id(box), name), box, lambda: [(dtext(jget(item, name)), item) for item in items], wanted)


def xfind(cache: dict[Any, Any], parent: Any, child: str, name: str, wanted: str) -> Any:
    def read() -> list[tuple[Any, Any]]:
        return [(dtext(xget(item, name)), item) for item in xall(parent, child)]

    return _indexed(cache, (id(parent), child, name), parent, read, wanted)


def sfind(cache: dict[Any, Any], items: Sequence[Any], name: str, wanted: str) -> Any:
    """The same over a list of the source; ``name`` is one of its fields."""
    return _indexed(cache, (id(items), name), items, lambda: [(str(getattr(i, name)), i) for i in items], wanted)


def _indexed(
    cache: dict[Any, Any], key: Any, holder: Any, read: Callable[[], list[tuple[Any, Any]]], wanted: str
) -> Any:
    if key not in cache:
        index: dict[Any, Any] = {}
        for text, item in read():
            index.setdefault(text, item)
        # The holder stays referenced, so that its identity can't be taken by another object meanwhile.
        cache[key] = (holder, index)
    return cache[key][1].get(wanted, UNSET)


def read_json(value: Any) -> Any:
    """The JSON document inside a text. Raises ``RefusalError`` when it is none."""
    return _opened(strict_json, value)


def read_xml(value: Any) -> Any:
    # Text has been decoded already: what its declaration says of bytes ("GBK" inside UTF-8) no longer counts.
    return _opened(parse_xml, value if isinstance(value, bytes) else _DECLARATION.sub("", dtext(value), count=1))


def _opened(parse: Any, value: Any) -> Any:
    data = value if isinstance(value, bytes) else dtext(value).encode("utf-8", "surrogatepass")
    try:
        found = parse(data)
    except MessageRefused as refused:
        rule = refused.message
    else:
        return UNSET if found is None else found
    raise RefusalError(rule)


def unbase64(value: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise RefusalError("the text is not Base64")


HELPERS: Mapping[str, Any] = {
    function.__name__: function
    for function in (
        jget,
        jall,
        jfind,
        xfind,
        sfind,
        xget,
        xall,
        xone,
        attr,
        dtext,
        ddecimal,
        dnumber,
        dbool,
        read_json,
        read_xml,
        unbase64,
    )
}
