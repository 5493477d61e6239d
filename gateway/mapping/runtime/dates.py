"""Dates: forms are compiled once at load; reading is strict (fixed digits), writing works on ISO slices."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.numbers import whole

_SLICES = {"Y": "[0:4]", "y": "[2:4]", "m": "[5:7]", "d": "[8:10]", "H": "[11:13]", "M": "[14:16]", "S": "[17:19]"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PATTERNS = {
    "Y": r"(?P<Y>\d{4})",
    "f": r"(?P<f>\d{1,9})",
    "3f": r"(?P<f>\d{3})",
    "b": f"(?P<b>{'|'.join(MONTHS)})",
    **{part: rf"(?P<{part}>\d{{2}})" for part in "mdHMS"},
    **{f"-{part}": rf"(?P<{part}>\d{{1,2}})" for part in "mdH"},
}
_ZONE = r"(?P<z>Z|[+-]\d{2}:?\d{2})"
DIRECTIVES = re.compile(r"%(:z|3f|-[mdH]|.)", re.DOTALL)
DATE_PARTS = frozenset([*"Yymdbj%", "-m", "-d"])
DATETIME_PARTS = DATE_PARTS | frozenset([*"HMSfz", ":z", "3f", "-H"])
PARSED_PARTS = DATETIME_PARTS - {"y", "j"}
"""Two digits of a year don't tell the century, so that they are written only."""


def directives(form: str) -> list[str]:
    return DIRECTIVES.findall(form)


TWO = tuple(f"{number:02d}" for number in range(100))


class _Years(dict[int, str]):
    """Years in four digits, spelt once each."""

    def __missing__(self, year: int) -> str:
        return self.setdefault(year, f"{year:04d}")


YEARS = _Years()
_FIELDS = {
    "Y": ("YEARS[{0}.year]",),
    "m": ("TWO[{0}.month]",),
    "d": ("TWO[{0}.day]",),
    "H": ("TWO[{0}.hour]",),
    "M": ("TWO[{0}.minute]",),
    "S": ("TWO[{0}.second]",),
}
FIELD_NAMES = frozenset({"year", "month", "day", "hour", "minute", "second"})
_FIXED_SINCE = {"Asia/Shanghai": (timezone(timedelta(hours=8)), 1992)}
"""Zones whose offset has not moved since that year: an instant already in it needs no conversion."""


def inline_parts(form: str, name: str) -> list[str] | None:
    """Source of each part of a date in a variable, or None when a part needs more than a field of it."""
    found: list[str] = []
    for part in _pieces(form):
        if part[0] == "\0":
            found.append(repr(part[1:]))
        elif part in _FIELDS:
            found += [field.format(name) for field in _FIELDS[part]]
        else:
            return None
    return found


def localiser(zone: ZoneInfo) -> Callable[[datetime], datetime]:
    """A function to local time in ``zone``."""
    fixed, since = fixed_offset(zone)

    def local(moment: datetime) -> datetime:
        if fixed is not None and moment.tzinfo == fixed and moment.year >= since:
            return moment
        return moment.astimezone(zone)

    return local


def fixed_offset(zone: ZoneInfo) -> tuple[timezone | None, int]:
    """The zone's offset, and the year since which it has not moved; no offset where it does."""
    return _FIXED_SINCE.get(zone.key, (None, 0))


def writer(form: str, zone: tzinfo | None, late: bool = False) -> Callable[[Any], str]:
    """A function from a date or an instant to text. ``%f`` is six digits, ``%z`` is +0800, ``%:z`` is +08:00.

    With ``late`` a day's first moment is the end of the day before: ``24:00:00``.
    """
    pieces = _pieces(form)

    def write(moment: Any) -> str:
        local = moment.astimezone(zone) if zone is not None else moment
        iso = local.isoformat()
        if late and iso[11:19] == "00:00:00":
            local -= timedelta(days=1)
            iso = local.isoformat()[:11] + "24:00:00"
        return "".join([_piece(part, local, iso) for part in pieces])

    return write


