"""Loading a WSDL at start-up, strictly from the local disk: operations, element names, and the embedded schema.

Only names leave this module: messages are built by mappings and travel through our own client. The SOAP library's
transport logger prints whole envelopes at DEBUG, so it is held at INFO.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zeep.exceptions
import zeep.transports
import zeep.wsdl
from lxml import etree
from zeep.settings import Settings

from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.kernel.xml import parse_xml

logging.getLogger("zeep.transports").setLevel(logging.INFO)

_XSD = "http://www.w3.org/2001/XMLSchema"
_TYPES = "{http://schemas.xmlsoap.org/wsdl/}types"
_EMBEDDED = "embedded:"
_STRICT = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)


@dataclass(frozen=True, slots=True)
class SoapOperation:
    """One operation of a document/literal binding; names are ``{namespace}local``."""

    name: str
    soap_action: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class SoapService:
    target_namespace: str
    operations: Mapping[str, SoapOperation]
    schema: etree.XMLSchema
    """The schemas of ``wsdl:types``, to hold a Body's child against."""


class _Offline(zeep.transports.Transport):
    def _load_remote_data(self, url: str) -> bytes:  # noqa: ARG002 - zeep's shape
        raise _refused("a WSDL refers to a document that is not on the local disk")


def load_wsdl(path: Path) -> SoapService:
    """Read one WSDL 1.1 file. Raises ``ConfigRefused`` for a remote part, a DOCTYPE, or a style other than document."""
    try:
        root = parse_xml(path.read_bytes())
        transport: Any = _Offline()  # type: ignore[no-untyped-call]  # zeep is half typed
        document = zeep.wsdl.Document(str(path), transport, settings=_STRICT)
        operations = {name: _operation(name, found) for name, found in _bound(document).items()}
    except OSError:
        raise _refused("a WSDL file can't be read") from None
    except ConfigRefused:
        raise
    except (LianpeiError, zeep.exceptions.Error, etree.LxmlError, ValueError, LookupError):
        raise _refused("a WSDL can't be understood") from None
    return SoapService(str(root.get("targetNamespace", "")), operations, _schema(root))


def _bound(document: Any) -> dict[str, Any]:
    return {name: found for binding in document.bindings.values() for name, found in binding.all().items()}


def _operation(name: str, found: Any) -> SoapOperation:
    if found.style != "document":
        raise _refused(f"operation {name} is not of style document")
    return SoapOperation(name, str(found.soapaction), _element(found.input), _element(found.output))


def _element(message: Any) -> str:
    return str(message.body.qname.text)


def _schema(wsdl: etree._Element) -> etree.XMLSchema:
    """Each embedded schema is written out and parsed anew, because a subtree loses its ancestors' namespaces."""
    schemas = {
        f"{_EMBEDDED}{number}": (str(schema.get("targetNamespace", "")), etree.tostring(schema))
        for number, schema in enumerate(wsdl.findall(f"{_TYPES}/{{{_XSD}}}schema"))
    }
    if not schemas:
        raise _refused("a WSDL holds no schema")
    driver = etree.Element(f"{{{_XSD}}}schema")
    for location, (namespace, _) in schemas.items():
        etree.SubElement(driver, f"{{{_XSD}}}import", namespace=namespace, schemaLocation=location)
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    parser.resolvers.add(_Embedded({location: text for location, (_, text) in schemas.items()}))
    try:
        return etree.XMLSchema(etree.fromstring(etree.tostring(driver), parser))
    except etree.LxmlError:
        raise _refused("a WSDL's schema is not valid or refers to a document outside the file") from None


class _Embedded(etree.Resolver):
    """Serves the embedded schemas and nothing else, neither from the network nor from the disk."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts

    def resolve(self, *call: Any) -> Any:
        """Called by lxml with address, public id and context; its stubs know the first two only."""
        address, _, context = call
        if address not in self._texts:
            raise etree.XMLSchemaParseError("outside the file")
        serve: Any = self.resolve_string
        return serve(self._texts[address].decode(), context)


def _refused(what: str) -> ConfigRefused:
    return ConfigRefused(what, code="wsdl", hint="put a self-contained WSDL 1.1 file beside the partner's schemas")
