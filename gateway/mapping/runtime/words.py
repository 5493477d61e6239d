"""An amount in capital Chinese numerals (大写金额), as the People's Bank's rules for bills write it."""

from collections.abc import Mapping
from typing import Any

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_SECTIONS = ("", "万", "亿")


def amount_words(fen: int) -> str:
    """分 to words: 12345 is 壹佰贰拾叁元肆角伍分, 100 is 壹元整, a negative amount begins with 负."""
    sign = "负" if fen < 0 else ""
    yuan, cents = divmod(abs(fen), 100)
    tenths, hundredths = divmod(cents, 10)
    whole = _whole(yuan) + "元" if yuan or not cents else ""
    if not cents:
        return sign + whole + "整"
    if not hundredths:
        return f"{sign}{whole}{_DIGITS[tenths]}角整"
    middle = f"{_DIGITS[tenths]}角" if tenths else "零" if whole else ""
    return f"{sign}{whole}{middle}{_DIGITS[hundredths]}分"


def _whole(number: int) -> str:
    """Four digits at a time; any zeros between two digits are read as one."""
    if number >= 10**12:
        return _whole(number // 10**8) + "亿" + _after(number % 10**8)
    said, gap = "", False
    for place in range(len(_SECTIONS) - 1, -1, -1):
        section = number // 10_000**place % 10_000
        if not section:
            gap = bool(said)
            continue
        zero = "零" if said and (gap or section < 1000) else ""
        said, gap = said + zero + _section(section) + _SECTIONS[place], False
    return said or _DIGITS[0]


def _after(number: int) -> str:
    """What follows 亿: a zero is read where its first digit is missing."""
    if not number:
        return ""
    return ("零" if number < 10**7 else "") + _whole(number)


def _section(number: int) -> str:
    said, gap = "", False
    for digit, place in zip(f"{number:04d}", _PLACES, strict=True):
        if digit == "0":
            gap = bool(said)
            continue
        said, gap = said + ("零" if gap else "") + _DIGITS[int(digit)] + place, False
    return said


HELPERS: Mapping[str, Any] = {"amount_words": amount_words}
