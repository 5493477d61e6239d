"""Any single value as plain text: headers, query, form fields, correlation keys."""

from gateway.mapping.types import Kind
from gateway.mapping.values import Unit, Value
from gateway.mapping.yamlfile import Pos


def as_plain_text(value: Value, pos: Pos, unit: Unit) -> str:
    """Source of the text, or of ``U`` when an optional value is absent."""
    if value.is_const and value.const is not None:
        const = value.const
        return repr(("true" if const else "false") if isinstance(const, bool) else str(const))
    code = value.code
    form = {
        Kind.TEXT: "{0}",
        Kind.ENUM: "cat({0})",
        Kind.INT: "cat({0})",
        Kind.NUMBER: "cat({0})",
        Kind.DECIMAL: "decimal_text({0})",
        Kind.BOOL: "('true' if {0} else 'false')",
        Kind.DOC: "dtext({0})",
        Kind.ANY: "''",
    }.get(value.type.kind)
    if form is None:
        unit.note(
            pos, "type-clash", f"a {value.type.name} is no text", "use date(x, form), datetime(x, form) or text(x)"
        )
        return "''"
    if not value.type.optional or form in ("{0}", "dtext({0})"):
        return form.format(code)
    name = unit.temp()
    return f"({form.format(name)} if ({name} := {code}) is not U else U)"
