"""docs/seals.md is true: each profile is there, each example builds, and each setting of the text profiles is named."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.seal_ends import make_keys

from gateway.wire.keys import KeyRing
from gateway.wire.seals import (
    PROFILES,
    build_seal,
    canonical,
    ciphers,
    exact_bytes,
    jwe_seal,
    jws_seal,
    signatures,
    signed_field,
    signed_members,
    yibao_mobile,
)
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.freshness import TimeForm
from gateway.wire.seals.josekeys import SignAlgorithm
from gateway.wire.seals.jwecrypt import ContentAlgorithm, KeyAlgorithm
from gateway.wire.seals.weak import weak_algorithms

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "seals.md").read_text("utf-8")
EXAMPLES: list[dict[str, Any]] = [
    yaml.load(block, Loader=yaml.BaseLoader)["seal"] for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("docs-keys"))


def test_every_profile_is_described() -> None:
    assert [name for name in PROFILES if f"`{name}`" not in TEXT] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["profile"])
def test_every_example_builds(ring: KeyRing, example: dict[str, Any]) -> None:
    assert build_seal(example, ring).profile == example["profile"]
    assert bool(weak_algorithms(example)) is ("exception" in example)


@pytest.mark.parametrize(
    "known",
    [
        signatures.SETTINGS,
        ciphers.SETTINGS,
        canonical.PAIR_SETTINGS,
        signed_members.SETTINGS,
        signed_field.SETTINGS,
        exact_bytes.SETTINGS,
        jws_seal.KNOWN,
        jwe_seal.KNOWN,
        yibao_mobile.KNOWN,
        frozenset(signatures.ALGORITHMS),
        frozenset(ciphers.CIPHERS),
        frozenset({*Encoding, *TimeForm, *SignAlgorithm, *KeyAlgorithm, *ContentAlgorithm}),
    ],
)
def test_every_setting_and_value_is_named(known: frozenset[str]) -> None:
    assert sorted(name for name in known if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", TEXT)) == []
