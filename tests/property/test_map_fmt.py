"""`lianpei map fmt`: the same meaning before and after, the same text the second time, and no comment lost."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.mapping.errors import MistakeError
from gateway.mapping.layout import formatted, meaning

SHIPPED = sorted(Path("mappings").rglob("*.yaml"))
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12)
WORDS = st.sampled_from(
    ["01", "NO", "12:30", "=x", "patient.name", "null", "~", "1e3", "2025-01-01", "a b", "?", "Name?", "x@"]
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def block(pairs: list[tuple[str, str]], depth: int) -> str:
    return "".join(f"{'  ' * depth}{key}:{value}\n" for key, value in pairs)


SCALARS = st.one_of(WORDS.filter(lambda w: w != "?"), TEXT.map(quoted))
FLOWS = st.lists(
    st.tuples(WORDS.filter(lambda w: w[-1] not in "?~"), SCALARS), max_size=4, unique_by=lambda pair: pair[0]
).map(lambda pairs: "{" + ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in pairs) + "}")
COMMENTS = st.sampled_from(["", "  # why", "   #  说明"])
ROWS = st.tuples(TEXT.map(quoted), st.one_of(SCALARS, FLOWS, FLOWS.map(lambda f: f"[{f}, {f}]")), COMMENTS)


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = ["# head"] if draw(st.booleans()) else []
    for name in draw(st.lists(st.sampled_from(["tables", "let", "request", "answer"]), min_size=1, unique=True)):
        lines += [""] * draw(st.integers(0, 3))
        lines.append(f"{name}:")
        rows = draw(st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda row: row[0]))
        lines += [f"{' ' * 3}{key}:  {value}{comment}" for key, value, comment in rows]
        lines += (
            ["   # between", "   more:", "   - {a: b}", "   -   c: d", "       e: f"] if draw(st.booleans()) else []
        )
    return "\n".join(lines) + "\n"


def remarks(text: str) -> list[str]:
    return re.findall(r"#\s*(?:head|why|说明|between)", text)


@settings(max_examples=60, deadline=None)
@given(text=files())
def test_meaning_and_comments_stay_and_a_second_time_changes_nothing(text: str) -> None:
    once = formatted(text)
    assert meaning(once) == meaning(text)
    assert formatted(once) == once
    assert sorted(re.sub(r"\s", "", r) for r in remarks(once)) == sorted(re.sub(r"\s", "", r) for r in remarks(text))


@pytest.mark.parametrize("file", SHIPPED, ids=str)
def test_shipped_files_keep_their_meaning(file: Path) -> None:
    text = file.read_text("utf-8")
    once = formatted(text)
    assert meaning(once) == meaning(text)
    assert formatted(once) == once
    assert once.count("#") == text.count("#")


def test_the_layout() -> None:
    wide = ", ".join(f"code_{n}: value_{n}" for n in range(12))
    ours = (
        "# head\n\n\n\ntables:\n    short:   {  a:  b,c: d }\n    wide: {WIDE}\nrows:\n- {a: b}\n- c: '=1'\n  d: 01\n"
    )
    rows = "".join(f"    code_{n}: value_{n}\n" for n in range(12))
    tidy = "# head\n\ntables:\n  short: {a: b, c: d}\n  wide:\nROWSrows:\n  - {a: b}\n  - c: '=1'\n    d: 01\n"
    assert formatted(ours.replace("WIDE", wide)) == tidy.replace("ROWS", rows)


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x\n", "a: 1\na: 2\n", "<<: {a: 1}\n", "- a\n", "a: !!int 1\n"])
def test_a_file_with_mistakes_is_left_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(MistakeError):
        formatted(text)
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert main(["map", "fmt", str(file)]) == 1
    assert file.read_text() == text


def test_check_names_the_files_and_changes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "act.yaml"
    file.write_text("a:   1\n")
    assert main(["map", "fmt", "--check", str(tmp_path)]) == 1
    assert "would change" in capsys.readouterr().out
    assert file.read_text() == "a:   1\n"
    assert main(["map", "fmt", str(tmp_path)]) == 0
    assert file.read_text() == "a: 1\n"
    assert main(["map", "fmt", "--check", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == [file]
