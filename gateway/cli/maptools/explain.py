"""``map explain``: for each value of a message where it comes from and which line of the mapping says so."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.cli.maptools.place import find_place
from gateway.cli.maptools.sample import Opened, body_of, incoming_for, open_act, source_of
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.cli.table import width
from gateway.mapping.explain import Row, explain_answer, explain_callback, explain_reading, explain_request
from gateway.mapping.explain.act import Explained

_EXAMPLES = """lianpei map explain package/settle
lianpei map explain package/settle --in sample.json --json
lianpei map explain package/settle --answer answer.json
lianpei map explain fhir-r4 --in body.json"""
_WIDEST = 44


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "explain", "where each value of a message comes from 每个值的来源", _EXAMPLES)
    one.add_argument(
        "--in", dest="source", type=Path, metavar="FILE", help="a dispatch as JSON, or a hospital's document"
    )
    one.add_argument("--answer", type=Path, metavar="FILE", help="explain how this answer (or callback) is read")
    one.add_argument("--reading", action="store_true", help="explain the answer of the act's own tests")
    one.add_argument("--sent", type=Path, metavar="FILE", help="the dispatch that was answered")
    one.add_argument("--status", type=int, default=200, help="HTTP status of the answer (200)")
    add_json(one)
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    opened = open_act(find_place(chosen.place, chosen.mappings))
    made = explained(opened, chosen)
    if chosen.json:
        print(json.dumps([asdict(row) for row in made.rows], ensure_ascii=False, indent=2))
    else:
        print(table(made.rows, opened.file.path))
    return 0


def explained(opened: Opened, chosen: argparse.Namespace) -> Explained:
    place, result = opened.place, opened.place.vocabulary.result
    assert result is not None
    if opened.act is None:
        return explain_reading(opened.file, result, body_of(opened, chosen.source))
    reads = chosen.answer is not None or chosen.reading or opened.act.request is None
    if not reads:
        return explain_request(opened.file, place.constants, source_of(opened, chosen.source))
    incoming, sent, callback = incoming_for(opened, chosen)
    direction = opened.act.callback if callback else opened.act.answer
    assert direction is not None
    if callback:
        return explain_callback(opened.file, place.constants, result, direction.target, incoming)
    return explain_answer(opened.file, place.constants, result, direction.target, incoming, sent)


def table(rows: tuple[Row, ...], file: Path) -> str:
    """One line per value: target, value, source fields, line of the mapping."""
    head = ("target 目标", "value 值", "from 来源", file.name)
    cells = [(row.target, _value(row), ", ".join(row.sources) or _constant(row), str(row.line)) for row in rows]
    widths = [min(_WIDEST, max(width(line[at]) for line in (head, *cells))) for at in range(3)]
    return "\n".join(
        "  ".join(_padded(*pair) for pair in zip(line, (*widths, 0), strict=True)) for line in (head, *cells)
    )


def _value(row: Row) -> str:
    return "null" if row.value is None else row.value.replace("\n", "⏎") or "(empty 空)"


def _constant(row: Row) -> str:
    return "(constant 常量)" if row.expression.startswith("=") else row.expression


def _padded(text: str, size: int) -> str:
    """Cut in the middle when too long, filled with blanks when short; a Chinese character takes two columns."""
    if not size:
        return text
    if len(text) > 2 * size:
        text = text[:size] + "…" + text[-size:]
    while width(text) > size:
        middle = len(text) // 2
        text = text[: middle - 1] + "…" + text[middle + 1 :]
    return text + " " * (size - width(text))
