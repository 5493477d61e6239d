"""Odd but valid claims and broken answers through every shipped mapping, with both back ends.

A message that its own schema accepts, or a refusal that names the field; a result, or a clean refusal; never anything else.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from support.fuzzing import READING, WRITING, findings, fuzz_of, loaded, place_of

from gateway.kernel.errors import LianpeiError
from gateway.mapping import Incoming, load_reader
from gateway.mapping.fuzz.answers import mutated
from gateway.mapping.fuzz.verdict import Outcome

SHORT, LONG = 14, 2000
THOUSAND = 2
"""The case with a thousand lines."""


def judged(folder: str, seed: int, numbers: Iterable[int]) -> Counter[str]:
    """How many messages of each act were made. Fails at the first finding."""
    fuzz = fuzz_of(folder, seed)
    made: Counter[str] = Counter()
    for number in numbers:
        for case in fuzz.requests(range(number, number + 1)):
            assert not findings([case]), f"seed {seed}"
            made[case.act] += case.verdict.outcome is Outcome.MADE
    return made


def refused_always(made: Counter[str]) -> set[str]:
    """Acts of which nothing came through: they prove nothing."""
    return {act for act, count in made.items() if not count}


@pytest.mark.parametrize("folder", WRITING)
def test_valid_sources_make_valid_messages_or_named_refusals(folder: str) -> None:
    made = judged(folder, 1, [number for number in range(SHORT) if number != THOUSAND])
    assert refused_always(made) == set()


@pytest.mark.parametrize("folder", WRITING)
def test_a_thousand_lines_are_made_or_refused_by_name(folder: str) -> None:
    """The longest mapping of the folder stands for all; the long form runs each."""
    files = loaded(folder).files
    longest = max(
        files, key=lambda name: (loaded(folder).acts[name].request is not None, files[name].path.stat().st_size)
    )
    assert findings(list(fuzz_of(folder, 1).requests(range(THOUSAND, THOUSAND + 1), longest))) == []


@pytest.mark.parametrize("folder", WRITING)
def test_broken_answers_give_a_result_or_a_clean_refusal(folder: str) -> None:
    assert findings(list(fuzz_of(folder, 1).answers(range(SHORT)))) == []


@pytest.mark.long
@pytest.mark.parametrize("folder", WRITING)
def test_two_thousand_sources_for_every_act(folder: str) -> None:
    assert refused_always(judged(folder, Random().randrange(10**6), range(LONG))) == set()


@pytest.mark.long
@pytest.mark.parametrize("folder", WRITING)
def test_two_thousand_broken_answers_for_every_sample(folder: str) -> None:
    seed = Random().randrange(10**6)
    assert findings(list(fuzz_of(folder, seed).answers(range(LONG)))) == [], f"seed {seed}"


def broken_documents(name: str, count: int, seed: int) -> Counter[str]:
    """What a hospital format makes of its own examples gone wrong: a typed bill, or a refusal."""
    place = place_of(f"hospitals/{name}")
    reader = load_reader(place.folder / "visit.yaml", place.vocabulary)
    bodies = sorted(place.folder.glob("examples/*.body.*"))
    outcomes: Counter[str] = Counter()
    for number in range(count):
        for body in bodies:
            rng = Random(f"{seed}:{number}:{body.name}")
            document = mutated(body.read_bytes(), reader.kind, rng)
            try:
                msgspec.convert(reader.read(Incoming(document)), place.vocabulary.result)
                outcomes["made"] += 1
            except (LianpeiError, msgspec.ValidationError):
                outcomes["refused"] += 1
    return outcomes


@pytest.mark.parametrize("name", READING)
def test_broken_hospital_documents_are_read_or_refused(name: str) -> None:
    assert set(broken_documents(name, SHORT * 2, seed=1)) == {"made", "refused"}


@pytest.mark.long
@pytest.mark.parametrize("name", READING)
def test_two_thousand_broken_hospital_documents(name: str) -> None:
    broken_documents(name, LONG, seed=Random().randrange(10**6))
