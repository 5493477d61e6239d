"""``python -m gateway.mapping check <folder or file>``: the check alone, for those who write a folder."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import yaml

from gateway.kernel.errors import LianpeiError
from gateway.kernel.labels import Label
from gateway.mapping import inherited_yaml, load_folder, review_folder, review_reader
from gateway.mapping.api import Vocabulary

_CANONICAL = "gateway.claims.canonical"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway.mapping", description=__doc__)
    parser.add_argument("command", choices=("check", "show"))
    parser.add_argument("place", type=Path, help="a partner folder, or a hospital mapping file")
    parser.add_argument("act", nargs="?", help="show: the act to write")
    parser.add_argument("source_file", nargs="?", type=Path, help="show: its dispatch as JSON")
    parser.add_argument("--source", default=f"{_CANONICAL}.dispatch:Dispatch")
    parser.add_argument("--result", default=f"{_CANONICAL}.dispatch:ActResult")
    parser.add_argument("--submission", default=f"{_CANONICAL}.claim:Submission")
    parser.add_argument("--schemas", type=Path, default=None)
    parser.add_argument("--may-carry", default=",".join(Label))
    parser.add_argument("--json", action="store_true", help="check: one JSON object, mistakes and remarks")
    parser.add_argument("--remarks", action="store_true", help="check: also say what is left to run time")
    chosen = parser.parse_args()
    try:
        return _show(chosen) if chosen.command == "show" else _check(chosen)
    except LianpeiError as error:
        sys.stdout.write(f"{error.error_code} {error.message}\n")
        return 1


def _named(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


def _vocabulary(chosen: argparse.Namespace) -> Vocabulary:
    labels = frozenset(filter(None, chosen.may_carry.split(",")))
    return Vocabulary(_named(chosen.source), _named(chosen.result), labels)


def _ends(chosen: argparse.Namespace) -> tuple[Any, ...]:
    folder: Path = chosen.place
    manifest = folder / "insurer.yaml"
    said = inherited_yaml(manifest)
    if said is None:
        said = yaml.safe_load(manifest.read_text("utf-8")) if manifest.is_file() else {}
    settings = {str(k): str(v) for k, v in (said.get("settings") or {}).items()}
    settings |= dict.fromkeys(said.get("secrets") or {}, "secret")
    refs = frozenset(map(str, said.get("refs") or ())) | {"item", "token"}
    schemas = chosen.schemas or Path("schemas") / folder.parent.name / folder.name
    return folder, schemas, _vocabulary(chosen), settings, refs


def _check(chosen: argparse.Namespace) -> int:
    if chosen.place.is_file():
        review = review_reader(chosen.place, Vocabulary(None, _named(chosen.submission), frozenset(Label)))
    else:
        review = review_folder(*_ends(chosen))
    lines = [*review.mistakes, *(review.remarks if chosen.remarks else ())]
    said = review.json() if chosen.json else "\n".join(map(str, lines)) or "all good"
    sys.stdout.write(said + "\n")
    return 1 if review.mistakes else 0


def _show(chosen: argparse.Namespace) -> int:
    import msgspec

    ends = _ends(chosen)
    source = msgspec.json.decode(chosen.source_file.read_bytes(), type=ends[2].source)
    sys.stdout.write(load_folder(*ends)[chosen.act].write(source).document.decode("utf-8", "replace") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
