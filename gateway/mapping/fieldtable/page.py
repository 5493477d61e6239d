"""The table as one HTML page: no script, no other file, Chinese and English, readable on paper too."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from gateway.mapping.fieldtable.rows import ActTable, Row, Section
from gateway.mapping.tables import Table

_TITLES = {
    "request": "请求 Request",
    "answer": "应答 Answer",
    "callback": "回调 Callback",
    "reply": "回调的回复 Reply",
    "result": "结果 Result",
}
_READS = ("answer", "callback", "result")


def page(
    names: Mapping[str, str], facts: Mapping[str, str], acts: Sequence[ActTable], faults: Mapping[str, Any]
) -> str:
    """``names``: zh, en, code. ``facts``: what stands at the head. ``faults``: the partner's code to zh, en, who."""
    style = files("gateway.mapping.fieldtable").joinpath("page.css").read_text("utf-8")
    toc = "".join(f'<a href="#{escape(act.name)}">{escape(act.name)}</a>' for act in acts)
    head = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in facts.items())
    title = f"{escape(names['zh'])} {escape(names['en'])}"
    toc += '<a href="#faults">错误码 Codes</a>' if faults else ""
    parts = (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">',
        f'<title>{title} · 字段对照</title><meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>\n{style}</style></head>\n<body>",
        f'<header><p class="code">{escape(names["code"])}</p><h1>{escape(names["zh"])}</h1>',
        f'<p class="en">{escape(names["en"])}</p><dl>{head}</dl></header>\n<nav>{toc}</nav>\n<main>',
        *map(_act, acts),
        _faults(faults) if faults else "",
        "</main></body></html>\n",
    )
    return "\n".join(parts)


def _act(act: ActTable) -> str:
    facts = " · ".join(escape(part) for part in (act.call, act.target, f"version {act.version}") if part)
    tables = "".join(_table(name, table) for name, table in act.tables.items())
    return (
        f'<section id="{escape(act.name)}"><h2>{escape(act.name)}</h2>'
        f'<p class="about">{escape(act.about)}</p><p class="facts">{facts}</p>\n'
        + "\n".join(map(_section, act.sections))
        + (f'<h3>代码表 Code tables</h3><div class="tables">{tables}</div>' if tables else "")
        + "</section>"
    )


def _section(section: Section) -> str:
    heads = (
        ("结果 Result", "来源 From the partner") if section.title in _READS else ("目标字段 Target", "来源字段 Source")
    )
    rows = "".join(map(_row, section.rows))
    given = _given(section.given) if section.given else ""
    return (
        f"<h3>{_TITLES[section.title]}</h3>\n<table><thead><tr><th>{heads[0]}</th><th>{heads[1]}</th>"
        f"<th>规则 Rule</th><th>条件 When</th></tr></thead>\n<tbody>{rows}</tbody></table>{given}"
    )


def _row(row: Row) -> str:
    name = f'<span class="name">{"@" if row.attribute else ""}{escape(row.name)}</span>'
    marks = ('<abbr title="有值才有 left out when absent">?</abbr>' if row.optional else "") + (
        '<abbr title="重复 repeats">×n</abbr>' if row.each else ""
    )
    zh = f'<span class="zh">{escape(row.zh)}</span>' if row.zh else ""
    kind = "" if row.rule else ' class="group"'
    return (
        f'<tr{kind}><td style="padding-left:{0.7 + 1.1 * row.depth:.1f}em">{name}{marks}{zh}</td>'
        f"<td>{_from(row)}</td><td>{_rule(row)}</td><td>{_code(row.when)}</td></tr>\n"
    )


def _from(row: Row) -> str:
    if row.constant is not None:
        return f'<span class="constant">{escape(row.constant) or "（空 empty）"}</span>'
    made = (
        f'<span class="source">{f"<b>{escape(one.zh)}</b> " if one.zh else ""}<i>{escape(one.path)}</i></span>'
        for one in row.sources
    )
    return "".join(made)


def _rule(row: Row) -> str:
    note = f'<span class="note">{escape(row.note)}</span>' if row.note else ""
    if row.constant is not None:
        return '<span class="note">固定值 constant</span>'
    plain = len(row.sources) == 1 and row.sources[0].path == row.rule
    return _code(row.each or ("" if plain else row.rule)) + note


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


def _given(rows: Iterable[Row]) -> str:
    body = "".join(
        f"<tr>{_cells(f'<span class=name>{escape(row.name)}</span>', _from(row), _code(row.rule))}</tr>" for row in rows
    )
    head = "<tr><th>名称 Name</th><th>来源字段 Source</th><th>规则 Rule</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f"<details open><summary>中间值 Named values</summary>{table}</details>"


def _cells(*cells: str) -> str:
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _table(name: str, table: Table) -> str:
    rows = "".join(f"<tr><td>{escape(ours)}</td><td>{escape(theirs)}</td></tr>" for ours, theirs in table.rows.items())
    if table.default is not None:
        rows += f'<tr class="else"><td>其他 else</td><td>{escape(table.default) or "（空）"}</td></tr>'
    return f"<table><caption>{escape(name)}</caption><tbody>{rows}</tbody></table>"


def _faults(faults: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr>{_cells(_code(code), escape(fault.zh), escape(fault.en), escape(fault.who))}</tr>"
        for code, fault in faults.items()
    )
    head = "<tr><th>对方代码 Code</th><th>含义</th><th>Meaning</th><th>由谁处理 Who acts</th></tr>"
    return (
        '<section id="faults"><h2>错误码 Codes</h2>'
        '<p class="about">未列出的代码视为结果未知 · a code that is not listed means unknown</p>'
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></section>"
    )
