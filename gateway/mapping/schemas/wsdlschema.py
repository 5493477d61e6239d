"""The schemas inside a WSDL as one that validates: they refer to each other by namespace, without a file between them."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.mapping.errors import MistakeError
from gateway.mapping.inside import file_inside
from gateway.mapping.schemas.xsd import XmlSchema
from gateway.mapping.schemas.xsdfiles import XS, local

_HOME = "wsdl-types:"
_URI = XS[1:-1]


_Resolver: Any = etree.Resolver


class _Shelf(_Resolver):  # type: ignore[misc]
    """Documents in memory, and files below the WSDL's folder; nothing else."""

    def __init__(self, documents: dict[str, bytes], folder: Path) -> None:
        self._documents, self._folder = documents, folder.resolve()

    def resolve(self, system_url: str, _public_id: str, context: Any) -> Any:
        name = system_url.rpartition(_HOME)[2]
        if name in self._documents:
            return self.resolve_string(self._documents[name], context)
        path = file_inside(self._folder, name)
        if path is not None:
            return self.resolve_filename(str(path), context)
        return self.resolve_string(b"<unknown/>", context)


def wrapper(name: str, parts: Sequence[etree._Element]) -> etree._Element:
    """A schema with the wrapper element of an rpc call: its parts in order, without a namespace of their own."""
    namespace = name[1:].partition("}")[0] if name.startswith("{") else ""
    root = etree.Element(f"{XS}schema", {"targetNamespace": namespace} if namespace else {}, nsmap={"xs": _URI})
    element = etree.SubElement(root, f"{XS}element", name=local(name))
    inside = etree.SubElement(etree.SubElement(element, f"{XS}complexType"), f"{XS}sequence")
    for part in parts:
        key = "type" if part.get("type") else "element"
        prefix, _, spelt = part.get(key, "").rpartition(":")
        uri = part.nsmap.get(prefix or None, "")
        # Each part brings its own prefix: the message may lie in another document than the schema.
        node = etree.SubElement(inside, f"{XS}element", nsmap={"p": uri})
        if key == "type":
            node.set("name", part.get("name", ""))
        node.set("type" if key == "type" else "ref", f"p:{spelt}")
    return root


def combined(embedded: Sequence[etree._Element], wrappers: Sequence[etree._Element], path: Path) -> XmlSchema:
    """One validator over all of them. Raises ``MistakeError`` (``bad-schema``)."""
    # Written out and read again, each keeps the namespace prefixes that it inherits from the WSDL around it.
    alone = [etree.fromstring(etree.tostring(node, with_tail=False)) for node in (*embedded, *wrappers)]
    if not alone:
        raise MistakeError("bad-schema", f"{path.name} has no schema")
    try:
        return XmlSchema(_driver(alone, path.parent), alone, path.parent)
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError):
        raise MistakeError("bad-schema", f"the schema inside {path.name} can't be used") from None


def _driver(schemas: Sequence[etree._Element], folder: Path) -> etree.XMLSchema:
    """A schema of imports, one per namespace; imports inside are led to the same documents."""
    by_space: dict[str, list[etree._Element]] = defaultdict(list)
    for node in schemas:
        by_space[node.get("targetNamespace", "")].append(node)
    places = {space: f"{_HOME}space-{index}.xsd" for index, space in enumerate(by_space)}
    documents: dict[str, bytes] = {}
    for space, nodes in by_space.items():
        whole = etree.Element(f"{XS}schema", {"targetNamespace": space} if space else {}, nsmap={"xs": _URI})
        for index, node in enumerate(nodes):
            name = f"{places[space].removeprefix(_HOME)[:-4]}-{index}.xsd"
            etree.SubElement(whole, f"{XS}include", schemaLocation=_HOME + name)
            documents[name] = _led(node, places, space)
        documents[places[space].removeprefix(_HOME)] = etree.tostring(whole)
    driver = etree.Element(f"{XS}schema", targetNamespace=_HOME, nsmap={"xs": _URI})
    for space, place in places.items():
        etree.SubElement(driver, f"{XS}import", {"namespace": space} if space else {}, schemaLocation=place)
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_Shelf(documents, folder))
    return etree.XMLSchema(etree.fromstring(etree.tostring(driver), parser))


def _led(node: etree._Element, places: dict[str, str], own: str) -> bytes:
    """The document with its imports led to memory, and with those that an rpc wrapper needs."""
    copy = etree.fromstring(etree.tostring(node))
    said = set()
    for found in copy.findall(f"{XS}import"):
        space = found.get("namespace", "")
        said.add(space)
        if space in places:
            found.set("schemaLocation", places[space])
    for space in places:
        if space not in said and space != own:
            there = {"namespace": space} if space else {}
            copy.insert(0, etree.Element(f"{XS}import", there, schemaLocation=places[space]))
    return etree.tostring(copy)
