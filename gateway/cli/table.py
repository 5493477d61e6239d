"""Tables and progress on a terminal, with Chinese characters counted as two columns."""

import sys
import unicodedata
from collections.abc import Sequence, Set
from itertools import zip_longest


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _cell(text: str, wide: int, *, right: bool) -> str:
    blanks = " " * (wide - width(text))
    return blanks + text if right else text + blanks


def show(head: Sequence[str], rows: Sequence[Sequence[str]], right: Set[int] = frozenset()) -> None:
    """Print rows under a head, columns as wide as their widest cell; a title of the head may have two lines."""
    titles = [tuple(line) for line in zip_longest(*(title.split("\n") for title in head), fillvalue="")]
    wide = [max(width(row[column]) for row in (*titles, *rows)) for column in range(len(head))]
    for row in (*titles, ["─" * size for size in wide], *rows):
        cells = (_cell(text, wide[column], right=column in right) for column, text in enumerate(row))
        print("  ".join(cells).rstrip())


def bar(done: int, whole: int, text: str) -> None:
    """Progress on one line of a terminal; silent when nobody watches."""
    if sys.stderr.isatty():
        end = "\n" if done == whole else ""
        print(
            f"\r\x1b[K[{'█' * done}{'·' * (whole - done)}] {done}/{whole} {text if done < whole else ''}",
            end=end,
            file=sys.stderr,
        )
