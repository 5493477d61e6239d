"""What a schema allows in one value, whatever its language, and what a mapping's value may break of it."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from gateway.mapping.errors import did_you_mean
from gateway.mapping.targets.base import Shape
from gateway.mapping.yamlfile import Book

_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Facets:
    """Rules for a text or a number. Lengths count characters; bounds are values."""

    number: bool = False
    whole: bool = False
    texts: frozenset[str] | None = None
    shortest: int = 0
    longest: int | None = None
    patterns: tuple["re.Pattern[str]", ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    open_low: bool = False
    open_high: bool = False
    digits: int | None = None
    fraction: int | None = None
    forms: tuple["re.Pattern[str]", ...] = ()
    """The lexical form of a built-in type or a named format."""
    zoned: bool = False
    """A date and time that must state its zone."""

    def within(self, base: "Facets") -> "Facets":
        """These rules on top of a base type's."""
        return replace(
            self,
            number=self.number or base.number,
            whole=self.whole or base.whole,
            texts=base.texts if self.texts is None else self.texts,
            shortest=max(self.shortest, base.shortest),
            longest=_least(self.longest, base.longest),
            patterns=self.patterns + base.patterns,
            low=base.low if self.low is None else self.low,
            high=base.high if self.high is None else self.high,
            open_low=base.open_low if self.low is None else self.open_low,
            open_high=base.open_high if self.high is None else self.open_high,
            digits=_least(self.digits, base.digits),
            fraction=_least(self.fraction, base.fraction),
            forms=self.forms + base.forms,
            zoned=self.zoned or base.zoned,
        )


def _least(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)


Breach = tuple[str, str, str]
"""Code, what is wrong, hint."""


def hold(shape: Shape, facets: Facets, book: Book) -> None:
    """Note what the value of a leaf breaks: every text of a known few, the first of those that are only possible."""
    name = repr(shape.name) if shape.name else "an item"
    if shape.texts is not None:
        for text in sorted(shape.texts):
            breach = _breach(text, facets) or _too_short(text, facets)
            if breach is not None:
                said = f"{name} can be {text[:_SHOWN]!r}, {breach[1]}"
                book.note(shape.pos, breach[0], said, breach[2])
        return
    broken = [breach for text in shape.can if (breach := _breach(text, facets))]
    if broken:
        code, what, hint = min(broken, key=lambda one: BREACHES.index(one[0]))
        book.note(shape.pos, code, f"{name}: {shape.source or 'its value'} may have a value {what}", hint)


BREACHES = (
    *("wrong-kind", "outside-enumeration", "zone-missing", "wrong-form"),
    *("too-long", "too-many-digits", "out-of-range", "breaks-pattern", "too-short"),
)
"""What a value may break, worst first."""


def _breach(text: str, facets: Facets) -> Breach | None:
    if facets.number and (number := _number(text)) is None:
        return "wrong-kind", "where the schema has a number", "write a number"
    if facets.texts is not None and text not in facets.texts:
        return "outside-enumeration", "that the schema does not list", did_you_mean(text, facets.texts)
    if facets.number and number is not None:
        return _breach_of_number(number, facets)
    if facets.longest is not None and len(text) > facets.longest:
        hint = f"cut it (substr(x, 0, {facets.longest})), or let run time refuse it (fits(x))"
        return "too-long", f"of {len(text)} characters, the schema allows {facets.longest}", hint
    return _breach_of_form(text, facets)


def _too_short(text: str, facets: Facets) -> Breach | None:
    if len(text) < facets.shortest:
        return "too-short", f"the schema wants {facets.shortest} characters at least", ""
    return None


def _breach_of_form(text: str, facets: Facets) -> Breach | None:
    if facets.zoned and _LOCAL_TIME.fullmatch(text):
        return "zone-missing", "without its zone, which the schema wants", "add %:z to the form"
    if not all(form.fullmatch(text) for form in facets.forms):
        return "wrong-form", "that has not the form of its type in the schema", "compare the form of a date or a code"
    if not all(pattern.search(text) for pattern in facets.patterns):
        hint = "mend the form, or let run time refuse what does not fit (fits(x))"
        return "breaks-pattern", "that the schema's pattern refuses", hint
    return None


_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")


def _breach_of_number(number: Decimal, facets: Facets) -> Breach | None:
    _, digits, exponent = number.normalize().as_tuple()
    after = max(0, -int(exponent))
    before = max(0, len(digits) + int(exponent))
    if facets.whole and after:
        return "wrong-kind", "where the schema has a whole number", "round it, or use int(x)"
    if facets.fraction is not None and after > facets.fraction:
        hint = f"write number(x, {facets.fraction})"
        return "too-many-digits", f"with {after} decimals, the schema allows {facets.fraction}", hint
    if facets.digits is not None and before + after > facets.digits:
        return "too-many-digits", f"of {before + after} digits, the schema allows {facets.digits}", _REFUSE
    if facets.low is not None and (number < facets.low or (facets.open_low and number == facets.low)):
        return "out-of-range", f"below {facets.low}, the least that the schema allows", _REFUSE
    if facets.high is not None and (number > facets.high or (facets.open_high and number == facets.high)):
        return "out-of-range", f"above {facets.high}, the most that the schema allows", _REFUSE
    return None


_REFUSE = "let run time refuse it (fits(x))"


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
