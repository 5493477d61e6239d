"""SOAP 1.1: operation, SOAPAction and the schema of the Body come from the WSDL, read once when the mapping loads."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.schemas.xsd import XS, XmlSchema
from gateway.mapping.schemas.xsdplace import EnvelopePlace

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document/literal binding."""

    action: str
    request: str
    """Clark name of the Body's child in the request."""
    answer: str
    schema: XmlSchema

    def place(self) -> EnvelopePlace:
        """The envelope of its answer."""
        return EnvelopePlace(self.schema.model, self.answer)


def load_operation(path: Path, name: str) -> Operation:
    """Raises ``MistakeError`` when the WSDL can't be read offline or has no such operation."""
    operations = _operations(path)
    if name not in operations:
        raise MistakeError(
            "unknown-operation", f"{path.name} has no operation {name!r}", did_you_mean(name, operations)
        )
    found = operations[name]
    return Operation(
        str(found.soapaction or ""),
        str(found.input.body.qname),
        str(found.output.body.qname) if found.output is not None and found.output.body is not None else "",
        _embedded_schema(path),
    )


def _operations(path: Path) -> dict[str, Any]:
    """SOAP 1.1 operations as zeep reads them; its import costs a third of a second, which only SOAP partners pay."""
    from zeep import Settings, transports
    from zeep.exceptions import Error
    from zeep.wsdl import Document
    from zeep.wsdl.bindings import Soap11Binding

    logging.getLogger("zeep").setLevel(logging.INFO)
    untyped: Any = transports
    settings = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        document: Any = Document(str(path), untyped.Transport(), settings=settings)
    except (Error, etree.XMLSyntaxError, OSError, ValueError) as error:
        raise MistakeError("bad-schema", f"{path.name} is no usable WSDL: {type(error).__name__}") from None
    found: dict[str, Any] = {}
    for binding in document.bindings.values():
        if isinstance(binding, Soap11Binding):
            offered: Any = binding
            found.update(offered.all())
    return found


def _embedded_schema(path: Path) -> XmlSchema:
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    root = etree.parse(str(path), parser).getroot()
    schemas = root.findall(f"{_WSDL}types/{XS}schema")
    if len(schemas) != 1:
        raise MistakeError("bad-schema", f"{path.name} must embed exactly one schema")
    # Written out and read again, it keeps the namespace prefixes that the schema inherits from the WSDL around it.
    lone = etree.fromstring(etree.tostring(schemas[0], with_tail=False))
    try:
        return XmlSchema(etree.XMLSchema(lone), [lone], path.parent)
    except etree.XMLSchemaParseError:
        raise MistakeError("bad-schema", f"the schema inside {path.name} can't be used") from None
