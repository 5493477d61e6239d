"""WSDL 1.1: operation, SOAPAction and the schema of the Body, read once when the mapping loads.

Document/literal, wrapped or bare, and rpc/literal; the wrapper of an rpc call is what WS-I Basic Profile 1.1 says it is.
Read here and not by a SOAP library, because a mapping needs four facts of a WSDL and no client.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lxml import etree

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.inside import file_inside
from gateway.mapping.schemas.wsdlschema import combined, wrapper
from gateway.mapping.schemas.xsd import XmlSchema
from gateway.mapping.schemas.xsdfiles import XS, clark
from gateway.mapping.schemas.xsdplace import EnvelopePlace

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAPS = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_PARSER = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a SOAP binding."""

    action: str
    request: str
    """Clark name of the Body's child in the request."""
    answer: str
    schema: XmlSchema

    def place(self) -> EnvelopePlace:
        """The envelope of its answer."""
        return EnvelopePlace(self.schema.model, self.answer)


@dataclass(frozen=True, slots=True)
class Bound:
    """One operation as its binding states it."""

    node: etree._Element
    port: etree._Element
    soap: str
    style: str


class Wsdl:
    """A WSDL file and the WSDL files beside it that it imports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.roots = list(_documents(path, set()))

    @cached_property
    def operations(self) -> dict[str, Bound]:
        found: dict[str, Bound] = {}
        for soap in reversed(_SOAPS):
            for binding in self._all("binding"):
                head = binding.find(f"{soap}binding")
                port = self._named("portType", _qname(binding, "type"))
                if head is None or port is None:
                    continue
                for node in binding.findall(f"{_WSDL}operation"):
                    said = node.find(f"{soap}operation")
                    style = (
                        head.get("style", "document")
                        if said is None
                        else said.get("style", head.get("style", "document"))
                    )
                    found[node.get("name", "")] = Bound(node, port, soap, style)
        return found

    @cached_property
    def schema(self) -> XmlSchema:
        embedded = [node for root in self.roots for node in root.findall(f"{_WSDL}types/{XS}schema")]
        wrappers = [
            wrapper(*self._wrapped(name, bound, side))
            for name, bound in self.operations.items()
            if bound.style == "rpc"
            for side in ("input", "output")
            if bound.node.find(_WSDL + side) is not None
        ]
        return combined(embedded, wrappers, self.path)

    def operation(self, name: str) -> Operation:
        bound = self.operations[name]
        said = bound.node.find(f"{bound.soap}operation")
        action = said.get("soapAction", "") if said is not None else ""
        return Operation(action, self._child(name, bound, "input"), self._child(name, bound, "output"), self.schema)

    def _child(self, name: str, bound: Bound, side: str) -> str:
        """Clark name of the Body's child; empty where the body is empty or the operation has no such side."""
        body = bound.node.find(f"{_WSDL}{side}/{bound.soap}body")
        if body is None:
            return ""
        if body.get("use", "literal") != "literal":
            raise MistakeError("bad-schema", f"{self.path.name}: operation {name!r} is encoded, only literal is known")
        if bound.style == "rpc":
            return clark(body.get("namespace", ""), name if side == "input" else name + "Response")
        parts = [_qname(part, "element") for part in self._parts(name, bound, side) if part.get("element")]
        return parts[0] if parts else ""

    def _wrapped(self, name: str, bound: Bound, side: str) -> tuple[str, list[etree._Element]]:
        return self._child(name, bound, side), self._parts(name, bound, side)

    def _parts(self, name: str, bound: Bound, side: str) -> list[etree._Element]:
        for node in bound.port.findall(f"{_WSDL}operation"):
            said = node.find(_WSDL + side)
            if node.get("name") != name or said is None:
                continue
            message = self._named("message", _qname(said, "message"))
            body = bound.node.find(f"{_WSDL}{side}/{bound.soap}body")
            listed = (body.get("parts") if body is not None else None) or None
            parts = message.findall(f"{_WSDL}part") if message is not None else []
            return [part for part in parts if listed is None or part.get("name") in listed.split()]
        return []

    def _all(self, tag: str) -> Iterator[etree._Element]:
        for root in self.roots:
            yield from root.findall(_WSDL + tag)

    def _named(self, tag: str, name: str) -> etree._Element | None:
        for root in self.roots:
            for node in root.findall(_WSDL + tag):
                if clark(root.get("targetNamespace", ""), node.get("name", "")) == name:
                    return node
        return None


def _qname(node: etree._Element, key: str) -> str:
    prefix, _, name = node.get(key, "").rpartition(":")
    return clark(node.nsmap.get(prefix or None, ""), name)


def _documents(path: Path, seen: set[Path]) -> Iterator[etree._Element]:
    seen.add(path)
    root = etree.parse(str(path), _PARSER).getroot()
    if root.tag != f"{_WSDL}definitions":
        raise MistakeError("bad-schema", f"{path.name} is no WSDL 1.1")
    yield root
    for node in root.findall(f"{_WSDL}import"):
        inner = file_inside(path.parent, node.get("location", ""))
        if inner is None:
            raise MistakeError("bad-schema", f"{path.name} imports a file that does not lie beside it")
        if inner not in seen and inner.suffix != ".xsd":
            yield from _documents(inner, seen)


def load_operation(path: Path, name: str) -> Operation:
    """Raises ``MistakeError`` when the WSDL can't be read offline or has no such operation."""
    try:
        wsdl = Wsdl(path)
    except (etree.XMLSyntaxError, OSError):
        raise MistakeError("bad-schema", f"{path.name} is no usable WSDL") from None
    if name not in wsdl.operations:
        hint = did_you_mean(name, wsdl.operations)
        raise MistakeError("unknown-operation", f"{path.name} has no operation {name!r}", hint)
    return wsdl.operation(name)
