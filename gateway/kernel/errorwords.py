"""What every error code means and what to do about it, in Chinese and English: the one table, ``errors.tsv``.

docs/errors.md is held against it, every refusal says from it what it says in Chinese, and the doors serve it by code.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from gateway.kernel.errors import LianpeiError

FILE = Path(__file__).with_name("errors.tsv")
WHO = {"hospital": "医院", "insurer": "保险公司", "operator": "运维", "developer": "开发", "both": "双方"}
"""Who acts, by its English name."""
PAGES = "/errors/"
"""Where a door explains a code; a problem's ``type`` leads there."""


class Words(NamedTuple):
    who: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@cache
def error_words() -> Mapping[str, Words]:
    rows = (line.split("\t") for line in FILE.read_text("utf-8").splitlines()[1:])
    return MappingProxyType({code: Words(*words) for code, *words in rows})


def in_chinese(code: str) -> str:
    """What is wrong and what to do; a code without words is told as a mistake of ours."""
    words = error_words().get(code) or error_words()["internal"]
    return f"{words.zh}。{words.remedy_zh}。"


def explained(code: str) -> dict[str, Any] | None:
    """All that is known of a code, for whoever looks it up."""
    words = error_words().get(code)
    if words is None:
        return None
    return {
        "code": code,
        "meaning": {"zh": words.zh, "en": words.en},
        "who_acts": {"zh": WHO[words.who], "en": words.who},
        "what_to_do": {"zh": words.remedy_zh, "en": words.remedy_en},
    }


def said(error: LianpeiError) -> dict[str, Any]:
    """An error as whoever must act reads it; what it has nothing to say about is left out."""
    told = {"code": error.error_code, "title": error.message, "zh": in_chinese(error.error_code)}
    more = {"hint": error.hint, "fields": error.fields, "errors": error.errors}
    return told | {name: value for name, value in more.items() if value}


def problem_document(status: int, told: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 9457, of what ``said`` says."""
    return {"type": PAGES + told["code"], "status": status, **told}
