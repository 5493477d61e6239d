"""The outside world of a folder: its schema files and WSDLs, and the validation of messages against them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from gateway.kernel.xml import MAX_BYTES, PARSER, parse_xml
from gateway.mapping.errors import MistakeError
from gateway.mapping.mapfile import Target
from gateway.mapping.schemas import SchemaShelf, TargetSchema
from gateway.mapping.schemas.base import Place, SchemaBreachError
from gateway.mapping.schemas.wsdl import ENVELOPE, Operation, load_operation
from gateway.mapping.targets.base import Shape
from gateway.mapping.targets.document import InnerDocument
from gateway.mapping.values import Unit
from gateway.mapping.yamlfile import Book, Pos

_BODY = f"{{{ENVELOPE}}}Body"
_FAULT = f"{{{ENVELOPE}}}Fault"


@dataclass(slots=True)
class Outside:
    """Schemas by file name and operations by WSDL, each loaded once per folder."""

    folder: Path
    shelf: SchemaShelf = field(init=False)
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shelf = SchemaShelf(self.folder)

    def operation(self, target: Target) -> Operation:
        """Raises ``MistakeError`` when the WSDL or its operation can't be used."""
        key = (target.wsdl, target.operation)
        if key not in self.operations:
            path = (self.folder / target.wsdl).resolve()
            if not target.wsdl or not path.is_relative_to(self.folder.resolve()) or not path.is_file():
                raise MistakeError("unknown-file", f"no WSDL file {target.wsdl!r}")
            self.operations[key] = load_operation(path, target.operation)
        return self.operations[key]

    def schema(self, target: Target) -> TargetSchema | None:
        """Raises ``MistakeError`` when the named file is no schema."""
        if target.wsdl:
            return self.operation(target).schema
        return self.shelf.get(target.schema) if target.schema else None

    def place(self, target: Target) -> Place | None:
        """Root of a document that is read; None when no usable schema describes it."""
        try:
            if target.wsdl:
                return self.operation(target).place()
            return self.shelf.get(target.schema).place() if target.schema else None
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
            self.shelf.get(inner.schema).check(inner.shape, unit)
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
    if target.kind == "json":
        schema.validate(_json(document))
    elif target.kind == "soap11":
        schema.validate(soap_child(_reparsed(document)))
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


def soap_child(envelope: etree._Element) -> etree._Element:
    """The Body's only child. Raises ``SchemaBreachError``."""
    body = envelope.find(_BODY)
    if body is None or len(body) != 1:
        raise SchemaBreachError(("the envelope: Body with one child",))
    return body[0]


def validate_read(target: Target, schema: TargetSchema | None, document: Any) -> None:
    """A parsed answer against its schema; a SOAP Fault has its own form and passes to the mapping."""
    if schema is None:
        return
    if target.kind == "soap11":
        child = soap_child(document)
        if child.tag != _FAULT:
            schema.validate(child)
    else:
        schema.validate(document)


def validate_inner(outside: Outside, inner: InnerDocument, text: str) -> None:
    data = text.encode(inner.encoding)
    schema = outside.shelf.get(inner.schema)
    schema.validate(_json(text.encode()) if inner.kind == "json" else parse_xml(data))
