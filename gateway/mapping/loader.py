"""Folders in, compiled acts out: all mistakes of a folder are found in one go, and nothing of it loads while one is left."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.kernel.labels import PAYMENT_MAY_SEE
from gateway.mapping.act import Direction, HttpSpec, MappedAct
from gateway.mapping.api import CompiledAct, Pin, Vocabulary
from gateway.mapping.declassify import central_policy
from gateway.mapping.errors import Mistake, MistakeError, refuse
from gateway.mapping.inherit import BLOCKS, MANIFEST, Lineage, act_of, lineage_of
from gateway.mapping.mapfile import SOAP, MapFile, Target, read_mapping, read_target, section
from gateway.mapping.outside import Outside
from gateway.mapping.periods import check_periods
from gateway.mapping.readers import MappedReader, read_reader
from gateway.mapping.schemas import TargetSchema
from gateway.mapping.sections import Compiled, Ends, compile_reading, compile_reply, compile_request
from gateway.mapping.versions import by_act, undated
from gateway.mapping.yamlfile import Book, Map, known_keys, text_of

NOT_MAPPINGS = frozenset({MANIFEST, BLOCKS, "faults.yaml", "channel.yaml"})
_ANSWER_KEYS = ("target", "let", "result", "correlation")
_CALLBACK_KEYS = ("path", "target", "correlation", "let", "result", "reply")
_REPLY_KEYS = ("status", "target", "let", "body", "headers")
_HTTP_KEYS = ("method", "path", "query", "headers", "action", "gzip")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One folder as far as it could be read."""

    acts: Mapping[str, MappedAct]
    """By the file's name without ``.yaml``: two versions of an act are two of them (``settle``, ``settle@2``)."""
    files: Mapping[str, MapFile]
    mistakes: list[Mistake]
    remarks: list[Mistake]
    lineage: Lineage


def load_folder(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
) -> Mapping[str, CompiledAct]:
    """Every mapping of a folder by act name. Raises ``MappingRefused`` that lists every mistake."""
    loaded = read_folder(folder, schemas, vocabulary, partner, refs)
    refuse(loaded.mistakes)
    return by_act(loaded.acts, loaded.files, vocabulary)


def check_folder(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
) -> list[Mistake]:
    """Every mistake of a folder, in the order of file and line."""
    return sorted(set(read_folder(folder, schemas, vocabulary, partner, refs, runs=False).mistakes))


def load_reader(file: Path, vocabulary: Vocabulary) -> MappedReader:
    """A hospital mapping. Raises ``MappingRefused``."""
    read = read_reader(file, vocabulary)
    refuse(read.mistakes)
    assert read.reader is not None
    return read.reader


def check_reader(file: Path, vocabulary: Vocabulary) -> list[Mistake]:
    return sorted(set(read_reader(file, vocabulary).mistakes))


def read_folder(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
    runs: bool = True,
) -> Loaded:
    """All of a folder. Without ``runs`` it is checked only: its acts can't be used."""
    with _uncollected():
        return _read_folder(folder, schemas, vocabulary, partner, refs, runs)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Reading makes many small objects that stay: looking for garbage among them again and again is a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read_folder(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
    runs: bool,
) -> Loaded:
    policy, manifest = central_policy(), Book(str(folder / MANIFEST))
    lineage = lineage_of(folder, manifest)
    outside = Outside(schemas, schemas.parent / lineage.base.name if lineage.base else None)
    acts: dict[str, MappedAct] = {}
    files: dict[str, MapFile] = {}
    books = [manifest]
    for path in lineage.files(NOT_MAPPINGS):
        book = Book(str(path))
        file = read_mapping(path, book, False, lineage)
        if file is not None:
            may_carry, freed = _may_carry(file, vocabulary), policy.of(file.name)
            ends = Ends(vocabulary.source, vocabulary.result, may_carry, partner, refs, freed, runs)
            acts[path.stem] = _compile(file, ends, outside)
            files[path.stem] = file
        books.append(book)
    undated(files, vocabulary)
    check_periods(files)
    mistakes = [*policy.mistakes, *(mistake for book in books for mistake in book.mistakes)]
    return Loaded(acts, files, mistakes, [remark for book in books for remark in book.remarks], lineage)


def act_files(folder: Path) -> dict[str, Path]:
    """The mapping files that serve a folder, inherited ones too, by act name."""
    found: dict[str, Path] = {}
    for path in lineage_of(folder).files(NOT_MAPPINGS):
        found.setdefault(act_of(path), path)
    return found


