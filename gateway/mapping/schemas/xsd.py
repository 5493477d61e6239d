"""XSD: lxml validates messages; the tree is checked against the content model when the mapping loads."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml import etree

from gateway.mapping.errors import MistakeError
from gateway.mapping.inside import file_inside
from gateway.mapping.schemas.base import Place, SchemaBreachError
from gateway.mapping.schemas.xsdfiles import XS as XS
from gateway.mapping.schemas.xsdfiles import read_schemas
from gateway.mapping.schemas.xsdmodel import Model
from gateway.mapping.schemas.xsdplace import RootPlace, XsdPlace
from gateway.mapping.schemas.xsdproof import fits_surely
from gateway.mapping.schemas.xsdshape import check_shape
from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit

MAX_PLACES = 12
_Resolver: Any = etree.Resolver
_ELEMENT = re.compile(r"Element '(?:\{[^}]*\})?([^']+)'(?:, attribute '(?:\{[^}]*\})?([^']+)')?")


class XmlSchema:
    """One XSD, from a file or from the types of a WSDL; imports lead to files beside it, never to the network."""

    def __init__(self, schema: etree.XMLSchema, roots: Sequence[etree._Element], folder: Path) -> None:
        self._schema, self._roots, self._folder = schema, roots, folder

    @cached_property
    def model(self) -> Model:
        return Model(read_schemas(self._roots, self._folder))

    def check(self, shape: Shape, unit: Unit) -> None:
        check_shape(shape, self.model, unit.book)

    def surely_fits(self, shape: Shape) -> bool:
        return fits_surely(shape, self.model)

    def place(self) -> Place:
        model = self.model
        return RootPlace(tuple(XsdPlace(model, part) for part in model.roots.values()))

    def validate(self, document: etree._Element) -> None:
        if self._schema.validate(document):
            return
        log: Any = self._schema.error_log
        found = {_place(str(entry.message), str(entry.type_name)) for entry in log}
        raise SchemaBreachError(tuple(sorted(found)[:MAX_PLACES]))


def _place(message: str, rule: str) -> str:
    """Element (and attribute) and rule; the rest of libxml2's message quotes the value and is dropped."""
    found = _ELEMENT.match(message)
    name = "the document" if found is None else found[1] + (f"@{found[2]}" if found[2] else "")
    return f"{name}: {rule.lower().removeprefix('schemav_')}"


class _Beside(_Resolver):  # type: ignore[misc]
    """What a schema includes or imports lies beside it or below; libxml2 by itself would open any file that it names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def resolve(self, system_url: str, _public_id: str, context: Any) -> Any:
        path = file_inside(self._folder, unquote(system_url.removeprefix("file://")))
        return self.resolve_filename(str(path), context) if path else self.resolve_string(b"<unknown/>", context)


def load_xsd(path: Path) -> XmlSchema:
    """Raises ``MistakeError`` (``bad-schema``) when the file is no usable XSD."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_Beside(path.parent))
    try:
        tree = etree.parse(str(path), parser)
        return XmlSchema(etree.XMLSchema(tree), [tree.getroot()], path.parent)
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError):
        raise MistakeError("bad-schema", f"{path.name} is no usable XSD") from None
