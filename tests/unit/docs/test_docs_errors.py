"""docs/errors.md lists exactly the codes that the rooms can tell, each with what it means, who acts and what to do.

A new code goes into gateway/kernel/errors.tsv and, in the same words, into the table of its section.
"""

import ast
import re

import pytest
from docs_codes import ROOT, claim_reasons, mistake_codes, module_codes, source_codes

from gateway.kernel.errorwords import WHO, error_words

_ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \| (.+) \|$", re.M)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ENGLISH = re.compile(r"[a-z]{3}")


def rows() -> list[tuple[str, ...]]:
    return [found.groups() for found in _ROW.finditer((ROOT / "docs" / "errors.md").read_text("utf-8"))]


def test_every_code_of_the_source_is_documented() -> None:
    assert (source_codes() | claim_reasons()) - {row[0] for row in rows()} == set()


def test_no_documented_code_is_stale() -> None:
    assert {row[0] for row in rows()} - source_codes() - claim_reasons() == set()


def test_the_page_says_of_a_code_what_the_doors_say() -> None:
    """A reason on a claim may have the name of an error; the error comes first."""
    page: dict[str, tuple[str, ...]] = {}
    for code, *told in rows():
        page.setdefault(code, tuple(told))

    assert page == {
        code: (f"{one.zh}； {one.en}", f"{one.who} {WHO[one.who]}", f"{one.remedy_zh}。{one.remedy_en}")
        for code, one in error_words().items()
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_code_says_meaning_and_remedy_in_both_languages(row: tuple[str, ...]) -> None:
    _, meaning, who, remedy = row
    assert _CHINESE.search(meaning)
    assert _ENGLISH.search(meaning)
    assert _CHINESE.search(who)
    assert _ENGLISH.search(remedy)


def test_the_page_of_the_check_lists_exactly_the_mistakes_that_it_can_tell() -> None:
    text = (ROOT / "docs" / "mapping-check.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| .+ \| .+ \| .+ \|$", text, re.M)

    assert sorted(listed) == sorted(mistake_codes())


def test_the_collector_sees_each_way_of_telling_a_code() -> None:
    source = """
from gateway.kernel.outcome import Unknown
class Wrong(Base):
    code = "by-class"
def refused(code: str, told: str): return Base(told, code=code)
def told():
    refused("by-position", "no")
    raise Base("no", code="by-keyword")
    return Unknown("by-outcome")
"""
    assert module_codes(ast.parse(source)) == {"by-class", "by-position", "by-keyword", "by-outcome"}
