"""What can be wrong with a mapping: mistakes found before it loads, and the one error of a message that can't be mapped."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.kernel.errors import MappingRefused, MessageRefused


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One finding of the check; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}{tail}"


class MappingFailed(MessageRefused):
    """A message can't be made or read with this mapping. Names the YAML file and line, target and source, never a value."""

    code = "mapping-failed"

    def __init__(self, mapping: str, line: int, target: str, source: str, reason: str, file: str = "") -> None:
        place = f"{file or mapping}:{line}" if line else mapping
        route = " <- ".join(part for part in (target, source) if part)
        super().__init__(
            f"{place} {route}: {reason}" if route else f"{place}: {reason}",
            hint="compare the mapping's line with the data that was to be mapped",
            fields=(target,) if target else (),
        )
        self.file = file
        self.mapping, self.line, self.target, self.source, self.reason = mapping, line, target, source, reason


class MistakeError(Exception):
    """A mistake inside one expression or node; ``offset`` counts characters from the start of the scalar."""

    def __init__(self, code: str, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.offset = code, message, hint, offset


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise ``MappingRefused`` that lists every mistake, or do nothing when there is none."""
    found = sorted(set(mistakes))
    if found:
        raise MappingRefused("\n".join(map(str, found)), hint="mend the lines named; nothing of the folder was loaded")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), 1, 0.6)
    return f"did you mean {close[0]}?" if close else ""
