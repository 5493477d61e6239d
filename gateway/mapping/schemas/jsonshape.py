"""A target tree against a JSON Schema, without a message: what must fail is found before anything is sent."""

from collections.abc import Mapping
from typing import Any

from gateway.mapping.errors import Mistake, did_you_mean
from gateway.mapping.schemas.facets import hold
from gateway.mapping.schemas.jsonfacets import number_facets, text_facets, undecidable
from gateway.mapping.targets.base import Shape
from gateway.mapping.yamlfile import Book

Documents = Mapping[str, Any]
_UNDECIDED = (
    *("not", "if", "$dynamicRef", "unevaluatedProperties", "unevaluatedItems"),
    *("dependentSchemas", "dependentRequired", "propertyNames", "contains", "uniqueItems"),
)
_FITS = {
    "integer": {"integer", "number"},
    "number": {"number"},
    "string": {"string"},
    "boolean": {"boolean"},
    "null": {"null"},
    "object": {"object"},
    "array": {"array"},
}
MAX_REFS = 32


def check_shape(shape: Shape, name: str, documents: Documents, book: Book) -> None:
    _Checker(documents, book).node(shape, documents[name], name)


def resolved(schema: Any, file: str, documents: Documents) -> tuple[Any, str]:
    """What a ``$ref`` leads to, and the file it lies in; None where it leads nowhere."""
    for _ in range(MAX_REFS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema, file
        target, _, pointer = str(schema["$ref"]).partition("#")
        file = target.rsplit("/", 1)[-1] or file
        schema = documents.get(file)
        for step in filter(None, pointer.split("/")):
            step = step.replace("~1", "/").replace("~0", "~")
            schema = schema.get(step) if isinstance(schema, dict) else None
    return None, file


class _Checker:
    def __init__(self, documents: Documents, book: Book, trial: bool = False) -> None:
        self.documents, self.book = documents, book
        self.trial = trial
        """One branch of several is tried: a member that may be left out counts as made, for the others know it too."""

    def node(self, shape: Shape, schema: Any, file: str) -> None:
        if isinstance(schema, dict) and "$ref" in schema:
            self.node(shape, {key: rule for key, rule in schema.items() if key != "$ref"}, file)
            schema, file = resolved(schema, file, self.documents)
        if schema is False:
            self._note(shape, "unknown-member", f"{_called(shape)} is what the schema forbids")
        if not isinstance(schema, dict) or shape.kind == "any":
            return
        for part in schema.get("allOf", ()):
            self.node(shape, part, file)
        for word in ("anyOf", "oneOf"):
            self._branches(shape, schema.get(word, ()), word, file)
        self._say_undecided(shape, schema)
        if self._kind(shape, schema):
            self._value(shape, schema)
            if shape.kind == "object":
                self._object(shape, schema, file)
            if shape.kind == "array":
                self._array(shape, schema, file)

    def _say_undecided(self, shape: Shape, schema: dict[str, Any]) -> None:
        words = [word for word in _UNDECIDED if word in schema and schema[word] is not True]
        words += filter(None, [undecidable(schema)])
        if words:
            self.book.opaque(shape.pos, f"{_called(shape)}: {', '.join(words)} is left to run time")

    def _branches(self, shape: Shape, branches: Any, word: str, file: str) -> None:
        """The tree must fit one branch at least; if none fits, the nearest one says what is wrong."""
        if not branches:
            return
        tried = [self._tried(shape, branch, file) for branch in branches]
        if all(tried):
            nearest = min(tried, key=len)
            for wrong in nearest:
                hint = wrong.hint or f"so says the nearest of {len(tried)} branches"
                self.book.mistakes.append(Mistake(*_place(wrong), wrong.code, wrong.message, hint))
        elif word == "oneOf" and sum(not wrong for wrong in tried) > 1:
            self.book.opaque(shape.pos, f"{_called(shape)}: which branch of oneOf it is, is left to run time")

    def _tried(self, shape: Shape, branch: Any, file: str) -> list[Mistake]:
        book = Book(self.book.file)
        _Checker(self.documents, book, trial=True).node(shape, branch, file)
        return book.mistakes

    def _kind(self, shape: Shape, schema: dict[str, Any]) -> bool:
        types = schema.get("type")
        if types is None:
            return True
        allowed = set(types) if isinstance(types, list) else {types}
        if not _FITS.get(shape.kind, set()) & allowed:
            wanted = " or ".join(sorted(allowed))
            self._note(shape, "wrong-kind", f"{_called(shape)} is a {shape.kind}, the schema wants {wanted}")
            return False
        if shape.nullable and "null" not in allowed:
            said = f"{_called(shape)} may be null, which the schema refuses"
            self._note(shape, "null-into-required", said, "write it with ?")
        return True

    def _value(self, shape: Shape, schema: dict[str, Any]) -> None:
        if shape.kind == "string":
            hold(shape, text_facets(schema), self.book)
        elif shape.kind in ("integer", "number"):
            types = schema.get("type")
            hold(shape, number_facets(schema, types == "integer" or types == ["integer"]), self.book)

    def _object(self, shape: Shape, schema: dict[str, Any], file: str) -> None:
        properties = schema.get("properties", {})
        extra = True if schema.get("patternProperties") else schema.get("additionalProperties", True)
        for member in shape.members:
            if member.name in properties:
                self.node(member, properties[member.name], file)
            elif extra is False:
                hint = did_you_mean(member.name, properties)
                self._note(member, "unknown-member", f"no {member.name!r} in the schema", hint)
            elif isinstance(extra, dict):
                self.node(member, extra, file)
        self._required(shape, schema.get("required", ()))

    def _required(self, shape: Shape, names: Any) -> None:
        made = {member.name: member for member in shape.members}
        for name in names:
            if name not in made:
                self._note(shape, "missing-required", f"the schema requires {name!r}")
            elif made[name].maybe_missing and not self.trial:
                said = f"{name!r} may be left out, the schema requires it"
                self._note(made[name], "missing-required", said, "leave the ? out")

    def _array(self, shape: Shape, schema: dict[str, Any], file: str) -> None:
        first = schema.get("prefixItems", [])
        for index, item in enumerate(shape.members):
            rule = first[index] if index < len(first) and not item.many else schema.get("items", True)
            self.node(item, rule, file)
        repeats = any(item.many for item in shape.members)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if not repeats and len(shape.members) < least:
            self._note(shape, "missing-required", f"the schema wants {least} items at least")
        sure = [item for item in shape.members if not item.many]
        if most is not None and (len(sure) > most or (most == 1 and repeats)):
            self._note(shape, "repeated", f"{_called(shape)} may have {most} items only", "first(…) gives one")

    def _note(self, shape: Shape, code: str, message: str, hint: str = "") -> None:
        self.book.note(shape.pos, code, message, hint)


def _place(wrong: Mistake) -> tuple[str, int, int]:
    return wrong.file, wrong.line, wrong.column


def _called(shape: Shape) -> str:
    return repr(shape.name) if shape.name else "an item"
