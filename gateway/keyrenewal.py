"""Keys anew while claims run: read, judged, and exchanged in one step each, for whoever uses them.

What can't be used keeps what serves and is told in the log and by ``lianpei_keys_kept``. One thing is never kept: trust in a
partner's certificate that its authority does not vouch for any more.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gateway.claims.door.auth import Guard
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.config import ClaimsSettings, InsurerSettings, Settings
from gateway.doors import Doors
from gateway.kernel.clock import Clock
from gateway.kernel.errors import ConfigRefused
from gateway.mapping import LiveActs
from gateway.opening import load_keys
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing
from gateway.wire.seals import build_seal
from gateway.wire.seals.overlap import peer_names
from gateway.wire.seals.stopped import StoppedSeal
from gateway.wire.tls import client_context
from gateway.wire.trust import Trust, days_until_stale

_log = get_logger("keys")


def partner_tls(deployed: InsurerSettings, keys: KeyRing) -> ssl.SSLContext | None:
    """For calls to the partner; nothing where the endpoint is plain HTTP. Raises ``ConfigRefused``."""
    if not deployed.endpoint.startswith("https:"):
        return None
    return client_context(keys.directory / deployed.ca if deployed.ca else None, keys, deployed.client_certificate)


def mapping_constants(manifest: Manifest, keys: KeyRing) -> dict[str, str]:
    """What a partner's mappings read under ``partner.``, its secrets too. Raises ``ConfigRefused`` when one is missing."""
    return manifest.settings | {name: keys.secret(key).expose() for name, key in manifest.secrets.items()}


def require_trusted_peers(deployed: InsurerSettings, manifest: Manifest, keys: KeyRing, clock: Clock) -> None:
    """Hold the partner's message certificates against its authorities, where the settings name them. Raises ``ConfigRefused``."""
    if not deployed.peer_ca:
        return
    lists = keys.directory / deployed.peer_crl if deployed.peer_crl else None
    trust = Trust.from_files(keys.directory / deployed.peer_ca, lists)
    for role in peer_names(manifest.seal, keys):
        for name in keys.alternatives(role):
            entry = keys.entries[name]
            if entry.certificate is not None:
                trust.require(name, entry.certificate, entry.chain, clock.now())


@dataclass(slots=True)
class KeyRenewal:
    """``keys`` is the ring that all of the process holds."""

    settings: Settings
    claims: ClaimsSettings
    keys: KeyRing
    registry: Registry
    doors: Doors
    guard: Guard
    metrics: Metrics
    clock: Clock
    _kept: int = field(init=False, default=0)

    async def run(self) -> None:
        """Once. Never raises for what is on the disk."""
        self._kept = 0
        try:
            fresh = await asyncio.to_thread(load_keys, self.keys.directory, self.settings.mode)
        except ConfigRefused as bad:
            self._keep("ring", bad)
        else:
            for name in self.keys.become(fresh):
                self._keep(name, fresh.refusals[name])
            self.guard.renew_keys()
        for partner in self.registry:
            await self._renew_partner(partner)
        for name, renew in self.doors.renewals():
            await self._renew(f"door:{name}", renew)
        self.metrics.keys_kept(self._kept)
        _log.event("keys-renewed", count=len(self.keys.entries), attempts=self._kept)

    def crl_days(self) -> dict[str, float]:
        """Days until each list of revoked certificates ends, by its file; negative where it can't be read."""
        now = self.clock.now()
        return {path.name: _days(path, now) for path in self._lists()}

    def _lists(self) -> Iterator[Path]:
        files = [self.claims.client_crl, *(one.peer_crl for one in self.settings.insurers.values())]
        yield from (self.keys.directory / name for name in dict.fromkeys(files) if name)

    async def _renew_partner(self, partner: Partner) -> None:
        deployed = self.settings.insurers[partner.code]
        manifest = partner.manifest
        try:
            await asyncio.to_thread(require_trusted_peers, deployed, manifest, self.keys, self.clock)
        except ConfigRefused as bad:
            partner.seal = StoppedSeal(partner.seal.profile, bad)
            self._keep(partner.code, bad)
            return

        def renew() -> Callable[[], None]:
            seal, tls = build_seal(manifest.seal, self.keys), partner_tls(deployed, self.keys)
            constants = mapping_constants(manifest, self.keys)

            def exchange() -> None:
                partner.seal = seal
                if isinstance(partner.acts, LiveActs):  # its mappings are loaded anew after this, and read them then
                    partner.acts.source = replace(partner.acts.source, partner=constants)
                if tls is not None:
                    partner.client.renew_tls(tls)

            return exchange

        await self._renew(partner.code, renew)

    async def _renew(self, name: str, renew: Callable[[], Callable[[], None]]) -> None:
        """Made beside the event loop, exchanged on it."""
        try:
            exchange = await asyncio.to_thread(renew)
        except ConfigRefused as bad:
            self._keep(name, bad)
        else:
            exchange()

    def _keep(self, name: str, bad: ConfigRefused) -> None:
        self._kept += 1
        _log.event("key-kept", name=name, code=bad.error_code)


def _days(path: Path, now: datetime) -> float:
    try:
        return days_until_stale(path, now)
    except ConfigRefused:
        return -1
