"""The report of an examination: points, evidence and what to mend, as text, JSON and one HTML page (zh and en)."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from gateway.cli.conformance.case import Case, Finding, Mark

_SIGNS = {Mark.FULL: "✓", Mark.LOST: "✗", Mark.NOT_APPLICABLE: "–"}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem;text-align:left;"
    "vertical-align:top}.lost{background:#fde8e8}.not-applicable{color:#777}small{color:#555}"
)


@dataclass(frozen=True, slots=True)
class Report:
    insurer: str
    zh: str
    en: str
    at: datetime
    results: tuple[tuple[Case, Finding], ...]
    note: str = ""
    """What lies behind lost points without being the partner's fault."""

    @property
    def possible(self) -> int:
        return sum(case.points for case, found in self.results if found.mark is not Mark.NOT_APPLICABLE)

    @property
    def score(self) -> int:
        return sum(case.points for case, found in self.results if found.mark is Mark.FULL)

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(case.name for case, found in self.results if found.mark is Mark.LOST)

    def as_json(self) -> dict[str, Any]:
        """``{insurer, at, score, possible, note, cases: [{name, points, mark, zh, en, evidence, mend}]}``; mend if any was lost."""
        return {
            "insurer": self.insurer,
            "names": {"zh": self.zh, "en": self.en},
            "at": self.at.isoformat(timespec="seconds"),
            "score": self.score,
            "possible": self.possible,
            "note": self.note,
            "cases": [_case(case, found) for case, found in self.results],
        }

    def as_text(self) -> str:
        lines = [f"{self.insurer} {self.zh} · {self.en}: {self.score} of {self.possible} points 得分"]
        if self.note:
            lines.append(f"! {self.note}")
        for case, found in self.results:
            lines.append(f"{_SIGNS[found.mark]} {case.name:<15} {case.points}  {case.zh} · {case.en}")
            lines += [f"      {fact}" for fact in found.evidence]
            if found.mark is Mark.LOST:
                lines.append(f"      → {case.mend_zh}。{case.mend_en}.")
        return "\n".join(lines)

    def as_html(self) -> str:
        title = f"{self.insurer} {self.zh} · {self.en}"
        rows = "".join(_row(case, found) for case, found in self.results)
        return (
            f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
            f"<h1>接口符合性报告 Conformance report</h1><p><b>{escape(title)}</b><br>{self.at:%Y-%m-%d %H:%M:%S %z}</p>"
            f"<p><b>{self.score} / {self.possible}</b> 分 points</p>{f'<p>{escape(self.note)}</p>' if self.note else ''}"
            "<table><tr><th></th><th>项目 case</th><th>分 points</th><th>证据 evidence</th><th>改进 what to mend</th></tr>"
            f"{rows}</table></html>\n"
        )


def _case(case: Case, found: Finding) -> dict[str, Any]:
    told = {
        "name": case.name,
        "points": case.points,
        "mark": found.mark.value,
        "zh": case.zh,
        "en": case.en,
        "evidence": list(found.evidence),
    }
    return told | ({"mend": {"zh": case.mend_zh, "en": case.mend_en}} if found.mark is Mark.LOST else {})


def _row(case: Case, found: Finding) -> str:
    mend = f"{escape(case.mend_zh)}<br>{escape(case.mend_en)}" if found.mark is Mark.LOST else ""
    facts = "<br>".join(escape(fact) for fact in found.evidence)
    return (
        f'<tr class="{found.mark.value}"><td>{_SIGNS[found.mark]}</td>'
        f"<td>{escape(case.zh)}<br>{escape(case.en)}<br><small>{case.name}</small></td>"
        f"<td>{case.points}</td><td>{facts}</td><td>{mend}</td></tr>"
    )
