"""The ``lianpei`` command."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module, metadata

from gateway.kernel.errors import ConfigRefused, LianpeiError

PARTS = {
    "demo": ("up", "demo"),
    "serve": ("gateway", "payment"),
    "sandbox": ("sandbox",),
    "conformance": ("conformance",),
    "check": ("check", "support"),
    "maptools": ("map",),
    "schemas": ("schemas",),
    "keys": ("keys",),
    "vault": ("vault",),
    "audit": ("audit",),
    "evidence": ("evidence", "verify"),
    "work": ("work",),
    "recon": ("recon",),
    "webhooks": ("webhooks",),
    "wall": ("wall",),
}
"""Module of ``gateway.cli`` -> the commands that it adds. Only the module of the command that runs is loaded."""
_SIMULATORS = ("gateway.sandbox", "jwcrypto", "Crypto", "xmlsec")


def parser(command: str = "") -> argparse.ArgumentParser:
    """Of this command, or of all where it is none."""
    top = argparse.ArgumentParser(
        prog="lianpei",
        description="Lianpei 联赔: one connection from a hospital to every insurer. 一次接入，直达各家保险公司。",
        epilog="lianpei COMMAND --help tells more 查看各命令的说明. First steps 入门: lianpei demo",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version 显示版本")
    commands = top.add_subparsers(title="commands 命令", metavar="COMMAND", dest="command")
    wanted = [part for part, names in PARTS.items() if command in names]
    for part in () if command == "--version" else wanted or PARTS:
        import_module(f"gateway.cli.{part}").add_commands(commands)
    return top


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"lianpei {metadata.version('lianpei')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0 = good, 1 = refused with a reason on standard error, 2 = wrong usage."""
    words = sys.argv[1:] if arguments is None else arguments
    known = parser(words[0] if words else "")
    chosen = known.parse_args(words)
    if not chosen.command:
        known.print_help()
        return 0
    try:
        return _run(chosen)
    except LianpeiError as refused:
        print(f"lianpei: {refused.message} [{refused.error_code}]", file=sys.stderr)
        if refused.hint:
            print(f"  {refused.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output (head, a pager) has seen enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(chosen: argparse.Namespace) -> int:
    try:
        return int(chosen.run(chosen) or 0)
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith(_SIMULATORS):
            raise
        raise ConfigRefused(
            "this command needs the simulators, which are not installed here",
            hint="The image for production leaves them out. Run it from the project's folder: make setup.",
        ) from missing
