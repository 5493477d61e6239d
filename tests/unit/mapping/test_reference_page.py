"""docs/mapping-reference.md is true: every example runs, and no construct or function is missing."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.mapping import Incoming
from gateway.mapping.expressions.loops import AGGREGATES
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.mapfile import _KINDS, _TARGET_KEYS, SOAP
from gateway.mapping.targets import csv, xml
from gateway.mapping.targets import json as json_tree

PAGE = (Path(__file__).parents[3] / "docs" / "mapping-reference.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(.+)` \| `(.+)` \|$", re.MULTILINE)
_OUTPUTS = ("json", "xml", "text", "result")
HEAD = "mapping: {0}/act\nversion: 1\nchannel: insurer\nsource: dispatch\nhttp: {{path: /x}}\n"


@dataclass
class Example:
    """Files to lay out, the mapping itself, and what it must make."""

    files: dict[str, str]
    mapping: str = ""
    answer: str = ""
    kind: str = ""
    expected: str = ""


def examples():
    found, current = [], Example({})
    for language, name, text in _BLOCK.findall(PAGE):
        if name:
            current.files[name] = text
        elif language == "yaml":
            current.mapping = text
        elif language == "answer":
            current.answer = text
        elif language in _OUTPUTS:
            current.kind, current.expected = language, text
            found.append(current)
            current = Example({})
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.mapping.split("\n")[0])
def test_an_example_of_a_construct_makes_what_the_page_shows(shop, example):
    for name, text in example.files.items():
        base = name.startswith("base/")
        head = HEAD.format("base") if base else ""
        shop.put(name if base else f"demo/{name}", head + text)
    target = "" if "target:" in example.mapping or "extends:" in example.mapping else "target: {kind: json}\n"
    act = shop.act(target + example.mapping, HEAD.format("demo"))
    if example.kind == "result":
        assert act.read(Incoming(example.answer.encode()), shop.dispatch()) == json.loads(example.expected)
        return
    made = act.write(shop.dispatch()).document
    encoding = "gbk" if "encoding: GBK}\n" in example.mapping else "utf-8"
    if example.kind == "json":
        assert json.loads(made) == json.loads(example.expected)
        assert list(json.loads(made)) == list(json.loads(example.expected))
    else:
        assert made.decode(encoding).rstrip("\n") == example.expected.rstrip("\n")


@pytest.mark.parametrize(("expression", "expected"), _ROW.findall(PAGE), ids=lambda text: text)
def test_an_example_of_a_function_gives_what_the_page_shows(shop, expression, expected):
    made = shop.write(f"request:\n  x: {json.dumps(expression, ensure_ascii=False)}\n").document

    assert json.loads(made, parse_float=Decimal)["x"] == json.loads(expected, parse_float=Decimal)


def test_no_function_is_missing():
    shown = set(re.findall(r"\b(\w+)\(", " ".join(expression for expression, _ in _ROW.findall(PAGE))))

    assert {*FUNCTIONS, *AGGREGATES} - shown == set()


def test_no_construct_is_missing():
    constructs = {
        *json_tree._DIRECTIVES,
        *xml._DIRECTIVES,
        *csv._DIRECTIVES,
        "$rows",
        "$use",
        "$drop",
        "$rename",
        "$order",
    }
    shown = " ".join(text for _, _, text in _BLOCK.findall(PAGE))

    assert {name for name in constructs if f"{name}:" not in shown} == set()
    assert {kind for kind in (*_KINDS, *SOAP) if f"kind: {kind}" not in PAGE and f"### {kind}" not in PAGE} == set()
    assert {key for key in _TARGET_KEYS if f"`{key}" not in PAGE and f"{key}:" not in PAGE} == set()
