"""The WSDL, hosted with zeep: what a client loads to call tells here what may come in and how answers look."""

import copy
from pathlib import Path
from typing import Any

import zeep as _zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError
from zeep.transports import Transport

from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.wsdl import alone, embedded_schema
from gateway.sandbox.eclaimlink.security import SOAP, Element

NAMESPACE = "urn:test:postoffice:v2"
zeep: Any = _zeep  # it has annotations for a few functions only


class _Offline(Transport):
    def _load_remote_data(self, url: str) -> bytes:
        raise OSError(f"{url}: a post office loads its description from its own files only")


_offline: Any = _Offline


class Service:
    """Operations by name. Raises ``zeep`` or ``lxml`` errors at start-up when the description is broken."""

    def __init__(self, wsdl: Path) -> None:
        strict = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        client = zeep.Client(str(wsdl), transport=_offline(), settings=strict)
        self._client = client
        (binding,) = client.wsdl.bindings.values()
        self._operations: dict[str, Any] = dict(binding._operations)
        self.wsdl = wsdl.read_bytes()
        self._schema = embedded_schema(self.wsdl)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._operations)

    def read(self, body: Element) -> tuple[str, dict[str, Any]]:
        """Operation and members of a verified Body. Raises ``Violation`` (peer code ``-3``)."""
        children = [child for child in body if isinstance(child.tag, str)]
        if len(children) != 1 or not self._schema.validate(alone(children[0])):
            raise Violation("-3", "the Body does not follow the service's schema")
        name = etree.QName(children[0]).localname
        if name not in self._operations:
            raise Violation("-3", "the service has no such operation")
        try:
            envelope = etree.Element(f"{{{SOAP}}}Envelope")
            envelope.append(copy.deepcopy(body))
            found = self._operations[name].input.deserialize(envelope)
        except ZeepError as error:
            raise Violation("-3", "the request cannot be read") from error
        return name, {member: found[member] for member in found}

    def write(self, name: str, members: dict[str, Any]) -> Element:
        """The answer's envelope, without a header yet."""
        return self._operations[name].output.serialize(**members).content


def fault(code: str, text: str) -> Element:
    """A SOAP 1.1 fault."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    element = etree.SubElement(etree.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    etree.SubElement(element, "faultcode").text = code
    etree.SubElement(element, "faultstring").text = text
    return envelope
