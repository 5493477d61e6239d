"""The interpreted back end and the compiled one agree on every message of every shipped folder's own tests."""

from typing import Any

import msgspec
import pytest
from support.folders import READING, WRITING, loaded, place_of

from gateway.mapping import Incoming, load_reader
from gateway.mapping.act import run_located
from gateway.mapping.explain import explain_answer, explain_callback, explain_reading, explain_request
from gateway.mapping.mapfile import MapFile, read_mapping
from gateway.mapping.record import incoming_of
from gateway.mapping.yamlfile import Book


@pytest.mark.parametrize("folder", WRITING)
def test_requests_answers_and_callbacks_agree(folder: str) -> None:
    for name, file in loaded(folder).files.items():
        for row in file.tests:
            _agree(folder, name, file, row)


def _agree(folder: str, name: str, file: MapFile, row: dict[str, str]) -> None:
    place, act, home = place_of(folder), loaded(folder).acts[name], file.path.parent
    if "in" in row:
        assert act.request is not None
        source = _struct(folder, file, row["in"])
        slow = explain_request(file, place.constants, source)
        fast = run_located(act.request.compiled, name, source)
        ours = (slow.text, slow.path, slow.query, slow.headers, slow.protected, slow.correlation)
        assert ours == tuple(fast[:6])
        return
    incoming, result = incoming_of(row, home), place.vocabulary.result
    assert result is not None
    if "answer" in row:
        assert act.answer is not None
        sent = _struct(folder, file, row["sent"]) if "sent" in row else None
        target = act.answer.target
        told = explain_answer(file, place.constants, result, target, incoming, sent)
        assert told.result == act.read(incoming, sent)
    else:
        assert act.callback is not None
        told = explain_callback(file, place.constants, result, act.callback.target, incoming)
        made = act.read_callback(incoming)
        assert dict(told.result or {}) | ({"correlation": told.correlation} if told.correlation else {}) == made


def _struct(folder: str, file: MapFile, name: str) -> Any:
    data = (file.path.parent / name).read_bytes()
    return msgspec.json.decode(data, type=place_of(folder).vocabulary.source)


@pytest.mark.parametrize("name", READING)
def test_hospital_documents_agree(name: str) -> None:
    place = place_of(f"hospitals/{name}")
    path = place.folder / "visit.yaml"
    file, reader = read_mapping(path, Book(str(path)), reader=True), load_reader(path, place.vocabulary)
    assert file is not None
    assert place.vocabulary.result is not None
    assert file.tests
    for row in file.tests:
        incoming = Incoming((place.folder / row["in"]).read_bytes())
        assert explain_reading(file, place.vocabulary.result, incoming).result == reader.read(incoming)
