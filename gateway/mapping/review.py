"""The whole judgement of a place: the check, then its own tests; missing and failing ones are mistakes at their line."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.kernel.strictjson import strict_json
from gateway.mapping.api import Vocabulary
from gateway.mapping.errors import Mistake
from gateway.mapping.goldens import failing_rows, failing_rows_of_reader
from gateway.mapping.loader import read_folder
from gateway.mapping.mapfile import MapFile
from gateway.mapping.readers import read_reader
from gateway.mapping.yamlfile import Pos, Seq


@dataclass(frozen=True, slots=True)
class Review:
    """What was found. Remarks say what is left to run time; they are no mistakes."""

    mistakes: list[Mistake]
    remarks: list[Mistake]

    def json(self) -> str:
        """``{"mistakes": [{file, line, column, code, message, hint}, …], "remarks": […]}``."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def review_folder(
    folder: Path,
    schemas: Path,
    vocabulary: Vocabulary,
    partner: Mapping[str, str],
    refs: frozenset[str],
    codes: Collection[str] | None = None,
) -> Review:
    """A partner folder. Its tests are run only when nothing else is wrong; ``codes`` are those that its faults list."""
    loaded = read_folder(folder, schemas, vocabulary, partner, refs)
    mistakes = list(loaded.mistakes)
    for file in loaded.files.values():
        mistakes += _missing_tests(file, ("request", "answer", "callback"))
    if not loaded.mistakes:
        failing = list(failing_rows(loaded, vocabulary))
        mistakes += [_at_row(loaded.files[name], row, said) for name, row, said in failing]
        if not failing and codes is not None:
            mistakes += [one for file in loaded.files.values() for one in _unlisted_refusals(file, codes)]
    return _sorted(mistakes, loaded.remarks)


def review_reader(file: Path, vocabulary: Vocabulary) -> Review:
    """A hospital mapping."""
    read = read_reader(file, vocabulary)
    mistakes = list(read.mistakes)
    if read.file is not None:
        mistakes += _missing_tests(read.file, ("result",))
    if read.reader is not None and read.file is not None and not read.mistakes:
        failures = failing_rows_of_reader(read.reader, read.file, vocabulary)
        mistakes += [_at_row(read.file, *failure) for failure in failures]
    return _sorted(mistakes, read.remarks)


def _sorted(mistakes: list[Mistake], remarks: list[Mistake]) -> Review:
    return Review(sorted(set(mistakes)), sorted(set(remarks)))


_PROOF = {"request": "in", "answer": "answer", "callback": "callback", "result": "in"}


def _missing_tests(file: MapFile, sections: tuple[str, ...]) -> list[Mistake]:
    """Each direction of an act is shown by one test at least."""
    found = []
    for section in sections:
        entry, key = file.root.entry(section), _PROOF[section]
        if entry is not None and not any(key in row for row in file.tests):
            said, hint = f"no test shows the {section}", f"add {{name: …, {key}: …}} to tests"
            found.append(_mistake(file, entry.pos, "missing-test", said, hint))
    return found


def _unlisted_refusals(file: MapFile, codes: Collection[str]) -> Iterator[Mistake]:
    """Examples of a refusal whose code is not listed: live, it is taken for unknown and no claim is ever refused by it."""
    for index, row in enumerate(file.tests):
        if "result" not in row:
            continue
        result = strict_json((file.path.parent / row["result"]).read_bytes())
        for one in (result, *result.get("results", ())):
            code = one.get("peer_code", "")
            if one.get("state") == "refused" and code and code not in codes:
                said = f"{row.get('name', '?')!r}: {row['result']} is refused by code {code!r}, which faults.yaml does not list"
                hint = f'add "{code}": {{code: …, who: …, retry: "no", zh: …, en: …}} to faults.yaml'
                yield _mistake(file, _row_pos(file, index), "unlisted-refusal", said, hint)


def _at_row(file: MapFile, index: int, failure: str) -> Mistake:
    name = file.tests[index].get("name", "?")
    said = f"{name!r}: {failure}"
    return _mistake(file, _row_pos(file, index), "failing-test", said, "mend the mapping, or the example")


def _row_pos(file: MapFile, index: int) -> Pos:
    tests = file.root.get("tests")
    return tests.items[index].pos if isinstance(tests, Seq) and index < len(tests.items) else file.root.pos


def _mistake(file: MapFile, pos: Pos, told: str, message: str, hint: str) -> Mistake:
    return Mistake(file.book.file, pos.line, pos.column, told, message, hint)
