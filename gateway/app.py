"""The one place that wires rooms: settings in, a running gateway out."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import time
from functools import partial
from pathlib import Path

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.clocks import ClockName
from gateway.claims.conversation.collector import Collector
from gateway.claims.conversation.payouts import PayoutWatch
from gateway.claims.conversation.probing import Prober
from gateway.claims.conversation.resolver import Resolver
from gateway.claims.custody.keeper import Keeper
from gateway.claims.intake import Intake
from gateway.claims.lanes.sharing import share_evenly
from gateway.claims.lanes.telling import tell_lane, tell_waiting
from gateway.claims.ledger import Ledger
from gateway.claims.operators.worklist import tell_work
from gateway.claims.partners.manifest import load_faults, load_manifest
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.own_pay import OwnPayWatch
from gateway.claims.undo.service import UndoDesk
from gateway.clearing.carrier import Carrier
from gateway.clearing.telling import tell_settlements
from gateway.config import ClaimsSettings, InsurerSettings, Settings
from gateway.conversing import build_engine, day_rules
from gateway.doors import Doors
from gateway.kernel.clock import Clock, SystemClock
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.kernel.labels import Label
from gateway.keyrenewal import KeyRenewal, mapping_constants, partner_tls, require_trusted_peers
from gateway.mapping import FolderSource, LiveActs, MappedReader, Vocabulary, load_reader
from gateway.opening import keeper_socket, load_keys, no_claims, open_store, open_vault
from gateway.outward import channel_books, delivery_office, recon_office
from gateway.payment.capabilities import load_all
from gateway.running import Gateway
from gateway.store.api import AnyStore
from gateway.store.checkpoints import Checkpoints, unsigned
from gateway.store.leases import Leases
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.wire.http import PartnerClient
from gateway.wire.keys import KeyRing
from gateway.wire.seals import build_seal, weak_use
from gateway.wire.seals.settings import day_of
from gateway.wire.tls import client_context

_log = get_logger("lianpei.app")
_ALL = frozenset(label.value for label in Label)
INSURER_VOCABULARY = Vocabulary(source=Dispatch, result=ActResult, may_carry=_ALL)
HOSPITAL_VOCABULARY = Vocabulary(source=None, result=Submission, may_carry=_ALL)


def insurer_folders(mappings: Path) -> list[Path]:
    return sorted(folder for folder in (mappings / "insurers").iterdir() if (folder / "insurer.yaml").is_file())


def load_readers(mappings: Path) -> dict[str, MappedReader]:
    """Every hospital format: folder name to compiled reader."""
    files = sorted((mappings / "hospitals").glob("*/visit.yaml"))
    return {file.parent.name: load_reader(file, HOSPITAL_VOCABULARY) for file in files}


async def start_gateway(settings: Settings, home: Path, clock: Clock | None = None) -> Gateway:
    """Wire and start the claims room and the window. Raises ``ConfigRefused`` when a setting, key or lock forbids it."""
    claims = settings.claims
    if claims is None:
        raise no_claims()
    clock = clock or SystemClock()
    key_dir = Path(settings.keys)
    keys = load_keys(key_dir, settings.mode)
    folders = insurer_folders(Path(settings.mappings))
    metrics = Metrics.for_codes([folder.name for folder in folders])
    store = open_store(claims, home, keys)
    gateway: Gateway | None = None
    try:
        vault = open_vault(claims, keys)
        leases = Leases(store, clock, secrets.token_hex(8)) if claims.shared else None
        ledger = Ledger(store, vault, clock, leases)
        registry, clients = _connect(settings, folders, keys, metrics, clock)
        engine = build_engine(ledger, registry, metrics, clock, claims.counter)
        carrier = _carrier(settings, key_dir, keys, store, clock)
        checkpoints = Checkpoints(store, claims.audit_key, keys.private(claims.audit_key), clock)
        gateway = Gateway(settings, home, store, engine, metrics, carrier, clients, checkpoints)
        renewal = await _open_doors(gateway, claims, keys)
        _watch(gateway, registry, renewal)
        return gateway
    except BaseException:
        await (store.close() if gateway is None else gateway.stop(0.0))
        raise


def _connect(
    settings: Settings, folders: list[Path], keys: KeyRing, metrics: Metrics, clock: Clock
) -> tuple[Registry, list[PartnerClient]]:
    """Load every partner folder that the deployment names; one that is wrong stays out, with the reason in the log."""
    partners: dict[str, Partner] = {}
    for folder in folders:
        deployed = settings.insurers.get(folder.name)
        if deployed is None:
            continue
        try:
            partners[folder.name] = load_partner(settings, folder, deployed, keys, metrics, clock)
        except LianpeiError as bad:
            _log.event("partner-left-out", insurer=folder.name, code=bad.error_code)
            if settings.mode == "development":
                raise
    return Registry(partners), [partner.client for partner in partners.values()]


def load_partner(
    settings: Settings, folder: Path, deployed: InsurerSettings, keys: KeyRing, metrics: Metrics, clock: Clock
) -> Partner:
    manifest = load_manifest(folder)
    constants = mapping_constants(manifest, keys)
    schemas = Path(settings.schemas) / "insurers" / folder.name
    refs = frozenset(manifest.refs) | {"item", "token"}
    source = FolderSource(folder, schemas, INSURER_VOCABULARY, constants, refs, frozenset(manifest.secrets))
    acts = LiveActs(source, partial(metrics.mappings_kept, manifest.insurer))
    metrics.mappings_kept(manifest.insurer, False)
    client = PartnerClient(deployed.endpoint, tls=partner_tls(deployed, keys), limit=manifest.limits.concurrency)
    bare = build_seal({"profile": "plain"}, keys)
    seal = build_seal(manifest.seal, keys)
    require_trusted_peers(deployed, manifest, keys, clock)
    metrics.weak_crypto(manifest.insurer, weak_use(manifest.seal) is not None)
    return Partner(manifest, load_faults(folder), acts, seal, bare, client, metrics, clock)


def _carrier(settings: Settings, key_dir: Path, keys: KeyRing, store: AnyStore, clock: Clock) -> Carrier | None:
    window = settings.clearing
    if window is None:
        return None
    tls = (
        client_context(key_dir / window.ca if window.ca else None, keys, "")
        if window.payment_url.startswith("https:")
        else None
    )
    known = load_all(Path(settings.mappings))
    unknown = [code for code in window.channels if code not in known]
    if unknown:
        raise ConfigRefused(
            f"no payment channel {', '.join(unknown)}", hint="clearing.channels names folders of mappings/payment."
        )
    channels, cutoff = [known[code] for code in window.channels], time.fromisoformat(window.credit_cutoff)
    secret = keys.secret(window.secret)
    return Carrier(store, clock, window.payment_url, secret, tls, window.every, channels, cutoff)


async def _open_doors(gateway: Gateway, claims: ClaimsSettings, keys: KeyRing) -> KeyRenewal:
    engine, callbacks = gateway.engine, Callbacks(gateway.engine)
    intake = Intake(load_readers(Path(gateway.settings.mappings)))
    keeper = Keeper(engine.ledger, gateway.checkpoints, keys, claims.retention_years)
    doors = Doors(gateway.settings, keys, gateway.runners, gateway.ports)
    office = delivery_office(gateway.settings, keys, engine.ledger.store, engine.clock, engine.metrics)
    gateway.closing.append(office.close)
    socket = keeper_socket(gateway.home, claims)
    books = channel_books(gateway.settings, keys, engine.ledger.store, engine.clock)
    recon = recon_office(claims.reconciliation, engine, *books)
    guard = await doors.open_all(engine, intake, callbacks, keeper, office, recon, socket, gateway.ready)
    renewal = KeyRenewal(gateway.settings, claims, keys, engine.registry, doors, guard, gateway.metrics, engine.clock)
    gateway.renewal.before = renewal.run
    if engine.ledger.leases is not None:
        await engine.ledger.leases.hold_node()
        _spawn(gateway, engine.ledger.leases.live())
        lanes = [partner.lane for partner in engine.registry]
        _spawn(gateway, share_evenly(lanes, engine.ledger.read, engine.ledger.leases.living))
    _spawn(gateway, Resolver(engine).run())
    _spawn(gateway, Prober(engine).run())
    _spawn(gateway, _sign_audit(gateway.checkpoints, claims.audit_every))
    _spawn(gateway, gateway.renewal.run())
    _alone(gateway, "payouts", PayoutWatch(engine.ledger, day_rules(claims.payout)).run)
    if claims.counter.own_pay_deadline:
        watch = OwnPayWatch(UndoDesk(engine), claims.counter.own_pay_deadline)
        _alone(gateway, "own-pay", watch.run)
    for partner in engine.registry:
        if partner.manifest.collect is not None:
            _alone(gateway, f"collect:{partner.code}", Collector(partner, callbacks).run)
    if claims.reconciliation.lock_at:
        _alone(gateway, "reconciliation", recon.night.run)
    if office.endpoints:
        _alone(gateway, "webhooks", office.run)
    if gateway.carrier is not None:
        _alone(gateway, "window", gateway.carrier.run)
    return renewal


def _spawn(gateway: Gateway, work: Awaitable[None]) -> None:
    gateway.tasks.append(asyncio.ensure_future(work))


def _alone(gateway: Gateway, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """What must be done by one process of all that share the database."""
    leases = gateway.engine.ledger.leases
    _spawn(gateway, work() if leases is None else leases.alone(name, work))


async def _sign_audit(checkpoints: Checkpoints, every: float) -> None:
    """Sign the audit's chain from time to time. Each digest goes into the log, which is kept elsewhere."""
    while True:
        await asyncio.sleep(every)
        try:
            if await checkpoints.sign_new() and checkpoints.newest is not None:
                newest = checkpoints.newest
                _log.event("audit-checkpoint", count=newest.number, digest=newest.digest())
        except LianpeiError as bad:
            _log.event("audit-unsigned", code=bad.error_code)


