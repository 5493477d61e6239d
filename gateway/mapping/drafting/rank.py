"""Which source fits a part: names, Chinese names, national codes and types; the same every time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from gateway.mapping.drafting.candidates import Candidate, ListSource
from gateway.mapping.drafting.outline import Part
from gateway.mapping.drafting.words import GENERIC, bigrams, squeezed, words
from gateway.mapping.types import Kind

ENOUGH = 0.55
"""Below this a suggestion would mislead more than it helps."""
EXACT = 1.1
"""The national code or the very Chinese name: above every likeness of English words."""
_AROUND = 0.8
"""What lies outside of a row must be named so much more alike to be meant in it."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_FITS = {
    "date": {Kind.DATE, Kind.DATETIME},
    "datetime": {Kind.DATETIME, Kind.DATE},
    "integer": {Kind.INT, Kind.DECIMAL, Kind.BOOL},
    "number": {Kind.INT, Kind.DECIMAL},
    "boolean": {Kind.BOOL},
}


@dataclass(frozen=True, slots=True)
class Ranked:
    score: float
    candidate: Candidate


def ranked(part: Part, above: Sequence[str], candidates: Iterable[Candidate], in_list: bool = False) -> list[Ranked]:
    """Best first; equal scores keep the order of the model. ``in_list``: the part is one of a row, so its row comes first."""
    found = [
        Ranked(round(score(part, above, one) * (_AROUND if in_list and not one.home else 1.0), 3), one)
        for one in candidates
    ]
    return sorted((one for one in found if one.score >= ENOUGH), key=lambda one: -one.score)


def score(part: Part, above: Sequence[str], candidate: Candidate) -> float:
    named = max(_by_words(part.name, above, candidate), _by_nation(part.name, candidate), _by_chinese(part, candidate))
    sure = 0.97 if part.required and candidate.optional else 1.0
    return round(named * sure * _by_type(part, candidate), 3)


def best_list(part: Part, lists: Iterable[ListSource]) -> ListSource | None:
    """The list whose items answer most of a repeating part's leaves."""
    best: tuple[float, ListSource | None] = (0.0, None)
    leaves = list(_own_leaves(part))
    for source in lists:
        tops = [
            max((score(leaf, [part.name], item.below("x", source.path)) for item in source.items), default=0.0)
            for leaf in leaves
        ]
        likeness = _overlap(set(words(part.name)), _root_words(source.path.rpartition(".")[2]))
        whole = 0.7 * sum(top for top in tops if top >= ENOUGH) / max(1, len(leaves)) + 0.3 * likeness
        if whole > best[0] + 1e-9:
            best = (whole, source)
    return best[1] if best[0] >= 0.25 else None


def _own_leaves(part: Part) -> Iterator[Part]:
    """Leaves of one round: those of a list inside are another loop's."""
    if not part.is_group:
        yield part
    for child in part.children:
        if not child.many:
            yield from _own_leaves(child)


@lru_cache(4096)
def _root_words(path: str) -> frozenset[str]:
    """``diagnoses`` and ``lines`` as the things they hold."""
    inner = (word for step in re.split(r"[._]", path) for word in words(step.removesuffix("s")))
    return frozenset((*inner, *words(path)))


def _by_words(name: str, above: Sequence[str], candidate: Candidate) -> float:
    """How much of the partner's name the source says, and then how much of the source's name the partner says."""
    root, _, field = candidate.path.rpartition(".")
    theirs, ours = set(words(name)), set(words(field))
    around = {word for parent in above[-1:] for word in words(parent)}
    context = _root_words(candidate.home or root) | ({"amount"} if candidate.money else set())
    named = _weight(theirs & (ours | context)) / _weight(theirs)
    meant = _weight(ours & (theirs | around)) / _weight(ours)
    if not theirs & ours and not (candidate.money and "amount" in theirs):
        named /= 2
    near = 0.1 if candidate.home or context & (theirs | around) else 0.0
    return min(1.0, max(0.9 * named * (0.6 + 0.4 * meant), 0.7 * _spelt_alike(squeezed(name), squeezed(field))) + near)


@lru_cache(65536)
def _spelt_alike(one: str, other: str) -> float:
    if len(one) < 4 or 2 * min(len(one), len(other)) < ENOUGH * (len(one) + len(other)):
        return 0.0
    return SequenceMatcher(None, one, other).ratio()


def _weight(found: Iterable[str]) -> float:
    """Words that nearly every name has count half."""
    return sum(0.5 if word in GENERIC else 1.0 for word in found) or 0.01


def _overlap(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    same = len(one & other)
    return 2 * same / (len(one) + len(other)) if same else 0.0


def _by_nation(name: str, candidate: Candidate) -> float:
    return EXACT if candidate.yibao and squeezed(name) == squeezed(candidate.yibao) else 0.0


def _by_chinese(part: Part, candidate: Candidate) -> float:
    said = [text for text in _CHINESE.findall(f"{part.name} {part.remark}") if len(text) > 1]
    if not said or not candidate.zh:
        return 0.0
    if candidate.zh == said[0]:
        return EXACT
    ours = bigrams(candidate.zh)
    likeness = max(2 * len(ours & bigrams(text)) / (len(ours) + len(bigrams(text))) for text in said)
    return 0.95 * likeness


def _by_type(part: Part, candidate: Candidate) -> float:
    wanted = _FITS.get(part.kind)
    if wanted is not None and candidate.type.kind not in wanted:
        return 0.4
    if part.kind == "number" and candidate.type.kind is Kind.INT and not candidate.money:
        return 0.7
    return 0.9 if part.choices and candidate.type.kind not in (Kind.ENUM, Kind.BOOL, Kind.TEXT) else 1.0
