"""Keys for development."""

import argparse
from pathlib import Path
from typing import Any

from gateway.wire.devkeys import create_development_keys


def add_commands(commands: Any) -> None:
    one = commands.add_parser("keys", help="create the development keys (a throw-away CA, RSA and SM2 keys)")
    one.add_argument("directory", type=Path, nargs="?", default=Path("certs-example"))
    one.set_defaults(run=_create)


def _create(chosen: argparse.Namespace) -> int:
    create_development_keys(chosen.directory)
    print(f"development keys are in {chosen.directory}; they are refused outside development mode")
    return 0