def _watch(gateway: Gateway, registry: Registry, renewal: KeyRenewal) -> None:
    """Figures that are read when Prometheus asks, not kept up on the hot path."""
    store, metrics = gateway.store, gateway.metrics

    def unknown() -> dict[str, tuple[int, int]]:
        found = store.tally("waiting", "insurer", {"state": "unknown"}, total="amount")
        return {code: (found[code].count, found[code].total) if code in found else (0, 0) for code in registry.codes}

    def weak() -> dict[tuple[str, str], float]:
        today = day_of(gateway.engine.clock.now())
        uses = [(partner.code, weak_use(partner.manifest.seal)) for partner in registry]
        return {(code, name): use.days_left(today) for code, use in uses if use is not None for name in use.algorithms}

    def envelopes() -> dict[str, float]:
        today = day_of(gateway.engine.clock.now())
        return {one.name: one.use.days_left(today) for one in renewal.doors.weak_envelopes()}

    def late() -> dict[str, int]:
        found = store.tally("late", "clock", {"over_at": 0})
        return {name.value: found[name.value].count if name.value in found else 0 for name in ClockName}

    def lanes() -> None:
        for partner in registry:
            tell_lane(partner.code, partner.lane, metrics.lanes)

    metrics.also_on_scrape(lanes)
    metrics.also_on_scrape(metrics.clock.source(gateway.engine.clock))
    now = gateway.engine.clock.epoch_ms
    metrics.also_on_scrape(lambda: tell_waiting(store, metrics, tuple(registry.codes), now()))
    metrics.also_on_scrape(lambda: tell_work(store, metrics, tuple(registry.codes), now()))
    metrics.also_on_scrape(lambda: tell_settlements(store, metrics.clearing, now()))
    metrics.on_scrape(
        unknown=unknown,
        certificates=lambda: renewal.keys.certificate_days() | renewal.guard.certificate_days(),
        ready=gateway.ready,
        weak=weak,
        envelopes=envelopes,
        revocations=renewal.crl_days,
        unsigned=lambda: unsigned(store, now()),
        late=late,
    )
