"""Weak algorithms of the partner folders: mistakes about their dated exceptions, and the list that people read."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import msgspec

from gateway.claims.door.enveloped import weak_envelopes
from gateway.claims.partners.manifest import Manifest, load_manifest
from gateway.config import HospitalSettings
from gateway.kernel.errors import ConfigRefused
from gateway.mapping import Mistake
from gateway.wire.seals import weak_use


class WeakRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One partner's weak algorithms, as ``lianpei check --json`` prints them."""

    insurer: str
    """Its code; empty for a hospital's format."""
    algorithms: tuple[str, ...]
    until: date
    days_left: int
    reason: str
    hospital: str = ""
    format: str = ""

    def __str__(self) -> str:
        names = ", ".join(self.algorithms)
        whose = self.insurer or f"hospital {self.hospital} {self.format}"
        return f"weak: {whose} {names} until {self.until} ({self.days_left} days left): {self.reason}"


def weak_mistakes(folder: Path, manifest: Manifest, today: date) -> list[Mistake]:
    """What is wrong with a folder's exception: missing, over, or standing there for nothing."""
    try:
        use = weak_use(manifest.seal)
    except ConfigRefused as bad:
        return [_mistake(folder, "weak-crypto-undated", bad.message)]
    if use is None:
        said = "an exception stands here, but nothing weak is used"
        return [_mistake(folder, "weak-crypto-idle", said)] if "exception" in manifest.seal else []
    if use.days_left(today) < 0:
        return [_mistake(folder, "weak-crypto-expired", "the exception for weak algorithms is over")]
    return []


def _mistake(folder: Path, code: str, said: str) -> Mistake:
    return Mistake(f"{folder}/insurer.yaml", 1, 1, code, said)


def weak_rows(folders: list[Path], today: date) -> list[WeakRow]:
    """Every exception of the folders that can be read, the next to end first."""
    return sorted(_rows(folders, today), key=lambda row: (row.until, row.insurer))


def hospital_rows(hospitals: Iterable[HospitalSettings], today: date) -> list[WeakRow]:
    """The same for the formats that hospitals send in an envelope."""
    return [
        WeakRow(
            "", one.use.algorithms, one.use.until, one.use.days_left(today), one.use.reason, one.hospital, one.format
        )
        for one in weak_envelopes({hospital.code: hospital.seals for hospital in hospitals})
    ]


def _rows(folders: list[Path], today: date) -> Iterator[WeakRow]:
    for folder in folders:
        try:
            use = weak_use(load_manifest(folder).seal)
        except ConfigRefused:
            continue
        if use is not None:
            yield WeakRow(folder.name, use.algorithms, use.until, use.days_left(today), use.reason)
