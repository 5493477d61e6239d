"""One mapping file as rows: target field, source fields, rule and condition, in the order of the message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.mapping.drafting.candidates import notes_of
from gateway.mapping.fieldtable.sources import Names, Source, root_names
from gateway.mapping.mapfile import MapFile
from gateway.mapping.tables import Table
from gateway.mapping.types import fields_of
from gateway.mapping.yamlfile import Map, Node, Scalar, Seq

_VALUES = {"$text": "", "$cdata": "CDATA", "$item": "", "$raw": ""}
_SILENT = ("$let", "$ns", "$empty", "$when", "$each", "$document")


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the message."""

    name: str
    depth: int
    optional: bool = False
    attribute: bool = False
    rule: str = ""
    """The expression, or empty for an object."""
    constant: str | None = None
    sources: tuple[Source, ...] = ()
    when: str = ""
    each: str = ""
    zh: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Request, answer, callback or reply."""

    title: str
    rows: tuple[Row, ...]
    given: tuple[Row, ...] = ()
    """The ``let`` names."""


@dataclass(frozen=True, slots=True)
class ActTable:
    """Everything about one act that its readers ask for."""

    name: str
    version: int
    about: str
    call: str
    target: str
    sections: tuple[Section, ...]
    tables: Mapping[str, Table] = field(default_factory=dict)


def act_table(file: MapFile, source: type | None, result: type | None, partner: Mapping[str, str]) -> ActTable:
    """``source`` and ``result`` are the model's two ends; either may be missing."""
    roots = root_names(source, partner)
    outer = _Walk(roots)
    given = outer.named(file.section("let"))
    sections = []
    request = file.section("request")
    if request is not None:
        sections.append(Section("request", tuple(outer.nodes(request, 0)), given))
    for title in ("answer", "callback"):
        part = file.section(title)
        if part is not None:
            sections += _read(title, part, result, partner)
    if file.root.get("result") is not None:
        sections += _read("result", file.root, result, partner)
    target = " ".join(filter(None, (file.target.kind, file.target.schema or file.target.wsdl, file.target.operation)))
    return ActTable(file.path.stem, file.version, _about(file), _call(file), target, tuple(sections), file.tables)


def _read(title: str, part: Map, result: type | None, partner: Mapping[str, str]) -> Iterator[Section]:
    walk = _Walk(Names({}, {}, partner), result)
    let = part.get("let")
    given = walk.named(let if isinstance(let, Map) else None)
    tree = part.get("result")
    if isinstance(tree, Map):
        yield Section(title, tuple(walk.nodes(tree, 0)), given)
    reply = part.get("reply")
    body = reply.get("body") if isinstance(reply, Map) else None
    if isinstance(body, Map):
        yield Section("reply", tuple(_Walk(Names({}, {}, partner)).nodes(body, 0)))


def _about(file: MapFile) -> str:
    """The comment at the head of the file says what the act is."""
    first = file.path.read_text("utf-8").split("\n", 1)[0]
    return first.lstrip("# ").strip() if first.startswith("#") and "yaml-language-server" not in first else ""


def _call(file: MapFile) -> str:
    http = file.section("http")
    said = [http.get(key) for key in ("method", "path")] if http else []
    return " ".join(node.text for node in said if isinstance(node, Scalar))


class _Walk:
    def __init__(self, names: Names, result: type | None = None) -> None:
        self.names, self.result = names, result

    def named(self, node: Map | None) -> tuple[Row, ...]:
        """The ``let`` names, which later expressions may use."""
        rows = []
        for entry in node or ():
            if isinstance(entry.value, Scalar):
                name, sources = entry.key.removesuffix("?"), self.names.sources(entry.value.text)
                rows.append(Row(name, 0, rule=entry.value.text, sources=sources))
                self.names = self.names.with_given(name, sources)
        return tuple(rows)

    def nodes(self, node: Map, depth: int) -> Iterator[Row]:
        for entry in node:
            if entry.key == "$nodes" and isinstance(entry.value, Seq):
                for item in entry.value.items:
                    yield from self.nodes(item, depth) if isinstance(item, Map) else ()
            elif entry.key in _VALUES and isinstance(entry.value, Scalar):
                yield self._value(entry.key, entry.value.text, depth)
            elif entry.key not in _SILENT and not entry.key.startswith("$"):
                yield from self._entry(entry.key, entry.value, depth)

    def _entry(self, key: str, node: Node, depth: int) -> Iterator[Row]:
        if isinstance(node, Scalar):
            yield self._value(key, node.text, depth)
            return
        if isinstance(node, Seq):
            yield Row(_plain(key), depth, key.endswith("?"), note="[ ]", zh=self._zh(key, depth))
            for item in node.items:
                yield from self._inner(item, depth + 1)
            return
        yield from self._group(key, node, depth)

    def _inner(self, node: Node, depth: int) -> Iterator[Row]:
        if isinstance(node, Scalar):
            yield self._value("·", node.text, depth)
        elif isinstance(node, Map):
            yield from self._below(node, depth)

    def _group(self, key: str, node: Map, depth: int) -> Iterator[Row]:
        when, each = (_text(node.get(name)) for name in ("$when", "$each"))
        sources = self.names.loop_sources(each) if each else ()
        note = "inner document" if node.get("$document") is not None else "empty element" if node.get("$empty") else ""
        yield Row(
            _plain(key),
            depth,
            key.endswith("?"),
            each=each,
            when=when,
            sources=sources,
            zh=self._zh(key, depth),
            note=note,
        )
        yield from self._below(node, depth + 1)

    def _below(self, node: Map, depth: int) -> Iterator[Row]:
        before = self.names
        each, let = _text(node.get("$each")), node.get("$let")
        if each:
            self.names = self.names.with_loop(each)
        if isinstance(let, Map):
            self.named(let)
        yield from self.nodes(node, depth)
        self.names = before

    def _value(self, key: str, text: str, depth: int) -> Row:
        name = "·" if key in _VALUES else _plain(key)
        attribute = key.rstrip("?").endswith("@")
        if text.startswith("="):
            return Row(name, depth, key.endswith("?"), attribute, text, text[1:], zh=self._zh(key, depth))
        note = _VALUES.get(key, "")
        return Row(
            name,
            depth,
            key.endswith("?"),
            attribute,
            text,
            None,
            self.names.sources(text),
            zh=self._zh(key, depth),
            note=note,
        )

    def _zh(self, key: str, depth: int) -> str:
        """The result's words have Chinese names; the partner's fields have their own."""
        if self.result is None or depth or _plain(key) not in fields_of(self.result):
            return ""
        return str(notes_of(self.result)[_plain(key)].get("x-zh", ""))


def _plain(key: str) -> str:
    return key.removesuffix("?").removesuffix("@")


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