def _pieces(form: str) -> list[str]:
    """Directive letters and literal texts; a literal is marked by a leading NUL so that it can't be taken for a directive."""
    found, end = [], 0
    for match in DIRECTIVES.finditer(form):
        if match.start() > end:
            found.append("\0" + form[end : match.start()])
        found.append("\0%" if match[1] == "%" else match[1])
        end = match.end()
    return [*found, "\0" + form[end:]] if end < len(form) else found


def _span(part: str) -> slice:
    start, stop = _SLICES[part][1:-1].split(":")
    return slice(int(start), int(stop))


def _piece(part: str, moment: Any, iso: str) -> str:
    if part[0] == "\0":
        return part[1:]
    if part in _SLICES:
        return iso[_span(part)]
    if part[0] == "-":
        return iso[_span(part[1])].lstrip("0") or "0"
    if part in _OTHERS:
        return _OTHERS[part](moment)
    offset = str(moment.strftime("%z"))
    return offset if part == "z" else f"{offset[:3]}:{offset[3:5]}"


_OTHERS: Mapping[str, Callable[[Any], str]] = {
    "f": lambda moment: f"{moment.microsecond:06d}",
    "3f": lambda moment: f"{moment.microsecond // 1000:03d}",
    "b": lambda moment: MONTHS[moment.month - 1],
    "j": lambda moment: f"{moment.timetuple().tm_yday:03d}",
}


def reader(form: str, zone: tzinfo | None) -> Callable[[str], Any]:
    """A strict function from text to a date (``zone`` None) or an aware instant; ``24:00:00`` is the next day's start."""
    if form == "iso":
        return _iso_reader(zone)
    pattern = re.compile("".join(_pattern(part) for part in _pieces(form)))

    def read(text: str) -> Any:
        found = pattern.fullmatch(text.strip())
        if found is None:
            raise RefusalError("a date of another form was expected")
        return _moment(found.groupdict(), zone)

    return read


def _pattern(part: str) -> str:
    if part[0] == "\0":
        return re.escape(part[1:])
    return _ZONE if part in ("z", ":z") else _PATTERNS[part]


def _moment(parts: Mapping[str, str], zone: tzinfo | None) -> Any:
    if "b" in parts:
        parts = {**parts, "m": str(MONTHS.index(parts["b"]) + 1)}
    numbers = [int(parts.get(key, default)) for key, default in zip("YmdHMS", "110000", strict=True)]
    try:
        if zone is None:
            return date(*numbers[:3])
        late = numbers[3] == 24 and numbers[4] == numbers[5] == 0
        hour = 0 if late else numbers[3]
        micro = int(parts.get("f", "0")[:6].ljust(6, "0"))
        year, month, day, _, minute, second = numbers
        moment = datetime(year, month, day, hour, minute, second, micro, _offset(parts.get("z"), zone))
        return moment + timedelta(days=1) if late else moment
    except (ValueError, OverflowError):
        pass
    raise RefusalError("the date does not exist")


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    spelt = "+00:00" if text == "Z" else text if ":" in text else f"{text[:3]}:{text[3:]}"
    return datetime.fromisoformat(f"2000-01-01T00:00:00{spelt}").tzinfo or UTC


def _iso_reader(zone: tzinfo | None) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            if zone is None:
                return date.fromisoformat(text.strip()[:10])
            moment = datetime.fromisoformat(text.strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        except ValueError:
            pass
        raise RefusalError("an ISO 8601 date was expected")

    return read


def epoch_ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def epoch_s(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def from_epoch(value: Any, unit: int) -> datetime:
    """Seconds (``unit`` 1) or milliseconds (1000) since 1970, as number or text. Raises ``RefusalError``."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whole(value) * (1000 // unit))
    except OverflowError:
        pass
    raise RefusalError("the moment is out of range")


def add_days(day: Any, number: int) -> Any:
    try:
        return day + timedelta(days=number)
    except OverflowError:
        pass
    raise RefusalError("the date is out of range")


def days_between(start: date, end: date) -> int:
    return (end - start).days


def day_of(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def age(birth: date, at: date) -> int:
    """Full years."""
    return at.year - birth.year - ((at.month, at.day) < (birth.month, birth.day))


HELPERS: Mapping[str, Any] = {
    "TWO": TWO,
    "YEARS": YEARS,
    **{f.__name__: f for f in (epoch_ms, epoch_s, from_epoch, add_days, days_between, day_of, age)},
}
