"""Wires what works by itself beside the bills: the hospitals' webhooks, and reconciliation."""

import ssl
from collections.abc import Iterable, Sequence
from datetime import time
from functools import partial
from ipaddress import ip_network
from pathlib import Path

from yarl import URL

from gateway.channelbooks import ChannelSource, SettlementBook
from gateway.claims.conversation.engine import Engine
from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.lane import Ladder
from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import Rows
from gateway.claims.reconciliation.booking import Booking
from gateway.claims.reconciliation.desk import ReconDesk
from gateway.claims.reconciliation.lock import CutOff, OtherBook
from gateway.claims.reconciliation.night import Hours, Night
from gateway.claims.reconciliation.office import ReconOffice
from gateway.claims.reconciliation.run import Runner
from gateway.claims.reconciliation.sources import Source, insurer_source
from gateway.clearing.statement import StatementDoor
from gateway.config import HospitalSettings, ReconRules, Settings, WebhookRules
from gateway.kernel.clock import Clock
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.store.api import AnyStore
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.wire.http import Bounds, PartnerClient
from gateway.wire.keys import KeyRing
from gateway.wire.targets import Targets
from gateway.wire.tls import client_context
from gateway.wire.webhook import Signer

_BOUNDS = Bounds(attempts=1, answer_bytes=64 * 1024)
"""The ladder repeats, not the client; what a receiver answers besides its status is nobody's concern."""
_CONNECTIONS = 8

_log = get_logger("webhooks")


def delivery_office(settings: Settings, keys: KeyRing, store: AnyStore, clock: Clock, metrics: Metrics) -> Office:
    """The office with every endpoint that can be served. One that is set wrongly stays out, with the reason in the log,
    and in development mode stops the start: ``ConfigRefused``."""
    assert settings.claims is not None
    rules = settings.claims.webhooks
    endpoints: dict[str, Endpoint] = {}
    for hospital in settings.hospitals:
        if hospital.webhook is None:
            continue
        try:
            endpoints[hospital.code] = _endpoint(settings, hospital, rules, keys)
        except LianpeiError as bad:
            _log.event("webhook-left-out", hospital=hospital.code, code=bad.error_code)
            if settings.mode == "development":
                raise
    ladder = Ladder(rules.ladder, rules.disable_after_h * 3600)
    office = Office(Rows(store, clock), endpoints, ladder, metrics.delivery)
    metrics.also_on_scrape(metrics.delivery.source(office.figures))
    return office


def _endpoint(settings: Settings, hospital: HospitalSettings, rules: WebhookRules, keys: KeyRing) -> Endpoint:
    webhook = hospital.webhook
    assert webhook is not None
    if not rules.ladder:
        raise ConfigRefused("the ladder has no step", code="webhook-setting", hint="Leave it out, or list its pauses.")
    targets = Targets(rules.ports, [ip_network(one) for one in rules.networks], settings.mode == "development")
    url = targets.require_form(webhook.url)
    tls = _trusting(Path(settings.keys), webhook.ca, keys) if url.scheme == "https" else None
    base = str(url.origin())
    return Endpoint(
        hospital=hospital.code,
        path=url.path,
        query=_once_each(url),
        signer=Signer(keys, webhook.key),
        connect=partial(PartnerClient, base, tls=tls, limit=_CONNECTIONS, bounds=_BOUNDS, targets=targets),
        events=frozenset(webhook.events),
        answer_s=rules.answer_s,
    )


def _trusting(directory: Path, ca: str, keys: KeyRing) -> ssl.SSLContext:
    return client_context(directory / ca if ca else None, keys, "")


def _once_each(url: URL) -> dict[str, str]:
    return dict(url.query)


def channel_books(
    settings: Settings, keys: KeyRing, store: AnyStore, clock: Clock
) -> tuple[list[ChannelSource], list[SettlementBook]]:
    """The channels that are reconciled by way of the payment room."""
    window = settings.clearing
    if window is None:
        return [], []
    tls = _trusting(Path(settings.keys), window.ca, keys) if window.payment_url.startswith("https:") else None
    door = StatementDoor(window.payment_url, keys.secret(window.secret), clock, tls)
    sources = [ChannelSource(channel, door) for channel in window.statements]
    return sources, [SettlementBook(store, channel) for channel in window.statements]


def recon_office(
    rules: ReconRules, engine: Engine, more: Iterable[Source] = (), books: Sequence[OtherBook] = ()
) -> ReconOffice:
    """Reconciliation with every insurer whose folder has a statement act, and the sources ``more``.

    Raises ``ConfigRefused`` for a time of day that is none.
    """
    ledger, registry = engine.ledger, engine.registry
    found = [insurer_source(partner, engine.clock) for partner in registry]
    sources = [one for one in (*found, *more) if one is not None]
    hours = Hours(_time_of(rules.lock_at), rules.retry_every, rules.give_up_h * 3600)
    runner = Runner(ledger, rules.edge_min * 60_000)
    night = Night(ledger, CutOff(ledger, Booking(ledger, registry), books), runner, sources, hours)
    desk = ReconDesk(ledger)
    engine.metrics.also_on_scrape(engine.metrics.recon.source({*registry.codes, *night.peers}, desk.figures))
    return ReconOffice(ledger, night, runner, desk)


def _time_of(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigRefused("lock_at is no time of day", code="recon-setting", hint='Write it like "02:00".') from None
