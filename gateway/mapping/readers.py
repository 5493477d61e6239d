"""Hospital mappings: a foreign document becomes the canonical submission."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.kernel.errors import MessageRefused
from gateway.mapping.act import run_located
from gateway.mapping.api import Incoming, Pin, Vocabulary
from gateway.mapping.errors import Mistake
from gateway.mapping.mapfile import MapFile, Target, read_mapping
from gateway.mapping.opening import open_document
from gateway.mapping.sections import Compiled, Ends, compile_reading
from gateway.mapping.yamlfile import Book


@dataclass(frozen=True, slots=True)
class MappedReader:
    """One hospital format, checked and compiled."""

    pin: Pin
    file: str
    target: Target
    compiled: Compiled

    def read(self, incoming: Incoming) -> dict[str, Any]:
        """The document as plain data of the result type, which the caller converts (dates and decimals are already typed).

        Raises ``MessageRefused`` for a document that can't be read, ``MappingFailed`` for one that lacks what is needed.
        """
        document = _parsed(self.target, incoming.document)
        args = (document, incoming.http_status, dict(incoming.protected), None)
        result: dict[str, Any] = run_located(self.compiled, self.pin.name, *args)[0]
        return result


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
