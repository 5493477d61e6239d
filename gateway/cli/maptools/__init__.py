"""``lianpei map …``: the tools of those who write a partner folder (docs/mapping-tools.md)."""

from typing import Any

from gateway.cli.maptools import check, diff, docs, explain, fmt, fuzz, goldens, new, preview

PARTS = (new, check, preview, goldens, explain, diff, fuzz, docs, fmt)
"""Each part is a module with ``add_commands``; a new tool is a new module and one name here."""


def add_commands(commands: Any) -> None:
    top = commands.add_parser(
        "map",
        help="tools for partner folders: check, preview, test … 映射工具",
        description="Tools for those who write a partner folder (docs/mapping-tools.md). 编写保险公司映射的工具。",
        epilog="FOLDER is a partner's code (package) or a path (mappings/insurers/package); FOLDER/ACT adds the act's name.",
    )
    tools = top.add_subparsers(title="tools", metavar="TOOL", required=True)
    for part in PARTS:
        part.add_commands(tools)
