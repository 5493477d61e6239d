"""Sections of a mapping file, walked: a request with its headers, an answer, a callback, a hospital document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from gateway.mapping.api import Incoming
from gateway.mapping.explain.documents import document_text
from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.result import ResultWalk, document_names
from gateway.mapping.explain.rows import Row, Walk
from gateway.mapping.explain.texts import path_text, texts
from gateway.mapping.explain.values import Got, Names, World
from gateway.mapping.mapfile import MapFile, Target, section
from gateway.mapping.opening import open_document
from gateway.mapping.types import fields_of
from gateway.mapping.yamlfile import Map


@dataclass(frozen=True, slots=True)
class Explained:
    """What one section makes, and the account of every value in it, in the order of the message."""

    rows: tuple[Row, ...]
    text: str | None = None
    """The document before it is encoded; None when the section makes none."""
    result: Mapping[str, Any] | None = None
    path: str = ""
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    protected: Mapping[str, str] | None = None
    correlation: str = ""


def explain_request(file: MapFile, partner: Mapping[str, str], source: Any) -> Explained:
    """The request of one act. Raises ``MappingFailed`` where the compiled act would."""
    names = Names(_roots(source) if file.source != "none" else {}, World(file.tables, partner))
    walk = Walk(file.name)
    names = walk.named(file.section("let"), names)
    tree = file.section("request")
    text = document_text(walk, tree, file.target, names) if tree is not None else None
    http = file.section("http") or Map(file.root.pos)
    path = path_text(walk, http.get("path"), names)
    query = texts(walk, section(http, "query", file.book), names, "query")
    headers = texts(walk, section(http, "headers", file.book), names, "headers")
    protected = texts(walk, file.section("protected"), names, "protected")
    key = _correlation(walk, file.root, names)
    return Explained(tuple(walk.rows), text, None, path, query, headers, protected, key)


def _roots(source: Any) -> dict[str, Got]:
    struct: type = type(source)
    return {name: Got(getattr(source, name), name, (name,)) for name in fields_of(struct)}


def _correlation(walk: Walk, node: Map, names: Names) -> str:
    said = node.get("correlation")
    if said is None:
        return ""
    with walk.below("correlation"):
        got = walk.required(said, walk.leaf(said, names))
        return walk.told(said, got, lambda one: spelt(one.value))


def explain_answer(
    file: MapFile, partner: Mapping[str, str], result: type, target: Target, incoming: Incoming, sent: Any = None
) -> Explained:
    """The ``answer`` section over an opened answer; ``target`` is the format of the answer's document."""
    return _explain_reading(file, "answer", partner, result, target, incoming, sent)


def explain_callback(
    file: MapFile, partner: Mapping[str, str], result: type, target: Target, incoming: Incoming
) -> Explained:
    return _explain_reading(file, "callback", partner, result, target, incoming, None)


def explain_reading(file: MapFile, result: type, incoming: Incoming) -> Explained:
    """A hospital mapping over a hospital's document."""
    return _explain_reading(file, "", {}, result, file.target, incoming, None)


def _explain_reading(
    file: MapFile, key: str, partner: Mapping[str, str], result: type, target: Target, incoming: Incoming, sent: Any
) -> Explained:
    node = file.section(key) if key else file.root
    assert node is not None
    world = World(file.tables, partner, incoming.http_status, dict(incoming.protected))
    values = document_names(target.kind, _document(target, incoming.document))
    if sent is not None:
        values["sent"] = Got(sent, "sent", ("sent",))
    walk = ResultWalk(file.name)
    names = walk.named(section(node, "let", file.book), Names(values, world))
    tree = node.get("result")
    assert tree is not None
    made = walk.struct(tree, result, names)
    return Explained(tuple(walk.rows), result=made, correlation=_correlation(walk, node, names))


def _document(target: Target, document: bytes) -> Any:
    return open_document(document, target) if document and not document.isspace() else UNSET
