"""Paths: steps through Structs (checked, typed) and through documents (never failing, absent when missing)."""

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.types import INT, NO_LABELS, TEXT, Kind, Type, document, fields_of
from gateway.mapping.values import Scope, Unit, Value

SPECIAL = ("partner", "http", "protected", "refs")
"""Roots that are no values themselves: only a step below them is."""


def narrowed(value: Value, scope: Scope) -> Value:
    """The same value, present where a condition around it says so."""
    if value.type.optional and value.path and value.path in scope.known:
        return replace(value, type=value.type.present())
    return value


def step(base: Value, name: str, scope: Scope, unit: Unit) -> Value:
    """``base.name``. Raises ``MistakeError`` for a field that the type does not have."""
    kind = base.type.kind
    if kind is Kind.ANY:
        return base
    if kind is Kind.DOC:
        unit.steps.add(name)
        return document_step(base, name)
    if kind is Kind.GROUP:
        return _of_group(base, name)
    if kind is Kind.STRUCT:
        return narrowed(_field(base, name, unit), scope)
    if base.path == "partner":
        return _setting(name, unit)
    if base.path == "http" and name == "status":
        return Value("h_status", INT, source="http.status")
    if base.path == "protected":
        return Value(f"jget(h_protected, {name!r})", document("json"), source="protected header")
    if kind is Kind.MAP and base.path not in ("http", ""):
        return narrowed(_ref(base, name, unit), scope)
    raise MistakeError("unknown-field", f"a {base.type.name} has no field {name!r}")


def _of_group(base: Value, name: str) -> Value:
    key, row = base.type.of
    found = {"key": (0, key), "rows": (1, Type(Kind.LIST, of=row))}.get(name)
    if found is None:
        raise MistakeError("unknown-field", f"a group has no {name!r}", "a group has key and rows")
    place, type_ = found
    code = f"{base.code}[{place}]"
    if base.type.optional:
        code, type_ = f"({code} if {base.code} is not U else U)", type_.absent(base.type.soft)
    labels = base.labels | (key.labels if name == "key" else row.labels)
    return Value(code, type_, labels, f"{base.source}.{name}", path=f"{base.path}.{name}" if base.path else "")


def _setting(name: str, unit: Unit) -> Value:
    if name not in unit.partner:
        raise MistakeError("unknown-setting", f"the manifest has no setting {name!r}", did_you_mean(name, unit.partner))
    text = unit.partner[name]
    return Value(unit.keep(text), TEXT, source=f"partner.{name}", const=text)


def _ref(base: Value, name: str, unit: Unit) -> Value:
    if unit.refs is not None and name not in unit.refs:
        raise MistakeError("unknown-ref", f"the manifest declares no ref {name!r}", did_you_mean(name, unit.refs))
    unit.attributes.add("get")
    path = f"{base.path}.{name}"
    return Value(f"{base.code}.get({name!r}, U)", TEXT.absent(), base.labels or base.type.labels, path, path=path)


def _field(base: Value, name: str, unit: Unit) -> Value:
    fields = fields_of(base.type.of)
    field = fields.get(name)
    if field is None:
        raise MistakeError("unknown-field", f"{base.path or 'this'} has no field {name!r}", did_you_mean(name, fields))
    unit.attributes.add(name)
    code, type_ = f"{base.code}.{name}", field.type
    if base.type.optional:
        code, type_ = f"({code} if {base.code} is not U else U)", type_.absent(base.type.soft)
    path = f"{base.path}.{name}" if base.path else ""
    texts = frozenset(field.can) if field.type.kind is Kind.ENUM else None
    labels = field.labels - unit.declassified.get(f"{base.type.of.__name__}.{name}", NO_LABELS)
    return Value(code, type_, base.labels | labels, path or name, path=path, texts=texts, can=field.can)


def document_step(base: Value, name: str) -> Value:
    kind = str(base.type.of)
    get = "xget" if kind == "xml" else "jget"
    code = f"{base.code[:-1]}, {name!r})" if base.code.startswith(get + "(") else f"{get}({base.code}, {name!r})"
    many = f"xall({base.code}, {name!r})" if kind == "xml" else f"jall({code})"
    source = f"{base.source}.{name}" if base.source else name
    path = f"{base.path}.{name}" if base.path else ""
    at = base.at.step(name) if base.at is not None else None
    return Value(code, document(kind), base.labels, source, many=many, path=path, at=at)


def as_list(value: Value) -> tuple[str, Type]:
    """Source of the list form and the type of an item. Raises ``MistakeError`` when the value is no list."""
    if value.type.kind is Kind.LIST:
        if value.type.optional and not value.type.soft:
            raise MistakeError(
                "may-be-absent", f"{value.source or 'the list'} may be absent", "guard it with present(…)"
            )
        code = f"listed({value.code})" if value.type.optional else value.code
        return code, value.type.of
    if value.type.kind is Kind.DOC:
        form = "xone" if value.type.of == "xml" else "jall"
        return value.many or f"{form}({value.code})", replace(document(str(value.type.of)), optional=False)
    if value.type.kind is Kind.ANY:
        return "()", value.type
    raise MistakeError("type-clash", f"{value.source or 'this'} is a {value.type.name}, not a list")
