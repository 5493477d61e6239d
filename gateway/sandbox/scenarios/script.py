"""What a scenario file says: ``scenarios/NAME.yaml``, data only (docs/source-systems.md)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway.kernel.errors import ConfigRefused


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: an unknown word is a mistake."""


class Title(_Closed, frozen=True, kw_only=True):
    zh: str
    en: str


class BillWish(_Closed, frozen=True, kw_only=True):
    """A bill to submit. Its number, patient and policies are new in every play."""

    story: str = "outpatient"
    insurers: tuple[str, ...] = ("package",)
    kind: str = "direct_pay"
    policy: str = ""
    """Start of the first policy's number (``REFUSE``, ``SLOW`` …)."""
    form: str = "canonical"
    """canonical | yibao-2207 | yibao-6201 | fhir-r4 | his-soap | csv"""
    like: str = ""
    """An earlier bill of this scenario: the same content (patient, invoice) under a new key."""
    put: dict[str, Any] = {}
    """Merged into the canonical submission, member by member; null takes a member away."""
    prefer: str = "wait=25"
    to: str = "/v1/claims"


class Trouble(_Closed, frozen=True, kw_only=True):
    """What goes wrong with the next matching request at a simulator (``sandbox/common/script.py``)."""

    at: str
    op: str
    do: str
    seconds: float = 0
    times: int = 1


class Step(_Closed, frozen=True, kw_only=True):
    """One thing that the hospital does, and what it must see then. Exactly one of the first six is given."""

    bill: BillWish | None = None
    get: str = ""
    post: str = ""
    put: str = ""
    trouble: Trouble | None = None
    clock: str = ""
    """Turn the house's clock on to the next such time of day in Shanghai (``20:01``), or by ``+1d``."""
    say: str = ""
    at: str = "hospital"
    """Which door or simulator is asked."""
    hospital: str = ""
    """For which hospital of its group the caller speaks."""
    body: Any = None
    key: str = ""
    """Name of an idempotency key; it is made anew in every play."""
    save: str = ""
    """Name for the answer: ``$name.member.0`` in later steps is what it held. A bill's content is ``$name_bill``."""
    status: int = 0
    expect: Any = msgspec.UNSET
    """Members that the answer must have, at any depth; amounts to the 分. A list is compared one by one, ``{has: […]}``
    asks for some of its entries, ``{lacks: […]}`` for none like these."""
    until: Any = msgspec.UNSET
    """As ``expect``, asked again until it is so."""
    within: float = 0
    """Seconds that the step may take."""


class Scenario(_Closed, frozen=True, kw_only=True):
    title: Title
    rows: tuple[int, ...]
    """Rows of docs/source-systems.md that it plays."""
    settings: dict[str, Any] = {}
    """Where its deployment differs, as in ``lianpei.toml``."""
    steps: tuple[Step, ...]
    name: str = ""


def load(folder: Path) -> list[Scenario]:
    """Every scenario, by name. Raises ``ConfigRefused`` that names the file."""
    return [_read(file) for file in sorted(folder.glob("*.yaml"))]


def named(scenarios: Iterable[Scenario], name: str) -> Scenario:
    """Raises ``ConfigRefused``."""
    found = next((one for one in scenarios if one.name == name), None)
    if found is None:
        raise ConfigRefused(f"there is no scenario {name}", hint="lianpei demo --scenario list shows them.")
    return found


def _read(file: Path) -> Scenario:
    try:
        found = msgspec.convert(yaml.safe_load(file.read_text("utf-8")), Scenario)
    except (yaml.YAMLError, msgspec.ValidationError) as bad:
        raise ConfigRefused(f"{file.name}: {bad}", hint="See docs/source-systems.md.") from None
    return msgspec.structs.replace(found, name=file.stem)
