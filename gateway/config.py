"""Settings, read once from a TOML file into frozen objects. Secrets are never in it: it names keys, files hold them."""

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gateway.claims.door.fairness import HospitalLimits
from gateway.kernel.errors import ConfigRefused
from gateway.wire.doorlimits import DoorLimits

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_OF_THE_RUN = Path("var/run/gateway.toml")
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base: an unknown setting is a mistake."""


class Door(Closed, frozen=True):
    """Where one door listens. ``certificate`` names a TLS server key of the key ring; empty means plain HTTP on loopback."""

    port: Port
    host: str = "127.0.0.1"
    certificate: str = ""
    limits: DoorLimits = DoorLimits()


class WebhookSettings(Closed, frozen=True):
    """Where one hospital's events are brought (docs/webhooks.md)."""

    url: str
    key: str
    """Name in the key ring of the shared secret (HMAC-SHA256) or of our Ed25519 key that signs."""
    events: tuple[str, ...] = ()
    """Kinds of events that it wants; empty: all."""
    ca: str = ""
    """CA of its certificate, relative to the key directory; empty trusts the system's."""


class WebhookRules(Closed, frozen=True):
    """How webhooks are brought to every hospital."""

    ladder: tuple[float, ...] = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200)
    """Seconds after the first attempt, the second …; about 24 hours in all, then the event is given up."""
    answer_s: float = 10.0
    disable_after_h: float = 120.0
    """An endpoint that took nothing for so many hours is disabled until an operator enables it."""
    ports: tuple[int, ...] = (443,)
    networks: tuple[str, ...] = ()
    """Inner networks that may be called, such as "10.20.0.0/16" of a private line; public addresses always may."""


class ReconRules(Closed, frozen=True):
    """When a day's books are locked and how long a peer's is waited for (docs/reconciliation.md)."""

    lock_at: str = "02:00"
    """Time of day in China at which the day before is locked; empty: only on demand."""
    retry_every: float = 1800.0
    """Seconds between asks for a book that is late."""
    give_up_h: float = 24.0
    """Hours after midnight when a missing book is told as missing."""
    edge_min: int = 30
    """What stands in one book only, so many minutes before midnight, is looked for in the next day's books."""


class HospitalSettings(Closed, frozen=True):
    code: str
    name: str
    certificate_name: str = ""
    """Common name of its client certificate."""
    signing_key: str = ""
    """Name of its request-signing key in the key ring."""
    password: str = ""
    """Name of the secret that is its password at the SOAP door, for a HIS that can neither sign nor show a certificate."""
    seals: dict[str, dict[str, Any]] = {}
    """Formats whose bodies this hospital sends in an envelope: format to the seal's settings."""
    limits: HospitalLimits = HospitalLimits()
    webhook: WebhookSettings | None = None
    group: str = ""
    """Code of the hospital whose client certificate speaks for this one too (header ``Lianpei-Hospital``)."""


class InsurerSettings(Closed, frozen=True):
    endpoint: str
    ca: str = ""
    """Certificate file of the partner's CA, relative to the key directory; empty trusts the system's."""
    client_certificate: str = ""
    """Key ring name of our client certificate for mTLS."""
    peer_ca: str = ""
    """PEM file with the authorities that the partner's message certificates must come from, relative to the key directory."""
    peer_crl: str = ""
    """PEM file with these authorities' revocation lists; empty asks for none."""


class OperatorSettings(Closed, frozen=True):
    """One person at the operators' door."""

    name: str
    roles: tuple[Literal["view", "view-body", "re-drive", "configure"], ...]
    token: str = ""
    """Name of the secret in the key directory that is this person's bearer token."""
    certificate_name: str = ""
    """Common name of this person's client certificate, issued by ``operator_ca``."""


