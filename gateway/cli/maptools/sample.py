"""Which message a tool looks at: a file that is given, or the first example of the act's own tests."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli.maptools.place import Place
from gateway.kernel.errors import BadClaim, ConfigRefused, LianpeiError
from gateway.mapping import load_reader
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming
from gateway.mapping.errors import refuse
from gateway.mapping.mapfile import MapFile, read_mapping
from gateway.mapping.record import incoming_of
from gateway.mapping.yamlfile import Book


@dataclass(frozen=True, slots=True)
class Opened:
    """One act of a place, loaded: its file and its compiled form (a hospital format has none of that kind)."""

    place: Place
    file: MapFile
    act: MappedAct | None

    @property
    def folder(self) -> Path:
        return self.file.path.parent


def open_act(place: Place) -> Opened:
    """Raises ``ConfigRefused`` when no act is named, ``MappingRefused`` when the folder does not load."""
    if place.reads:
        path = place.folder / f"{place.act}.yaml"
        load_reader(path, place.vocabulary)
        file = read_mapping(path, Book(str(path)), reader=True)
        assert file is not None
        return Opened(place, file, None)
    loaded = place.loaded()
    refuse(loaded.mistakes)
    if not place.act:
        acts = ", ".join(sorted(loaded.acts))
        raise ConfigRefused(f"which act of {place.folder.name}?", hint=f"folder/act, one of: {acts}")
    return Opened(place, loaded.files[place.act], loaded.acts[place.act])


def source_of(opened: Opened, given: Path | None) -> Any:
    """The source struct of a request. Raises ``BadClaim`` for a file that holds none."""
    path = given or _first(opened, "in")
    if path is None:
        raise ConfigRefused("the act has no example of its own", hint="name one: --in sample.json")
    return read_source(path, opened.place)


def read_source(path: Path, place: Place) -> Any:
    """A dispatch (or an order) as JSON."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=place.vocabulary.source)
    except (OSError, msgspec.MsgspecError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
        raise BadClaim(f"{path.name} is no source of {place.folder.name}: {reason}") from None


def incoming_for(opened: Opened, chosen: argparse.Namespace) -> tuple[Incoming, Any, bool]:
    """An answer or callback, the dispatch it answers if the test names one, and whether it is a callback."""
    if chosen.answer is not None:
        callback = opened.act is not None and opened.act.answer is None
        return Incoming(_bytes(chosen.answer), chosen.status), _sent(opened, chosen.sent), callback
    row = next((row for row in opened.file.tests if "answer" in row or "callback" in row), None)
    if row is None:
        raise ConfigRefused("the act has no example of an answer", hint="name one: --answer answer.json")
    sent = opened.folder / row["sent"] if "sent" in row else None
    return incoming_of(row, opened.folder), _sent(opened, sent), "callback" in row


def _sent(opened: Opened, path: Path | None) -> Any:
    return None if path is None else read_source(path, opened.place)


def body_of(opened: Opened, given: Path | None) -> Incoming:
    """A hospital's document."""
    path = given or _first(opened, "in")
    if path is None:
        raise ConfigRefused("the format has no example of its own", hint="name one: --in body.json")
    return Incoming(_bytes(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigRefused(f"{path.name} can't be read: {type(error).__name__}") from None


def _first(opened: Opened, key: str) -> Path | None:
    return next((opened.folder / row[key] for row in opened.file.tests if key in row), None)


def told(error: LianpeiError) -> str:
    return f"{error.error_code} {error.message}"
