"""A claim's fields, salted and hashed one by one, so that one can be shown and the others stay closed.

A leaf is SHA-256 of the JSON text ``["field", path, salt, value]``; the leaves, sorted by path, make a Merkle tree. The
fields are those of the submission and, beside them, what the claim came to. A salt is HMAC-SHA256 of the path under a
secret of the bill's vault: nobody can guess a closed field from its digest, and no salt outlives the data key.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gateway.kernel import merkle
from gateway.kernel.errors import BadRequest
from gateway.store.api import Row
from gateway.store.vault import BillVault

OUTCOME = ("claim_id", "insurer", "claimed", "approved", "outcome")
"""Columns of the claim's row that are fields beside the submission's."""
_SALT = 16


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every text, number, yes/no and empty part with its path, like ``split.total`` or ``lines[0].amount``."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def leaf_json(path: str, salt: str, value: Any) -> bytes:
    return msgspec.json.encode(["field", path, salt, value])


class FieldTree:
    def __init__(self, submission: bytes, claim: Row, vault: BillVault) -> None:
        outcome = {name: claim[name] for name in OUTCOME}
        found = dict(sorted([*leaves(msgspec.json.decode(submission)), *outcome.items()]))
        secret = vault.secret(f"fields:{claim['claim_id']}")
        self.paths = list(found)
        self.leaves = [leaf_json(path, _salt(secret, path), value) for path, value in found.items()]
        self._digests = [merkle.digest(leaf) for leaf in self.leaves]
        self.root = merkle.root(self._digests)

    def chosen(self, wanted: Sequence[str]) -> list[int]:
        """Places of the fields named; a part (``split``, ``lines[0]``) stands for all below it, ``all`` for everything.

        Raises ``BadRequest`` (``field-unknown``) for a name that the claim doesn't have.
        """
        places: set[int] = set()
        for name in wanted:
            below = (f"{name}.", f"{name}[")
            hits = [at for at, path in enumerate(self.paths) if name in ("all", path) or path.startswith(below)]
            if not hits:
                raise BadRequest(
                    "the claim has no such field",
                    code="field-unknown",
                    hint="Paths are those of docs/model.md, like split.total or lines[0].amount.",
                )
            places.update(hits)
        return sorted(places)

    def neighbours(self, place: int) -> list[str]:
        return merkle.path(self._digests, place)


def _salt(secret: bytes, path: str) -> str:
    return hmac.digest(secret, path.encode(), "sha256")[:_SALT].hex()
