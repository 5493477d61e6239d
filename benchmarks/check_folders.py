"""Load and check time of many partner folders: ``python -m benchmarks.check_folders [count] [--load]``.

Loading is checking, and compiling what was checked to code that runs.

The folders are copies of the shipped ones. Each copy's schemas get a number of their own, so that nothing which is kept
by file serves two folders; the parser knows an expression again that another folder has, as partners often share them.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from gateway.app import INSURER_VOCABULARY, insurer_folders
from gateway.claims.partners.manifest import load_manifest
from gateway.mapping import check_folder, load_folder

_ROOT = Path(__file__).parents[1]


def make_folders(place: Path, count: int) -> list[tuple[Path, Path]]:
    """``count`` folders and their schema folders: the shipped ones again and again, each round beside what it extends."""
    shipped = insurer_folders(_ROOT / "mappings")
    made = []
    for number in range(count):
        source = shipped[number % len(shipped)]
        turn = place / str(number // len(shipped))
        folder, schemas = turn / "insurers" / source.name, turn / "schemas" / source.name
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("examples"))
        shutil.copytree(_ROOT / "schemas" / "insurers" / source.name, schemas)
        for file in schemas.iterdir():
            text = file.read_text("utf-8")
            text = (
                text.replace("{", f'{{"x-copy": {number},', 1) if file.suffix == ".json" else f"{text}<!-- {number} -->"
            )
            file.write_text(text, "utf-8")
        made.append((folder, schemas))
    return made


def check_all(folders: list[tuple[Path, Path]], load: bool = False) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and mistakes found: none is expected."""
    started, mistakes = (time.perf_counter(), time.process_time()), 0
    for folder, schemas in folders:
        manifest = load_manifest(folder)
        constants = manifest.settings | dict.fromkeys(manifest.secrets, "secret")
        refs = frozenset(manifest.refs) | {"item", "token"}
        if load:
            load_folder(folder, schemas, INSURER_VOCABULARY, constants, refs)
        else:
            mistakes += len(check_folder(folder, schemas, INSURER_VOCABULARY, constants, refs))
    return time.perf_counter() - started[0], time.process_time() - started[1], mistakes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=150)
    parser.add_argument("--load", action="store_true", help="load them instead: check, compile and make runnable")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = make_folders(Path(place), chosen.count)
        acts = sum(1 for folder, _ in folders for _ in folder.glob("*.yaml"))
        seconds, busy, mistakes = check_all(folders, chosen.load)
    done = "loaded" if chosen.load else "checked"
    print(
        f"{chosen.count} folders with {acts} files {done}: {seconds:.1f} s, of the processor {busy:.1f} s, {mistakes} mistakes"
    )
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
