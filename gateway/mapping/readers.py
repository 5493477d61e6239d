"""Hospital mappings: a foreign document becomes the canonical submission."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.kernel.errors import MessageRefused
from gateway.mapping.act import run_located
from gateway.mapping.api import Incoming, Pin, Vocabulary
from gateway.mapping.errors import MappingFailed, Mistake
from gateway.mapping.lacking import lacking, origin
from gateway.mapping.mapfile import MapFile, Target, read_mapping
from gateway.mapping.opening import open_document
from gateway.mapping.runtime.base import ABSENT
from gateway.mapping.sections import Compiled, Ends, compile_reading
from gateway.mapping.yamlfile import Book

_NAME = re.compile(r"[a-z_.]{1,60}")
"""Told back only where it can be a name of ours: what else a sender writes there may be anything."""


@dataclass(frozen=True, slots=True)
class MappedReader:
    """One hospital format, checked and compiled."""

    pin: Pin
    file: str
    target: Target
    compiled: Compiled

    @property
    def kind(self) -> str:
        """Of the document: json, xml, csv or form."""
        return self.target.kind

    def read(self, incoming: Incoming) -> dict[str, Any]:
        """The document as plain data of the result type, which the caller converts (dates and decimals are already typed).

        Raises ``MessageRefused`` for a document that can't be read, ``MappingFailed`` for one that lacks what is needed: its
        ``fields`` name everything that is absent, in the document's own names where it has one for it.
        """
        document = _parsed(self.target, incoming.document)
        if self.target.records:
            self._require_known(document)
        args = (document, incoming.http_status, dict(incoming.protected), None)
        try:
            result: dict[str, Any] = run_located(self.compiled, self.pin.name, *args)[0]
            return result
        except MappingFailed as failed:
            targets = lacking(self.compiled, args) if failed.reason == ABSENT else ()
            named = (origin(self.compiled, target) for target in targets or failed.fields)
            failed.fields = tuple(dict.fromkeys(named))
            raise

    def _require_known(self, document: dict[str, list[dict[str, str]]]) -> None:
        """A kind of row or a filled column that nothing reads would be lost in silence: a misspelt one must not be."""
        assert self.compiled.unit is not None
        known = self.compiled.unit.steps
        unread = {kind for kind in document if kind not in known}
        unread |= {f"{kind}.{name}" for kind, rows in document.items() for row in rows for name in row.keys() - known}
        if unread:
            raise MessageRefused(
                "the CSV has rows or columns that this format does not read",
                code="bad-text",
                hint="mend the names in the # lines; the columns are in docs/hospital-formats.md",
                fields=tuple(sorted(filter(_NAME.fullmatch, unread))),
            )


def _parsed(target: Target, document: bytes) -> Any:
    found = open_document(document, target)
    if found is None:
        raise MessageRefused("the document is empty", code="bad-json")
    return found


@dataclass(frozen=True, slots=True)
class ReaderRead:
    """One hospital file as far as it could be read."""

    reader: MappedReader | None
    file: MapFile | None
    mistakes: list[Mistake]
    remarks: list[Mistake]


def read_reader(path: Path, vocabulary: Vocabulary) -> ReaderRead:
    book = Book(str(path))
    file = read_mapping(path, book, reader=True)
    if file is None:
        return ReaderRead(None, None, book.mistakes, book.remarks)
    if file.target.kind not in ("json", "xml", "csv", "form"):
        book.note(file.target.pos, "bad-value", "reads has kind json, xml, csv or form")
    ends = Ends(None, vocabulary.result, vocabulary.may_carry, {}, None)
    compiled = compile_reading(file, file.root, file.target, ends, sent=False)
    return ReaderRead(_reader(file, compiled), file, book.mistakes, book.remarks)


def _reader(file: MapFile, compiled: Compiled) -> MappedReader:
    return MappedReader(Pin(file.name, file.version, file.digest), str(file.path), file.target, compiled)
