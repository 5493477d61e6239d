"""New mappings while claims run: loaded aside, checked, tried on the folder's own tests, then swapped by one reference.

A folder that fails in any of these keeps what serves. Messages under way are read by the very mapping that made them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.kernel.errors import MappingRefused
from gateway.mapping.api import CompiledAct, Incoming, Outgoing, Pin, Vocabulary
from gateway.mapping.goldens import run_folder_tests
from gateway.mapping.loader import load_folder

_KEPT = 64
"""Contents of acts that were in force before and may still have an answer to read."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """What it takes to load a folder."""

    folder: Path
    schemas: Path
    vocabulary: Vocabulary
    partner: Mapping[str, str]
    refs: frozenset[str]
    secrets: frozenset[str] = frozenset()
    """Constants that the folder's examples can't know: they are tried with the word ``secret``."""

    def load(self) -> Mapping[str, CompiledAct]:
        """Raises ``MappingRefused`` that lists every mistake."""
        return load_folder(self.folder, self.schemas, self.vocabulary, self.partner, self.refs)

    def tried(self) -> Mapping[str, CompiledAct]:
        """The same, and the folder's own tests hold. Raises ``MappingRefused``; its texts name paths, no values."""
        acts = self.load()
        known = {**self.partner, **dict.fromkeys(self.secrets, "secret")}
        failures = run_folder_tests(self.folder, self.schemas, self.vocabulary, known, self.refs)
        if failures:
            raise MappingRefused("\n".join(failures), hint="mend the mapping or its examples; the old one still serves")
        return acts


@dataclass(slots=True)
class LiveActs(Mapping[str, CompiledAct]):
    """The acts of a folder as they are in force now; ``reload`` may be called from any thread, one call at a time."""

    source: FolderSource
    on_reload: Callable[[bool], None] = lambda _failed: None
    """Told after each try whether it failed: the gauge that an alert looks at."""
    current: Mapping[str, CompiledAct] = field(init=False)
    live: dict[str, CompiledAct] = field(init=False)
    before: "OrderedDict[str, CompiledAct]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._serve(self.source.load())

    def _serve(self, acts: Mapping[str, CompiledAct]) -> None:
        self.current, self.live = acts, {name: LiveAct(self, name) for name in acts}

    def __getitem__(self, name: str) -> CompiledAct:
        return self.live[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.current)

    def __len__(self) -> int:
        return len(self.current)

    def reload(self) -> None:
        """Swap in what the files say now. Raises ``MappingRefused`` when they can't serve; then nothing has changed."""
        try:
            fresh = self.source.tried()
            gone = sorted(self.current.keys() - fresh.keys())
            if gone:
                raise MappingRefused(
                    f"{self.source.folder.name}: {', '.join(gone)} would be gone", hint="restart for that"
                )
        except (MappingRefused, OSError) as failed:
            self.on_reload(True)
            if isinstance(failed, MappingRefused):
                raise
            raise MappingRefused(f"{self.source.folder.name}: a file can't be read") from None
        for act in self.current.values():
            self._keep(act)
        self._serve(fresh)
        self.on_reload(False)

    def _keep(self, act: CompiledAct) -> None:
        for one in act.every():
            self.before[one.pin.digest] = one
            self.before.move_to_end(one.pin.digest)
        while len(self.before) > _KEPT:
            self.before.popitem(last=False)

    def pinned(self, name: str, pin: Pin) -> CompiledAct:
        """The content that the pin names, in force or from before; else what is in force."""
        now = self.current[name].pinned(pin)
        return now if now.pin.digest == pin.digest else self.before.get(pin.digest, now)


@dataclass(frozen=True, slots=True)
class LiveAct:
    """One act of ``LiveActs``: whoever holds it always speaks to what is in force."""

    acts: LiveActs
    name: str

    @property
    def _now(self) -> CompiledAct:
        return self.acts.current[self.name]

    @property
    def pin(self) -> Pin:
        return self._now.pin

    @property
    def callback_path(self) -> str:
        return self._now.callback_path

    def every(self) -> tuple[CompiledAct, ...]:
        return self._now.every()

    def pinned(self, pin: Pin) -> CompiledAct:
        return self.acts.pinned(self.name, pin)

    def write(self, source: Any) -> Outgoing:
        return self.acts.current[self.name].write(source)

    def read(self, incoming: Incoming, sent: Any = None) -> dict[str, Any]:
        return self._now.read(incoming, sent)

    def read_callback(self, incoming: Incoming) -> dict[str, Any]:
        return self._now.read_callback(incoming)

    def write_reply(self, incoming: Incoming) -> Outgoing:
        return self._now.write_reply(incoming)
