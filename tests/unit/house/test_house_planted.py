"""Planted bugs of the simulation move with the code: one that no longer finds its line would prove nothing."""

import pytest

from simulation.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_bug_finds_its_line(mutant: Mutant) -> None:
    with mutant.planted():
        pass
