"""``map preview``: the message as it would be sent, before it is sealed, laid out for reading, with what to look at."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gateway.claims.partners.manifest import load_manifest
from gateway.cli.maptools.place import find_place
from gateway.cli.maptools.sample import Opened, open_act, source_of, told
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.mapping.api import Outgoing
from gateway.mapping.compare.layout import laid_out
from gateway.mapping.explain import Row, explain_request

_EXAMPLES = """lianpei map preview package/settle
lianpei map preview package/settle --in sample.json"""
_MOST = 5


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "preview", "the message as it would be sent 预览将要发送的报文", _EXAMPLES)
    one.add_argument("--in", dest="source", type=Path, metavar="FILE", help="a dispatch as JSON (default: own example)")
    add_json(one)
    one.set_defaults(run=_run)


@dataclass(frozen=True, slots=True)
class Preview:
    """One message before its seal. ``refused`` says why it would not be sent; ``text`` is what would have been."""

    head: str
    headers: dict[str, str]
    protected: dict[str, Any]
    correlation: str
    size: int
    text: str
    refused: str = ""
    warnings: list[str] = field(default_factory=list)


def _run(chosen: argparse.Namespace) -> int:
    opened = open_act(find_place(chosen.place, chosen.mappings))
    if opened.act is None or opened.act.request is None:
        raise ConfigRefused("this act makes no request", hint="map explain shows how it reads an answer")
    made = preview(opened, source_of(opened, chosen.source))
    if chosen.json:
        print(json.dumps({name: getattr(made, name) for name in Preview.__slots__}, ensure_ascii=False, indent=2))
    else:
        print(_shown(made))
    return 1 if made.refused else 0


def preview(opened: Opened, source: Any) -> Preview:
    """What would be sent. Raises ``MappingFailed`` when not even a document can be made."""
    assert opened.act is not None
    told_rows = explain_request(opened.file, opened.place.constants, source)
    target, refused = opened.file.target, ""
    try:
        out = opened.act.write(source)
    except LianpeiError as error:
        refused = told(error)
        document = (told_rows.text or "").encode(target.encoding, "backslashreplace")
        out = Outgoing(document, "", opened.act.http.method, told_rows.path, told_rows.query or {})
    text = laid_out(out.document, target)
    query = f"?{urlencode(dict(out.query))}" if out.query else ""
    headers = ({"Content-Type": out.content_type} if out.content_type else {}) | dict(out.headers)
    warnings = [*_warnings(opened, source, told_rows.rows)]
    head, size = f"{out.method} {out.path}{query}", len(out.document)
    return Preview(head, headers, dict(out.protected), out.correlation, size, text, refused, warnings)


def _warnings(opened: Opened, source: Any, rows: tuple[Row, ...]) -> Iterator[str]:
    target = opened.file.target
    if opened.file.section("request") is not None and not (target.schema or target.wsdl):
        yield "no schema: the message is not validated 没有模式文件，报文未校验"
    empty = [row for row in rows if row.value == "" and not row.expression.startswith("=")]
    nulls = [row for row in rows if row.value is None]
    for word, found in (("empty text 空文本", empty), ("null", nulls)):
        for row in found[:_MOST]:
            yield f"{word}: {row.target} <- {', '.join(row.sources)} ({opened.file.path.name}:{row.line})"
        if len(found) > _MOST:
            yield f"{word}: {len(found) - _MOST} more 另有"
    if (opened.folder / "insurer.yaml").is_file():
        manifest = load_manifest(opened.folder)
        rule = manifest.rule(opened.place.act)
        if rule.batch and len(source.lines) > rule.size:
            yield f"the gateway sends at most {rule.size} lines per call, this sample has {len(source.lines)} 明细超过每批上限"
        yield f"sealed with {manifest.seal['profile']} before it is sent 发送前按此方式签名加密"


def _shown(made: Preview) -> str:
    lines = [made.head, *(f"{name}: {value}" for name, value in made.headers.items())]
    lines += [f"{name}: {value}  (protected 受保护)" for name, value in made.protected.items()]
    lines += [f"(correlation 关联键: {made.correlation})"] if made.correlation else []
    lines += ["", made.text.rstrip("\n"), "", f"{made.size} bytes as sent, without this layout 实际发送时不带排版"]
    lines += [f"note 提示: {warning}" for warning in made.warnings]
    return "\n".join([*lines, f"NOT SENT 不会发送: {made.refused}"] if made.refused else lines)
