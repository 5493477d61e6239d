"""Complex types of XSD as content models: groups of elements and wildcards, attributes, text."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from lxml import etree

from gateway.mapping.schemas.facets import Facets
from gateway.mapping.schemas.xsdfiles import XS, Part, SchemaSet
from gateway.mapping.schemas.xsdsimple import named_simple, own_facets, restricted, simple_facets

MANY = float("inf")
MAX_DEPTH = 60


@dataclass(slots=True)
class Element:
    name: str
    """Clark name."""
    low: int
    high: float
    part: Part


@dataclass(slots=True)
class Wildcard:
    """``xs:any``; ``namespaces`` is its attribute as written."""

    low: int
    high: float
    namespaces: str
    target: str

    def takes(self, namespace: str) -> bool:
        if self.namespaces == "##any":
            return True
        if self.namespaces == "##other":
            return namespace not in ("", self.target)
        listed = {"##targetNamespace": self.target, "##local": ""}
        return namespace in [listed.get(word, word) for word in self.namespaces.split()]


@dataclass(slots=True)
class Group:
    kind: str
    """sequence, choice or all."""
    low: int
    high: float
    parts: "list[Particle]" = field(default_factory=list)

    @property
    def emptiable(self) -> bool:
        empty = [part.low == 0 or (isinstance(part, Group) and part.emptiable) for part in self.parts]
        return self.low == 0 or not empty or (any(empty) if self.kind == "choice" else all(empty))


Particle = Element | Wildcard | Group


@dataclass(slots=True)
class Attribute:
    name: str
    required: bool
    facets: Facets | None


@dataclass(slots=True)
class Content:
    """What an element may hold. ``why`` says what can't be decided here; empty when all of it can."""

    group: Group | None = None
    facets: Facets | None = None
    """Rules of its text, for a simple type or simple content."""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    open_attributes: bool = False
    mixed: bool = False
    why: str = ""


OPAQUE_TYPE = Content(why="its type", open_attributes=True)


