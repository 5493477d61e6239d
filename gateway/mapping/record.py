"""What a mapping's own tests make now, beside what they promise: shown as a difference, or written as the new promise."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gateway.kernel.errors import LianpeiError
from gateway.kernel.strictjson import strict_json
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming, Vocabulary
from gateway.mapping.compare import Change, Fields, by_value, changes, document_fields, value_fields
from gateway.mapping.compare.layout import pretty_json, step_of
from gateway.mapping.goldens import GoldenError, compare_documents
from gateway.mapping.loader import Loaded, load_reader
from gateway.mapping.mapfile import MapFile, Target, read_mapping
from gateway.mapping.opening import is_utf8
from gateway.mapping.yamlfile import Book


@dataclass(frozen=True, slots=True)
class Promise:
    """One file that a test promises: what is in it and what the mapping makes now."""

    test: str
    path: Path
    form: Target | type
    """The format of a message, or the type of a result (which is written as JSON)."""
    made: bytes = b""
    trouble: str = ""
    """Why nothing could be made."""

    @property
    def kept(self) -> bool:
        """By the rule of the folder's tests: values count, layout does not."""
        if self.trouble or not self.path.is_file():
            return False
        if isinstance(self.form, type):
            return not self.changes
        try:
            compare_documents(self.made, self.path.read_bytes(), self.form)
        except (GoldenError, LianpeiError):
            return False
        return True

    @property
    def changes(self) -> list[Change]:
        """From what is promised to what is made."""
        promised = self._fields(self.path.read_bytes()) if self.path.is_file() else {}
        return changes(promised, self._fields(self.made) if self.made else {})

    def _fields(self, document: bytes) -> Fields:
        try:
            if isinstance(self.form, type):
                typed: Any = msgspec.json.decode(document, type=self.form)
                found = value_fields(msgspec.to_builtins(typed))
                return {name: text for name, text in found.items() if name != "correlation"}
            return by_value(document_fields(document, self.form))
        except (LianpeiError, msgspec.MsgspecError):
            return {"(unreadable)": document.decode("utf-8", "replace")}

    def record(self) -> None:
        """Write what is made now: JSON laid out, anything else byte for byte, because partners sign these bytes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = self.path.read_bytes() if self.path.is_file() else b""
        data = self.made
        if isinstance(self.form, type) or (self.form.kind == "json" and is_utf8(self.form.encoding)):
            data = pretty_json(strict_json(data), step_of(before)).encode()
        self.path.write_bytes(data)


def folder_promises(loaded: Loaded, vocabulary: Vocabulary, act: str = "") -> Iterator[Promise]:
    """Every promise of every test row of a folder, or of one act."""
    for name, file in loaded.files.items():
        if act in ("", name):
            for row in file.tests:
                yield from _promises(row, file, loaded.acts[name], vocabulary)


def reader_promises(path: Path, vocabulary: Vocabulary) -> Iterator[Promise]:
    """The promises of a hospital mapping's tests. Raises ``MappingRefused`` when it does not load."""
    reader, file = load_reader(path, vocabulary), read_mapping(path, Book(str(path)), reader=True)
    for row in file.tests if file is not None else ():

        def read(row: Mapping[str, str] = row) -> bytes:
            return _result(reader.read(Incoming((path.parent / row["in"]).read_bytes())), vocabulary)

        yield _promise(row, path.parent / row["result"], _type(vocabulary), read)


def _promises(row: Mapping[str, str], file: MapFile, act: MappedAct, vocabulary: Vocabulary) -> Iterator[Promise]:
    folder = file.path.parent
    if "in" in row:

        def write() -> bytes:
            return act.write(_struct(folder / row["in"], vocabulary.source)).document

        yield _promise(row, folder / row["out"], file.target, write)
        return
    read = partial(_read, row, folder, act, vocabulary)
    yield _promise(row, folder / row["result"], _type(vocabulary), read)
    if "reply" in row and act.reply is not None:
        yield _promise(row, folder / row["reply"], act.reply.target, partial(_replied, row, folder, act))


def _type(vocabulary: Vocabulary) -> type:
    assert vocabulary.result is not None
    return vocabulary.result


def _promise(row: Mapping[str, str], path: Path, form: Target | type, make: Callable[[], bytes]) -> Promise:
    name = row.get("name", "?")
    try:
        return Promise(name, path, form, make())
    except LianpeiError as refused:
        trouble = f"{refused.error_code} {refused.message}"
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        trouble = f"can't run: {type(error).__name__} {error}"
    return Promise(name, path, form, trouble=trouble)


def incoming_of(row: Mapping[str, str], folder: Path) -> Incoming:
    """The answer or callback that a test row names."""
    headers = strict_json((folder / row["protected"]).read_bytes()) if "protected" in row else {}
    said = row["answer"] if "answer" in row else row["callback"]
    return Incoming((folder / said).read_bytes(), int(row.get("status", "200")), headers)


def _read(row: Mapping[str, str], folder: Path, act: MappedAct, vocabulary: Vocabulary) -> bytes:
    incoming = incoming_of(row, folder)
    if "callback" in row:
        return _result(act.read_callback(incoming), vocabulary)
    sent = _struct(folder / row["sent"], vocabulary.source) if "sent" in row else None
    return _result(act.read(incoming, sent), vocabulary)


def _replied(row: Mapping[str, str], folder: Path, act: MappedAct) -> bytes:
    return act.write_reply(incoming_of(row, folder)).document


def _result(made: Any, vocabulary: Vocabulary) -> bytes:
    plain = msgspec.to_builtins(msgspec.convert(made, vocabulary.result))
    return pretty_json(plain).encode()


def _struct(path: Path, type_: Any) -> Any:
    return msgspec.json.decode(path.read_bytes(), type=type_)
