"""A mapping's own tests: examples in, the promised messages and results out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from gateway.kernel.errors import LianpeiError
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming, Vocabulary
from gateway.mapping.errors import refuse
from gateway.mapping.loader import Loaded, read_folder
from gateway.mapping.mapfile import MapFile, Target
from gateway.mapping.opening import open_document
from gateway.mapping.readers import MappedReader, read_reader

_PROMISED = ("out", "result", "reply")
"""What a test row promises; the other files of a row are what it starts from."""


class GoldenError(Exception):
    """A golden is not met; the text names paths only."""


def run_folder_tests(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
) -> list[str]:
    """Failures of every ``tests:`` row of a folder. Raises ``MappingRefused`` when the folder does not load."""
    loaded = read_folder(folder, schemas, vocabulary, partner, refs)
    refuse(loaded.mistakes)
    return [_told(loaded.files[name], index, said) for name, index, said in failing_rows(loaded, vocabulary)]


def failing_rows(loaded: Loaded, vocabulary: Vocabulary) -> Iterator[tuple[str, int, str]]:
    """File's name, index of its test row and failure, for each row that fails."""
    for name, file in loaded.files.items():
        for index, row in enumerate(file.tests):
            failure = _failure(lambda r=row, f=file, a=loaded.acts[name]: _run(r, f, a, vocabulary), row, file)
            if failure:
                yield name, index, failure


def _told(file: MapFile, index: int, failure: str) -> str:
    return f"{file.path}: test {file.tests[index].get('name', '?')!r}: {failure}"


def run_reader_tests(file: Path, vocabulary: Vocabulary) -> list[str]:
    """Failures of a hospital mapping's ``tests:``. Raises ``MappingRefused`` when it does not load."""
    read = read_reader(file, vocabulary)
    refuse(read.mistakes)
    if read.reader is None or read.file is None:
        return []
    return [_told(read.file, *failure) for failure in failing_rows_of_reader(read.reader, read.file, vocabulary)]


def failing_rows_of_reader(reader: MappedReader, file: MapFile, vocabulary: Vocabulary) -> Iterator[tuple[int, str]]:
    """Index of the test row and failure, for each row of a hospital mapping that fails."""
    folder = file.path.parent
    for index, row in enumerate(file.tests):

        def check(row: dict[str, str] = row) -> None:
            made = reader.read(Incoming((folder / row["in"]).read_bytes()))
            _same_result(made, folder / row["result"], vocabulary)

        failure = _failure(check, row, file)
        if failure:
            yield index, failure


def _failure(check: Any, row: Mapping[str, str], file: MapFile) -> str:
    try:
        check()
    except GoldenError as differs:
        return str(differs)
    except FileNotFoundError as missing:
        promised = [
            row[key] for key in _PROMISED if key in row and file.path.parent / row[key] == Path(missing.filename)
        ]
        if promised:
            return f"{promised[0]} is not recorded yet: `lianpei map test {file.path.parent.name} --record`"
        return f"no file {Path(missing.filename).name}"
    except LianpeiError as error:
        return f"{error.error_code} {error.message}"
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        return f"can't run: {type(error).__name__} {error}"
    return ""


def _run(row: dict[str, str], file: MapFile, act: MappedAct, vocabulary: Vocabulary) -> None:
    folder = file.path.parent
    if "in" in row:
        outgoing = act.write(_struct(folder / row["in"], vocabulary.source))
        compare_documents(outgoing.document, (folder / row["out"]).read_bytes(), file.target)
        return
    said = "answer" if "answer" in row else "callback"
    headers = strict_json((folder / row["protected"]).read_bytes()) if "protected" in row else {}
    incoming = Incoming((folder / row[said]).read_bytes(), int(row.get("status", "200")), headers)
    if said == "answer":
        sent = _struct(folder / row["sent"], vocabulary.source) if "sent" in row else None
        _same_result(act.read(incoming, sent), folder / row["result"], vocabulary)
        return
    result = act.read_callback(incoming)
    result.pop("correlation", None)
    _same_result(result, folder / row["result"], vocabulary, ignore="correlation")
    if "reply" in row and act.reply is not None:
        reply = act.write_reply(incoming)
        compare_documents(reply.document, (folder / row["reply"]).read_bytes(), act.reply.target)


def _struct(path: Path, type_: Any) -> Any:
    return msgspec.json.decode(path.read_bytes(), type=type_)


def _same_result(made: Any, expected: Path, vocabulary: Vocabulary, ignore: str = "") -> None:
    """Both sides go through the result type, so that spelling (an offset, a trailing zero) is no difference."""
    ours = msgspec.to_builtins(msgspec.convert(made, vocabulary.result))
    theirs = msgspec.to_builtins(msgspec.json.decode(expected.read_bytes(), type=vocabulary.result))
    for side in (ours, theirs):
        side.pop(ignore, None)
    _same(ours, theirs, "result")


def compare_documents(made: bytes, expected: bytes, target: Target) -> None:
    """JSON by value (numbers as decimals), XML by canonical form, forms and CSV as bytes. Raises ``GoldenError``."""
    if target.kind in ("form", "csv"):
        if made.strip() != expected.strip():
            raise GoldenError(f"the {target.kind} differs")
        return
    ours, theirs = (open_document(document, written(target)) for document in (made, expected))
    if target.kind == "json":
        _same(ours, theirs, "")
    else:
        _same_element(ours, theirs, "")


def written(target: Target) -> Target:
    """The target of a document that we wrote, to read it: its bytes are of the encoding that the mapping states."""
    return replace(target, decode=target.encoding)


def _same(made: Any, expected: Any, path: str) -> None:
    if isinstance(made, dict) and isinstance(expected, dict):
        for key in sorted(map(str, made.keys() | expected.keys())):
            if key not in made or key not in expected:
                raise GoldenError(f"{path}.{key} is {'missing' if key not in made else 'too much'}")
            _same(made[key], expected[key], f"{path}.{key}")
    elif isinstance(made, list) and isinstance(expected, list):
        if len(made) != len(expected):
            raise GoldenError(f"{path} has {len(made)} items, not {len(expected)}")
        for index, (ours, theirs) in enumerate(zip(made, expected, strict=True)):
            _same(ours, theirs, f"{path}[{index}]")
    elif made != expected or isinstance(made, bool) is not isinstance(expected, bool):
        raise GoldenError(f"{path} differs ({type(made).__name__}, expected {type(expected).__name__})")


def _same_element(made: etree._Element, expected: etree._Element, path: str) -> None:
    path = f"{path}/{etree.QName(expected).localname}"
    if made.tag != expected.tag:
        raise GoldenError(f"{path} is another element")
    if sorted(made.items()) != sorted(expected.items()):
        raise GoldenError(f"{path} has other attributes")
    if len(made) != len(expected):
        raise GoldenError(f"{path} has {len(made)} children, not {len(expected)}")
    # Blanks between elements are layout; text of a leaf is data.
    if not len(made) and (made.text or "") != (expected.text or ""):
        _same_inner(made.text or "", expected.text or "", path)
    for ours, theirs in zip(made, expected, strict=True):
        _same_element(ours, theirs, path)


def _same_inner(made: str, expected: str, path: str) -> None:
    """Text that differs may be a Base64 document in another layout."""
    import base64
    import binascii

    try:
        pair = [parse_xml(base64.b64decode(text, validate=True)) for text in (made, expected)]
    except (binascii.Error, ValueError, LianpeiError):
        raise GoldenError(f"{path} has other text") from None
    _same_element(pair[0], pair[1], path + "!")
