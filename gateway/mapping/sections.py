"""Sections to functions: request, answer, callback and reply each become one generated function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from gateway.mapping.code.safety import build
from gateway.mapping.code.writer import Parts, Unwritten, Writer
from gateway.mapping.mapfile import SOAP, MapFile, Target, section
from gateway.mapping.opening import PLAIN
from gateway.mapping.outside import ENVELOPES, Outside
from gateway.mapping.schemas.base import Place
from gateway.mapping.targets.base import Shape, Tree, parse_key
from gateway.mapping.targets.csv import CsvTree
from gateway.mapping.targets.document import InnerDocument
from gateway.mapping.targets.form import FormTree
from gateway.mapping.targets.json import JsonTree
from gateway.mapping.targets.result import ResultTree
from gateway.mapping.targets.text import as_plain_text
from gateway.mapping.targets.xml import XmlTree, declaration, known_or_noted
from gateway.mapping.types import Kind, Labels, Type, document, fields_of
from gateway.mapping.values import Leaf, Scope, Unit, Value
from gateway.mapping.yamlfile import Map, Node, Pos, Scalar, text_of


@dataclass(frozen=True, slots=True)
class Compiled:
    """One generated function and what is needed to say where it failed."""

    run: Callable[..., Any]
    leaves: Mapping[tuple[int, int], Leaf]
    inner: tuple[InnerDocument, ...] = ()
    shape: Shape | None = None
    unit: Unit | None = None
    files: tuple[str, ...] = ()
    """The files that its places lie in, by the number in ``Pos.file``."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What the folder gives to each file: types, constants, declared refs."""

    source: type | None
    result: type | None
    may_carry: Labels
    partner: Mapping[str, str]
    refs: frozenset[str] | None
    declassified: Mapping[str, Labels] = field(default_factory=dict)
    """What the central policy gives to this file: field to the labels taken from it."""
    runs: bool = True
    """Functions are wanted, not the check alone."""


def new_unit(file: MapFile, ends: Ends, guarded: bool) -> Unit:
    may_carry = ends.may_carry if guarded else None
    return Unit(
        file.book, file.tables, ends.partner, ends.refs, may_carry, declassified=ends.declassified, runs=ends.runs
    )


def body_writer(unit: Unit) -> Writer:
    return Writer(depth=1) if unit.runs else Unwritten(depth=1)


def source_names(source: type | None, prefix: str = "") -> dict[str, Value]:
    """Root names of a source type; ``prefix`` is ``sent.`` in answers."""
    found = {}
    for name, known in fields_of(source).items() if source else ():
        path = prefix + name
        found[name] = Value(f"s_{name}", known.type, known.labels, path, path=path)
    return found


def outer_names() -> dict[str, Value]:
    return {"partner": Value("U", Type(Kind.MAP), source="partner", path="partner")}


def document_names(kind: str, at: Place | None = None) -> dict[str, Value]:
    """Roots of a document that is read: ``r``, ``http.status`` and ``protected[…]``."""
    form = "json" if kind in PLAIN else "xml"
    many = "jall(r)" if form == "json" else "xone(r)"
    return {
        "r": Value("r", document(form), source="r", many=many, path="r", at=at),
        "http": Value("U", Type(Kind.MAP), path="http"),
        "protected": Value("U", Type(Kind.MAP), path="protected"),
        **outer_names(),
    }


def compile_request(file: MapFile, ends: Ends, outside: Outside) -> Compiled:
    """``write(d)`` gives (text or None, path, query, headers, protected, correlation, inner documents, and whether a
    repeated element came out empty)."""
    unit = new_unit(file, ends, guarded=True)
    source = None if file.source == "none" else ends.source
    names = {**source_names(source), **outer_names()}
    writer = body_writer(unit)
    scope = lets(file.section("let"), Scope(names), unit, writer)
    tree = file.section("request")
    shape = None
    if tree is not None:
        shape = write_document(tree, file.target, scope, unit, writer, "h_text")
    else:
        writer.put("h_text = None", file.root.pos)
    fields = _http(file, scope, unit, writer)
    writer.put(f"return (h_text, {', '.join(fields)}, h_inner, h_bare)", file.root.pos)
    writer = with_head("def s_write(d):", source_roots(source, unit, ""), writer, file.root.pos)
    outside.check(file.target, shape, unit)
    return finish(writer, unit, "s_write", file, shape)


