"""Where an act waits in memory for its callback, so that a result that comes early, late or twice is applied once."""

import asyncio

import msgspec

from gateway.claims.canonical.dispatch import ActResult


class Slot(msgspec.Struct):
    act_id: str
    arrived: bool = False
    """A callback is being committed: from here on its result is the act's result, whatever the answer says."""
    keys: list[tuple[str, str]] = []
    """By which words (insurer, correlation) the partner may call."""
    made: "asyncio.Future[ActResult | None] | None" = None

    @property
    def result(self) -> "asyncio.Future[ActResult | None]":
        """Made when somebody waits for it or brings it: most acts are answered at once. None: it came, and was not kept."""
        if self.made is None:
            self.made = asyncio.get_running_loop().create_future()
        return self.made

    async def came(self, within: float) -> bool:
        await asyncio.wait({self.result}, timeout=within)
        return self.arrived or self.result.done()

    def take_back(self) -> None:
        """The callback could not be committed: who relied on it goes on without."""
        self.arrived, lost, self.made = False, self.result, None
        if not lost.done():
            lost.set_result(None)


class Mailbox:
    def __init__(self) -> None:
        self._slots: dict[str, Slot] = {}
        self._by_key: dict[tuple[str, str], str] = {}

    def open(self, act_id: str, insurer: str, correlation: str) -> Slot:
        slot = self._slots.get(act_id)
        if slot is None:
            slot = self._slots[act_id] = Slot(act_id)
        if correlation:
            self.known_as(act_id, insurer, correlation)
        return slot

    def known_as(self, act_id: str, insurer: str, correlation: str) -> None:
        """The partner will call this act by ``correlation``."""
        if correlation:
            self._by_key[insurer, correlation] = act_id
            self._slots[act_id].keys.append((insurer, correlation))

    def find(self, insurer: str, correlation: str) -> Slot | None:
        act_id = self._by_key.get((insurer, correlation))
        return None if act_id is None else self._slots.get(act_id)

    def held(self, act_id: str) -> Slot | None:
        return self._slots.get(act_id)

    def close(self, act_id: str) -> None:
        slot = self._slots.pop(act_id, None)
        for key in slot.keys if slot is not None else ():
            if self._by_key.get(key) == act_id:
                del self._by_key[key]

    def waiting(self) -> frozenset[str]:
        """Acts without a result."""
        return frozenset(act_id for act_id, slot in self._slots.items() if not slot.arrived)

    def bring(self, act_id: str, result: ActResult) -> None:
        """The result of an act, unless it has one."""
        slot = self._slots.get(act_id)
        if slot is not None and not slot.arrived:
            slot.arrived = True
            slot.result.set_result(result)

    def __len__(self) -> int:
        return len(self._slots)
