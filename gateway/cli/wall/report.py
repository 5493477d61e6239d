"""What a run of the wall came to, for an auditor: the same facts as JSON, Markdown and a page that needs nothing else."""

import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from gateway.cli.wall.places import Place
from gateway.cli.wall.play import Run
from gateway.sandbox.hospital.labels import Form, sensitive_leaves
from gateway.sandbox.hospital.marks import bare_leaves

Row: TypeAlias = tuple[Any, ...]


class Table(NamedTuple):
    heading: str
    head: Row
    rows: list[Row]


TITLE = "隔离墙检查报告 · Report on the wall"
READINGS = (
    "原文 as it is",
    "倒序 reversed",
    "UTF-16",
    "十六进制 hex",
    "Base64 (also URL-safe)",
    "转义 escapes (\\u, %, &#)",
    "gzip, zlib, zstd",
    "MD5, SHA-1, SHA-256, SHA-512 in hex",
)
LIMITS = (
    "枚举、数值和是否类字段放不下埋点, 由支付侧的封闭结构保证 (见字段表)。"
    " Codes, numbers and flags can hold no mark; the closed payment schemas keep them out (see the leaves with 0 marks).",
    "内存和已删除的临时文件不在搜索范围。 Memory and temporary files that were deleted before the search are not searched.",
    "加盐或截断的摘要无法识别。 A salted or shortened hash of a text would not be recognised.",
    "所有数据和对方均为合成。 All data and all partners are synthetic.",
)


def empty_places(places: Iterable[Place]) -> list[str]:
    """Where nothing was, so that finding nothing there proves nothing. A table is one place."""
    sizes: Counter[str] = Counter()
    for place in places:
        is_column = ": " in place.name and "." in place.name
        sizes[place.name.rpartition(".")[0] if is_column else place.name] += len(place.data)
    return [name for name, size in sizes.items() if not size]


def facts(run: Run, form: str, version: str) -> dict[str, Any]:
    """The report as data."""
    found = Counter(finding.place for finding in run.findings)
    marks = Counter(run.marks.texts.values())
    return {
        "report": TITLE,
        "at": run.at.isoformat(timespec="seconds"),
        "version": version,
        "form": form,
        "ok": run.ok,
        "planted": {
            "marks": run.marks.count,
            "days_and_times": len(run.marks.moments),
            "seen_in_opened_vault": run.sealed,
            "leaves": [
                {"leaf": leaf.path, "label": leaf.label, "form": leaf.form.value, "marks": marks[leaf.path]}
                for leaf in sensitive_leaves()
            ],
            "can_hold_none": [leaf.path for leaf in bare_leaves()],
        },
        "journeys": [
            {"lane": one.journey.lane, "failure": one.journey.failure, "zh": one.journey.zh, "en": one.journey.en}
            | {"ended": one.ended, "as_planned": one.as_planned, "seconds": round(one.seconds, 1)}
            for one in run.played
        ],
        "searched": [
            {"place": place.name, "side": place.side, "bytes": len(place.data), "rows": place.rows}
            | {"findings": found[place.name]}
            for place in run.places
        ],
        "empty": empty_places(run.places),
        "readings": READINGS,
        "findings": [
            {"place": one.place, "leaf": one.leaf, "reading": one.spelling, "mark": one.mark} for one in run.findings
        ],
        "problems": run.problems,
        "limits": LIMITS,
    }


