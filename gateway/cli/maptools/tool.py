"""What all tools of ``lianpei map`` share on the command line."""

import argparse
from pathlib import Path
from typing import Any


def add_tool(tools: Any, name: str, summary: str, examples: str, *, place: str = "place") -> argparse.ArgumentParser:
    """A subcommand whose first argument is a folder or an act; ``examples`` are shown below its help."""
    one: argparse.ArgumentParser = tools.add_parser(
        name,
        help=summary,
        description=summary,
        epilog="examples 例:\n  " + examples.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if place:
        one.add_argument(place, metavar="FOLDER[/ACT]", help="a code such as package, or a path 文件夹或其中一个动作")
    one.add_argument(
        "--mappings", type=Path, help="where codes are looked up (default: the settings' 设置所指, else mappings)"
    )
    return one


def add_json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="for programs: one JSON document instead of text")
