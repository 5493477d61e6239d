"""Simple types of XSD as facets: built-in types, and restrictions on top of them."""

import re
from decimal import Decimal, InvalidOperation
from functools import cache

from lxml import etree

from gateway.mapping.schemas.facets import Facets
from gateway.mapping.schemas.xsdfiles import XS, Part, SchemaSet, local

_ZONE = r"(Z|[+-]\d\d:\d\d)?"
_DAY = r"-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_HOUR = r"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?|24:00:00(\.0+)?)"
_FORMS = {
    "boolean": "true|false|1|0",
    "date": _DAY + _ZONE,
    "time": _HOUR + _ZONE,
    "dateTime": f"{_DAY}T{_HOUR}{_ZONE}",
    "gYear": r"-?\d{4,}" + _ZONE,
    "gYearMonth": r"-?\d{4,}-(0[1-9]|1[0-2])" + _ZONE,
    "duration": r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?",
    "hexBinary": r"([0-9A-Fa-f]{2})*",
    "base64Binary": r"[A-Za-z0-9+/=\s]*",
    "NMTOKEN": r"[\w.\-:·]+",
    "Name": r"[^\W\d][\w.\-:·]*",
    **dict.fromkeys(("NCName", "ID", "IDREF", "ENTITY"), r"[^\W\d][\w.\-·]*"),
    "language": r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*",
}
_FREE = frozenset({"string", "normalizedString", "token", "anyURI", "QName", "anySimpleType", "anyAtomicType"})
_INFINITE = frozenset({"float", "double", "decimal"})
_BOUNDS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    **{
        name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for name, bits in (("long", 64), ("int", 32), ("short", 16), ("byte", 8))
    },
    **{f"unsigned{name}": (0, 2**bits - 1) for name, bits in (("Long", 64), ("Int", 32), ("Short", 16), ("Byte", 8))},
}


@cache
def builtin(name: str) -> Facets | None:
    """Facets of ``xs:name``; None for a type whose texts can't be decided here."""
    if name in _FREE:
        return Facets()
    if name in _INFINITE:
        return Facets(number=True)
    if name in _BOUNDS:
        low, high = (None if bound is None else Decimal(bound) for bound in _BOUNDS[name])
        return Facets(number=True, whole=True, low=low, high=high)
    return Facets(forms=(re.compile(_FORMS[name]),), zoned=name == "dateTime") if name in _FORMS else None


def named_simple(name: str, schemas: SchemaSet) -> Facets | None:
    """Facets of a simple type by its Clark name; None when it is none, or can't be decided."""
    if name.startswith(XS):
        return builtin(local(name))
    part = schemas.get("simpleType", name)
    return simple_facets(part, schemas) if part is not None else None


def simple_facets(part: Part, schemas: SchemaSet) -> Facets | None:
    """Facets of a simpleType; None for a list, a mixed union or a pattern that can't be decided here."""
    restriction = part.node.find(f"{XS}restriction")
    if restriction is not None:
        return restricted(part.at(restriction), schemas)
    union = part.node.find(f"{XS}union")
    return _union(part.at(union), schemas) if union is not None else None


def restricted(part: Part, schemas: SchemaSet) -> Facets | None:
    """A restriction's own facets on top of its base's."""
    inline = part.node.find(f"{XS}simpleType")
    base = simple_facets(part.at(inline), schemas) if inline is not None else named_simple(part.refers("base"), schemas)
    own = own_facets(part.node)
    return own.within(base) if base is not None and own is not None else None


def own_facets(node: etree._Element) -> Facets | None:
    said = {child.tag.removeprefix(XS): child.get("value", "") for child in node if isinstance(child.tag, str)}
    patterns = [_translated(child.get("value", "")) for child in node.findall(f"{XS}pattern")]
    if None in patterns or not {"totalDigits", "fractionDigits"}.isdisjoint(
        k for k, v in said.items() if not v.isdigit()
    ):
        return None
    texts = frozenset(child.get("value", "") for child in node.findall(f"{XS}enumeration"))
    above, below = said.get("minExclusive"), said.get("maxExclusive")
    return Facets(
        texts=texts or None,
        shortest=_count(said.get("length", said.get("minLength"))) or 0,
        longest=_count(said.get("length", said.get("maxLength"))),
        patterns=(re.compile(rf"\A(?:{'|'.join(map(str, patterns))})\Z"),) if patterns else (),
        low=_bound(said.get("minInclusive", above)),
        high=_bound(said.get("maxInclusive", below)),
        open_low=above is not None,
        open_high=below is not None,
        digits=_count(said.get("totalDigits")),
        fraction=_count(said.get("fractionDigits")),
    )


def _count(spelt: str | None) -> int | None:
    return int(spelt) if spelt and spelt.isdigit() else None


def _bound(spelt: str | None) -> Decimal | None:
    try:
        return Decimal(spelt) if spelt else None
    except InvalidOperation:
        return None


def _union(part: Part, schemas: SchemaSet) -> Facets | None:
    """A union of enumerations is one enumeration; any other union is left to run time."""
    found = [simple_facets(part.at(node), schemas) for node in part.node.findall(f"{XS}simpleType")]
    for spelt in part.node.get("memberTypes", "").split():
        prefix, _, name = spelt.rpartition(":")
        found.append(named_simple(f"{{{part.node.nsmap.get(prefix or None, '')}}}{name}".removeprefix("{}"), schemas))
    texts: frozenset[str] = frozenset()
    for one in found:
        if one is None or one.texts is None:
            return None
        texts |= one.texts
    return Facets(texts=texts)


@cache
def _translated(pattern: str) -> str | None:
    """An XSD pattern as Python's; None where the dialects differ too much (blocks, categories, subtraction)."""
    if re.search(r"\\[pPiIcC]|-\[", pattern):
        return None
    spelt = re.sub(r"(\\.)|([$^])(?![^\[]*\])", lambda found: found[1] or "\\" + found[2], pattern)
    try:
        re.compile(spelt)
    except re.error:
        return None
    return spelt
