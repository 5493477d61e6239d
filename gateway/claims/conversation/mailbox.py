"""Where an act waits in memory for its callback, so that a result that comes early, late or twice is applied once."""

import asyncio
from dataclasses import dataclass, field

from gateway.claims.canonical.dispatch import ActResult


@dataclass(slots=True)
class Slot:
    act_id: str
    arrived: bool = False
    """A callback is being committed: from here on its result is the act's result, whatever the answer says."""
    result: "asyncio.Future[ActResult]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Mailbox:
    def __init__(self) -> None:
        self._slots: dict[str, Slot] = {}
        self._by_key: dict[tuple[str, str], str] = {}

    def open(self, act_id: str, insurer: str, correlation: str) -> Slot:
        slot = self._slots.setdefault(act_id, Slot(act_id))
        self.known_as(act_id, insurer, correlation)
        return slot

    def known_as(self, act_id: str, insurer: str, correlation: str) -> None:
        """The partner will call this act by ``correlation``."""
        if correlation:
            self._by_key[insurer, correlation] = act_id

    def find(self, insurer: str, correlation: str) -> Slot | None:
        act_id = self._by_key.get((insurer, correlation))
        return None if act_id is None else self._slots.get(act_id)

    def close(self, act_id: str) -> None:
        self._slots.pop(act_id, None)
        for key in [key for key, waiting in self._by_key.items() if waiting == act_id]:
            del self._by_key[key]

    def __len__(self) -> int:
        return len(self._slots)
