"""A target tree against simple XSD sequences: unknown, missing, misordered and repeated elements, kinds, enumerations."""

from dataclasses import dataclass, field

from lxml import etree

from gateway.mapping.errors import did_you_mean
from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit

XS = "{http://www.w3.org/2001/XMLSchema}"
_NUMBERS = {"decimal", "integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger", "double", "float"}
_WHOLE = _NUMBERS - {"decimal", "double", "float"}


@dataclass(slots=True)
class Particle:
    """One child that a sequence or ``all`` allows."""

    name: str
    minimum: int
    maximum: float
    node: etree._Element


@dataclass(slots=True)
class Content:
    """Children of a complex type, when they can be decided statically."""

    particles: list[Particle] = field(default_factory=list)
    ordered: bool = True
    decided: bool = True
    attributes: dict[str, bool] = field(default_factory=dict)
    open_attributes: bool = False
    kind: str = ""
    texts: frozenset[str] | None = None


def check_shape(shape: Shape, root: etree._Element, unit: Unit) -> None:
    model = _Model(root)
    element = model.globals.get(shape.name)
    if element is None:
        if not model.has_imports:
            hint = did_you_mean(shape.name, model.globals)
            unit.note(shape.pos, "unknown-element", f"the schema has no root element {shape.name!r}", hint)
        return
    target = root.get("targetNamespace", "")
    if shape.namespace != target:
        unit.note(
            shape.pos, "wrong-namespace", f"{shape.name!r} must be in the schema's namespace", "declare it with $ns"
        )
        return
    _Checker(model, unit).element(shape, element)


class _Model:
    """Named parts of one schema document."""

    def __init__(self, root: etree._Element) -> None:
        self.globals = {node.get("name", ""): node for node in root.findall(f"{XS}element")}
        self.types = {
            node.get("name", ""): node for tag in ("complexType", "simpleType") for node in root.findall(XS + tag)
        }
        self.has_imports = any(root.find(XS + tag) is not None for tag in ("include", "import", "redefine"))

    def content(self, element: etree._Element) -> Content:
        inline = element.find(f"{XS}complexType")
        if inline is None:
            inline = element.find(f"{XS}simpleType")
        if inline is not None:
            return self._type(inline)
        spelt = element.get("type")
        if not spelt:
            return Content(decided=False)
        prefix, _, local = spelt.rpartition(":")
        if element.nsmap.get(prefix or None) == XS[1:-1]:
            return Content(kind=local, decided=local != "anyType")
        node = self.types.get(local)
        return self._type(node) if node is not None else Content(decided=False)

    def _type(self, node: etree._Element) -> Content:
        if node.tag == f"{XS}simpleType":
            return self._simple(node)
        content = Content()
        if node.get("mixed") == "true":
            content.decided = False
        for child in node:
            self._part(child, content)
        return content

    def _simple(self, node: etree._Element) -> Content:
        restriction = node.find(f"{XS}restriction")
        if restriction is None:
            return Content(decided=False)
        base = str(restriction.get("base", "")).rpartition(":")[2]
        texts = [str(e.get("value")) for e in restriction.findall(f"{XS}enumeration")]
        kind = base if base not in self.types else self._simple(self.types[base]).kind
        return Content(kind=kind, texts=frozenset(texts) if texts else None)

    def _part(self, child: etree._Element, content: Content) -> None:
        if child.tag in (f"{XS}sequence", f"{XS}all"):
            content.ordered = child.tag == f"{XS}sequence"
            content.decided = content.decided and self._sequence(child, content)
        elif child.tag == f"{XS}attribute":
            content.attributes[str(child.get("name") or child.get("ref"))] = child.get("use") == "required"
        elif child.tag == f"{XS}anyAttribute":
            content.open_attributes = True
        elif child.tag != f"{XS}annotation" and isinstance(child.tag, str):
            content.decided = False

    def _sequence(self, node: etree._Element, content: Content) -> bool:
        if node.get("minOccurs", "1") != "1" or node.get("maxOccurs", "1") != "1":
            return False
        for child in node:
            if child.tag != f"{XS}element":
                return False
            name = child.get("name") or str(child.get("ref", "")).rpartition(":")[2]
            most = child.get("maxOccurs", "1")
            target = self.globals.get(name, child) if child.get("ref") else child
            maximum = float("inf") if most == "unbounded" else float(most)
            content.particles.append(Particle(name, int(child.get("minOccurs", "1")), maximum, target))
        return True


class _Checker:
    def __init__(self, model: _Model, unit: Unit) -> None:
        self.model, self.unit = model, unit

    def element(self, shape: Shape, node: etree._Element) -> None:
        content = self.model.content(node)
        if not content.decided:
            return
        self._attributes(shape, content)
        if content.kind:
            self._text(shape, content)
        elif shape.members or shape.kind != "string":
            self._children(shape, content)

    def _attributes(self, shape: Shape, content: Content) -> None:
        made = {a.name: a for a in shape.attributes if not a.namespace}
        for name, attribute in made.items():
            if name not in content.attributes and not content.open_attributes:
                hint = did_you_mean(name, content.attributes)
                self.unit.note(attribute.pos, "unknown-attribute", f"{shape.name} has no attribute {name!r}", hint)
        for name, required in content.attributes.items():
            if required and (name not in made or made[name].maybe_missing):
                self.unit.note(shape.pos, "missing-required", f"{shape.name} requires the attribute {name!r}")

    def _text(self, shape: Shape, content: Content) -> None:
        if shape.members:
            self.unit.note(shape.pos, "wrong-kind", f"{shape.name} holds text, not elements")
        if content.kind in _WHOLE and shape.kind == "number":
            self.unit.note(shape.pos, "wrong-kind", f"{shape.name} is a whole number in the schema")
        if content.kind in _NUMBERS and shape.texts and not all(_is_number(text) for text in shape.texts):
            self.unit.note(shape.pos, "wrong-kind", f"{shape.name} is a number in the schema")
        for text in sorted((shape.texts or frozenset()) - content.texts) if content.texts is not None else ():
            hint = did_you_mean(text, content.texts or ())
            self.unit.note(
                shape.pos, "outside-enumeration", f"{shape.name} can be {text!r}, which the schema does not list", hint
            )

    def _children(self, shape: Shape, content: Content) -> None:
        order = {particle.name: index for index, particle in enumerate(content.particles)}
        last = -1
        for child in shape.members:
            index = order.get(child.name)
            if index is None:
                hint = did_you_mean(child.name, order)
                self.unit.note(child.pos, "unknown-element", f"{shape.name} has no element {child.name!r}", hint)
                continue
            if content.ordered and index < last:
                before = content.particles[last].name
                self.unit.note(child.pos, "misordered", f"{child.name!r} must come before {before!r}")
            last = max(last, index)
            self.element(child, content.particles[index].node)
        for particle in content.particles:
            self._occurs(shape, particle)

    def _occurs(self, shape: Shape, particle: Particle) -> None:
        made = [child for child in shape.members if child.name == particle.name]
        if particle.minimum and not any(not child.maybe_missing or child.many for child in made):
            pos = made[0].pos if made else shape.pos
            self.unit.note(pos, "missing-required", f"{shape.name} requires {particle.name!r}")
        if particle.maximum == 1 and (len(made) > 1 or any(child.many for child in made)):
            if all(child.maybe_missing and not child.many for child in made):
                return
            self.unit.note(made[-1].pos, "repeated", f"{particle.name!r} may occur once only in {shape.name}")


def _is_number(text: str) -> bool:
    return bool(text.strip()) and text.strip().lstrip("+-").replace(".", "", 1).isdigit()
