"""One book as a page that people read (zh and en) and as a table for their own tools. Ids, states and amounts only."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.money import yuan

WORDS = {
    "only_ours": ("仅我方有", "only in our book"),
    "only_theirs": ("仅对方有", "only in their book"),
    "amount_differs": ("金额不一致", "amounts differ"),
    "state_differs": ("状态不一致", "states differ"),
    "roll_over": ("跨日", "rolled over midnight"),
    "locked": ("已锁账，未对账", "locked, not compared"),
    "no_file": ("对方无文件", "no file came"),
    "equal": ("一致", "equal"),
    "differs": ("有差异", "differs"),
    "closed": ("差异已了结", "every difference is closed"),
    "open": ("待处理", "open"),
    "carried": ("顺延次日", "carried to the next day"),
    "pay": ("赔付", "payment"),
    "refund": ("退回", "refund"),
    "done": ("成功", "done"),
    "refused": ("拒绝", "refused"),
    "unknown": ("未知", "unknown"),
    "ours": ("我方", "ours"),
    "peer": ("对方", "theirs"),
    "hospital": ("医院", "hospital"),
}
COLUMNS = ("item_id", "side", "class", "state", "kind", "order_id", "claim_id", "act_id", "line_number")
AMOUNTS = ("ours_standing", "ours_fen", "theirs_standing", "theirs_fen", "gap_fen", "owner", "reason")

_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans SC',sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}small{color:#666}"
)


def said(word: str) -> str:
    zh, en = WORDS.get(word, (word, ""))
    return f"{zh} {en}".strip()


def as_csv(story: Mapping[str, Any]) -> bytes:
    """Every difference of a book, one a line, amounts in 分; with BOM so that spreadsheets read it as UTF-8."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow([*COLUMNS, *AMOUNTS])
    for item in story["items"]:
        out.writerow([_plain(item[name]) for name in (*COLUMNS, *AMOUNTS)])
    return ("\ufeff" + text.getvalue()).encode()


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Where spreadsheets see a formula begin (OWASP, CSV injection)."""


def _plain(value: Any) -> Any:
    """No cell that a spreadsheet would take for a formula."""
    return "'" + value if isinstance(value, str) and value[:1] in _FORMULA else value


def as_html(story: Mapping[str, Any]) -> bytes:
    """One page without scripts; amounts in 元."""
    title = f"{story['day']} {story['peer']} · {story['hospital']}"
    body = [
        f"<h1>对账 Reconciliation<br><small>{escape(title)}</small></h1>",
        f"<p><b>{escape(said(story['state']))}</b> · {escape(story['recon_id'])} · "
        f"锁账 locked {_moment(story['locked_at'])} · 调整 adjusted {yuan(story['adjusted_fen'])} 元</p>",
        _table(["账 book", "动作 act", "结果 state", "笔数 count", "金额 amount (元)"], map(_total, story["totals"])),
    ]
    if story["items"]:
        heads = [
            "差异 difference",
            "账 book",
            "类别 class",
            "状态 state",
            "编号 ids",
            "我方 ours",
            "对方 theirs",
            "经办 owner",
            "原因 reason",
        ]
        body += ["<h2>差异 Differences</h2>", _table(heads, map(_item, story["items"]))]
    if story["entries"]:
        heads = [
            "分录 entry",
            "差异 difference",
            "处理 action",
            "金额 amount (元)",
            "依据 evidence",
            "提出 proposed",
            "批准 settled",
        ]
        body += ["<h2>更正分录 Entries</h2>", _table(heads, map(_entry, story["entries"]))]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="zh">{head}<body>{"".join(body)}</body></html>'.encode()


def _total(one: Mapping[str, Any]) -> list[str]:
    return [said(one["side"]), said(one["kind"]), said(one["standing"]), str(one["count"]), yuan(one["amount_fen"])]


def _item(one: Mapping[str, Any]) -> list[str]:
    ids = " ".join(one[name] for name in ("order_id", "claim_id", "act_id") if one[name])
    line = f"文件第{one['line_number']}行 line {one['line_number']}" if one["line_number"] else ""
    sides = [_amount(one[f"{side}_standing"], one[f"{side}_fen"]) for side in ("ours", "theirs")]
    named = [one["item_id"], said(one["side"]), said(one["class"]), said(one["state"]), f"{ids} {line}".strip()]
    return [*named, *sides, one["owner"], one["reason"]]


def _amount(standing: str, amount: int) -> str:
    return f"{said(standing)} {yuan(amount)}" if standing else "–"


def _entry(one: Mapping[str, Any]) -> list[str]:
    settled = f"{one['state']} {one['settled_by']}".strip()
    return [
        one["entry_id"], one["item_id"], one["action"], yuan(one["amount"]), one["evidence"], one["proposed_by"], settled
    ]  # fmt: skip


def _table(heads: list[str], lines: Any) -> str:
    top = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><tr>{top}</tr>{body}</table>"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, SHANGHAI).isoformat(sep=" ", timespec="minutes")
