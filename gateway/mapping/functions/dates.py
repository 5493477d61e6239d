"""Date functions: the form and the zone are constants, compiled at load."""

import re
from zoneinfo import ZoneInfo

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.base import DAYS, INSTANTS, TEXTS, WHOLE, Function, Param, simple
from gateway.mapping.lift import made
from gateway.mapping.runtime.dates import (
    DATE_PARTS,
    DATETIME_PARTS,
    FIELD_NAMES,
    PARSED_PARTS,
    directives,
    fixed_offset,
    inline_parts,
    localiser,
    reader,
    writer,
)
from gateway.mapping.types import DATE, DATETIME, INT, SAFE_TEXT, TEXT, Kind, Type
from gateway.mapping.values import Scope, Unit, Value

_SAYS_UTC = re.compile(r"%S(\.(%f|%3f|\d+))?Z")
_FORM = Param("fmt", TEXTS, constant=True)
_MIDNIGHT = Param("midnight", TEXTS, constant=True, default="00")
_MOMENTS = DAYS | INSTANTS
_ZONE = Param("zone", TEXTS, constant=True, default="Asia/Shanghai")


def zone_of(value: Value) -> ZoneInfo:
    try:
        return ZoneInfo(str(value.const))
    except (KeyError, ValueError, OSError):
        raise MistakeError("bad-argument", f"no time zone {value.const!r}") from None


def _form(value: Value, allowed: frozenset[str], iso: bool = False) -> str:
    form = str(value.const)
    if iso and form == "iso":
        return form
    odd = [f"%{part}" for part in directives(form) if part not in allowed]
    if odd or "%" not in form:
        raise MistakeError("bad-argument", f"the form can't have {odd[0]}" if odd else "the form has no part of a date")
    return form


def _written(form: str) -> Type:
    return SAFE_TEXT if not set(form) & set('"\\<>&\x00\n\r\t') and form.isprintable() else TEXT


def _date(args: list[Value], scope: Scope, unit: Unit) -> Value:
    form = _form(args[1], DATE_PARTS)
    inline = None if scope.no_walrus else _spelt(args[0], form, args[0].code, unit)
    return inline or args[0].typed(f"{unit.keep(writer(form, None))}({args[0].code})", _written(form))


def _spelt(value: Value, form: str, moment: str, unit: Unit) -> Value | None:
    """The form written in line, field by field: several times faster than formatting in one call."""
    name = unit.temp()
    parts = inline_parts(form, name)
    if parts is None:
        return None
    unit.attributes |= FIELD_NAMES
    if value.type.optional:
        return value.typed(f"(cat({', '.join(parts)}) if ({name} := {moment}) is not U else '')", _written(form))
    field = next((at for at, part in enumerate(parts) if part.endswith("]")), None)
    if field is not None:  # the first one gives the name
        parts[field] = parts[field].replace(name, f"({name} := {moment})")
    return value.typed(f"cat({', '.join(parts)})", _written(form))


def _local(moment: str, zone: ZoneInfo, scope: Scope, unit: Unit) -> str:
    """``localiser`` with its rule in line: nearly every moment is said in the zone's own offset."""
    local, (fixed, since) = unit.keep(localiser(zone)), fixed_offset(zone)
    if fixed is None or scope.no_walrus:
        return f"{local}({moment})"
    name = unit.temp()
    unit.attributes |= {"tzinfo", "year"}
    own = f"({name} := {moment}).tzinfo == {unit.keep(fixed)} and {name}.year >= {since}"
    return f"({name} if {own} else {local}({name}))"


def _datetime(args: list[Value], scope: Scope, unit: Unit) -> Value:
    form, zone = _form(args[1], DATETIME_PARTS), zone_of(args[2])
    if _SAYS_UTC.search(form) and zone.key not in ("UTC", "Etc/UTC"):
        raise MistakeError("wrong-zone", f"the form says UTC (Z), the time is that of {zone.key}", 'add zone="UTC"')
    local = _local(args[0].code, zone, scope, unit)
    if args[3].const not in ("00", "24"):
        raise MistakeError("bad-argument", "midnight is 00, or 24 for the end of the day before")
    late = args[3].const == "24"
    inline = None if scope.no_walrus or late else _spelt(args[0], form, local, unit)
    return inline or args[0].typed(f"{unit.keep(writer(form, zone, late))}({args[0].code})", _written(form))


def _read(form: str, zone: ZoneInfo | None, unit: Unit) -> str:
    try:
        return unit.keep(reader(form, zone))
    except re.error:
        raise MistakeError("bad-argument", "the form says a part twice") from None


def _parse_date(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    form = _form(args[1], PARSED_PARTS, iso=True)
    return args[0].typed(f"{_read(form, None, unit)}({args[0].code})", DATE)


def _parse_datetime(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    form = _form(args[1], PARSED_PARTS, iso=True)
    return args[0].typed(f"{_read(form, zone_of(args[2]), unit)}({args[0].code})", DATETIME)


def _from_epoch(unit_: int) -> Function:
    def build(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
        value = args[0]
        code = f"dtext({value.code})" if value.type.kind is Kind.DOC else value.code
        return value.typed(f"from_epoch({code}, {unit_})", DATETIME)

    return Function((Param("x", TEXTS | WHOLE | {Kind.DOC}),), build)


def _add_days(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    return made(f"add_days({args[0].code}, {args[1].code})", args[0].type.present(), args)


def _day_of(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    return args[0].typed(f"day_of({args[0].code}, {unit.keep(zone_of(args[1]))})", DATE)


def _age(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    return made(f"age({args[0].code}, {args[1].code})", INT, args)


TABLE = {
    "date": Function((Param("d", DAYS), _FORM), _date),
    "datetime": Function((Param("t", INSTANTS), _FORM, _ZONE, _MIDNIGHT), _datetime),
    "parse_date": Function((Param("x", TEXTS), _FORM), _parse_date),
    "parse_datetime": Function((Param("x", TEXTS), _FORM, _ZONE), _parse_datetime),
    "epoch_s": simple("epoch_s", INT, Param("t", INSTANTS)),
    "epoch_ms": simple("epoch_ms", INT, Param("t", INSTANTS)),
    "parse_epoch_s": _from_epoch(1),
    "parse_epoch_ms": _from_epoch(1000),
    "add_days": Function((Param("d", _MOMENTS), Param("days", WHOLE)), _add_days),
    "days_between": simple("days_between", INT, Param("from", DAYS), Param("to", DAYS)),
    "day_of": Function((Param("t", INSTANTS), _ZONE), _day_of),
    "age": Function((Param("birth", DAYS), Param("at", DAYS)), _age),
}
