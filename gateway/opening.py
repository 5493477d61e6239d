"""Opens what the rooms share at start: the key ring, the vault, and the keeper that works without a gateway."""

from pathlib import Path

from gateway.claims.custody.keeper import Keeper
from gateway.claims.ledger import Ledger
from gateway.config import ClaimsSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import ConfigRefused
from gateway.store.api import AnyStore
from gateway.store.checkpoints import Checkpoints
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.vault import Vault
from gateway.telemetry.logs import get_logger
from gateway.wire.devkeys import refuse_development_certificates, refuse_development_keys
from gateway.wire.keys import KeyRing

_log = get_logger("lianpei.opening")


def open_vault(claims: ClaimsSettings, keys: KeyRing) -> Vault:
    masters = {name: keys.vault_key(name) for name in (claims.vault_key, *claims.vault_keys_old)}
    return Vault(masters, claims.vault_key, keys.vault_key(claims.vault_index_key))


def keeper_socket(home: Path, claims: ClaimsSettings) -> Path:
    """Where a running gateway takes its keeper's wishes."""
    return Path(f"{home / ('claims' if claims.shared else claims.database)}.keeper")


def open_store(claims: ClaimsSettings, home: Path, keys: KeyRing) -> AnyStore:
    """The claims room's database. Raises ``ConfigRefused``, or ``StoreFailed`` where it is damaged or out of reach."""
    if not claims.shared:
        return Store.open(home / claims.database, CLAIMS)
    try:
        from gateway.store.postgres import Store as SharedStore
    except ImportError:
        raise ConfigRefused(
            "PostgreSQL's driver is not installed", code="store-url", hint="pip install 'lianpei[postgres]'"
        ) from None
    password = keys.secret(claims.database_password) if claims.database_password else None
    return SharedStore.open(claims.database, CLAIMS, password=password)


def open_keeper(settings: Settings, home: Path) -> tuple[Keeper, AnyStore]:
    """The keeper without a gateway. Raises ``ConfigRefused`` (``store-in-use``) while another process has the database."""
    claims = settings.claims
    if claims is None:
        raise no_claims()
    keys, clock = load_keys(Path(settings.keys), settings.mode), SystemClock()
    vault, signing = open_vault(claims, keys), keys.private(claims.audit_key)
    store = open_store(claims, home, keys)
    checkpoints = Checkpoints(store, claims.audit_key, signing, clock)
    return Keeper(Ledger(store, vault, clock), checkpoints, keys, claims.retention_years), store


def no_claims() -> ConfigRefused:
    return ConfigRefused("the settings have no [claims] part", hint="See docs/settings.md.")


def load_keys(directory: Path, mode: str) -> KeyRing:
    """The ring of a serving process: a wrong key stops who needs it and nobody else, with the reason in the log.

    Raises ``ConfigRefused`` for development keys outside development mode.
    """
    refuse_development_keys(directory, mode)
    keys = KeyRing.from_directory(directory, isolate=True)
    refuse_development_certificates(keys, mode)
    for refused in keys.refusals.values():
        _log.event("key-refused", code=refused.error_code)
    return keys
