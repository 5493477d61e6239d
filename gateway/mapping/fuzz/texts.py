"""Texts to be afraid of, and texts that match a pattern."""

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "患者发热咳嗽三天查体未见异常",
    "𠮷𡃁𩸽𪚥😀👩‍⚕️",  # astral: GBK has none of them, UTF-16 needs two units
    "e\u0301a\u0308n\u0303\u200d\ufe0f",  # combining marks, joiners
    "שלום\u202eمرحبا\u202c\u200f",  # right to left, with its marks
    "<>&\"'\\/]]>{}%;",
    " \t\r\n\u00a0\u3000\ufeff",
    "€㎡→‰ⅣÅñžﬁ",
)
_RARE = "\x00\x01\x0b\x1f\x7f\x85\u2028\ufffe\uffff"
"""Characters that XML 1.0 or a line-based format can't carry."""


def odd_text(rng: Random, least: int, most: int) -> str:
    """Between ``least`` and ``most`` characters, edge lengths often, of one or of all alphabets."""
    length = rng.choice((least, most, min(most, least + 1), max(least, most - 1), rng.randint(least, min(most, 40))))
    alphabet = "".join(_ALPHABETS) if rng.random() < 0.3 else rng.choice(_ALPHABETS)
    if rng.random() < 0.03:
        alphabet += _RARE
    return "".join(rng.choices(alphabet, k=length))


def plain_text(rng: Random, least: int, most: int) -> str:
    """Short and harmless, Chinese or Latin."""
    length = max(least, min(most, rng.randint(1, 8)))
    return "".join(rng.choices(_ALPHABETS[rng.randint(0, 1)], k=length))


def matching(pattern: str, rng: Random, plain: bool) -> str:
    """A text that a (simple) regular expression matches: literals, classes, repeats, alternatives."""
    # The parsed form is not public (edges.py reads it too); every text is checked against its pattern afterwards.
    parsed = getattr(re, "_parser").parse(pattern)  # noqa: B009
    return "".join(_made(parsed, rng, plain))


def _made(parts: Any, rng: Random, plain: bool) -> list[str]:
    return [text for op, value in parts for text in _MAKERS.get(str(op), _nothing)(value, rng, plain)]


def _nothing(_value: Any, _rng: Random, _plain: bool) -> list[str]:
    return []


def _repeat(value: Any, rng: Random, plain: bool) -> list[str]:
    least, most, inner = value
    most = min(int(most), int(least) + 64)
    count = rng.randint(least, min(most, least + 11)) if plain else rng.choice((least, most, rng.randint(least, most)))
    return [text for _ in range(count) for text in _made(inner, rng, plain)]


def _one_of(value: Any, rng: Random, _plain: bool) -> list[str]:
    op, what = rng.choice(value)
    if str(op) == "RANGE":
        return [chr(rng.randint(*what))]
    return [rng.choice("0123456789")] if str(op) == "CATEGORY" else [chr(what)]


_MAKERS: Mapping[str, Callable[[Any, Random, bool], list[str]]] = {
    "LITERAL": lambda value, _rng, _plain: [chr(value)],
    "IN": _one_of,
    "MAX_REPEAT": _repeat,
    "SUBPATTERN": lambda value, rng, plain: _made(value[3], rng, plain),
    "BRANCH": lambda value, rng, plain: _made(rng.choice(value[1]), rng, plain),
}
