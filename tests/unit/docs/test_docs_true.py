"""What the documents say is what the code does: settings, metrics, support table, links, chores, version."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from gateway.cli.check import support_table
from gateway.config import Settings
from gateway.payment.metrics import Metrics as PaymentMetrics
from gateway.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        ROOT / "certs-example/README.md",
    ]
)
_LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def unsaid(struct: type[Any], said: Any, path: str = "") -> Iterator[str]:
    """Settings of ``struct`` that the example's table ``said`` (or, for a list of tables, none of them) names."""
    tables = said if isinstance(said, list) else [said]
    hints = get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        name, place = field.encode_name, f"{path}{field.encode_name}"
        found = [table[name] for table in tables if name in table]
        part = _part(hints[field.name])
        if not found:
            yield place
        elif part is not None:
            inner = list(found[0].values()) if "dict" in str(hints[field.name]) else found[0]
            yield from unsaid(part, inner, f"{place}.")


def _part(hint: Any) -> type[Any] | None:
    for one in (hint, *get_args(hint)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def example() -> dict[str, Any]:
    found = re.search(r"```toml\n(.*?)```", text("docs/settings.md"), re.S)
    assert found is not None
    return tomllib.loads(found[1])


def test_every_setting_is_in_the_example() -> None:
    # A door's host and certificate have a default that fits a door on loopback, so one door that says them is enough.
    doors = {"claims.operator_door.host", "claims.operator_door.certificate", "payment.door.host"}
    doors |= {"claims.partner_door.limits", "claims.operator_door.limits", "payment.door.limits"}
    assert set(unsaid(Settings, example())) - doors == set()


def test_the_settings_example_can_be_read() -> None:
    assert msgspec.convert(example(), Settings).mode == "production"


class _NoRows:
    def tally(self, *_: object, **__: object) -> dict[str, object]:
        return {}


def test_every_metric_is_documented_and_no_documented_one_is_stale() -> None:
    claims, _ = Metrics.for_codes(["package"]).render()
    payment = PaymentMetrics(_NoRows()).render()  # type: ignore[arg-type]
    shown = set(re.findall(r"^# TYPE (lianpei_\w+) ", (claims + payment).decode(), re.M))
    assert set(re.findall(r"`(lianpei_\w+)`", text("docs/settings.md"))) == shown


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_support_table_is_the_generated_one(readme: str) -> None:
    assert support_table(ROOT / "mappings") in text(readme)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = [target for target, _ in _LINK.findall(document.read_text("utf-8"))]
    dead = [t for t in targets if t and "://" not in t and not (document.parent / t).exists()]
    assert dead == []


def test_every_document_is_named_in_the_readme() -> None:
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in text("README.md")] == []


def test_every_chore_has_a_help_text() -> None:
    makefile = text("Makefile")
    chores = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", makefile, re.M)
    assert chores is not None
    assert {name for name, _ in targets} == set(chores[1].split())
    assert [name for name, rest in targets if not re.search(r"## \w", rest)] == []


def test_chores_in_the_readme_exist() -> None:
    names = set(re.findall(r"`?make ([a-z-]+)", text("README.md") + text("README.zh-CN.md")))
    assert names <= set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))


def test_the_version_is_in_the_changelog() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[?{re.escape(version)}\b", text("CHANGELOG.md"), re.M)
