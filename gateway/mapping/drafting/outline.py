"""What a partner wants, whatever language it said it in: a tree of parts with names, kinds, limits and remarks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LEAF_KINDS = ("text", "integer", "number", "boolean", "date", "datetime", "any")


@dataclass(slots=True)
class Part:
    """One element, attribute or JSON member."""

    name: str
    kind: str = "text"
    """A leaf kind, or ``group`` when it has children."""
    required: bool = True
    many: bool = False
    attribute: bool = False
    namespace: str = ""
    limits: tuple[str, ...] = ()
    """Facets as people read them: ``max 20``, ``pattern …``."""
    choices: tuple[str, ...] = ()
    remark: str = ""
    children: list["Part"] = field(default_factory=list)
    branch: str = ""
    """In a choice: the letter of its branch; the first branch is drafted, the others are shown as comments."""

    @property
    def is_group(self) -> bool:
        return self.kind == "group"

    def leaves(self) -> Iterator["Part"]:
        """Every leaf below, this one included when it is one."""
        if not self.is_group:
            yield self
        for child in self.children:
            yield from child.leaves()

    def namespaces(self) -> Iterator[str]:
        if self.namespace and not self.attribute:
            yield self.namespace
        for child in self.children:
            yield from child.namespaces()


@dataclass(frozen=True, slots=True)
class Contract:
    """Both directions of one act as the partner describes them."""

    kind: str
    """Target kind of the mapping language: json, xml, soap11, soap12."""
    request: Part
    answer: Part | None = None
    schema: str = ""
    """File name of the XSD or JSON Schema that the target names; empty for a WSDL and for a sample."""
    wsdl: str = ""
    operation: str = ""
    endpoint: str = ""
    files: tuple[Path, ...] = ()
    """The schema and what it refers to: they belong into the partner's schema folder."""
    seen: str = ""
    """File name of the sample this was read from, when it was one: nothing says then what is optional."""
