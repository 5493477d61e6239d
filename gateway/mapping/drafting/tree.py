"""The request as a target tree in the schema's order, a suggestion at every part that one fits."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from gateway.mapping.drafting.candidates import Candidate, ListSource
from gateway.mapping.drafting.express import expression, table_rows
from gateway.mapping.drafting.lines import Line, flow, remark, scalar
from gateway.mapping.drafting.outline import Part
from gateway.mapping.drafting.rank import best_list, ranked
from gateway.mapping.drafting.words import pieces, squeezed, words
from gateway.mapping.types import Kind
from gateway.mapping.unconfirmed import MARK

ALTERNATIVES = 2
_OUR_NUMBERS = ("claim.claim_id", "act.act_id", "visit.visit_id")


@dataclass(slots=True)
class Counts:
    """What the draft leaves to a person."""

    parts: int = 0
    suggested: int = 0


@dataclass(slots=True)
class TreeDraft:
    """Draws one tree; ``tables`` fills with the code tables that its suggestions name."""

    json: bool
    candidates: tuple[Candidate, ...]
    lists: tuple[ListSource, ...]
    prefixes: dict[str, str] = field(default_factory=dict)
    tables: dict[str, tuple[dict[str, str], tuple[str, ...]]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    numbers: dict[str, str] = field(default_factory=dict)
    """Parts that carry a number of ours, by their squeezed name: an answer that has one too repeats it."""

    def root(self, part: Part) -> list[Line]:
        if self.json:
            return self._inside(part, 1, (), {})
        spaces = list(dict.fromkeys(part.namespaces()))
        some_without = any(not child.namespace for child in part.children if not child.attribute)
        default = spaces[:1] if spaces and not (some_without and spaces) else []
        self.prefixes = {uri: "" if uri in default else f"n{index}" for index, uri in enumerate(spaces, 1)}
        lines = [Line(1, self._name(part) + ":")]
        if spaces:
            lines.append(Line(2, f"$ns: {flow({self.prefixes[uri]: uri for uri in spaces})}"))
        return lines + (self._inside(part, 2, (), {}) if part.is_group else [self._text(part, 2, (), {}, "$text")])

    def _name(self, part: Part) -> str:
        prefix = "" if part.attribute else self.prefixes.get(part.namespace, "")
        return (f"{prefix}:" if prefix else "") + part.name + ("@" if part.attribute else "")

    def _inside(self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource]) -> list[Line]:
        lines: list[Line] = []
        rows = next((child for child in part.children if child.many), None)
        for child in part.children:
            made = self._count(child, rows, depth) or self._part(child, depth, (*above, part.name), names)
            lines += [replace(line, offered=True) for line in made] if child.branch.strip("a") else made
        return lines

    def _count(self, part: Part, rows: Part | None, depth: int) -> list[Line]:
        """``count`` beside what repeats says how often it does."""
        source = best_list(rows, self.lists) if rows and not part.is_group and "count" in pieces(part.name) else None
        if source is None:
            return []
        self.counts.parts += 1
        self.counts.suggested += 1
        number = f"count({source.path})"
        text = f"text({number})" if self.json and part.kind == "text" else number
        return [Line(depth, f"{self._key(part)}: {MARK}{text}", remark(part.kind, *part.limits, part.remark))]

    def _part(self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource]) -> list[Line]:
        if part.many:
            return self._many(part, depth, above, names)
        if part.is_group or any(child.attribute for child in part.children):
            return self._group(part, depth, above, names)
        return [self._text(part, depth, above, names)]

    def _key(self, part: Part) -> str:
        return scalar(self._name(part) + ("" if part.required else "?"))

    def _group(self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource]) -> list[Line]:
        before = self.counts.suggested
        head = Line(depth, self._key(part) + ":", remark(part.remark))
        lines = [head, *self._inside(part, depth + 1, above, names)]
        if not part.is_group:
            lines.append(self._text(part, depth + 1, above, names, "$text"))
        if len(lines) == 1:
            lines.append(Line(depth + 1, "$empty: true" if not self.json else f"{MARK}: {scalar(MARK)}"))
        return self._taken_up(part, lines, before)

    def _taken_up(self, part: Part, lines: list[Line], before: int) -> list[Line]:
        """An optional part that nothing was found for is only offered."""
        if part.required or self.counts.suggested > before:
            return lines
        return [replace(line, offered=True) for line in lines]

    def _many(self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource]) -> list[Line]:
        before = self.counts.suggested
        single = replace(part, many=False)
        free = [source for source in self.lists if source not in names.values()]
        source = best_list(part, free)
        if source is None:
            return self._taken_up(part, self._single_row(single, depth, above, names), before)
        variable = _variable(source, names)
        loop = f"{MARK}{variable} in {source.path}"
        lines = [Line(depth, self._key(part) + ":", remark("repeats", part.remark)), Line(depth + 1, f"$each: {loop}")]
        inner = {**names, variable: source}
        if part.is_group:
            lines += self._inside(part, depth + 1, above, inner)
        else:
            lines.append(self._text(single, depth + 1, above, inner, "$item" if self.json else "$text"))
        return lines

    def _single_row(self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource]) -> list[Line]:
        head = Line(depth, self._key(part) + ":", remark("repeats", part.remark))
        if part.is_group and not self.json:
            return [head, *self._inside(part, depth + 1, above, names)]
        if part.is_group:
            rows = self._inside(part, depth + 2, above, names)
            first = replace(rows[0], depth=depth + 1, text="- " + rows[0].text) if rows else Line(depth + 1, "[]")
            return [head, first, *rows[1:]]
        key = "$item" if self.json else "$text"
        return [head, Line(depth + 1, f"$each: {scalar(MARK)}"), self._text(part, depth + 1, above, names, key)]

    def _text(
        self, part: Part, depth: int, above: tuple[str, ...], names: dict[str, ListSource], key: str = ""
    ) -> Line:
        self.counts.parts += 1
        about = [part.kind, *part.limits, _choices(part), part.remark]
        if len(part.choices) == 1:
            self.counts.suggested += 1
            return Line(depth, f"{key or self._key(part)}: {scalar(f'{MARK}={part.choices[0]}')}", remark(*about))
        found = ranked(part, above, self._in_reach(names), bool(names))
        if names and set(words(part.name)) == {"seq"} and not (found and found[0].candidate.home):
            self.counts.suggested += 1
            number = "text(position)" if self.json and part.kind == "text" else "position"
            return Line(depth, f"{key or self._key(part)}: {MARK}{number}", remark(*about))
        if not found:
            return Line(
                depth, f"{key or self._key(part)}: {scalar(MARK)}", remark(*about), not part.required and not key
            )
        self.counts.suggested += 1
        best = found[0].candidate
        others = [one.candidate.path for one in found[1 : 1 + ALTERNATIVES] if one.score > found[0].score - 0.2]
        self._table(part, best)
        if best.path in _OUR_NUMBERS and not names:
            self.numbers.setdefault(squeezed(part.name), best.path)
        or_else = "or " + ", ".join(others) if others else ""
        text = scalar(MARK + expression(part, best, self.json))
        return Line(depth, f"{key or self._key(part)}: {text}", remark(or_else, *about))

    def _in_reach(self, names: dict[str, ListSource]) -> Iterator[Candidate]:
        for variable, source in reversed(names.items()):
            yield from (item.below(variable, source.path) for item in source.items)
        # `target` is the act that an enquiry asks about, and an act's name is our word: no claim is made of them.
        yield from (one for one in self.candidates if not one.path.startswith("target.") and one.path != "act.name")

    def _table(self, part: Part, candidate: Candidate) -> None:
        if candidate.type.kind is not Kind.ENUM or not part.choices:
            return
        codes: type[Enum] = candidate.type.of
        self.tables.setdefault(candidate.path.rpartition(".")[2], (table_rows(codes, part.choices), part.choices))


def _choices(part: Part) -> str:
    return "one of " + " ".join(part.choices) if len(part.choices) > 1 else ""


def _variable(source: ListSource, names: dict[str, ListSource]) -> str:
    """``l`` for lines, ``d`` for diagnoses; a second letter where the first is taken."""
    word = source.path.rpartition(".")[2]
    return next(word[:size] for size in range(1, len(word) + 1) if word[:size] not in names)
