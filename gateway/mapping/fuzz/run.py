"""A fuzz run over one folder: every act over the same sources, every answer of its tests gone wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from gateway.kernel.strictjson import strict_json
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming, Vocabulary
from gateway.mapping.fuzz.answers import mutated
from gateway.mapping.fuzz.shrink import shrunk
from gateway.mapping.fuzz.sources import Data, SourceMaker
from gateway.mapping.fuzz.verdict import Verdict, judge_answer, judge_request
from gateway.mapping.loader import Loaded
from gateway.mapping.mapfile import MapFile

_STATUSES = (200, 200, 200, 202, 204, 400, 404, 500, 503)


@dataclass(frozen=True, slots=True)
class Case:
    """One fuzzed message and what became of it."""

    number: int
    act: str
    verdict: Verdict
    data: Data | bytes
    """The source as plain data, or the answer's bytes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer or callback that a folder's own tests read."""

    act: str
    document: bytes
    headers: Mapping[str, Any]
    sent: Any
    callback: bool


class FolderFuzz:
    """Fuzzes a loaded folder. The same seed gives the same cases on every machine."""

    def __init__(
        self, loaded: Loaded, vocabulary: Vocabulary, partner: Mapping[str, str], refs: frozenset[str], seed: int
    ) -> None:
        assert vocabulary.source is not None
        self._loaded, self._vocabulary, self._partner, self._seed = loaded, vocabulary, partner, seed
        self._maker = SourceMaker(vocabulary.source, tuple(refs))

    def requests(self, numbers: range, act: str = "") -> Iterator[Case]:
        """Each source of ``numbers`` through each act that makes a request (or the one named)."""
        acts = {name: one for name, one in self._loaded.acts.items() if one.request is not None and act in ("", name)}
        for number in numbers:
            data = self._maker.make(number, self._random(number))
            source = self._maker.built(data)
            for name, one in acts.items():
                yield Case(number, name, self._judged(name, one, source), data)

    def answers(self, numbers: range, act: str = "") -> Iterator[Case]:
        """A broken answer per number and sample."""
        samples = [sample for sample in self._samples() if act in ("", sample.act)]
        for number in numbers:
            for place, sample in enumerate(samples):
                rng = self._random(f"{number}:{place}")
                yield self._answer(number, sample, rng)

    def shrink(self, case: Case) -> Data:
        """The smallest source that still gives the same kind of finding."""
        one = self._loaded.acts[case.act]

        def still(data: Data) -> bool:
            try:
                source = self._maker.built(data)
            except (msgspec.ValidationError, TypeError):
                return False
            return self._judged(case.act, one, source).outcome is case.verdict.outcome

        made: Data = shrunk(case.data, still)
        return made

    def _random(self, case: object) -> Random:
        return Random(f"{self._seed}:{case}")

    def _judged(self, name: str, act: MappedAct, source: Any) -> Verdict:
        return judge_request(act, self._loaded.files[name], self._partner, source)

    def _answer(self, number: int, sample: Sample, rng: Random) -> Case:
        act, file = self._loaded.acts[sample.act], self._loaded.files[sample.act]
        direction = act.callback if sample.callback else act.answer
        assert direction is not None
        document = mutated(sample.document, direction.target.kind, rng)
        headers = sample.headers if rng.random() < 0.9 else {}
        incoming = Incoming(document, rng.choice(_STATUSES), headers)
        verdict = judge_answer(act, file, self._partner, incoming, sample.sent, sample.callback)
        return Case(number, sample.act, verdict, document)

    def _samples(self) -> list[Sample]:
        return [
            self._sample(name, file, row)
            for name, file in self._loaded.files.items()
            for row in file.tests
            if "answer" in row or "callback" in row
        ]

    def _sample(self, name: str, file: MapFile, row: Mapping[str, str]) -> Sample:
        folder, said = file.path.parent, "answer" if "answer" in row else "callback"
        headers = strict_json((folder / row["protected"]).read_bytes()) if "protected" in row else {}
        sent = None
        if "sent" in row:
            sent = msgspec.json.decode((folder / row["sent"]).read_bytes(), type=self._vocabulary.source)
        return Sample(name, (folder / row[said]).read_bytes(), headers, sent, said == "callback")
