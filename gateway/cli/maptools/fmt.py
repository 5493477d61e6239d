"""``map fmt``: one layout for every mapping file, comments kept, meaning unchanged."""

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gateway.cli.maptools.tool import add_tool
from gateway.kernel.errors import ConfigRefused
from gateway.mapping.errors import MistakeError
from gateway.mapping.layout import formatted

_EXAMPLES = """lianpei map fmt mappings/insurers/package
lianpei map fmt mappings/insurers/package/settle.yaml
lianpei map fmt --check mappings"""


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "fmt", "lay out mapping files the one way, comments kept 统一排版", _EXAMPLES, place="")
    one.add_argument("files", metavar="FILE", nargs="+", type=Path, help="files, or folders with *.yaml 文件或文件夹")
    one.add_argument("--check", action="store_true", help="change nothing; name the files that are laid out otherwise")
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    files = list(_files(chosen.files))
    odd = [file for file in files if _laid_out(file, write=not chosen.check)]
    for file in odd:
        print(f"{'would change' if chosen.check else 'laid out'} {file}")
    print(f"{len(files)} files, {len(odd)} {'to lay out' if chosen.check else 'changed'} 共 {len(files)} 个文件")
    return 1 if chosen.check and odd else 0


def _files(named: Iterable[Path]) -> Iterator[Path]:
    for place in named:
        if place.is_dir():
            yield from sorted(place.rglob("*.yaml"))
        elif place.is_file():
            yield place
        else:
            raise ConfigRefused(f"no file {place}", hint="name files or folders")


def _laid_out(file: Path, *, write: bool) -> bool:
    """Whether the file was or would be changed. It is replaced whole or not at all."""
    try:
        before = file.read_bytes().decode("utf-8")
        after = formatted(before)
    except UnicodeDecodeError:
        raise ConfigRefused(f"{file} is not UTF-8", code="bad-yaml") from None
    except MistakeError as wrong:
        raise ConfigRefused(f"{file}: {wrong.message}", code=wrong.code, hint=wrong.hint) from None
    if write and after != before:
        aside = file.with_name(file.name + ".new")
        aside.write_bytes(after.encode())
        os.replace(aside, file)
    return after != before
