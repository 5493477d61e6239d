"""What the payment process could try on the claims room's data with what it has: run as a program of its own.

Arguments: a key directory, a claims database, its keeper socket, a directory with the claims room's keys. Prints what was
reached, as JSON: ``{"rows": …, "records": …, "socket": …, "keys": …}``, each a number, 0 for nothing.
"""

import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.claims.ledger import sealed_under
from gateway.kernel.errors import LianpeiError
from gateway.kernel.secret import Secret
from gateway.store.claims_tables import CLAIMS
from gateway.store.data_keys import wrapped_of
from gateway.store.errors import VaultRefused
from gateway.store.snapshot import Snapshot
from gateway.store.vault import Vault
from gateway.wire.keys import KeyRing

NOBODY = 65534
_REFUSED = (OSError, sqlite3.Error, LianpeiError)


def rows(database: Path) -> int:
    """Bills that can be read in the file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return int(opened.execute("SELECT COUNT(*) FROM bill").fetchone()[0])


def records(database: Path, keys: Path) -> int:
    """Sealed messages that open, trying every secret of the key directory as a master key."""
    found = 0
    with closing(Snapshot(database, CLAIMS)) as snapshot:
        wrapped = {row["order_id"]: row for row in snapshot.find("data_key", {}, limit=1000)}
        for secret in _secrets(keys):
            for message in snapshot.find("message", {}, limit=1000):
                key = wrapped[message["order_id"]]
                vault = Vault({key["master"]: secret}, key["master"], secret)
                try:
                    opened = vault.bill(message["order_id"], wrapped_of(key))
                    opened.open(sealed_under(message), message["body"], "message")
                except VaultRefused:
                    continue
                found += 1
    return found


def _secrets(keys: Path) -> list[Secret[bytes]]:
    ring, found = KeyRing.from_directory(keys), []
    for file in sorted(keys.glob("*.secret")):
        try:
            found.append(ring.vault_key(file.name.removesuffix(".secret")))
        except LianpeiError:
            continue
    return found


def spoken_to(path: Path) -> int:
    with closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.connect(str(path))
    return 1


def files_read(keys: Path) -> int:
    return sum(bool(file.read_bytes()) for file in keys.iterdir())


def tried(attempt: Callable[[], int]) -> int:
    try:
        return attempt()
    except _REFUSED:
        return 0


def main() -> None:
    keys, database, keeper, claims_keys = (Path(text) for text in sys.argv[1:5])
    if "--as-nobody" in sys.argv:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    reached = {
        "rows": tried(lambda: rows(database)),
        "records": tried(lambda: records(database, keys)),
        "socket": tried(lambda: spoken_to(keeper)),
        "keys": tried(lambda: files_read(claims_keys)),
    }
    print(json.dumps(reached))


if __name__ == "__main__":
    main()
