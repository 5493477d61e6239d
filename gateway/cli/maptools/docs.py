"""``map docs``: a partner's field table as one HTML page for those who know the business, not the files."""

import argparse
from pathlib import Path
from typing import Any

from gateway.claims.partners.manifest import load_faults, load_manifest
from gateway.cli.maptools.place import Place, find_place
from gateway.cli.maptools.tool import add_tool
from gateway.mapping.errors import refuse
from gateway.mapping.fieldtable import act_table, page
from gateway.mapping.mapfile import MapFile, read_mapping
from gateway.mapping.yamlfile import Book

_EXAMPLES = """lianpei map docs package -o package.html
lianpei map docs yibao-2207 -o yibao.html"""


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "docs", "a partner's field table as one HTML page 字段对照表", _EXAMPLES)
    one.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to write it (default: standard output)")
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    text = field_table(find_place(chosen.place, chosen.mappings))
    if chosen.out is None:
        print(text, end="")
        return 0
    chosen.out.write_text(text, "utf-8")
    print(f"{chosen.out}: {len(text.encode()) // 1024} KiB")
    return 0


def field_table(place: Place) -> str:
    """The page of one folder. Raises ``MappingRefused`` when the folder has mistakes."""
    files = _files(place)
    words = place.vocabulary
    acts = [act_table(file, words.source, words.result, place.constants) for file in files]
    if not (place.folder / "insurer.yaml").is_file():
        names = {"zh": "医院报文" if place.reads else "支付渠道", "en": files[0].name, "code": place.folder.name}
        return page(names, {}, acts, {})
    manifest = load_manifest(place.folder)
    names = {"zh": manifest.names.zh, "en": manifest.names.en, "code": manifest.insurer}
    kinds = "; ".join(f"{kind}: {' → '.join(named)}" for kind, named in manifest.kinds.items())
    facts = {
        "协议 Protocol": manifest.protocol,
        "签名加密 Seal": str(manifest.seal.get("profile", "")),
        "地址 Endpoint": manifest.endpoint or "–",
        "流程 Conversation": kinds or "–",
    }
    return page(names, facts, acts, load_faults(place.folder))


def _files(place: Place) -> list[MapFile]:
    if place.reads:
        path = place.folder / f"{place.act}.yaml"
        book = Book(str(path))
        file = read_mapping(path, book, reader=True)
        refuse(book.mistakes)
        return [file] if file else []
    loaded = place.loaded()
    refuse(loaded.mistakes)
    return [file for name, file in loaded.files.items() if not place.act or name == place.act]
