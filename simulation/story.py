"""What happened in a world, in order: kept as it happens, spelt only when somebody reads it."""

from collections.abc import Callable, Iterator
from typing import Any


class Broken(AssertionError):
    """A promise was not kept."""


class Story:
    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._names: dict[str, str] = {}
        self._told: list[tuple[float, str, str, dict[str, Any]]] = []
        self.broken: list[str] = []

    def tell(self, who: str, what: str, **more: Any) -> None:
        self._told.append((self._time(), who, what, more))

    def broke(self, invariant: str, **more: Any) -> None:
        """A promise was not kept; the world goes on, the seed has failed."""
        self.broken.append(invariant)
        self.tell("CHECK", f"BROKEN {invariant}", **more)

    def lines(self) -> Iterator[str]:
        for at, who, what, more in self._told:
            words = " ".join(f"{name}={self._short(value)}" for name, value in more.items() if value not in ("", None))
            yield f"{at:10.3f}  {who:<10} {what:<24} {words}".rstrip()

    def _short(self, value: Any) -> str:
        """Ids by a number in order of appearance: act_01JN…: act#3."""
        text = str(value)
        if len(text) > 20 and "_" in text[:4]:
            prefix = text[:3]
            known = self._names
            if text not in known:
                known[text] = f"{prefix}#{sum(name.startswith(prefix) for name in known) + 1}"
            return known[text]
        return text