class Model:
    """Content models of one set of schemas, each made once."""

    def __init__(self, schemas: SchemaSet) -> None:
        self.schemas = schemas
        self._contents: dict[etree._Element, Content] = {}

    @cached_property
    def roots(self) -> dict[str, Part]:
        return self.schemas.parts["element"]

    def content(self, part: Part) -> Content:
        """The content of an element declaration."""
        node = part.node
        if node not in self._contents:
            self._contents[node] = self._of_element(part)
        return self._contents[node]

    def _of_element(self, part: Part) -> Content:
        if part.node.get("abstract") == "true":
            return Content(why="an abstract element")
        for tag in ("complexType", "simpleType"):
            inline = part.node.find(XS + tag)
            if inline is not None:
                return self._complex(part.at(inline), 0) if tag == "complexType" else self._simple(part.at(inline))
        name = part.refers("type")
        content = self._named(name, 0) if name else OPAQUE_TYPE
        fixed = part.node.get("fixed")
        if fixed is not None and content.facets is not None:
            content = replace(content, facets=Facets(texts=frozenset([fixed])).within(content.facets))
        return content

    def _simple(self, part: Part) -> Content:
        facets = simple_facets(part, self.schemas)
        return Content(facets=facets, why="" if facets is not None else "its simple type")

    def _named(self, name: str, depth: int) -> Content:
        part = self.schemas.get("complexType", name)
        if part is not None:
            return self._complex(part, depth)
        facets = named_simple(name, self.schemas)
        return Content(facets=facets) if facets is not None else OPAQUE_TYPE

    def _complex(self, part: Part, depth: int) -> Content:
        if depth > MAX_DEPTH or part.node.get("abstract") == "true":
            return OPAQUE_TYPE
        simple, derived = part.node.find(f"{XS}simpleContent"), part.node.find(f"{XS}complexContent")
        if simple is not None:
            return self._derived(part.at(simple), depth, text=True)
        if derived is not None:
            content = self._derived(part.at(derived), depth, text=False)
            return replace(content, mixed=content.mixed or derived.get("mixed") == "true")
        return replace(self._own(part), mixed=part.node.get("mixed") == "true")

    def _derived(self, part: Part, depth: int, text: bool) -> Content:
        """An extension adds to its base; a restriction states its content anew and inherits the attributes."""
        extends = part.node.find(f"{XS}extension")
        step = extends if extends is not None else part.node.find(f"{XS}restriction")
        if step is None:
            return OPAQUE_TYPE
        inner = part.at(step)
        name = inner.refers("base")
        base = Content() if name == f"{XS}anyType" else self._named(name, depth + 1)
        own = self._own(inner)
        attributes = {**base.attributes, **own.attributes}
        open_attributes = own.open_attributes or (base.open_attributes and extends is not None)
        found = Content(own.group, None, attributes, open_attributes, base.mixed, base.why or own.why)
        if text:
            found.facets = base.facets if extends is not None else _narrowed(inner, base, self.schemas)
            found.why = "" if found.facets is not None else "its simple content"
        elif extends is not None and base.group is not None:
            both = [group for group in (base.group, own.group) if group is not None]
            found.group = Group("sequence", 1, 1, list(both))
        prohibited = [node for node in step.findall(f"{XS}attribute") if node.get("use") == "prohibited"]
        for node in prohibited:
            found.attributes.pop(inner.at(node).name(), None)
        return found

    def _own(self, part: Part) -> Content:
        content = Content()
        for child in part.node:
            tag = child.tag.removeprefix(XS) if isinstance(child.tag, str) else ""
            if tag in ("sequence", "choice", "all", "group"):
                content.group = self.group(part.at(child), 0)
            elif tag == "attribute":
                self._attribute(part.at(child), content)
            elif tag == "attributeGroup":
                self._attributes(part.at(child).refers("ref"), content, 0)
            elif tag == "anyAttribute":
                content.open_attributes = True
            elif tag in ("assert", "openContent"):
                content.why = tag
        if content.group is None and not content.why:
            content.group = Group("sequence", 1, 1)
        return content

    def _attribute(self, part: Part, content: Content) -> None:
        node, name = part.node, part.refers("ref") or part.name()
        if node.get("use") == "prohibited":
            return
        top = self.schemas.get("attribute", name) if node.get("ref") else part
        content.attributes[name] = Attribute(name, node.get("use") == "required", self._attribute_facets(top, node))

    def _attribute_facets(self, part: Part | None, node: etree._Element) -> Facets | None:
        if part is None:
            return None
        inline, name = part.node.find(f"{XS}simpleType"), part.refers("type")
        facets = simple_facets(part.at(inline), self.schemas) if inline is not None else Facets()
        facets = named_simple(name, self.schemas) if name else facets
        fixed = node.get("fixed", part.node.get("fixed"))
        return facets if fixed is None or facets is None else Facets(texts=frozenset([fixed])).within(facets)

    def _attributes(self, name: str, content: Content, depth: int) -> None:
        part = self.schemas.get("attributeGroup", name)
        if part is None or depth > MAX_DEPTH:
            content.open_attributes = True
            return
        for child in part.node:
            tag = child.tag.removeprefix(XS) if isinstance(child.tag, str) else ""
            if tag == "attribute":
                self._attribute(part.at(child), content)
            elif tag == "attributeGroup":
                self._attributes(part.at(child).refers("ref"), content, depth + 1)
            elif tag == "anyAttribute":
                content.open_attributes = True

    def group(self, part: Part, depth: int) -> Group:
        node, (low, high) = part.node, _occurs(part.node)
        tag = node.tag.removeprefix(XS)
        if tag != "group":
            inside = _elements(node)
            return Group(tag, low, high, [p for child in inside for p in self._particle(part.at(child), depth)])
        named = self.schemas.get("group", part.refers("ref"))
        inside = [] if named is None or depth > MAX_DEPTH else _elements(named.node)
        if named is None or not inside:
            return Group("sequence", low, high, [Wildcard(0, MANY, "##any", "")])
        return Group("sequence", low, high, [self.group(named.at(inside[0]), depth + 1)])

    def _particle(self, part: Part, depth: int) -> list[Particle]:
        node = part.node
        tag, (low, high) = node.tag.removeprefix(XS), _occurs(node)
        if tag == "element":
            name = part.refers("ref")
            top = self.schemas.get("element", name) if name else part
            return [Element(name or part.name(element=True), low, high, top or part)]
        if tag == "any":
            return [Wildcard(low, high, node.get("namespace", "##any"), part.namespace)]
        return [self.group(part, depth)] if tag in ("sequence", "choice", "all", "group") else []


def _elements(node: etree._Element) -> list[etree._Element]:
    """What is declared inside: neither comments nor documentation."""
    return [child for child in node.iterchildren(etree.Element) if child.tag != f"{XS}annotation"]


def _narrowed(part: Part, base: Content, schemas: SchemaSet) -> Facets | None:
    """A restriction of simple content: its own facets on top of its base's."""
    if part.node.find(f"{XS}simpleType") is not None:
        return restricted(part, schemas)
    own = own_facets(part.node)
    return own.within(base.facets) if own is not None and base.facets is not None else None


def _occurs(node: etree._Element) -> tuple[int, float]:
    most = node.get("maxOccurs", "1")
    return int(node.get("minOccurs", "1")), MANY if most == "unbounded" else float(most)
