"""What needs no second look at run time: a tree whose every document surely fits the XSD.

The check finds what may go wrong; this asks the opposite, and says yes only to the plain cases: sequences of elements,
texts without rules, known texts, and numbers whose places are known. Where it says no, each message is parsed again and
validated as a whole before it leaves.
"""

from collections.abc import Sequence

from gateway.mapping.schemas.facets import Facets
from gateway.mapping.schemas.xsdfiles import XS, Part, clark
from gateway.mapping.schemas.xsdmodel import MANY, Content, Element, Group, Model
from gateway.mapping.targets.base import Shape

_FREE = Facets()
_EMPTY = "element"
"""The kind of a node that has neither text nor elements."""
_CONSTRAINTS = (f"{XS}key", f"{XS}keyref", f"{XS}unique")


def fits_surely(shape: Shape, model: Model) -> bool:
    """Whether every document of the tree is valid, provided that no repeated element of it came out empty.

    Asked only of a tree in which the check found nothing.
    """
    part = model.roots.get(clark(shape.namespace, shape.name))
    return part is not None and not _ruled(part) and _element(shape, model.content(part), model)


def _element(shape: Shape, content: Content, model: Model) -> bool:
    if content.why or content.mixed or content.open_attributes or not _attributes(shape, content):
        return False
    if content.facets is not None:
        return not shape.members and _text(shape, content.facets)
    group = content.group
    return group is not None and _is_plain(group) and _children(shape.members, group, model)


def _attributes(shape: Shape, content: Content) -> bool:
    made = {clark(one.namespace, one.name): one for one in shape.attributes}
    if not made.keys() <= content.attributes.keys():
        return False
    for name, rule in content.attributes.items():
        one = made.get(name)
        if rule.required and (one is None or one.maybe_missing):
            return False
        if one is not None and (rule.facets is None or not _text(one, rule.facets)):
            return False
    return True


def _text(shape: Shape, facets: Facets) -> bool:
    """Known texts were held against the rules one by one; of other texts only numbers tell what they are."""
    if facets == _FREE:
        return shape.spelt or shape.kind == _EMPTY
    if not shape.spelt or shape.texts is not None:
        return shape.spelt
    if shape.places is None or facets != Facets(number=True, whole=facets.whole, fraction=facets.fraction):
        return False
    return shape.places == 0 if facets.whole else facets.fraction is None or shape.places <= facets.fraction


def _is_plain(group: Group) -> bool:
    """A sequence of elements, each with a name of its own and no rule across elements."""
    parts = group.parts
    elements = [part for part in parts if isinstance(part, Element)]
    if group.kind != "sequence" or (group.low, group.high) != (1, 1) or len(elements) != len(parts):
        return False
    alone = len({part.name for part in elements}) == len(elements)
    return alone and not any(_ruled(part.part) for part in elements)


def _ruled(part: Part) -> bool:
    """A rule across elements (uniqueness, references)."""
    return any(part.node.find(tag) is not None for tag in _CONSTRAINTS)


def _children(members: Sequence[Shape], group: Group, model: Model) -> bool:
    left = list(members)
    for part in group.parts:
        assert isinstance(part, Element)
        mine = []
        while left and clark(left[0].namespace, left[0].name) == part.name:
            mine.append(left.pop(0))
        if not _occurs(mine, part) or not all(_element(one, model.content(part.part), model) for one in mine):
            return False
    return not left


def _occurs(mine: Sequence[Shape], part: Element) -> bool:
    """A loop gives one at least here: what came out empty is validated as a whole."""
    often = len(mine) > 1 or any(one.many for one in mine)
    surely = any(not one.maybe_missing or one.looped for one in mine)
    return (part.high == MANY if often else part.high >= len(mine)) and (part.low == 0 or (part.low == 1 and surely))
