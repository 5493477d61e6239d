"""``lianpei audit``: hold a database against its hash chain and its signed checkpoints."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.claims.custody.wish import Wish
from gateway.cli.custody import ask, home_of
from gateway.config import ClaimsSettings
from gateway.kernel import merkle
from gateway.kernel.errors import ConfigRefused
from gateway.opening import open_store
from gateway.store.chain_check import KeyByName, Report, check
from gateway.store.checkpoints import Body
from gateway.store.claims_tables import CLAIMS
from gateway.store.snapshot import Snapshot
from gateway.wire.keys import KeyRing


def add_commands(commands: Any) -> None:
    audit = commands.add_parser("audit", help="verify the audit chain, or sign it now 审计链校验与签名")
    chores = audit.add_subparsers(title="chores", metavar="CHORE", required=True)
    text = "verify every entry, row, checkpoint and state; also beside a running gateway, or on a copy of the database 校验"
    verify = chores.add_parser("verify", help=text, description=text)
    verify.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
    verify.add_argument("--database", type=Path, help="another file than the settings name")
    verify.add_argument("--kept", type=Path, nargs="*", default=[], help="checkpoints (JSON) that were kept elsewhere")
    verify.set_defaults(run=_verify)
    text = "sign what is in the chain now, and print the newest checkpoint to keep it elsewhere 签名"
    checkpoint = chores.add_parser("checkpoint", help=text, description=text)
    checkpoint.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
    checkpoint.set_defaults(run=_checkpoint)


async def _check_shared(claims: ClaimsSettings, home: Path, keys: KeyRing, kept: dict[int, str]) -> Report:
    """All of it at one moment, while the gateways go on."""
    store = open_store(claims, home, keys)
    try:
        return await store.read(check, store, CLAIMS, _keys(keys), kept)
    finally:
        await store.close()


def _verify(chosen: argparse.Namespace) -> int:
    settings, claims, home = home_of(chosen.config)
    kept = {}
    for file in chosen.kept:
        spelt = file.read_bytes().strip()
        kept[msgspec.json.decode(spelt, type=Body).number] = merkle.digest(spelt)
    keys = KeyRing.from_directory(Path(settings.keys))
    if chosen.database is None and claims.shared:
        report = asyncio.run(_check_shared(claims, home, keys, kept))
    else:
        snapshot = Snapshot(chosen.database or home / claims.database, CLAIMS)
        try:
            report = check(snapshot, CLAIMS, _keys(keys), kept)
        finally:
            snapshot.close()
    print(
        f"{report.entries} entries over {report.rows} rows, {report.checkpoints} checkpoints, {report.unsigned} unsigned"
    )
    for finding in report.findings:
        print(f"  {finding}")
    print("altered" if report.findings else "good: everything is as it was written")
    return 1 if report.findings else 0


def _keys(ring: KeyRing) -> KeyByName:
    def find(name: str) -> Ed25519PublicKey | None:
        try:
            key = ring.public(name)
        except ConfigRefused:
            return None
        return key if isinstance(key, Ed25519PublicKey) else None

    return find


def _checkpoint(chosen: argparse.Namespace) -> int:
    print(ask(chosen.config, Wish("checkpoint"))["newest"])
    return 0
