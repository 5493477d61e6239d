"""Wires what goes out by itself: the hospitals' webhooks, from the settings and the key ring."""

import ssl
from functools import partial
from ipaddress import ip_network
from pathlib import Path

from yarl import URL

from gateway.claims.delivery.endpoint import Endpoint
from gateway.claims.delivery.lane import Ladder
from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import Rows
from gateway.config import HospitalSettings, Settings, WebhookRules
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

_log = get_logger("lianpei.webhooks")


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
    metrics.add_source(metrics.delivery.source(office.figures))
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
