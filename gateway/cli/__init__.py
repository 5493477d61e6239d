"""The ``lianpei`` command."""

import argparse
import os
import sys
from collections.abc import Sequence

from gateway.cli import (
    audit,
    check,
    conformance,
    demo,
    evidence,
    keys,
    maptools,
    recon,
    sandbox,
    schemas,
    serve,
    vault,
    wall,
    webhooks,
    work,
)
from gateway.kernel.errors import LianpeiError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="lianpei",
        description="Lianpei 联赔: one connection from a hospital to every insurer. 一次接入，直达各家保险公司。",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for part in (
        demo,
        serve,
        sandbox,
        conformance,
        check,
        maptools,
        schemas,
        keys,
        vault,
        audit,
        evidence,
        work,
        recon,
        webhooks,
        wall,
    ):
        part.add_commands(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0 = good, 1 = refused with a reason on standard error, 2 = wrong usage."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen) or 0)
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
