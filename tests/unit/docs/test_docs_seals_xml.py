"""docs/seals-xml.md: every example is a seal that loads and works."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.xml_keys import make_ring

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.seals.xml.names import SOAP11

PAGE = (Path(__file__).parents[3] / "docs" / "seals-xml.md").read_text("utf-8")
EXAMPLES = [yaml.safe_load(block)["seal"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
DOCUMENTS = {
    "xml-dsig": b"<document><Claim/><request><head><ReqTime>20250306100000</ReqTime></head></request></document>",
    "wsse-x509": f'<s:Envelope xmlns:s="{SOAP11}"><s:Body><a/></s:Body></s:Envelope>'.encode(),
}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("docs-keys"))


def mirrored(value: Any) -> Any:
    """The other end's settings."""
    if isinstance(value, dict):
        turned = {name: mirrored(inner) for name, inner in value.items()}
        if "own_key" in value:
            turned |= {"own_key": value["peer_key"], "peer_key": value["own_key"]}
        return turned
    return value


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_seals_and_opens(ring: KeyRing, example: dict[str, Any]) -> None:
    timed = "time" in example
    now = datetime(2025, 3, 6, 2, 0, tzinfo=UTC) if timed else datetime.now(UTC)
    sealed = build_seal(example, ring, datetime.now(UTC).date()).seal(
        Plain(DOCUMENTS[example["profile"]]), Role.REQUEST, now
    )
    theirs = build_seal(mirrored(example), ring, datetime.now(UTC).date())
    assert theirs.open(sealed.body, Role.REQUEST, now).document


def test_the_page_has_its_examples() -> None:
    assert [example["profile"] for example in EXAMPLES] == ["xml-dsig", "xml-dsig", "wsse-x509", "wsse-x509"]
