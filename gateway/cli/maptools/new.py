"""``map new``: a first draft of a partner folder from the partner's own schema; nothing in it loads unconfirmed."""

import argparse
import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.app import INSURER_VOCABULARY
from gateway.cli.folders import folder_of
from gateway.cli.maptools.place import schemas_of
from gateway.cli.maptools.tool import add_tool
from gateway.kernel.errors import ConfigRefused
from gateway.mapping.drafting import Contract, Draft, draft_folder, read_contract
from gateway.mapping.errors import MistakeError

_EXAMPLES = """lianpei map new harbour --from claims.wsdl --operation SubmitClaim
lianpei map new harbour --from claim.schema.json --answer answer.schema.json --act settle
lianpei map new harbour --from sample-message.xml"""
_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")


def add_commands(tools: Any) -> None:
    one = add_tool(
        tools,
        "new",
        "draft a partner folder from its WSDL, XSD, JSON Schema or a sample 起草新映射",
        _EXAMPLES,
        place="",
    )
    one.add_argument("code", metavar="CODE", help="the partner's code: the folder's name 保险公司代码")
    one.add_argument(
        "--from", dest="origin", type=Path, required=True, metavar="FILE", help="WSDL, XSD, JSON Schema, XML or JSON"
    )
    one.add_argument("--operation", default="", metavar="X", help="the WSDL's operation or the XSD's root element")
    one.add_argument(
        "--answer", type=Path, metavar="FILE", help="schema or sample of the answer, where the first has none"
    )
    one.add_argument("--answer-root", default="", metavar="X", help="the answer's root element in an XSD")
    one.add_argument("--act", default="", help="the act's name: the mapping file's name 动作名")
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    folder: Path = folder_of("mappings", chosen.mappings) / "insurers" / chosen.code
    if not _CODE.fullmatch(chosen.code):
        raise ConfigRefused("a partner's code has small letters, digits and -", hint="write it like harbour-life")
    contract = _read(chosen.origin, chosen.operation)
    answer = _read(chosen.answer, chosen.answer_root) if chosen.answer else None
    assert INSURER_VOCABULARY.source is not None
    draft = draft_folder(chosen.code, contract, INSURER_VOCABULARY.source, chosen.act, answer)
    written = _write(folder, draft)
    for origin, said in ((chosen.origin, contract), (chosen.answer, answer)):
        written += _copied(said.files, origin.resolve().parent, schemas_of(folder)) if said is not None else []
    print("\n".join(map(_shown, written)))
    left = draft.counts.parts - draft.counts.suggested
    print(
        f"{draft.counts.parts} parts: {draft.counts.suggested} have a suggestion, {left} have none 共 {draft.counts.parts} 项"
    )
    print(f"Next: confirm every value that begins with ?, then run: lianpei map check {chosen.code}")
    return 0


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _read(path: Path, operation: str) -> Contract:
    try:
        return read_contract(path, operation)
    except MistakeError as wrong:
        raise ConfigRefused(wrong.message, code=wrong.code, hint=wrong.hint) from None


def _write(folder: Path, draft: Draft) -> list[Path]:
    """Files are only added: a folder that is there gets the act, and an act that is there stays."""
    act = folder / f"{draft.act}.yaml"
    if act.exists():
        raise ConfigRefused(
            f"{act} is already there", hint="give the draft another name with --act, or move the old one"
        )
    example = folder / "examples" / f"{draft.act}.dispatch.json"
    example.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in draft.files.items():
        if not (folder / name).exists():
            (folder / name).write_text(text, "utf-8")
            written.append(folder / name)
    sample = files("gateway.cli.maptools").joinpath("sample_dispatch.json")
    example.write_text(sample.read_text("utf-8"), "utf-8")
    return [*written, example]


def _copied(schemas: Sequence[Path], origin: Path, home: Path) -> list[Path]:
    """Schema files in the same places below each other, so that their imports still lead to them."""
    made = []
    for schema in schemas:
        copy = home / schema.resolve().relative_to(origin)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            made.append(Path(shutil.copyfile(schema, copy)))
    return made