def source_roots(source: type | None, unit: Unit, prefix: str) -> list[str]:
    """Statements that read the used roots once."""
    used = [name for name in (fields_of(source) if source else ()) if prefix + name in unit.roots]
    unit.attributes.update(used)
    return [f"s_{name} = d.{name}" for name in used]


def with_head(head: str, roots: list[str], body: Writer, pos: Pos) -> Writer:
    writer = Writer()
    writer.put(head, pos)
    for line in ("h_inner = []", "h_found = {}", "h_bare = False", *roots):
        writer.put("    " + line, pos)
    writer.lines += body.lines
    writer.places += body.places
    return writer


def finish(writer: Writer, unit: Unit, name: str, file: MapFile, shape: Shape | None) -> Compiled:
    if file.book.mistakes or not unit.runs:
        return Compiled(_never, {}, shape=shape)
    run = build(writer, unit, name, file.book.file)
    return Compiled(run, unit.leaves, tuple(unit.inner), shape, unit, tuple(file.book.files))


def _never(*_args: object) -> None:
    raise AssertionError("a mapping with mistakes is never run")


def lets(node: Map | None, scope: Scope, unit: Unit, writer: Writer) -> Scope:
    """A section's ``let`` names, in order; each may use the ones above it."""
    return Tree(unit, writer).named(node, scope)


def write_document(node: Map, target: Target, scope: Scope, unit: Unit, writer: Writer, into: str) -> Shape:
    """Statements that leave the whole document as text in ``into``."""
    encoding = known_or_noted(target.encoding, target.pos, unit)
    if target.kind == "json":
        parts, shape = JsonTree(unit, writer).node(node, scope)
    elif target.kind == "form":
        parts, shape = FormTree(unit, writer, target).root(node, scope)
    elif target.kind == "csv":
        parts, shape = CsvTree(unit, writer, target).root(node, scope)
    else:
        parts, shape = _xml(node, target, scope, unit, writer)
        if target.declaration:
            parts = [declaration(target.declared or encoding), *parts]
    if target.schema and target.kind in ("form", "csv"):
        unit.note(target.pos, "bad-schema", f"a {target.kind} target has no schema")
    if target.lacking == "escape" and unit.cdata is not None:
        unit.note(unit.cdata, "bad-value", "a CDATA section has no escape for a character", "refuse or replace it")
    writer.put_text(f"{into} = ", parts, "", node.pos)
    return shape


def _xml(node: Map, target: Target, scope: Scope, unit: Unit, writer: Writer) -> tuple[Parts, Shape]:
    """An XML document; for SOAP the envelope around it, with the blocks of ``$header`` where there are any."""
    tree = XmlTree(unit, writer)
    if target.kind not in SOAP:
        return tree.root(node, scope)
    head = node.get("$header")
    blocks = tree.blocks(head, scope) if isinstance(head, Map) else []
    if head is not None and not isinstance(head, Map):
        unit.note(head.pos, "bad-shape", "$header is a mapping of elements")
    body = Map(node.pos, [entry for entry in node if entry.key != "$header"])
    parts, shape = tree.root(body, scope)
    header: Parts = ["<soap:Header>", *blocks, "</soap:Header>"] if blocks else []
    opened = f'<soap:Envelope xmlns:soap="{ENVELOPES[target.kind]}">'
    return [opened, *header, "<soap:Body>", *parts, "</soap:Body></soap:Envelope>"], shape


def _http(file: MapFile, scope: Scope, unit: Unit, writer: Writer) -> list[str]:
    http = file.section("http") or Map(file.root.pos)
    path = _path(http.get("path"), scope, unit, writer)
    query = texts(section(http, "query", file.book), scope, unit, writer, "query")
    headers = texts(section(http, "headers", file.book), scope, unit, writer, "headers")
    protected = texts(file.section("protected"), scope, unit, writer, "protected")
    return [path, query, headers, protected, correlation(file.root.get("correlation"), scope, unit, writer)]


def correlation(node: Node | None, scope: Scope, unit: Unit, writer: Writer) -> str:
    if node is None:
        return "''"
    tree = Tree(unit, writer)
    tree.path = ["correlation"]
    value = tree.value(node, scope)
    text = as_plain_text(value, node.pos, unit)
    if value.type.optional and not value.type.soft:
        tree.needs_value(value, node.pos, "correlation")
    name = unit.temp()
    writer.put(f"{name} = {f'need({text})' if value.type.optional else text}", node.pos)
    return name


