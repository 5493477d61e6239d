"""Reading a seal's settings: plain YAML data, where every value may still be text."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused
from gateway.wire.seals.base import Role

E = TypeVar("E", bound=StrEnum)


_COMMON = frozenset({"profile", "exception"})


class Settings:
    """Typed access to one profile's settings. Every wrong value raises ``ConfigRefused`` and names the setting."""

    def __init__(self, profile: str, values: Mapping[str, Any], known: frozenset[str]) -> None:
        self.profile = profile
        self._values = values
        unknown = sorted(str(name) for name in values if name not in known | _COMMON)
        if unknown:
            raise self.refuse(unknown[0], f"is unknown; known are {', '.join(sorted(known))}")

    def refuse(self, name: str, what: str) -> ConfigRefused:
        return ConfigRefused(
            f"seal {self.profile}: setting {name} {what}", code="seal-setting", hint="mend the manifest"
        )

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name, default)
        if not isinstance(value, str) or not value:
            raise self.refuse(name, "must be a text")
        return value

    def optional(self, name: str, default: str = "") -> str:
        """A text that may be empty or absent."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise self.refuse(name, "must be a text")
        return value

    def section(self, name: str) -> Mapping[str, Any] | None:
        """Settings below this one, or nothing."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.refuse(name, "must be a group of settings")
        return value

    def number(self, name: str, default: int) -> int:
        """A whole number above 0, or its digits as text."""
        value = str(self._values.get(name, default))
        if not value.isascii() or not value.isdigit() or int(value) == 0:
            raise self.refuse(name, "must be a whole number above 0")
        return int(value)

    def choice(self, name: str, kind: type[E], default: E) -> E:
        try:
            return kind(self._values.get(name, default))
        except ValueError:
            raise self.refuse(name, f"must be one of {', '.join(kind)}") from None

    def names(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._values.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
            raise self.refuse(name, "must be a list of texts")
        return tuple(value)

    def exception(self, today: date) -> "WeakUntil":
        """The dated exception without which a weak algorithm does not load."""
        weak = WeakUntil(self.profile, self.dated_exception()[0])
        weak.require(today)
        return weak

    def dated_exception(self) -> tuple[date, str]:
        """The last day and the reason, both required."""
        value = self._values.get("exception")
        if not isinstance(value, Mapping) or set(value) != {"until", "reason"} or not str(value["reason"]).strip():
            raise self.refuse("exception", "must give until (a date) and reason, because this algorithm is weak")
        try:
            until = value["until"] if isinstance(value["until"], date) else date.fromisoformat(str(value["until"]))
        except ValueError:
            raise self.refuse("exception", "must give until as YYYY-MM-DD") from None
        return until, str(value["reason"])


class WeakUntil:
    """A weak algorithm's last day."""

    def __init__(self, profile: str, until: date) -> None:
        self._profile = profile
        self._until = until

    def require(self, today: date) -> None:
        """Raise ``ConfigRefused`` once the last day is over."""
        if today > self._until:
            raise ConfigRefused(
                f"seal {self._profile}: the exception for a weak algorithm has run out",
                code="weak-seal-expired",
                hint="agree on a stronger profile with the partner, or have the exception renewed with a new date",
            )


class Answers(StrEnum):
    """Some partners seal requests only; then an answer is protected by TLS alone, and the manifest says so."""

    SEALED = "sealed"
    PLAIN = "plain"

    def apply_to(self, role: Role) -> bool:
        """Whether a message of ``role`` travels in clear."""
        return self is Answers.PLAIN and role is Role.ANSWER


def day_of(now: datetime) -> date:
    """The civil day in China, where the exceptions were agreed."""
    return now.astimezone(SHANGHAI).date()
