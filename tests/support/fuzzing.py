"""The fuzzers of every shipped folder, as tests use them."""

from gateway.mapping.fuzz.run import Case, FolderFuzz
from support.folders import READING, WRITING, loaded, place_of

__all__ = ["READING", "WRITING", "findings", "fuzz_of", "loaded", "place_of"]


def fuzz_of(folder: str, seed: int) -> FolderFuzz:
    place = place_of(folder)
    return FolderFuzz(loaded(folder), place.vocabulary, place.constants, place.refs, seed)


def findings(cases: list[Case]) -> list[str]:
    return [f"{case.act} case {case.number}: {case.verdict}" for case in cases if case.verdict.is_finding]
