"""Capital amounts (大写金额) read back into 分, so that words and figures can be held against each other."""

import re

_DIGITS = {word: number for number, word in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNITS = {"拾": 10, "佰": 100, "仟": 1000}
_SECTIONS = {"亿": 10**8, "万": 10**4}
_AMOUNT = re.compile(r"(负?)(?:([^元角分整]+)元)?(?:([^元角分整])角)?零?(?:([^元角分整])分)?整?")


def fen_of(words: str) -> int:
    """``叁仟柒佰伍拾壹元伍角柒分`` is 375157. Raises ``ValueError`` for what is no amount in words."""
    found = _AMOUNT.fullmatch(words)
    if found is None or not any(found.groups()[1:]):
        raise ValueError("no amount in words")
    whole, tenths, hundredths = (found[2] or "零", found[3] or "零", found[4] or "零")
    amount = _whole(whole) * 100 + _digit(tenths) * 10 + _digit(hundredths)
    return -amount if found[1] else amount


def _whole(words: str) -> int:
    """Value before each section word times the section; 亿 takes everything in front of it."""
    for word, size in _SECTIONS.items():
        head, found, tail = words.rpartition(word)
        if found:
            return _whole(head) * size + (_whole(tail) if tail else 0)
    total = digit = 0
    for word in words:
        if word in _UNITS:
            total, digit = total + digit * _UNITS[word], 0
        else:
            digit = _digit(word)
    return total + digit


def _digit(word: str) -> int:
    try:
        return _DIGITS[word]
    except KeyError:
        raise ValueError("no digit in words") from None
