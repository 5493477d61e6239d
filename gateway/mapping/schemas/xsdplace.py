"""Where a path leads in an XSD: an element or attribute that an answer can't have is found before any answer comes."""

from dataclasses import dataclass

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.schemas.base import Place
from gateway.mapping.schemas.xsdfiles import Part, local
from gateway.mapping.schemas.xsdmodel import Element, Model
from gateway.mapping.schemas.xsdorder import spots


@dataclass(frozen=True, slots=True)
class XsdPlace:
    """An element of the document. Steps go by local name, as reading does."""

    model: Model
    part: Part

    def step(self, name: str) -> "XsdPlace | None":
        """The child; None where the schema says nothing of it. Raises ``MistakeError`` where it can't be."""
        content = self.model.content(self.part)
        if content.why or content.mixed:
            return None
        leaves = [spot.leaf for spot in spots(content.group)] if content.group is not None else []
        elements = [leaf for leaf in leaves if isinstance(leaf, Element)]
        for leaf in elements:
            if local(leaf.name) == name.strip():
                return XsdPlace(self.model, leaf.part)
        heads = self.model.schemas.heads
        if len(elements) < len(leaves) or any(leaf.name in heads.values() for leaf in elements):
            return None
        hint = did_you_mean(name, [local(leaf.name) for leaf in elements])
        raise MistakeError("unknown-path", f"the answer's schema has no element {name!r} here", hint)

    def item(self) -> "XsdPlace":
        return self

    def attribute(self, name: str) -> None:
        """Raises ``MistakeError`` for an attribute that the element can't have."""
        content = self.model.content(self.part)
        known = [local(one) for one in content.attributes]
        if not content.why and not content.open_attributes and name.strip() not in known:
            said = f"the answer's schema has no attribute {name!r} here"
            raise MistakeError("unknown-path", said, did_you_mean(name, known))

    def texts(self) -> frozenset[str] | None:
        facets = self.model.content(self.part).facets
        return facets.texts if facets is not None else None


@dataclass(frozen=True, slots=True)
class RootPlace:
    """The document's root when its name is one of several: the steps that any of them allows."""

    places: tuple[XsdPlace, ...]

    def step(self, name: str) -> Place | None:
        wrong: MistakeError | None = None
        for place in self.places:
            try:
                return place.step(name)
            except MistakeError as mistake:
                wrong = mistake
        if wrong is not None:
            raise wrong
        return None

    def item(self) -> "RootPlace":
        return self

    def attribute(self, name: str) -> None:
        """Which root it is, is known at run time only."""

    def texts(self) -> frozenset[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class EnvelopePlace:
    """A SOAP envelope: ``r.Body.X`` leads to the operation's answer, ``r.Body.Fault`` and the header anywhere."""

    model: Model
    answer: str
    inside: bool = False

    def step(self, name: str) -> Place | None:
        if not self.inside:
            if name == "Body":
                return EnvelopePlace(self.model, self.answer, True)
            return self._other(name)
        part = self.model.roots.get(self.answer)
        if name == local(self.answer):
            return XsdPlace(self.model, part) if part is not None else None
        return self._other(name)

    def _other(self, name: str) -> Place | None:
        known = ("Fault", local(self.answer)) if self.inside else ("Header", "Body")
        if name not in known and self.answer:
            said = f"the operation's answer has no {name!r} here"
            raise MistakeError("unknown-path", said, did_you_mean(name, known))
        return None

    def item(self) -> "EnvelopePlace":
        return self

    def attribute(self, name: str) -> None:
        """An envelope may have any."""

    def texts(self) -> frozenset[str] | None:
        return None