def _path(node: Node | None, scope: Scope, unit: Unit, writer: Writer) -> str:
    """``/orders/{order.no}``: literal text with expressions in braces, each percent-encoded."""
    spelt = text_of(node, unit.book, "path")
    if node is None or "{" not in spelt:
        return repr(spelt)
    parts: list[str] = []
    tree = Tree(unit, writer)
    tree.path = ["path"]
    rest, column = spelt, 0
    while rest:
        literal, brace, rest = rest.partition("{")
        inside, _, rest = rest.partition("}")
        column += len(literal) + 1
        parts.append(repr(literal))
        if brace:
            at = Scalar(inside, node.pos.shifted(column))
            value = tree.value(at, scope)
            tree.needs_value(value, at.pos, "path")
            parts.append(f"quoted({as_plain_text(value, at.pos, unit)})")
        column += len(inside) + 1
    name = unit.temp()
    writer.put(f"{name} = cat({', '.join(parts)})", node.pos)
    return name


def texts(node: Map | None, scope: Scope, unit: Unit, writer: Writer, what: str) -> str:
    """A dict of names to texts; a ``?`` key is left out when absent."""
    name = unit.temp("x")
    pos = node.pos if node else Pos(1, 1)
    writer.put(f"{name} = {{}}", pos)
    tree = Tree(unit, writer)
    for entry in node or ():
        key = parse_key(entry.key)
        tree.path = [what, key.name]
        value = tree.value(entry.value, replace(scope, lenient=key.optional))
        text = as_plain_text(value, entry.value.pos, unit)
        if key.optional and value.type.optional:
            found = unit.temp()
            with writer.block(f"if ({found} := {text}) is not U:", entry.value.pos):
                writer.put(f"{name}[{key.name!r}] = {found}", entry.value.pos)
            continue
        code = tree.required(value, text, entry.value.pos, key.name)
        writer.put(f"{name}[{key.name!r}] = {code}", entry.value.pos)
    return name


def compile_reading(
    file: MapFile, node: Map, target: Target, ends: Ends, sent: bool, outside: Outside | None = None
) -> Compiled:
    """``read(r, h_status, h_protected, d)`` gives (result, correlation)."""
    unit = new_unit(file, ends, guarded=False)
    unit.answers = outside is not None
    names = document_names(target.kind, outside.place(target) if outside is not None else None)
    source = ends.source if sent and file.source != "none" else None
    if source is not None:
        names["sent"] = Value("d", Type(Kind.STRUCT, of=source), source="sent", path="sent")
    writer = body_writer(unit)
    scope = lets(section(node, "let", file.book), Scope(names), unit, writer)
    result = node.get("result")
    out = "U"
    if result is None or ends.result is None:
        file.book.note(node.pos, "missing-required", "what it means is not said: result is missing")
    else:
        out = ResultTree(unit, writer).struct(result, ends.result, scope)
    key = correlation(node.get("correlation"), scope, unit, writer)
    writer.put(f"return ({out}, {key})", node.pos)
    return finish(
        with_head("def s_read(r, h_status, h_protected, d):", [], writer, node.pos), unit, "s_read", file, None
    )


def compile_reply(file: MapFile, node: Map, target: Target, kind: str, ends: Ends, outside: Outside) -> Compiled:
    """``reply(r, h_status, h_protected)`` gives (text or None, headers, inner documents)."""
    unit = new_unit(file, ends, guarded=False)
    scope = Scope(document_names(kind))
    writer = body_writer(unit)
    scope = lets(section(node, "let", file.book), scope, unit, writer)
    body = section(node, "body", file.book)
    shape = None
    if body is not None:
        shape = write_document(body, target, scope, unit, writer, "h_text")
        outside.check(target, shape, unit)
    else:
        writer.put("h_text = None", node.pos)
    headers = texts(section(node, "headers", file.book), scope, unit, writer, "headers")
    writer.put(f"return (h_text, {headers}, h_inner)", node.pos)
    return finish(
        with_head("def s_reply(r, h_status, h_protected):", [], writer, node.pos), unit, "s_reply", file, shape
    )
