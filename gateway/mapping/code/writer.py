"""Generated source, line by line, each line remembering the place in the YAML file that it came from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.mapping.yamlfile import Pos


@dataclass(frozen=True, slots=True)
class Code:
    """A dynamic part of the output: source of an expression that gives text (or a whole number)."""

    source: str
    pos: Pos


Part = str | Code
Parts = list[Part]


@dataclass(slots=True)
class Writer:
    lines: list[str] = field(default_factory=list)
    places: list[Pos] = field(default_factory=list)
    depth: int = 0

    def put(self, text: str, pos: Pos) -> None:
        self.lines.append("    " * self.depth + text)
        self.places.append(pos)

    @contextmanager
    def block(self, head: str, pos: Pos) -> Iterator[None]:
        self.put(head, pos)
        self.depth += 1
        yield
        self.depth -= 1

    def hoist(self, parts: Parts, before: int, name: Callable[[], str], fixed: Callable[[str], bool]) -> Parts:
        """Parts that are the same in every round, computed once in front of line ``before``."""
        found: Parts = []
        for part in parts:
            if isinstance(part, Code) and fixed(part.source):
                depth = len(self.lines[before]) - len(self.lines[before].lstrip())
                known = name()
                self.lines.insert(before, f"{' ' * depth}{known} = {part.source}")
                self.places.insert(before, part.pos)
                part = Code(known, part.pos)
            found.append(part)
        return found

    def put_text(self, head: str, parts: Parts, tail: str, pos: Pos) -> None:
        """``head cat(parts) tail``, one line per part, so that a failing part is located by its own line."""
        self.put(f"{head}cat(", pos)
        for part in merged(parts):
            if isinstance(part, str):
                self.put(f"{part!r},", pos)
            else:
                self.put(f"{part.source},", part.pos)
        self.put(f"){tail}", pos)

    @property
    def source(self) -> str:
        return "\n".join(self.lines) + "\n"


class Unwritten(Writer):
    """Where nothing will run, nothing needs to be written: a folder that is only checked."""

    def put(self, text: str, pos: Pos) -> None:
        pass

    def put_text(self, head: str, parts: Parts, tail: str, pos: Pos) -> None:
        pass

    def hoist(self, parts: Parts, before: int, name: Callable[[], str], fixed: Callable[[str], bool]) -> Parts:  # noqa: ARG002
        return parts


def merged(parts: Parts) -> Parts:
    """Neighbouring literals as one; empty ones gone."""
    found: Parts = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return found
