"""Examines one partner: opens its folder against an address, lets every case run, and gives the report."""

import functools
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import load_partner
from gateway.claims.partners.partner import Partner
from gateway.cli.conformance.bench import Bench, patient
from gateway.cli.conformance.case import Exam, Finding, Mark
from gateway.cli.conformance.door import Door, open_door
from gateway.cli.conformance.money import MONEY
from gateway.cli.conformance.report import Report
from gateway.cli.conformance.trust import TRUST
from gateway.config import InsurerSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing

CASES = (*MONEY, *TRUST)
_REFUSED = "REFUSE"
"""What a simulator refuses."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    url: str
    folder: Path
    keys: Path
    schemas: Path
    ca: str = ""
    """File of the endpoint's authority, below ``keys``."""
    client_certificate: str = ""
    port: int = 0
    """Where the partner's calls are taken; 0: any."""
    door_certificate: str = "gateway-tls"
    refused: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    """Members of the submission that the partner's test environment wants (patient, policies, report …)."""
    patience_s: float = 20.0
    only: tuple[str, ...] = ()


async def examine(wanted: Wanted) -> Report:
    """Raises ``ConfigRefused`` when the folder, a key or a setting forbids to begin."""
    keys = KeyRing.from_directory(wanted.keys)
    partner = _partner(wanted, keys)
    door = Door(partner)
    runner = await open_door(door, wanted.port, keys, wanted.door_certificate)
    try:
        async with aiohttp.ClientSession() as session:
            books = functools.partial(_books, session, wanted)
            is_simulator = await books() is not None
            sample = functools.partial(_sample, partner, wanted)
            bench = Bench(partner, door, sample, patient(partner), books, wanted.patience_s)
            if not bench.kinds:
                raise ConfigRefused(
                    "the folder decides no claim", hint="examine a folder with direct_pay or quick_claim"
                )
            refused = wanted.refused or (_REFUSED if is_simulator else "")
            ca = str(wanted.keys / wanted.ca) if wanted.ca else ""
            report = await _judge(Exam(bench, wanted.url, ca, refused), wanted.only)
            waited = any(answer.result.state == "pending" for answer in bench.answers)
            return replace(report, note=_nobody_called(wanted)) if waited and not door.calls else report
    finally:
        await runner.cleanup()
        await partner.client.close()


def _nobody_called(wanted: Wanted) -> str:
    door = f"{'https' if wanted.door_certificate else 'http'}://localhost:{wanted.port}"
    return (
        f"对方从未回调 {door}，其后来的决定无从得知；模拟器须以 --gateway {door} 重新启动 · "
        f"the partner never called {door}, so what it decided later is not known here: "
        f"tell it that address, and start a simulator anew with --gateway {door}"
    )


async def _judge(exam: Exam, only: tuple[str, ...]) -> Report:
    manifest = exam.bench.partner.manifest
    results = []
    for case in CASES:
        if only and case.name not in only:
            continue
        try:
            found = await case.run(exam)
        except LianpeiError as bad:
            found = Finding(Mark.LOST, (f"the case could not be played: {bad.error_code}",))
        results.append((case, found))
    now = exam.bench.partner.clock.now()
    return Report(manifest.insurer, manifest.names.zh, manifest.names.en, now, tuple(results))


def _partner(wanted: Wanted, keys: KeyRing) -> Partner:
    deployed = InsurerSettings(endpoint=wanted.url, ca=wanted.ca, client_certificate=wanted.client_certificate)
    settings = Settings(
        mode="development",
        keys=str(wanted.keys),
        mappings=str(wanted.folder.parent.parent),
        schemas=str(wanted.schemas),
    )
    metrics = Metrics.for_codes([wanted.folder.name])
    return load_partner(settings, wanted.folder, deployed, keys, metrics, SystemClock())


def _sample(partner: Partner, wanted: Wanted, kind: str, policy: str) -> dict[str, Any]:
    """A fresh bill; ``policy`` starts the policy's number, and the report's where that is what the partner reads."""
    try:
        from gateway.sandbox.hospital.visits import Wish, submission
    except ImportError:  # a production image has no sandbox, and nothing there may submit invented bills
        raise ConfigRefused("the invented bills are not installed here", hint="examine from a checkout") from None

    seed = 10_000_000 + secrets.randbelow(80_000_000)
    story = "outpatient" if "direct_pay" in partner.manifest.kinds else "self-pay"
    made = submission(Wish(story, seed, kind, (partner.code,)))
    for name, value in wanted.members.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and isinstance(made.get(name), dict) else value
    if policy:
        made["policies"][0]["policy_no"] = f"{policy}{seed}"
    if policy and "report" in made:
        made["report"]["report_no"] = f"{policy}{seed}"
    return made


async def _books(session: aiohttp.ClientSession, wanted: Wanted) -> Any:
    """A simulator's ledger; None at a partner that shows none."""
    tls = ssl.create_default_context(cafile=str(wanted.keys / wanted.ca)) if wanted.ca else True
    try:
        async with session.get(f"{wanted.url.rstrip('/')}/_ledger", ssl=tls) as reply:
            return json.loads(await reply.read()) if reply.status == 200 else None
    except (aiohttp.ClientError, ValueError):
        return None
