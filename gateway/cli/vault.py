"""The vault's chores: rewrap, erase, export, retention. Each needs a reason and is in the audit."""

import argparse
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from gateway.claims.custody.wish import Wish
from gateway.cli.custody import ask

_PERSON = "of a person, whose certificate number is read from standard input (never an argument: others could see it)"


def add_commands(commands: Any) -> None:
    vault = commands.add_parser(
        "vault", help="rewrap keys, erase, export a person's data, apply retention 加密库：换钥、删除、导出、留存"
    )
    chores = vault.add_subparsers(title="chores", metavar="CHORE", required=True)
    rewrap = _chore(
        chores, "rewrap", "wrap every data key under the current master key; no record is touched 重新包裹数据密钥"
    )
    rewrap.set_defaults(run=lambda chosen: _show(ask(chosen.config, Wish("rewrap", chosen.reason))))
    erase = _chore(chores, "erase", "destroy the keys of an order or a person, for good 彻底删除")
    whom = erase.add_mutually_exclusive_group(required=True)
    whom.add_argument("--order", default="", help="the order's id")
    whom.add_argument("--person", action="store_true", help=_PERSON)
    erase.set_defaults(run=_erase)
    export = _chore(chores, "export", "everything we have of one person, opened, as JSON 导出个人数据")
    export.add_argument("--person", action="store_true", required=True, help=_PERSON)
    export.add_argument("-o", "--output", type=Path, required=True, help="a new file, readable by you only")
    export.set_defaults(run=_export)
    retention = _chore(
        chores, "retention", "show what has outlived its class; with --apply destroy its keys 到期清理", needs=False
    )
    retention.add_argument("--apply", action="store_true", help="do it, not only show it")
    retention.set_defaults(run=_retention)


def _chore(chores: Any, name: str, text: str, *, needs: bool = True) -> Any:
    one = chores.add_parser(name, help=text, description=text)
    one.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
    one.add_argument("--reason", required=needs, default="", help="number of the case or ticket behind this")
    return one


def cert_no() -> str:
    """From standard input; at a terminal it is asked for without being shown."""
    if sys.stdin.isatty():
        return getpass.getpass("certificate number: ").strip()
    return sys.stdin.readline().strip()


def _erase(chosen: argparse.Namespace) -> int:
    person = cert_no() if chosen.person else ""
    answer = ask(chosen.config, Wish("erase", chosen.reason, order_id=chosen.order, cert_no=person))
    _show(answer)
    return 1 if answer["left_because_open"] else 0


def _export(chosen: argparse.Namespace) -> int:
    answer = ask(chosen.config, Wish("export", chosen.reason, cert_no=cert_no()))
    write_new(chosen.output, json.dumps(answer, ensure_ascii=False, indent=2).encode())
    print(f"{len(answer['bills'])} bills are in {chosen.output}; it is not encrypted: hand it over and delete it")
    return 0


def _retention(chosen: argparse.Namespace) -> int:
    return _show(ask(chosen.config, Wish("retention", chosen.reason, apply=chosen.apply)))


def _show(answer: dict[str, Any]) -> int:
    print(json.dumps(answer, indent=2))
    return 0


def write_new(path: Path, content: bytes) -> None:
    """A file that was not there, for its owner only. Raises ``FileExistsError``."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
