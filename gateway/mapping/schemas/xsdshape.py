"""A target tree against an XSD, without a message: elements, attributes and texts that must fail are found at load."""

from gateway.mapping.errors import did_you_mean
from gateway.mapping.schemas.facets import hold
from gateway.mapping.schemas.xsdfiles import Part, clark, local
from gateway.mapping.schemas.xsdmodel import Attribute, Content, Element, Group, Model
from gateway.mapping.schemas.xsdorder import Order, Spot
from gateway.mapping.targets.base import Shape
from gateway.mapping.yamlfile import Book

_NOTHING = frozenset([""])
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def check_shape(shape: Shape, model: Model, book: Book) -> None:
    """The document's root and all that is below it."""
    part = model.roots.get(_name(shape))
    if part is not None:
        _Checker(model, book).element(shape, model.content(part))
        return
    if any(local(name) == shape.name for name in model.roots):
        said = f"{shape.name!r} must be in the schema's namespace"
        book.note(shape.pos, "wrong-namespace", said, "declare it with $ns")
    elif model.schemas.whole:
        hint = did_you_mean(shape.name, map(local, model.roots))
        book.note(shape.pos, "unknown-element", f"the schema has no root element {shape.name!r}", hint)
    else:
        book.opaque(shape.pos, f"{shape.name!r} may lie in a schema that is not here")


def _name(shape: Shape) -> str:
    return clark(shape.namespace, shape.name)


class _Checker:
    def __init__(self, model: Model, book: Book) -> None:
        self.model, self.book = model, book

    def element(self, shape: Shape, content: Content) -> None:
        said = {attribute.name for attribute in shape.attributes if attribute.namespace == _XSI}
        if "type" in said or content.why:
            why = "xsi:type" if "type" in said else content.why
            self.book.opaque(shape.pos, f"{shape.name!r}: {why} is left to run time")
        if "type" in said or (content.why and content.group is None and content.facets is None):
            return
        self._attributes(shape, content)
        if "nil" in said:
            return
        if content.facets is not None:
            self._text(shape, content)
        elif content.group is not None:
            self._inside(shape, content, content.group)

    def _attributes(self, shape: Shape, content: Content) -> None:
        made = {_name(one): one for one in shape.attributes if one.namespace != _XSI}
        for name, attribute in made.items():
            rule = content.attributes.get(name)
            if rule is None and not content.open_attributes:
                hint = did_you_mean(attribute.name, map(local, content.attributes))
                said = f"{shape.name} has no attribute {attribute.name!r}"
                self.book.note(attribute.pos, "unknown-attribute", said, hint)
            elif rule is not None and rule.facets is not None:
                hold(attribute, rule.facets, self.book)
        for rule in content.attributes.values():
            self._attribute_there(shape, rule, made)

    def _attribute_there(self, shape: Shape, rule: Attribute, made: dict[str, Shape]) -> None:
        if rule.required and (rule.name not in made or made[rule.name].maybe_missing):
            pos = made[rule.name].pos if rule.name in made else shape.pos
            self.book.note(pos, "missing-required", f"{shape.name} requires the attribute {local(rule.name)!r}")

    def _text(self, shape: Shape, content: Content) -> None:
        facets = content.facets
        assert facets is not None
        if shape.members:
            self.book.note(shape.pos, "wrong-kind", f"{shape.name} holds text, not elements")
        elif facets.whole and shape.kind == "number":
            self.book.note(shape.pos, "wrong-kind", f"{shape.name} is a whole number in the schema", "use int(x)")
        elif facets.number and shape.kind == "boolean":
            self.book.note(shape.pos, "wrong-kind", f"{shape.name} is a number in the schema, this is true/false")
        else:
            hold(shape, facets, self.book)

    def _inside(self, shape: Shape, content: Content, group: Group) -> None:
        leaf = not shape.members and shape.kind != "element"
        if leaf and shape.texts != _NOTHING and not content.mixed:
            self.book.note(shape.pos, "wrong-kind", f"{shape.name} holds elements, not text")
            return
        order = Order(group, shape, self.book, self._takes)
        for child in shape.members:
            spot = order.put(child)
            if spot is None:
                self._unknown(shape, child, order)
            elif isinstance(spot.leaf, Element):
                self.element(child, self.model.content(self._declared(child, spot.leaf)))
            else:
                self._wild(child)
        order.missing()

    def _unknown(self, shape: Shape, child: Shape, order: Order) -> None:
        names = [spot.leaf.name for spot in order.spots if isinstance(spot.leaf, Element)]
        if any(local(name) == child.name for name in names):
            said = f"{child.name!r} is in another namespace in the schema"
            self.book.note(child.pos, "wrong-namespace", said, "declare it with $ns")
            return
        hint = did_you_mean(child.name, map(local, names))
        self.book.note(child.pos, "unknown-element", f"{shape.name} has no element {child.name!r}", hint)

    def _takes(self, child: Shape, spot: Spot) -> bool:
        if not isinstance(spot.leaf, Element):
            return spot.leaf.takes(child.namespace)
        name = _name(child)
        while name:
            if name == spot.leaf.name:
                return True
            name = self.model.schemas.heads.get(name, "")
        return False

    def _declared(self, child: Shape, leaf: Element) -> Part:
        """The declaration of the child itself: a member of a substitution group has its own."""
        return leaf.part if _name(child) == leaf.name else self.model.roots[_name(child)]

    def _wild(self, child: Shape) -> None:
        """Below a wildcard an element is checked when the schemas know it."""
        part = self.model.roots.get(_name(child))
        if part is None:
            self.book.opaque(child.pos, f"{child.name!r} stands where the schema takes anything")
        else:
            self.element(child, self.model.content(part))
