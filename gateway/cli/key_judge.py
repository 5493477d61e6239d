"""What is wrong with the keys and with their uses, found before a process would find it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gateway.claims.partners.manifest import load_manifest
from gateway.cli.key_users import users_by_name
from gateway.config import Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import LianpeiError
from gateway.keyrenewal import require_trusted_peers
from gateway.wire.devkeys import refuse_development_certificates, refuse_development_keys
from gateway.wire.keys import KeyRing
from gateway.wire.seals import build_seal
from gateway.wire.tls import client_context, server_context

SOON_DAYS = 30


def judge(keys: KeyRing, settings: Settings | None) -> tuple[list[str], list[str]]:
    """Mistakes, and notes of what will be one soon, as ``name: code message``."""
    found = [_line(name, refused) for name, refused in keys.refusals.items()]
    found += [
        f"{role}: rotation-form it means {name}, which the key directory does not hold"
        for role in keys.roles
        for name in (keys.name_of(role), *(one.name for one in keys.roles[role].also))
        if name not in keys.entries and name not in keys.refusals
    ]
    notes = [
        f"{name}: ends in {days:.0f} days" for name, days in keys.certificate_days().items() if 0 <= days < SOON_DAYS
    ]
    if settings is not None:
        found += _uses(keys, settings)
    return list(dict.fromkeys(found)), notes


def _uses(keys: KeyRing, settings: Settings) -> list[str]:
    found: list[str] = []
    found += _tried("keys", partial(refuse_development_keys, keys.directory, settings.mode))
    found += _tried("keys", partial(refuse_development_certificates, keys, settings.mode))
    for role, users in users_by_name(settings, keys).items():
        name = keys.name_of(role)
        if name not in keys.entries and name not in keys.refusals:
            found.append(f"{role}: key-missing it is used by {', '.join(users)}")
    for door in _door_certificates(settings):
        found += _tried(door, partial(server_context, keys, door))
    for code in settings.insurers:
        found += _tried(code, partial(_insurer, code, settings, keys))
    return found


def _door_certificates(settings: Settings) -> list[str]:
    doors = []
    if settings.claims is not None:
        doors += [settings.claims.hospital_door, settings.claims.partner_door, settings.claims.operator_door]
    if settings.payment is not None:
        doors.append(settings.payment.door)
    return list(dict.fromkeys(door.certificate for door in doors if door.certificate))


def _insurer(code: str, settings: Settings, keys: KeyRing) -> None:
    deployed = settings.insurers[code]
    manifest = load_manifest(Path(settings.mappings) / "insurers" / code)
    build_seal(manifest.seal, keys)
    require_trusted_peers(deployed, manifest, keys, SystemClock())
    if deployed.client_certificate:
        client_context(None, keys, deployed.client_certificate)


def _tried(name: str, check: Callable[[], object]) -> list[str]:
    try:
        check()
    except LianpeiError as refused:
        return [_line(name, refused)]
    return []


def _line(name: str, refused: LianpeiError) -> str:
    return f"{name}: {refused.error_code} {refused.message}" + (f" ({refused.hint})" if refused.hint else "")
