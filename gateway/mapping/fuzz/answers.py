"""Answers that went wrong on the way: good ones with parts gone, doubled, of another kind or cut off."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from lxml import etree

from gateway.mapping.fuzz.texts import odd_text

_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**40,
    1.5,
    "",
    " ",
    "0",
    "NaN",
    "2025-02-30",
    [],
    {},
    [[]],
    [None],
)


def mutated(document: bytes, kind: str, rng: Random) -> bytes:
    """The document with one to three changes; ``kind`` is json, csv or another (XML)."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        structural = rng.random() < 0.8
        if not structural:
            document = rng.choice(_BYTES)(document, rng)
        elif kind == "json":
            document = _json(document, rng)
        elif kind == "csv":
            document = _csv(document, rng)
        else:
            document = _xml(document, rng)
    return document


def _csv(document: bytes, rng: Random) -> bytes:
    """Another text in a cell, or a row that is gone, comes twice or stands elsewhere."""
    rows = [row for row in csv.reader(io.StringIO(document.decode("utf-8", "replace"))) if row]
    if not rows:
        return document
    row = rng.choice(rows)
    change = rng.random()
    if change < 0.7:
        row[rng.randrange(len(row))] = str(rng.choice(_VALUES))
    elif change < 0.8:
        rows.remove(row)
    else:
        rows.insert(rng.randrange(len(rows)), list(row))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _json(document: bytes, rng: Random) -> bytes:
    try:
        root = json.loads(document, parse_float=Decimal)
    except ValueError:
        return document
    places = list(_places(root))
    if not places or rng.random() < 0.05:
        return _spelt(rng.choice(_VALUES))
    box, key = rng.choice(places)
    box[key] = _other(box[key], rng)
    if rng.random() < 0.3:
        del box[key]
    return _spelt(root)


def _other(value: Any, rng: Random) -> Any:
    if rng.random() < 0.2:
        return odd_text(rng, 0, 200)
    if rng.random() < 0.2:
        return [value, value]
    return rng.choice(_VALUES)


def _spelt(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=float).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in _places(inner)]


def _xml(document: bytes, rng: Random) -> bytes:
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return document
    node = rng.choice([one for one in root.iter() if isinstance(one.tag, str)])
    rng.choice(_XML)(node, rng)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=rng.random() < 0.5)


def _gone(node: etree._Element, _rng: Random) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def _doubled(node: etree._Element, _rng: Random) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.append(etree.fromstring(etree.tostring(node, with_tail=False)))


def _other_text(node: etree._Element, rng: Random) -> None:
    text = odd_text(rng, 0, 60) if rng.random() < 0.5 else str(rng.choice(_VALUES))
    node.text = "".join(char for char in text if char in "\t\n\r" or "\x20" <= char < "\ufffe")


def _renamed(node: etree._Element, rng: Random) -> None:
    node.tag = rng.choice(("other", "{urn:other}other", f"{node.tag}X"))


def _nested(node: etree._Element, _rng: Random) -> None:
    etree.SubElement(node, "inner").text = "x"


_XML: tuple[Callable[[etree._Element, Random], None], ...] = (
    _gone,
    _doubled,
    _other_text,
    _other_text,
    _renamed,
    _nested,
)


def _cut(document: bytes, rng: Random) -> bytes:
    return document[: rng.randint(0, len(document))]


def _flipped(document: bytes, rng: Random) -> bytes:
    if not document:
        return document
    place = rng.randrange(len(document))
    return document[:place] + bytes([rng.randrange(256)]) + document[place + 1 :]


def _inserted(document: bytes, rng: Random) -> bytes:
    place = rng.randint(0, len(document))
    return (
        document[:place] + rng.choice((b"\x00", b"\xff\xfe", b"<!DOCTYPE a>", b"{", b"&x;", b"]]>")) + document[place:]
    )


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _flipped, _inserted, lambda _document, _rng: b"")
