"""A partner folder's ``insurer.yaml`` and ``faults.yaml`` as typed data (reference: docs/mapping.md)."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from gateway.claims.lanes.rules import BreakerRule, Closure, Limits
from gateway.claims.lanes.windows import Windows
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.spans import seconds
from gateway.mapping import inherited_yaml
from gateway.mapping.unconfirmed import unconfirmed_in

Role = Literal[
    "step",
    "quote",
    "settle",
    "claim",
    "status",
    "undo",
    "token",
    "after",
    "collect",
    "guarantee",
    "material",
    "extra",
    "statement",
]


class Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base: an unknown key in a manifest is a mistake, not an extension."""


class Names(Closed, frozen=True):
    zh: str
    en: str


class ActRule(Closed, frozen=True):
    """How one act takes part in the conversation."""

    role: Role = "step"
    batch: Literal["", "lines"] = ""
    size: int = 100
    timeout: str = "8s"
    status: str = ""
    """The act that asks what became of this one."""
    undo: str = ""
    retry: Literal["never", "same_id"] = "never"
    """``same_id``: the partner treats a repeat under our act id as the same act, so a lost answer may be asked for by repeating it."""
    when: str = ""
    """A part of the submission that must be present, else the act is left out."""


class TokenRule(Closed, frozen=True):
    act: str
    header: str
    prefix: str = ""
    refresh_before: str = "60s"
    expired: str = ""
    """Text in an answer that means: the token ran out, nothing was done."""


class CollectRule(Closed, frozen=True):
    list: str
    fetch: str
    done: str
    every: str = "30s"


class BudgetRule(Closed, frozen=True):
    """How long a counter waits, and how it is split (percent of the whole). What is left over is the reserve."""

    outpatient: str = "20s"
    inpatient: str = "60s"
    prepare: Annotated[int, msgspec.Meta(ge=1, le=90)] = 50
    quote: Annotated[int, msgspec.Meta(ge=1, le=90)] = 35

    @property
    def reserve(self) -> int:
        """Percent kept for enquiry and reversal: no settling act begins in it."""
        return 100 - self.prepare - self.quote


class Manifest(Closed, frozen=True):
    insurer: str
    names: Names
    protocol: Literal["json", "xml", "soap"]
    seal: dict[str, Any]
    kinds: dict[str, tuple[str, ...]]
    endpoint: str = ""
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    """More ``partner.<name>`` constants whose values come from the key ring: name to secret's name."""
    refs: tuple[str, ...] = ()
    acts: dict[str, ActRule] = {}
    token: TokenRule | None = None
    collect: CollectRule | None = None
    limits: Limits = Limits()
    breaker: BreakerRule = BreakerRule()
    closed: tuple[Closure, ...] = ()
    budget: BudgetRule = BudgetRule()
    settling_time: str = "5s"
    poll_every: str = "2s"
    """How often a pending act with a ``status`` act is asked again."""
    enquiries: Annotated[int, msgspec.Meta(ge=1, le=100)] = 12
    """After so many enquiries about one act ``on_unknown`` says what happens (the 医保 mobile-pay material stops at 12)."""
    on_unknown: Literal["park", "reverse", "accept"] = "park"
    """``reverse`` sends the act that undoes it, ``accept`` takes the insurer's own quote, else a person looks."""
    extends: str = ""
    """A sibling folder that this one has everything from that it does not say itself."""
    inherits: tuple[str, ...] = ()
    """The only acts to have from there; without the key all, with an empty list none."""

    def rule(self, act: str) -> ActRule:
        return self.acts.get(act, _DEFAULT_RULE)


_DEFAULT_RULE = ActRule()


class Fault(Closed, frozen=True):
    """What a partner's code means for the people at the counter."""

    code: str
    who: Literal["cashier", "doctor", "patient", "insurer", "gateway"]
    retry: Literal["no", "yes"]
    zh: str
    en: str


_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def _read(path: Path) -> Any:
    """The file as plain data; of a folder that extends another, what both say."""
    read = inherited_yaml(path)
    if read is None:
        read = _alone(path)
    open_ends = unconfirmed_in(read)
    if open_ends:
        places = ", ".join(open_ends)
        raise ConfigRefused(f"{path.parent.name}/{path.name}: not confirmed: {places}", hint="mend it and delete the ?")
    return read


def _alone(path: Path) -> Any:
    try:
        # BaseLoader keeps every scalar as text: 01, NO and 12:30 must not change their meaning.
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506
    except FileNotFoundError:
        raise ConfigRefused(
            f"{path.parent.name}/{path.name} is missing", hint="copy it from another partner folder"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as bad:
        raise ConfigRefused(f"{path.parent.name}/{path.name} is not readable YAML in UTF-8") from bad


def load_manifest(folder: Path) -> Manifest:
    """Read and check ``insurer.yaml``. Raises ``ConfigRefused`` that names the file and the key."""
    try:
        manifest = msgspec.convert(_read(folder / "insurer.yaml"), Manifest, strict=False)
    except msgspec.ValidationError as bad:
        raise ConfigRefused(
            f"{folder.name}/insurer.yaml: {bad}", hint="see docs/mapping.md, the partner manifest"
        ) from None
    if manifest.insurer != folder.name:
        raise ConfigRefused(f"{folder.name}/insurer.yaml: insurer must be the folder's name")
    if manifest.budget.reserve < 1:
        raise ConfigRefused(f"{folder.name}/insurer.yaml: budget leaves no reserve", hint="prepare + quote < 100")
    counter = (manifest.budget.outpatient, manifest.budget.inpatient, manifest.limits.wait)
    breaker = (manifest.breaker.within, manifest.breaker.rest, manifest.breaker.most)
    for span in (
        manifest.settling_time,
        manifest.poll_every,
        *counter,
        *breaker,
        *(rule.timeout for rule in manifest.acts.values()),
    ):
        seconds(span)
    Windows(manifest.closed, f"{folder.name}/insurer.yaml")
    return manifest


def load_faults(folder: Path) -> dict[str, Fault]:
    """Read ``faults.yaml``: the partner's code to what it means. A code that is not listed means unknown."""
    try:
        return msgspec.convert(_read(folder / "faults.yaml"), dict[str, Fault])
    except msgspec.ValidationError as bad:
        raise ConfigRefused(f"{folder.name}/faults.yaml: {bad}") from None