def _may_carry(file: MapFile, vocabulary: Vocabulary) -> frozenset[str]:
    """A file of the payment channel is held to the payment labels, whoever loads it."""
    if file.channel == "payment":
        return vocabulary.may_carry & PAYMENT_MAY_SEE
    return vocabulary.may_carry


def _compile(file: MapFile, ends: Ends, outside: Outside) -> MappedAct:
    http = file.section("http") or Map(file.root.pos)
    known_keys(http, _HTTP_KEYS, file.book, "http")
    writes = file.section("request") is not None or file.root.get("http") is not None
    request = None
    if writes:
        compiled = compile_request(file, ends, outside)
        schema = outside.usable(file.target, file.book, file.target.pos)
        request = Direction(compiled, file.target, schema, _is_sure(file, compiled, schema))
    elif file.root.get("callback") is None:
        file.book.note(file.root.pos, "missing-required", "a mapping has a request, http or a callback")
    action = _action(file, http, outside) if file.target.kind in SOAP else ""
    method = text_of(http.get("method"), file.book, "method") or "POST"
    pin = Pin(file.name, file.version, file.digest)
    gzip = text_of(http.get("gzip"), file.book, "gzip") or "false"
    if gzip not in ("true", "false"):
        file.book.note(http.pos, "bad-value", "gzip is true or false")
    act = MappedAct(pin, str(file.path), outside, ends.result, request, HttpSpec(method, action, gzip == "true"))
    _answer(file, act, ends, outside)
    _callback(file, act, ends, outside)
    return act


def _is_sure(file: MapFile, compiled: Compiled, schema: TargetSchema | None) -> bool:
    """Whether the schema holds for every message; characters that are replaced on the way could break it."""
    plain = file.target.lacking == "strict" and not file.target.declared and not file.book.mistakes
    return plain and schema is not None and compiled.shape is not None and schema.surely_fits(compiled.shape)


def _action(file: MapFile, http: Map, outside: Outside) -> str:
    """The SOAP action: the mapping's word, or else that of the WSDL."""
    stated = text_of(http.get("action"), file.book, "action")
    if stated or not file.target.wsdl:
        return stated
    try:
        return outside.operation(file.target).action
    except MistakeError:
        return ""


def _answer(file: MapFile, act: MappedAct, ends: Ends, outside: Outside) -> None:
    node = file.section("answer")
    if node is None:
        return
    known_keys(node, _ANSWER_KEYS, file.book, "answer")
    target = _reading_target(file, node)
    compiled = compile_reading(file, node, target, ends, sent=True, outside=outside)
    act.answer = Direction(compiled, target, outside.usable(target, file.book, target.pos))


def _reading_target(file: MapFile, node: Map) -> Target:
    """As the request by default, without its schema: an answer is another document."""
    stated = section(node, "target", file.book)
    if stated is not None:
        return read_target(stated, file.book, node.pos)
    mine = file.target
    kind = "json" if mine.kind == "form" else mine.kind
    decode = mine.decode if kind in ("json", "csv") else ""
    return Target(kind, node.pos, wsdl=mine.wsdl, operation=mine.operation, encoding=mine.encoding, decode=decode)


def _callback(file: MapFile, act: MappedAct, ends: Ends, outside: Outside) -> None:
    node = file.section("callback")
    if node is None:
        return
    known_keys(node, _CALLBACK_KEYS, file.book, "callback")
    target = _reading_target(file, node)
    compiled = compile_reading(file, node, target, ends, sent=False, outside=outside)
    act.callback = Direction(compiled, target, outside.usable(target, file.book, target.pos))
    act.callback_path = text_of(node.get("path"), file.book, "path")
    if not act.callback_path.startswith("/"):
        file.book.note(node.pos, "bad-value", "a callback has a path that begins with /")
    reply = section(node, "reply", file.book)
    if reply is not None:
        _reply(file, act, reply, target, ends, outside)


def _reply(file: MapFile, act: MappedAct, node: Map, read: Target, ends: Ends, outside: Outside) -> None:
    known_keys(node, _REPLY_KEYS, file.book, "reply")
    target = read_target(section(node, "target", file.book), file.book, node.pos)
    compiled: Compiled = compile_reply(file, node, target, read.kind, ends, outside)
    act.reply = Direction(compiled, target, outside.usable(target, file.book, target.pos))
    status = text_of(node.get("status"), file.book, "status") or "200"
    if not (status.isdigit() and 200 <= int(status) <= 599):
        file.book.note(node.pos, "bad-value", "status is an HTTP status")
        return
    act.reply_status = int(status)
