"""The catalogue of faults is whole: every case is in the table, has a test that bears its number, and names tests that exist."""

import pytest
from support.fault_cases import CASES, DOCUMENT, numbered_tests, rewritten, rows

TEXT = DOCUMENT.read_text("utf-8")


def test_every_case_has_a_row_that_says_what_is_expected() -> None:
    told = rows(TEXT)
    assert len(CASES) == 88
    assert list(told) == CASES
    assert [case for case, (fault, expected, _) in told.items() if len(fault) < 4 or len(expected) < 4] == []


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_test_that_bears_its_number(case: str) -> None:
    assert numbered_tests().get(case), f"no test_{case.lower()}_… under tests/faults"


def test_no_test_bears_a_number_that_is_no_case() -> None:
    assert set(numbered_tests()) <= set(CASES)


def test_the_table_names_the_tests_that_there_are() -> None:
    assert rewritten(TEXT) == TEXT, "run: python tests/support/fault_cases.py"
