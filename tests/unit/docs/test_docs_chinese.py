"""Pages in two languages say the same: docs/X.zh-CN.md has the code, literals, numbers, tables and links of docs/X.md.

What stands between them is prose, which no test can compare: a change of one page alone is seen where it names anything.
"""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"
CHINESE = sorted(DOCS.glob("*.zh-CN.md"))
_BLOCK = re.compile(r"^```(.*?)^```", re.S | re.M)
_COMMENT = re.compile(r"\s+# .*$", re.M)
_HEADING = re.compile(r"^#+ ", re.M)
_NAMED = (
    re.compile(r"`[^`\n]+`"),
    re.compile(r"\b[a-z]+(?:_[a-z]|[A-Z])\w*", re.A),
    re.compile(r"\d[\d,.]*(?<=\d)"),
)

pytestmark = pytest.mark.parametrize("chinese", CHINESE, ids=lambda path: path.name)


def english(chinese: Path) -> Path:
    return chinese.with_name(chinese.name.replace(".zh-CN", ""))


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text("utf-8"))


def blocks(page: Path) -> list[str]:
    return [_COMMENT.sub("", block) for block in _BLOCK.findall(page.read_text("utf-8"))]


def named(text: str) -> set[str]:
    """Literals (paths, headers, codes), fields without backticks (in tables), and numbers: limits, times, statuses."""
    return {name for form in _NAMED for name in form.findall(text)}


def sections(page: Path) -> list[tuple[int, set[str]]]:
    """The level of each heading, and what its section names."""
    text = prose(page)
    starts = [found.start() for found in _HEADING.finditer(text)]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [(len(part) - len(part.lstrip("#")), named(part)) for part in parts]


def rows(page: Path) -> list[tuple[int, set[str]]]:
    """The cells of each table row, and what it names."""
    return [(line.count("|"), named(line)) for line in prose(page).splitlines() if line.startswith("|")]


def links(page: Path) -> list[str]:
    return sorted(target.replace(".zh-CN", "") for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)))


def test_the_code_is_the_same(chinese: Path) -> None:
    assert blocks(chinese) == blocks(english(chinese))


def test_each_section_names_the_same(chinese: Path) -> None:
    assert sections(chinese) == sections(english(chinese))


def test_each_table_row_names_the_same(chinese: Path) -> None:
    assert rows(chinese) == rows(english(chinese))


def test_the_links_are_the_same(chinese: Path) -> None:
    assert links(chinese) == links(english(chinese))


def test_each_page_leads_to_the_other(chinese: Path) -> None:
    assert f"[English]({english(chinese).name})" in prose(chinese)
    assert f"[中文]({chinese.name})" in prose(english(chinese))


def test_a_chinese_reader_is_led_to_the_chinese_pages(chinese: Path) -> None:
    in_english = {other.name.replace(".zh-CN", "") for other in CHINESE} - {english(chinese).name}
    targets = set(re.findall(r"\]\(([^)#\s]+)", prose(chinese)))
    assert targets & in_english == set()
