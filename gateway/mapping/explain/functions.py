"""The function table a second time, on plain values. What the compiler writes in line (amounts, dates) is done another way here."""

import calendar
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET

from gateway.mapping.explain.values import Doc, Got, Written, WrittenYuan, Yuan, as_text, needed, raw
from gateway.mapping.runtime import dates, documents, numbers, text, widths, words
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.budget import whole_match


def spelt(value: Any) -> str:
    """A present single value as text: digits without an exponent, codes by their text, true or false."""
    value = as_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value.value) if isinstance(value, Enum) else str(value)


def _yuan(fen: int) -> Yuan:
    whole, cents = divmod(abs(fen), 100)
    return Yuan(f"{'-' if fen < 0 else ''}{whole}.{cents:02d}")


def _fixed(value: Decimal | int, places: int) -> Decimal:
    with localcontext(prec=60):
        return Decimal(value).quantize(Decimal(10) ** -places, rounding=ROUND_HALF_UP)


def _divided(value: Decimal | int, by: Decimal | int, places: int) -> Decimal:
    if by == 0:
        raise RefusalError("division by zero")
    with localcontext(prec=60):
        return _fixed(Decimal(value) / Decimal(by), places)


_PARTS: Mapping[str, Callable[[Any], str]] = {
    "%Y": lambda t: f"{t.year:04d}",
    "%m": lambda t: f"{t.month:02d}",
    "%d": lambda t: f"{t.day:02d}",
    "%H": lambda t: f"{t.hour:02d}",
    "%M": lambda t: f"{t.minute:02d}",
    "%S": lambda t: f"{t.second:02d}",
    "%f": lambda t: f"{t.microsecond:06d}",
    "%z": lambda t: t.strftime("%z")[:5],
    "%:z": lambda t: t.strftime("%z")[:3] + ":" + t.strftime("%z")[3:5],
    "%%": lambda _t: "%",
    "%y": lambda t: f"{t.year % 100:02d}",
    "%b": lambda t: calendar.month_abbr[t.month],
    "%j": lambda t: f"{(t.toordinal() - date(t.year, 1, 1).toordinal()) + 1:03d}",
    "%3f": lambda t: f"{t.microsecond // 1000:03d}",
    "%-m": lambda t: str(t.month),
    "%-d": lambda t: str(t.day),
    "%-H": lambda t: str(t.hour),
}
_HOURS = ("%H", "%-H")


def _formed(moment: date, form: str, hour: str = "") -> str:
    """``hour`` stands for the hour where it is given: the 24 of a day's end."""

    def part(found: "re.Match[str]") -> str:
        return hour if hour and found[0] in _HOURS else _PARTS[found[0]](moment)

    return re.sub(r"%(:z|3f|-[mdH]|.)", part, form)


def _local(moment: datetime, form: str, zone: str, midnight: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    if midnight == "24" and (local.hour, local.minute, local.second) == (0, 0, 0):
        return _formed(local - timedelta(days=1), form, "24")
    return _formed(local, form)


def _present(value: Any) -> bool:
    return len(value) > 0 if isinstance(value, tuple | list) else raw(value) is not UNSET


def _join(listed: Any, between: str) -> str:
    items = listed.items() if isinstance(listed, Doc) else () if listed is UNSET else listed
    values = [item.value if isinstance(item, Got) else item for item in items]
    return between.join(str(needed(as_text(value))) for value in values)


def _find(listed: Any, member: str, wanted: Any) -> Any:
    """All members are read before one is taken, because the compiled look-up indexes the whole list."""
    if not isinstance(listed, Doc):
        values = [item.value if isinstance(item, Got) else item for item in listed]
        return next((item for item in values if spelt(getattr(item, member)) == spelt(wanted)), UNSET)
    items = listed.items()
    keys = [as_text(item.step(member)) for item in items]
    found = next((item for item, key in zip(items, keys, strict=True) if key == wanted), None)
    return found if found is not None else Doc(listed.kind, UNSET)


def _amount(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: read(documents.ddecimal(raw(value)) if isinstance(value, Doc) else value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "text": spelt,
    "trim": lambda x: x.strip(),
    "upper": lambda x: x.upper(),
    "lower": lambda x: x.lower(),
    "substr": lambda x, start, length: x[start : start + length],
    "replace": lambda x, old, new: x.replace(old, new),
    "join": _join,
    "pieces": text.pieces,
    "pad": text.pad,
    "pad_right": text.pad_right,
    "cut_bytes": widths.cut_bytes,
    "pad_bytes": widths.pad_bytes,
    "within_bytes": widths.within_bytes,
    "base64": widths.encoded64,
    "matches": lambda x, regex: whole_match(regex)(x),
    "default": lambda x, y: y if raw(x) is UNSET else x,
    "present": _present,
    "need": needed,
    "fits": lambda x: x,
    "empty_as_absent": lambda x: x or UNSET,
    "uuid": lambda x: str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:lianpei:" + x)),
    "attr": lambda node, name: documents.attr(raw(node), name),
    "node_text": as_text,
    "find": _find,
    "parse_json": lambda x: Doc("json", documents.read_json(raw(x))),
    "parse_xml": lambda x: Doc("xml", documents.read_xml(raw(x))),
    "unbase64": lambda x: Doc("bytes", documents.unbase64(x)),
    "yuan": _yuan,
    "yuan_number": lambda fen: WrittenYuan(_yuan(fen)),
    "fen": lambda x: numbers.fen(as_text(x)),
    "fen_int": _amount(numbers.fen_int),
    "int": _amount(numbers.whole),
    "decimal": _amount(numbers.decimal),
    "number": lambda x, places: Written(format(_fixed(x, places), "f")),
    "round": _fixed,
    "div": _divided,
    "abs": abs,
    "min": min,
    "max": max,
    "date": _formed,
    "datetime": _local,
    "parse_date": lambda x, form: dates.reader(form, None)(x),
    "parse_datetime": lambda x, form, zone: dates.reader(form, ZoneInfo(zone))(x),
    "epoch_s": dates.epoch_s,
    "epoch_ms": dates.epoch_ms,
    "day_of": lambda t, zone: t.astimezone(ZoneInfo(zone)).date(),
    "age": dates.age,
    "parse_epoch_s": lambda x: dates.from_epoch(as_text(x), 1),
    "parse_epoch_ms": lambda x: dates.from_epoch(as_text(x), 1000),
    "add_days": dates.add_days,
    "days_between": dates.days_between,
    "amount_words": words.amount_words,
}