class CounterSettings(Closed, frozen=True):
    """What a hospital's counter is offered where the bill does not say."""

    quick_claim: bool = False
    """A direct-pay attempt that is proven dead goes on as a quick-claim under the same order."""
    quote_valid: float = 300.0
    """Seconds for which quotes wait for the patient's confirmation."""
    own_pay_deadline: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Seconds after which a direct-pay bill is undone whose own part could not be collected; 0: the hospital decides."""


class PayoutSettings(Closed, frozen=True):
    """The T+1 promise of quick-claims: two clocks, each in calendar or working days of Shanghai."""

    days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 1
    application: Literal["calendar", "working"] = "calendar"
    approval: Literal["calendar", "working"] = "calendar"
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
    """Weekend days that are worked (调休)."""


class ClaimsSettings(Closed, frozen=True):
    database: str
    """A SQLite file, relative to the settings, or the URL of a PostgreSQL database that several gateways share."""
    hospital_door: Door
    partner_door: Door
    operator_door: Door
    counter: CounterSettings = CounterSettings()
    payout: PayoutSettings = PayoutSettings()
    vault_key: str = "vault-claims"
    """The master key that new bills' data keys are wrapped under."""
    vault_keys_old: tuple[str, ...] = ()
    """Master keys that some data keys may still be wrapped under (``lianpei vault rewrap`` ends that)."""
    vault_index_key: str = "vault-index"
    """Makes the blind index of persons. It can't be changed: bills already kept would no longer be found."""
    audit_key: str = "audit-sign"
    """The Ed25519 key that signs the audit's checkpoints."""
    audit_every: float = 60.0
    """Seconds between checkpoints."""
    retention_years: dict[str, int] = {}
    """How long the content of a bill is kept, by class (``direct_pay``, ``quick_claim``, ``notice``); no entry: for ever."""
    client_ca: str = "ca.cert.pem"
    """CA of the hospitals' client certificates, relative to the key directory."""
    client_crl: str = ""
    """Revocation list of that CA, relative to the key directory; empty asks for none."""
    operator_ca: str = ""
    """CA of the operators' client certificates. Never the hospitals': a name there may be anybody's here."""
    most_open_bills: int = 2000
    family: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """Patients whose consents one account (``holder``) may hold."""
    stop_notice: Annotated[float, msgspec.Meta(ge=0, le=300)] = 0.0
    """Seconds between "not ready" and a closed door, for balancers that ask only now and then."""
    stop_grace: Annotated[float, msgspec.Meta(ge=0, le=300)] = 5.0
    """Seconds that bills under way have at a stop before they are handed over."""
    webhooks: WebhookRules = WebhookRules()
    reconciliation: ReconRules = ReconRules()
    database_password: str = ""
    """The secret with the PostgreSQL user's password; empty leaves it to libpq (a certificate, ``.pgpass``)."""

    @property
    def shared(self) -> bool:
        return "://" in self.database


class ClearingSettings(Closed, frozen=True):
    payment_url: str
    secret: str = "clearing-payment"  # noqa: S105 - the name of a key, not a secret
    ca: str = ""
    every: float = 0.2
    channels: tuple[str, ...] = ("pay",)
    """Payment channels in the order in which the window prefers them: folders of ``mappings/payment``."""
    credit_cutoff: Annotated[str, msgspec.Meta(pattern=CLOCK)] = "17:30"
    """Only bills brought before this time of day (Shanghai) may be paid later."""
    statements: tuple[str, ...] = ("pay",)
    """Payment channels whose daily statement is held against our settlements."""


class ChannelSettings(Closed, frozen=True):
    """A further payment channel; its code is the folder under ``mappings/payment``."""

    endpoint: str
    ca: str = ""


class PayLaterSettings(Closed, frozen=True):
    """The pay-later day, times of Shanghai: tell the patient, deduct, and after ``days`` days record a default."""

    push: Annotated[str, msgspec.Meta(pattern=CLOCK)] = "20:00"
    deduct: Annotated[str, msgspec.Meta(pattern=CLOCK)] = "22:00"
    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 3


class PaymentSettings(Closed, frozen=True):
    database: str
    door: Door
    channel: str
    channel_endpoint: str
    channel_ca: str = ""
    channels: dict[str, ChannelSettings] = {}
    pay_later: PayLaterSettings = PayLaterSettings()
    return_watch_days: Annotated[float, msgspec.Meta(ge=0, le=60)] = 3.0
    """How long a paid payout is asked about, since a bank may return it."""
    secret: str = "clearing-payment"  # noqa: S105 - the name of a key, not a secret


class Settings(Closed, frozen=True):
    mode: Literal["development", "production"]
    keys: str
    mappings: str
    schemas: str
    claims: ClaimsSettings | None = None
    clearing: ClearingSettings | None = None
    payment: PaymentSettings | None = None
    hospitals: tuple[HospitalSettings, ...] = ()
    operators: tuple[OperatorSettings, ...] = ()
    insurers: dict[str, InsurerSettings] = {}


def load_settings(path: str | Path | None = None) -> Settings:
    """Read the settings file: the argument, else ``LIANPEI_CONFIG``, else ``lianpei.toml``. Relative paths count from the file."""
    source = Path(path or os.environ.get("LIANPEI_CONFIG", "lianpei.toml"))
    try:
        raw = tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        made = f" That of make run: --config {_OF_THE_RUN}." if _OF_THE_RUN.exists() else ""
        raise ConfigRefused(
            f"there is no settings file {source.name}", hint=f"Name one with --config or LIANPEI_CONFIG.{made}"
        ) from None
    except tomllib.TOMLDecodeError as bad:
        raise ConfigRefused(f"{source.name}: {bad}", hint="See docs/settings.md.") from None
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as bad:
        raise ConfigRefused(f"{source.name}: {bad}", hint="See docs/settings.md.") from None
    home = source.resolve().parent
    return msgspec.structs.replace(
        settings,
        keys=str(home / settings.keys),
        mappings=str(home / settings.mappings),
        schemas=str(home / settings.schemas),
    )