def write(told: dict[str, Any], folder: Path) -> list[Path]:
    """``wall-<time>.json``, ``.md`` and ``.html`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "wall-" + "".join(letter for letter in told["at"][:19] if letter.isalnum())
    texts = {"json": json.dumps(told, ensure_ascii=False, indent=1), "md": markdown(told), "html": page(told)}
    written = []
    for ending, text in texts.items():
        written.append(folder / f"{name}.{ending}")
        written[-1].write_text(text + "\n", "utf-8")
    return written


def markdown(told: dict[str, Any]) -> str:
    return "\n".join(_markdown(told))


def _markdown(told: dict[str, Any]) -> Iterator[str]:
    yield f"# {TITLE}\n"
    yield from (f"- {line}" for line in _summary(told))
    for heading, head, rows in _tables(told):
        yield f"\n## {heading}\n"
        yield f"| {' | '.join(head)} |"
        yield "|" + "---|" * len(head)
        yield from (f"| {' | '.join(str(cell).replace('|', '·') for cell in row)} |" for row in rows)
    yield "\n## 未能覆盖 · What this can't show\n"
    yield from (f"- {line}" for line in told["limits"])


def page(told: dict[str, Any]) -> str:
    """One HTML file: no script, no outside resource."""
    colour = "#176d3b" if told["ok"] else "#a3161d"
    parts = [
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{TITLE}</title>',
        "<style>body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.25rem .6rem;text-align:left}"
        f".verdict{{color:{colour};font-size:1.2rem;font-weight:600}}</style>",
        f"<h1>{TITLE}</h1>",
    ]
    verdict, *summary = _summary(told)
    parts += [f'<p class="verdict">{_safe(verdict)}</p>', _list(summary)]
    for heading, head, rows in _tables(told):
        parts.append(f"<h2>{_safe(heading)}</h2><table><tr>{_cells('th', head)}</tr>")
        parts += [f"<tr>{_cells('td', row)}</tr>" for row in rows]
        parts.append("</table>")
    parts += ["<h2>未能覆盖 · What this can't show</h2>", _list(told["limits"]), "</html>"]
    return "\n".join(parts)


def _summary(told: dict[str, Any]) -> Iterator[str]:
    planted, searched = told["planted"], told["searched"]
    yield (
        "未发现埋点 No mark was found where it has no business"
        if told["ok"]
        else "未通过 NOT PASSED: 见发现与问题 see findings and problems"
    )
    yield f"时间 time: {told['at']}; 版本 version: {told['version']}; 形式 form: {told['form']}"
    yield f"旅程 journeys: {len(told['journeys'])}; 故障类别 classes of failure: {len(_failures(told))}"
    able = len(planted["leaves"]) - len(planted["can_hold_none"])
    yield (
        f"埋点 marks planted: {planted['marks']}, and {planted['days_and_times']} days and times, 覆盖字段 in all {able} "
        f"medical and identity leaves that can hold one (另有 {len(planted['can_hold_none'])} codes, numbers and flags can't); "
        f"加密库中确认 seen in the opened vault: {planted['seen_in_opened_vault']}"
    )
    size, rows = sum(place["bytes"] for place in searched), sum(place["rows"] for place in searched)
    yield f"搜索 searched: {len(searched)} places, {size:,} bytes, {rows:,} values or files; 发现 findings: {len(told['findings'])}"
    if told["empty"]:
        yield f"空的位置, 不能证明什么 empty places, of which nothing is proven: {', '.join(told['empty'])}"
    yield f"读法 read as: {'; '.join(told['readings'])}"


def _failures(told: dict[str, Any]) -> set[str]:
    return {one["failure"] for one in told["journeys"]} - {"none"}


def _tables(told: dict[str, Any]) -> Iterator[Table]:
    if told["findings"]:
        yield Table(
            "发现 · Findings", ("位置 place", "字段 leaf", "读法 reading", "埋点 mark"), _rows(told["findings"])
        )
    if told["problems"]:
        why = "为什么不成立 why this run proves nothing"
        yield Table("问题 · Problems", (why,), [(one,) for one in told["problems"]])
    rows: list[Row] = [
        (one["lane"], one["failure"], f"{one['zh']} {one['en']}", one["ended"], one["seconds"])
        for one in told["journeys"]
    ]
    yield Table("旅程 · Journeys", ("对象 lane", "故障 failure", "旅程 journey", "结果 ended", "秒 s"), rows)
    head = ("位置 place", "侧 side", "字节 bytes", "条数 rows", "发现 findings")
    yield Table("搜索 · Searched", head, _rows(told["searched"]))
    leaves = [_leaf(one, told["planted"]["can_hold_none"]) for one in told["planted"]["leaves"]]
    yield Table("埋点字段 · Leaves", ("字段 leaf", "标签 label", "形式 form", "埋点 marks"), leaves)


def _leaf(one: dict[str, Any], bare: list[str]) -> Row:
    """Without marks for a reason, which an auditor need not look up."""
    marks: object = one["marks"]
    if one["leaf"] in bare:
        marks = "放不下 can hold none: lock 3"
    elif one["form"] in (Form.DAY, Form.INSTANT):
        marks = "按日期时间搜索 searched as day or time"
    return one["leaf"], one["label"], one["form"], marks


def _rows(found: Iterable[dict[str, Any]]) -> list[Row]:
    return [tuple(one.values()) for one in found]


def _safe(text: object) -> str:
    return html.escape(str(text))


def _cells(tag: str, cells: Iterable[object]) -> str:
    return "".join(f"<{tag}>{_safe(cell)}</{tag}>" for cell in cells)


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</ul>"
