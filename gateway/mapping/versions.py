"""Two versions of a mapping side by side: the day of the claim says which one writes, the pin of a message which one reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET

from gateway.kernel.errors import MessageRefused
from gateway.mapping.act import MappedAct
from gateway.mapping.api import CompiledAct, Incoming, Outgoing, Pin, Vocabulary
from gateway.mapping.errors import did_you_mean
from gateway.mapping.mapfile import Effective, MapFile
from gateway.mapping.types import Kind, fields_of

_ZONE = ZoneInfo("Asia/Shanghai")
"""Days are the partner's: a contract begins at midnight in China."""


@dataclass(frozen=True, slots=True)
class Version:
    act: MappedAct
    effective: Effective | None
    path: str
    """Where the source has the moment that decides; empty without ``effective``."""

    def covers(self, source: Any) -> bool:
        day = _day(source, self.path) if self.path else None
        return self.effective is None or day is None or self.effective.covers(day)


@dataclass(frozen=True, slots=True)
class ActVersions:
    """A ``CompiledAct`` of several versions, newest first. A source that is in several is written by the newest of them."""

    versions: tuple[Version, ...]

    @property
    def newest(self) -> MappedAct:
        return self.versions[0].act

    @property
    def pin(self) -> Pin:
        return self.newest.pin

    @property
    def callback_path(self) -> str:
        return next((v.act.callback_path for v in self.versions if v.act.callback_path), "")

    def of(self, source: Any) -> MappedAct:
        """The version in force for a source. Raises ``MessageRefused`` (``no-version``) when none is."""
        for version in self.versions:
            if version.covers(source):
                return version.act
        raise MessageRefused(
            f"{self.pin.name} has no version for the day of this claim",
            code="no-version",
            hint="add a version whose effective days cover it",
        )

    def every(self) -> tuple[CompiledAct, ...]:
        return tuple(version.act for version in self.versions)

    def pinned(self, pin: Pin) -> CompiledAct:
        found = [v.act for v in self.versions if v.act.pin.digest == pin.digest]
        found += [v.act for v in self.versions if v.act.pin.version == pin.version]
        return found[0] if found else self

    def write(self, source: Any) -> Outgoing:
        return self.of(source).write(source)

    def read(self, incoming: Incoming, sent: Any = None) -> dict[str, Any]:
        """Read by the version that wrote what was sent; without it by the newest."""
        act = self.newest if sent is None else self.of(sent)
        return act.read(incoming, sent)

    def read_callback(self, incoming: Incoming) -> dict[str, Any]:
        return self._called_back().read_callback(incoming)

    def write_reply(self, incoming: Incoming) -> Outgoing:
        return self._called_back().write_reply(incoming)

    def _called_back(self) -> MappedAct:
        return next((v.act for v in self.versions if v.act.callback is not None), self.newest)


def by_act(
    acts: Mapping[str, MappedAct], files: Mapping[str, MapFile], vocabulary: Vocabulary
) -> Mapping[str, CompiledAct]:
    """Acts by name; files of one act become its versions."""
    grouped: dict[str, list[Version]] = {}
    for stem, act in acts.items():
        effective = files[stem].effective
        path = vocabulary.days.get(effective.by, "") if effective else ""
        grouped.setdefault(stem.partition("@")[0], []).append(Version(act, effective, path))
    return {name: _one(sorted(versions, key=_number, reverse=True)) for name, versions in grouped.items()}


def _one(versions: list[Version]) -> CompiledAct:
    """A single version serves whatever its days say: there is no other that could."""
    return versions[0].act if len(versions) == 1 else ActVersions(tuple(versions))


def _number(version: Version) -> int:
    return version.act.pin.version


def undated(files: Mapping[str, MapFile], vocabulary: Vocabulary) -> None:
    """Note versions side by side that no moment of the source could tell apart."""
    names = [by for by, path in vocabulary.days.items() if vocabulary.source and _has(vocabulary.source, path)]
    acts = [stem.partition("@")[0] for stem in files]
    for stem, file in files.items():
        if acts.count(stem.partition("@")[0]) == 1:
            continue
        if file.effective is None:
            file.book.note(file.root.pos, "missing-required", "of several versions each says effective: {by, from, to}")
        elif file.effective.by not in names:
            hint = did_you_mean(file.effective.by, names)
            file.book.note(file.effective.pos, "bad-value", f"the source has no {file.effective.by}", hint)


def _has(source: type, path: str) -> bool:
    """Whether a dotted path of the source leads to a day or a moment."""
    kind, of = Kind.STRUCT, source
    for name in path.split("."):
        field = fields_of(of).get(name) if kind is Kind.STRUCT else None
        if field is None:
            return False
        kind, of = field.type.kind, field.type.of
    return kind in (Kind.DATE, Kind.DATETIME)


def _day(source: Any, path: str) -> date | None:
    """The deciding day in China, or None where the claim does not have it: a visit without an end is still going on."""
    for name in path.split("."):
        source = getattr(source, name, UNSET)
    if isinstance(source, datetime):
        return source.astimezone(_ZONE).date()
    return source if isinstance(source, date) else None
