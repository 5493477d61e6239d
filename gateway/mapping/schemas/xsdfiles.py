"""XSD documents and what they include and import, as one set of named parts. Only files beside them are read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from gateway.mapping.inside import file_inside

XS = "{http://www.w3.org/2001/XMLSchema}"
_KINDS = ("element", "attribute", "group", "attributeGroup", "complexType", "simpleType")
_PARSER = etree.XMLParser(
    no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True, remove_pis=True
)
Named = dict[str, "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """One node of a schema document, with the namespace that its names stand in."""

    node: etree._Element
    namespace: str
    qualified: bool
    """elementFormDefault of its document."""

    def at(self, node: etree._Element) -> "Part":
        return Part(node, self.namespace, self.qualified)

    def name(self, key: str = "name", element: bool = False) -> str:
        """Clark name of a declaration: global ones and qualified local ones carry the namespace."""
        local = self.node.get(key, "")
        top = self.node.getparent() is not None and self.node.getparent().tag == f"{XS}schema"  # type: ignore[union-attr]
        form = self.node.get("form", "qualified" if element and self.qualified else "unqualified")
        return clark(self.namespace, local) if top or form == "qualified" else local

    def refers(self, key: str) -> str:
        """Clark name that a QName attribute leads to; empty when it is not stated."""
        spelt = self.node.get(key, "")
        prefix, _, local = spelt.rpartition(":")
        uri = self.node.nsmap.get(prefix or None, "")
        return clark(uri or ("" if prefix else self.namespace), local) if spelt else ""


def clark(namespace: str, local: str) -> str:
    return f"{{{namespace}}}{local}" if namespace else local


def local(name: str) -> str:
    return name.rpartition("}")[2]


@dataclass(slots=True)
class SchemaSet:
    """Global parts by kind and Clark name."""

    parts: dict[str, Named] = field(default_factory=lambda: {kind: {} for kind in _KINDS})
    heads: dict[str, str] = field(default_factory=dict)
    """Element to the head of its substitution group."""
    whole: bool = True
    """Every include and import was found."""

    def get(self, kind: str, name: str) -> Part | None:
        return self.parts[kind].get(name)

    def add(self, root: etree._Element, namespace: str) -> None:
        qualified = root.get("elementFormDefault") == "qualified"
        for node in root:
            if not isinstance(node.tag, str):
                continue
            kind, part = node.tag.removeprefix(XS), Part(node, namespace, qualified)
            if kind in self.parts and node.get("name"):
                name = clark(namespace, node.get("name", ""))
                self.parts[kind].setdefault(name, part)
                if node.get("substitutionGroup"):
                    self.heads[name] = part.refers("substitutionGroup")
            elif kind in ("redefine", "override"):
                self.whole = False


def read_schemas(roots: Iterable[etree._Element], folder: Path) -> SchemaSet:
    """The set of these schema documents and of all files that they lead to below ``folder``."""
    found, seen = SchemaSet(), set[tuple[str, str]]()
    waiting = [(root, root.get("targetNamespace", "")) for root in roots]
    known = {namespace for _, namespace in waiting}
    while waiting:
        root, namespace = waiting.pop()
        found.add(root, namespace)
        for tag in ("include", "import"):
            for node in root.findall(XS + tag):
                place = node.get("schemaLocation", "")
                adopts = namespace if tag == "include" else node.get("namespace", "")
                if (place, adopts) in seen or (not place and adopts in known):
                    continue
                seen.add((place, adopts))
                inner = _read(folder, place)
                if inner is None:
                    found.whole = False
                else:
                    waiting.append((inner, inner.get("targetNamespace") or adopts))
    return found


def _read(folder: Path, place: str) -> etree._Element | None:
    path = file_inside(folder, place)
    if path is None:
        return None
    try:
        return etree.parse(str(path), _PARSER).getroot()
    except etree.XMLSyntaxError:
        return None
