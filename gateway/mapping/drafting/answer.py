"""The answer: every part of it as a remark, and for each word of the result the part that fits best."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.mapping.drafting.lines import Line, remark, scalar
from gateway.mapping.drafting.outline import Part
from gateway.mapping.drafting.words import pieces, squeezed
from gateway.mapping.unconfirmed import MARK

_MEANS: dict[str, tuple[str, ...]] = {
    "peer_code": ("result code", "status", "code", "error code", "result", "flag"),
    "peer_text": ("message", "result message", "msg", "reason", "remark", "text", "description"),
    "approved": ("approved amount", "paid amount", "benefit", "approved", "settled amount", "pay"),
    "residual": ("residual amount", "balance", "remaining"),
    "insurer_ref": (
        "insurer ref",
        "reference",
        "serial no",
        "case no",
        "claim no",
        "case number",
        "claim number",
        "ref",
        "serial",
    ),
}
ENOUGH = 0.3
_MONEY = ("approved", "residual")
_GOOD = ("0", "00", "000", "0000", "1", "200", "ok", "success", "succeeded", "accepted", "true", "y", "s")


@dataclass(frozen=True, slots=True)
class Found:
    """One leaf of the answer and the expression that reads it."""

    path: str
    part: Part
    sure: bool
    """Nothing on the way to it may be left out."""


def leaves_at(part: Part, path: str, sure: bool = True) -> Iterator[Found]:
    here, sure = path, sure and part.required
    if part.many:
        here = f"first({path})"
    if not part.is_group:
        yield Found(here, part, sure and not part.many)
    for child in part.children:
        step = f'attr({here}, "{child.name}")' if child.attribute else here + _step(child.name)
        yield from leaves_at(child, step, sure)


def _step(name: str) -> str:
    return f".{name}" if name.isidentifier() and name.isascii() else f'["{name}"]'


def answer_lines(root: Part | None, start: str, numbers: Mapping[str, str]) -> tuple[list[Line], list[str]]:
    """Lines below ``answer:`` without its target, and the codes that the partner lists.

    ``numbers``: names of the request's parts that carry a number of ours, and which.
    """
    found = list(leaves_at(root, start)) if root is not None else []
    lines = [Line(1, "# What comes back:")] if found else []
    for one in found:
        about = remark(
            one.part.kind, "" if one.sure else "may be absent", *one.part.limits, _listed(one.part), one.part.remark
        )
        lines.append(Line(1, f"#   {one.path}", about))
    echo = next((one for one in found if squeezed(one.part.name) in numbers), None)
    chosen: dict[str, Found | None] = {}
    for word, means in _MEANS.items():
        left = [one for one in found if one not in chosen.values() and one is not echo]
        chosen[word] = _best(means, left, word in _MONEY)
    if echo is not None:
        lines += _ours(echo, f"sent.{numbers[squeezed(echo.part.name)]}")
    lines.append(Line(1, "result:"))
    code = chosen["peer_code"]
    means_ours = ' if ours else "unknown"' if echo is not None else ""
    lines.append(Line(2, f"state: {scalar(f'{MARK}code(outcome, {code.path}){means_ours}' if code else MARK)}"))
    lines += [_result(word, one) for word, one in chosen.items() if one is not None]
    return lines, list(code.part.choices) if code else []


def _ours(echo: Found, number: str) -> list[Line]:
    told = f"text({echo.path})" if echo.part.kind == "integer" else f"trim({echo.path})"
    same = f"{MARK}default(empty_as_absent({told}), {number}) == {number}"
    about = "# An answer about another of our numbers says nothing about this one: it is asked about. Its tests name `sent`."
    return [Line(1, "let:"), Line(2, about), Line(2, f"ours: {scalar(same)}")]


def outcome_rows(codes: list[str]) -> dict[str, str]:
    """The table ``outcome``: the partner's codes to our states, all of them to be confirmed."""
    rows = {word: MARK + ("accepted" if word.lower() in _GOOD else "refused") for word in codes}
    return {**(rows or {"0": MARK + "accepted"}), "else": "unknown"}


def _listed(part: Part) -> str:
    return "one of " + " ".join(part.choices) if part.choices else ""


def _result(word: str, one: Found) -> Line:
    text = f"fen({one.path})" if word in _MONEY else f"text({one.path})" if one.part.kind == "integer" else one.path
    key = word if one.sure and word == "peer_code" else word + "?"
    return Line(2, f"{key}: {scalar(MARK + text)}")


def _best(means: tuple[str, ...], found: list[Found], money: bool) -> Found | None:
    """The leaf that is named as what is meant; the earlier meaning wins a tie, then the earlier leaf."""
    best: tuple[float, Found | None] = (0.0, None)
    for rank, meaning in enumerate(means):
        wanted = meaning.split()
        for one in found:
            theirs = pieces(one.part.name)
            if wanted[-1] not in theirs or (money and one.part.kind not in ("number", "integer", "text")):
                continue
            value = len(set(wanted) & set(theirs)) / max(len(wanted), len(theirs)) - rank * 0.02
            if value > best[0]:
                best = (value, one)
    return best[1] if best[0] >= ENOUGH else None
