"""The mapping file as a JSON Schema, made from the tables that the reader itself uses, so that editors complete and check it."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.mapping import loader, mapfile
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.targets import document, json, xml
from gateway.mapping.types import fields_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = ["string", "number", "boolean"]
"""Every scalar of a mapping file is text; an unquoted 01 or true is a number or a truth value to an editor."""
INHERIT: dict[str, Any] = {
    "$use": {"type": "string"},
    "$drop": {"type": "array", "items": {"type": _SCALAR}},
    "$rename": {"type": "object", "additionalProperties": {"type": _SCALAR}},
    "$order": {"type": "array", "items": {"type": _SCALAR}},
}
"""What any map of a mapping file may say of what it has from elsewhere."""
_SAYS = {
    "mapping": "folder/act: the file's own name",
    "version": "a whole number, one more for each change of what is sent",
    "extends": "folder/act that this file has everything from that it does not say itself",
    "effective": "the days on which this version counts",
    "channel": "which labels may flow out of this file",
    "source": "the root type that expressions read",
    "target": "format, schema and encoding of what is written",
    "reads": "format of the document that is read",
    "http": "method, path, query and headers of the call",
    "protected": "readable headers that the seal carries",
    "correlation": "the key by which a later callback finds this act",
    "tables": "code tables, text to text",
    "let": "names for values, each may use the ones above it",
    "request": "the message, in its own shape",
    "answer": "what an answer means",
    "callback": "what a later call of the partner means",
    "result": "the words of the result",
    "tests": "examples and what must come of them",
    "$when": "the node is emitted only if this is true",
    "$each": "x in list [where condition]: the node repeats",
    "$let": "names for this node and what is below it",
    "$item": "with $each: an array of single values",
    "$text": "the element's own text",
    "$empty": "true: a deliberate empty element",
    "$cdata": "text in CDATA",
    "$document": "a whole inner document as the value",
    "$ns": "prefix: uri; the empty prefix is the default namespace",
    "$nodes": "child elements in this order; a name may repeat with others in between",
    "$name": "a computed name",
    "$raw": "a ready piece of XML or JSON",
    "$use": "a block of fragments.yaml",
    "$drop": "inherited keys that are left out",
    "$rename": "inherited keys under another name",
    "$order": "these keys first, in this order",
}


def mapping_schema(results: Iterable[type]) -> dict[str, Any]:
    """Schema of one mapping file; ``results`` are the types that an answer or a hospital format may produce."""
    words = sorted({name for result in results for name in fields_of(result)})
    writes, reads = _keys(mapfile._WRITE_KEYS), _keys(mapfile._READ_KEYS)
    return {
        "$schema": DRAFT,
        "$id": "urn:lianpei:tools:mapping",
        "title": "A mapping file of Lianpei (docs/mapping.md)",
        "type": "object",
        "if": {"required": ["reads"]},
        "then": {"$ref": "#/$defs/reader"},
        "else": {"$ref": "#/$defs/act"},
        "$defs": {
            "act": {**_closed(writes), "required": ["mapping", "version"]},
            "reader": {**_closed(reads), "required": ["mapping", "version", "result"]},
            **_parts(words),
        },
    }


def _keys(names: Iterable[str]) -> dict[str, Any]:
    return {name: _said(name, {"$ref": f"#/$defs/{_SHAPES.get(name, 'text')}"}) for name in names}


def _said(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, **({"description": _SAYS[name]} if name in _SAYS else {})}


_SHAPES = {
    **dict.fromkeys(("target", "reads"), "target"),
    **dict.fromkeys(("protected", "let"), "names"),
    **{
        name: name
        for name in ("channel", "effective", "http", "tables", "request", "answer", "callback", "result", "tests")
    },
}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _inheriting(properties: Mapping[str, Any], others: Any = False) -> dict[str, Any]:
    """A map whose keys may come from elsewhere."""
    said = {word: _said(word, shape) for word, shape in INHERIT.items()}
    return {"type": "object", "properties": {**properties, **said}, "additionalProperties": others}


def _parts(words: list[str]) -> dict[str, Any]:
    return {
        "text": {"type": _SCALAR},
        "expression": {"type": _SCALAR, "description": _expressions()},
        "names": _inheriting({}, {"$ref": "#/$defs/expression"}),
        "channel": {"enum": list(mapfile._CHANNELS)},
        "effective": _closed({"by": {"enum": list(mapfile._DATES)}, "from": _text(), "to": _text()}),
        "target": _target(),
        "http": _http(),
        "tables": _inheriting({}, _table()),
        "request": {"$ref": "#/$defs/node"},
        "node": _node(),
        "result": _result(words),
        "answer": _section(loader._ANSWER_KEYS),
        "callback": _section(loader._CALLBACK_KEYS),
        "reply": _section(loader._REPLY_KEYS),
        "tests": {"type": "array", "items": _closed(dict.fromkeys(mapfile._TEST_KEYS, _text()))},
    }


def _text() -> dict[str, Any]:
    return {"$ref": "#/$defs/text"}


def _expressions() -> str:
    return f"=text is a constant, anything else an expression. Functions: {', '.join(sorted(FUNCTIONS))}"


def _target() -> dict[str, Any]:
    keys: dict[str, Any] = dict.fromkeys(mapfile._TARGET_KEYS, _text())
    keys["kind"] = {"enum": list(mapfile._KINDS)}
    if "lacking" in keys:
        keys["lacking"] = {"anyOf": [{"enum": ["refuse", "escape"]}, _closed({"replace": _text()})]}
    return _inheriting(keys)


def _http() -> dict[str, Any]:
    names = {"$ref": "#/$defs/names"}
    return _inheriting({key: names if key in ("query", "headers") else _text() for key in loader._HTTP_KEYS})


def _table() -> dict[str, Any]:
    read = {
        **_closed(dict.fromkeys(("$file", "$key", "$value", "else"), _text())),
        "required": ["$file", "$key", "$value"],
    }
    rows = _inheriting({}, _text()) | {"propertyNames": {"anyOf": [{"pattern": "^[^$]|^$"}, {"enum": list(INHERIT)}]}}
    return {"if": {"required": ["$file"]}, "then": read, "else": rows}


def _node() -> dict[str, Any]:
    """A node of a target tree: a value, a list of nodes, or an object whose $ keys are the known ones."""
    directives = [*dict.fromkeys((*xml._DIRECTIVES, *json._DIRECTIVES, *INHERIT, "$rows", "$header"))]
    inner = _closed({key: {"type": [*_SCALAR, "object"]} for key in document._KEYS})
    shapes: dict[str, Any] = {
        "$let": {"$ref": "#/$defs/names"},
        "$ns": {"type": "object", "additionalProperties": _text()},
        "$document": inner,
        "$nodes": {"type": "array", "items": {"type": "object"}},
        "$rows": {"type": "array"},
        "$header": {"$ref": "#/$defs/node"},
        **INHERIT,
    }
    tree = {
        "type": "object",
        "properties": {name: _said(name, shapes.get(name, {"$ref": "#/$defs/expression"})) for name in directives},
        "propertyNames": {"anyOf": [{"pattern": "^[^$]"}, {"const": ""}, {"enum": directives}]},
        "additionalProperties": {"$ref": "#/$defs/node"},
    }
    return {
        "type": [*_SCALAR, "array", "object"],
        "items": {"$ref": "#/$defs/node"},
        **{k: v for k, v in tree.items() if k != "type"},
    }


def _result(words: list[str]) -> dict[str, Any]:
    """The known words, each also with ``?``; what is below them follows the model and is the check's business."""
    node = {"$ref": "#/$defs/node"}
    known = {spelt: node for word in words for spelt in (word, word + "?")}
    known |= dict.fromkeys(("$let", "$when", *INHERIT), node)
    return _closed(known)


def _section(keys: Iterable[str]) -> dict[str, Any]:
    shapes = {
        "target": "target",
        "let": "names",
        "result": "result",
        "reply": "reply",
        "body": "node",
        "headers": "names",
    }
    return _inheriting({key: {"$ref": f"#/$defs/{shapes[key]}"} if key in shapes else _text() for key in keys})
