"""One partner folder as the gateway loads it, for the contract tests of the partners."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec

from gateway.claims.canonical.dispatch import ActResult, Dispatch, read_result
from gateway.claims.partners.manifest import load_manifest
from gateway.kernel.labels import Label
from gateway.mapping import Vocabulary, check_folder, load_folder, run_folder_tests
from gateway.mapping.api import CompiledAct, Incoming

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "samples"
INSURERS = Vocabulary(source=Dispatch, result=ActResult, may_carry=frozenset(label.value for label in Label))


def exact(document: bytes | str) -> Any:
    """JSON with every number as a Decimal, so that 25.0 equals 25 and 0.1 stays 0.1."""
    return json.loads(document, parse_float=Decimal, parse_int=Decimal)


class Folder:
    """A partner's mappings, examples, schemas and published samples."""

    def __init__(self, code: str) -> None:
        self.home = ROOT / "mappings" / "insurers" / code
        self.schemas = ROOT / "schemas" / "insurers" / code
        self.samples = SAMPLES / code
        self.manifest = load_manifest(self.home)
        self.partner = {**self.manifest.settings, **dict.fromkeys(self.manifest.secrets, "test-secret")}
        self.refs = frozenset(self.manifest.refs)

    @property
    def acts(self) -> Mapping[str, CompiledAct]:
        return _acts(self.home.name)

    def mistakes(self) -> list[str]:
        return [str(one) for one in check_folder(self.home, self.schemas, INSURERS, self.partner, self.refs)]

    def failed_tests(self) -> list[str]:
        return list(run_folder_tests(self.home, self.schemas, INSURERS, self.partner, self.refs))

    def dispatch(self, stem: str) -> Dispatch:
        return msgspec.json.decode((self.home / "examples" / f"{stem}.dispatch.json").read_bytes(), type=Dispatch)

    def expected(self, stem: str) -> ActResult:
        return msgspec.json.decode((self.home / "examples" / f"{stem}.result.json").read_bytes(), type=ActResult)

    def sample(self, name: str) -> bytes:
        return (self.samples / f"{name}.json").read_bytes()

    def written(self, act: str, stem: str) -> Any:
        return exact(self.acts[act].write(self.dispatch(stem)).document)

    def answered(self, act: str, answer: bytes, sent: str) -> ActResult:
        return read_result(self.acts[act].read(Incoming(answer), self.dispatch(sent)))

    def violations(self, schema: str, document: Any) -> list[str]:
        """Keywords of the schema that a document breaks."""
        rules = json.loads((self.schemas / f"{schema}.schema.json").read_text("utf-8"))
        return [str(one.validator) for one in jsonschema.Draft202012Validator(rules).iter_errors(document)]


@cache
def _acts(code: str) -> Mapping[str, CompiledAct]:
    folder = Folder(code)
    return load_folder(folder.home, folder.schemas, INSURERS, folder.partner, folder.refs)


def changed(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of a JSON document with one member set, or removed when the value is ``...``."""
    copy = json.loads(json.dumps(document))
    spot = copy
    for step in path[:-1]:
        spot = spot[step]
    if value is ...:
        del spot[path[-1]]
    else:
        spot[path[-1]] = value
    return copy
