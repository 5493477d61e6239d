"""The schemas for editors: every shipped file passes, a slip is seen, and they are what the code says today."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from gateway.cli.formats import format_schemas, schema_text

SCHEMAS = format_schemas()
PUBLISHED = Path("schemas/tools")
SHIPPED = [
    file for file in sorted(Path("mappings").rglob("*.yaml")) if file.name not in ("channel.yaml", "fragments.yaml")
]


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(SCHEMAS[name])


def schema_of(file: Path) -> str:
    return {"insurer.yaml": "insurer.schema.json", "faults.yaml": "faults.schema.json"}.get(
        file.name, "mapping.schema.json"
    )


class Core(SafeConstructor):
    """YAML 1.2's core types alone: a day and a lone = are text there."""


for tag in ("timestamp", "value"):
    Core.add_constructor(f"tag:yaml.org,2002:{tag}", lambda _loader, node: node.value)


def as_editor(text: str) -> Any:
    """As an editor's reader sees it: 1 is a number there."""
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Core
    return reader.load(text)


def as_gateway(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_and_is_published_as_the_code_says(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert (PUBLISHED / name).read_text("utf-8") == schema_text(SCHEMAS[name]), "run: lianpei schemas"


@pytest.mark.parametrize("read", [as_editor, as_gateway])
def test_every_shipped_file_passes(read: Any) -> None:
    validators = {name: validator(name) for name in SCHEMAS}
    for file in SHIPPED:
        errors = [
            f"{file}: {e.json_path} {e.message[:200]}"
            for e in validators[schema_of(file)].iter_errors(read(file.read_text("utf-8")))
        ]
        assert errors == []


HEAD = "mapping: a/b\nversion: 1\nchannel: insurer\nsource: dispatch\n"


@pytest.mark.parametrize(
    "slip",
    [
        "requests: {}",
        "target: {kind: jsn}",
        "target: {kind: json, shema: x}",
        "http: {methd: POST}",
        "channel2: x",
        "effective: {by: birthday}",
        "effective: {form: '2025-01-01'}",
        "request: {a: {$wen: x}}",
        "request: {a: [{$ech: x}]}",
        "request: {a: {$document: {knd: xml}}}",
        "answer: {resullt: {state: =x}}",
        "answer: {result: {stat: =x}}",
        "callback: {pth: /x}",
        "callback: {path: /x, reply: {stats: 200}}",
        "tables: {sex: {$file: a.csv, $kee: b}}",
        "tables: {sex: [male]}",
        "tests: [{nam: x}]",
        "let: {a: {b: c}}",
    ],
)
def test_a_slip_in_a_mapping_file_is_seen(slip: str) -> None:
    assert list(validator("mapping.schema.json").iter_errors(as_editor(HEAD + slip)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("insurer.schema.json", "insurer: a\nnames: {zh: a, en: b}\nprotocol: jsn\nseal: {profile: plain}\nkinds: {}"),
        ("insurer.schema.json", "insurer: a\nnames: {zh: a}\nprotocol: json\nseal: {profile: plain}\nkinds: {}"),
        (
            "insurer.schema.json",
            "insurer: a\nnames: {zh: a, en: b}\nprotocol: json\nseal: {}\nkinds: {}\nlimit: {concurrency: 1}",
        ),
        (
            "insurer.schema.json",
            "insurer: a\nnames: {zh: a, en: b}\nprotocol: json\nseal: {}\nkinds: {}\nacts: {a: {rle: step}}",
        ),
        (
            "insurer.schema.json",
            "insurer: a\nnames: {zh: a, en: b}\nprotocol: json\nseal: {}\nkinds: {}\nlimits: {concurrency: 0}",
        ),
        ("faults.schema.json", "'1': {code: a, who: nobody, retry: 'no', zh: a, en: b}"),
        ("faults.schema.json", "'1': {code: a, who: cashier, retry: 'no', zh: a}"),
    ],
)
def test_a_slip_in_a_manifest_is_seen(name: str, text: str) -> None:
    assert list(validator(name).iter_errors(as_editor(text)))
