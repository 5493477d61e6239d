"""``lianpei keys rotate INSURER``: prove the next key, switch to it, or switch back, each by one command."""

import argparse
import asyncio
from datetime import date, datetime
from pathlib import Path

from gateway.claims.partners.manifest import load_manifest
from gateway.cli import drill
from gateway.cli.key_users import insurers_of
from gateway.config import Settings, load_settings
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.rotation import read_roles, role_of, switched, turned_back, write_roles
from gateway.wire.seals.overlap import own_names

_RESTART = "Send the gateway SIGHUP to make it so (kill -HUP): nothing stops."


def add_command(one: argparse.ArgumentParser) -> None:
    one.add_argument("insurer", help="the partner folder's name 保险公司文件夹名")
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="prove the next key against the partner's simulator; nothing changes 只试不改",
    )
    what.add_argument(
        "--switch", action="store_true", help="prove it, then use it; the old key still opens for a while 验证后切换"
    )
    what.add_argument(
        "--back", action="store_true", help="use the key again that was in use before the last switch 退回上一枚"
    )
    one.add_argument("--role", help="which of our keys, where the partner's seal has several 角色名")
    one.add_argument(
        "--to", metavar="NAME", help="the next key, where several wait (default: the only <role>.* not in use) 新密钥"
    )
    one.add_argument(
        "--overlap-days", type=int, default=30, metavar="N", help="how long the other key still opens (30) 旧钥有效天数"
    )
    one.add_argument(
        "--no-drill", action="store_true", help="switch without proof: only where no simulator can run 不验证直接切换"
    )


def run(chosen: argparse.Namespace) -> int:
    settings = load_settings(chosen.config)
    directory = chosen.keys or Path(settings.keys)
    ring = KeyRing.from_directory(directory, isolate=True)
    role = _role(chosen, settings, ring)
    if chosen.back:
        return _back(chosen, directory, role)
    name = _candidate(chosen, ring, role)
    if chosen.dry_run or not chosen.no_drill:
        proof = asyncio.run(drill.prove(settings, chosen.insurer, ring, role, name))
        print(
            f"proven: the simulator of {chosen.insurer} accepted {proof.act} sealed with {name}, and {proof.came_back}"
        )
    if chosen.switch:
        _require_alone(chosen.insurer, settings, ring, role)
        roles = read_roles(directory)
        write_roles(directory, {**roles, role: switched(role_of(roles, role), name, today(), chosen.overlap_days)})
        print(f"{role} now means {name}. {_RESTART} To take it back: lianpei keys rotate {chosen.insurer} --back")
    return 0


def _back(chosen: argparse.Namespace, directory: Path, role: str) -> int:
    roles = read_roles(directory)
    back = turned_back(role_of(roles, role), today(), chosen.overlap_days)
    write_roles(directory, {**roles, role: back})
    print(f"{role} means {back.use} again. {_RESTART}")
    return 0


def _role(chosen: argparse.Namespace, settings: Settings, ring: KeyRing) -> str:
    """The key of ours in the insurer's seal: a private key, or a secret that both ends share."""
    if chosen.insurer not in settings.insurers:
        raise ConfigRefused(
            "the settings name no such insurer", code="insurer-unknown", hint="see [insurers.…] in the settings"
        )
    manifest = load_manifest(Path(settings.mappings) / "insurers" / chosen.insurer)
    ours = own_names(manifest.seal, ring)
    found = [role for role in ours if chosen.role in (None, role)]
    if len(found) != 1:
        raise ConfigRefused(
            "the partner's seal has no such key of ours, or several",
            code="rotation-role",
            hint=f"name one with --role: {', '.join(ours) or 'it has none'}",
        )
    return found[0]


def _candidate(chosen: argparse.Namespace, ring: KeyRing, role: str) -> str:
    known = role_of(ring.roles, role)
    waiting = [name for name in ring.names() if name.startswith(f"{role}.") and name not in (known.use, known.previous)]
    found = [chosen.to] if chosen.to else waiting
    if len(found) != 1 or found[0] == known.use:
        raise ConfigRefused(
            f"{len(found)} keys wait to become the next {role}",
            code="rotation-candidate",
            hint=f"make one (lianpei keys new {role}.NEXT --kind …) or name one with --to",
        )
    ring.using({role: found[0]}).entry(role)
    return str(found[0])


def _require_alone(insurer: str, settings: Settings, ring: KeyRing, role: str) -> None:
    others = [code for code in insurers_of(role, settings, ring) if code != insurer]
    if others:
        raise ConfigRefused(
            f"{role} is used by other insurers too",
            code="key-shared",
            hint=f"give each insurer a key of its own first; it is shared with {', '.join(others)}",
        )


def today() -> date:
    return datetime.now(SHANGHAI).date()
