"""The claims room's sealed records, opened with its own keys: proof that what was planted did arrive there."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.claims.ledger import sealed_under
from gateway.config import load_settings
from gateway.opening import no_claims, open_vault
from gateway.store.claims_tables import CLAIMS
from gateway.store.data_keys import wrapped_of
from gateway.store.snapshot import Snapshot
from gateway.wire.keys import KeyRing

_MOST = 1_000_000


def sealed_records(config: Path) -> Iterator[bytes]:
    """Content of every message and vault record of the deployment that ``config`` describes, but for erased bills."""
    settings = load_settings(str(config))
    claims = settings.claims
    if claims is None:
        raise no_claims()
    vault = open_vault(claims, KeyRing.from_directory(Path(settings.keys)))
    with closing(Snapshot(config.parent / claims.database, CLAIMS)) as snapshot:
        keys = {row["order_id"]: row for row in snapshot.find("data_key", {}, limit=_MOST) if not row["erased_at"]}
        bills = {order_id: vault.bill(order_id, wrapped_of(row)) for order_id, row in keys.items()}
        for row in snapshot.find("vault", {}, limit=_MOST):
            if row["order_id"] in bills:
                yield bills[row["order_id"]].open(row["record_id"], row["blob"], row["kind"])
        for row in snapshot.find("message", {}, limit=_MOST):
            if row["order_id"] in bills:
                yield bills[row["order_id"]].open(sealed_under(row), row["body"], "message")
