"""The outside world of a folder: its schema files and WSDLs, and the validation of messages against them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from gateway.kernel.xml import MAX_BYTES, PARSER, parse_xml
from gateway.mapping.encodings import encoded
from gateway.mapping.errors import MistakeError
from gateway.mapping.inside import file_inside
from gateway.mapping.mapfile import SOAP, Target
from gateway.mapping.opening import as_utf8, is_utf8
from gateway.mapping.schemas import SchemaShelf, TargetSchema
from gateway.mapping.schemas.base import Place, SchemaBreachError
from gateway.mapping.schemas.wsdl import ENVELOPE, Operation, load_operation
from gateway.mapping.targets.base import Shape
from gateway.mapping.targets.document import InnerDocument
from gateway.mapping.values import Unit
from gateway.mapping.yamlfile import Book, Pos

ENVELOPES = {"soap11": ENVELOPE, "soap12": "http://www.w3.org/2003/05/soap-envelope"}


@dataclass(slots=True)
class Outside:
    """Schemas by file name and operations by WSDL, each loaded once per folder.

    A schema that the folder does not have is looked for in the ``base`` that it extends.
    """

    folder: Path
    base: Path | None = None
    shelf: SchemaShelf = field(init=False)
    base_shelf: SchemaShelf | None = None
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shelf = SchemaShelf(self.folder)
        self.base_shelf = SchemaShelf(self.base) if self.base else None

    def home(self, name: str) -> Path:
        """The folder that a schema or WSDL comes from."""
        mine = file_inside(self.folder, name) is not None
        return self.folder if mine or self.base is None or file_inside(self.base, name) is None else self.base

    def on_shelf(self, name: str) -> TargetSchema:
        """Raises ``MistakeError`` when it isn't there or isn't a schema."""
        shelf = self.shelf if self.base_shelf is None or self.home(name) == self.folder else self.base_shelf
        return shelf.get(name)

    def operation(self, target: Target) -> Operation:
        """Raises ``MistakeError`` when the WSDL or its operation can't be used."""
        key = (target.wsdl, target.operation)
        if key not in self.operations:
            home = self.home(target.wsdl)
            path = file_inside(home, target.wsdl)
            if path is None:
                raise MistakeError("unknown-file", f"no WSDL file {target.wsdl!r}")
            self.operations[key] = load_operation(path, target.operation)
        return self.operations[key]

    def schema(self, target: Target) -> TargetSchema | None:
        """Raises ``MistakeError`` when the named file is no schema."""
        if target.wsdl:
            return self.operation(target).schema
        return self.on_shelf(target.schema) if target.schema else None

    def place(self, target: Target) -> Place | None:
        """Root of a document that is read; None when no usable schema describes it."""
        try:
            if target.wsdl:
                return self.operation(target).place()
            return self.on_shelf(target.schema).place() if target.schema and target.kind not in SOAP else None
        except MistakeError:
            return None

    def check(self, target: Target, shape: Shape | None, unit: Unit) -> None:
        """Static check of a tree, and of the inner documents that have schemas of their own."""
        try:
            if shape is not None and (schema := self.schema(target)) is not None:
                self._check_operation(target, shape, unit)
                schema.check(shape, unit)
        except MistakeError as wrong:
            unit.note(target.pos, wrong.code, wrong.message, wrong.hint)
        for inner in unit.inner:
            self._check_inner(inner, unit)

    def _check_operation(self, target: Target, shape: Shape, unit: Unit) -> None:
        if target.wsdl:
            wanted = self.operation(target).request
            if f"{{{shape.namespace}}}{shape.name}" != wanted:
                unit.note(shape.pos, "unknown-element", f"the operation's request is {wanted}", "declare it with $ns")

    def _check_inner(self, inner: InnerDocument, unit: Unit) -> None:
        try:
            self.on_shelf(inner.schema).check(inner.shape, unit)
        except MistakeError as wrong:
            unit.note(inner.pos, wrong.code, wrong.message, wrong.hint)

    def usable(self, target: Target, book: Book, pos: Pos) -> TargetSchema | None:
        """The schema of an answer; a missing one is noted."""
        try:
            return self.schema(target)
        except MistakeError as wrong:
            book.note(pos, wrong.code, wrong.message, wrong.hint)
            return None


def validate_written(target: Target, schema: TargetSchema | None, document: bytes) -> None:
    """A finished request against its schema. Raises ``SchemaBreachError``."""
    if schema is None:
        return
    if target.declared or (target.kind == "json" and not is_utf8(target.encoding)):
        document = as_utf8(document, target.encoding, target.kind)
    if target.kind == "json":
        schema.validate(_json(document))
    elif target.kind in SOAP:
        schema.validate(soap_child(_reparsed(document), target.kind))
    else:
        schema.validate(_reparsed(document))


def _reparsed(document: bytes) -> etree._Element:
    """What was just written, as the peer will read it: its depth is the mapping's own, and it can carry no DOCTYPE."""
    try:
        if len(document) <= MAX_BYTES:
            return etree.fromstring(document, PARSER)
    except (etree.XMLSyntaxError, ValueError):
        pass
    raise SchemaBreachError(("the document: malformed",))


def _json(document: bytes) -> Any:
    try:
        return msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise SchemaBreachError(("the document: not JSON",))


def soap_child(envelope: etree._Element, kind: str = "soap11") -> etree._Element:
    """The Body's only child. Raises ``SchemaBreachError``."""
    body = envelope.find(f"{{{ENVELOPES[kind]}}}Body")
    if body is None or len(body) != 1:
        raise SchemaBreachError(("the envelope: Body with one child",))
    return body[0]


def validate_read(target: Target, schema: TargetSchema | None, document: Any) -> None:
    """A parsed answer against its schema; a SOAP Fault has its own form and passes to the mapping."""
    if schema is None:
        return
    if target.kind in SOAP:
        child = soap_child(document, target.kind)
        if child.tag != f"{{{ENVELOPES[target.kind]}}}Fault":
            schema.validate(child)
    else:
        schema.validate(document)


def validate_inner(outside: Outside, inner: InnerDocument, text: str) -> None:
    data = encoded(text, inner.encoding, inner.lacking, inner.kind)
    schema = outside.on_shelf(inner.schema)
    schema.validate(_json(text.encode()) if inner.kind == "json" else parse_xml(data))
