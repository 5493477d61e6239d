"""Merkle trees over SHA-256 in hex, made so that a shell with ``openssl`` can climb them.

A node is SHA-256 of the text ``node:<left>:<right>``; a leaf is the digest of a JSON text, which begins with ``{`` or
``[``, so no leaf can be passed off as a node. A node without a right neighbour moves up as it is (RFC 9162, 2.1).
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").hexdigest()
LEFT, RIGHT = "L:", "R:"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def node(left: str, right: str) -> str:
    return digest(f"node:{left}:{right}".encode())


def root(leaves: Sequence[str]) -> str:
    """The root of the tree over these digests; of no leaves, the digest of nothing."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def path(leaves: Sequence[str], index: int) -> list[str]:
    """The neighbours from leaf ``index`` up to the root: ``L:<digest>`` stands left of us, ``R:<digest>`` right."""
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append((LEFT if beside < index else RIGHT) + level[beside])
        level, index = _above(level), index // 2
    return found


def climb(leaf: str, neighbours: Iterable[str]) -> str:
    """The root that this leaf and its ``path`` lead to."""
    reached = leaf
    for beside in neighbours:
        other = beside[len(LEFT) :]
        reached = node(other, reached) if beside.startswith(LEFT) else node(reached, other)
    return reached


def _above(level: list[str]) -> list[str]:
    paired = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return paired + level[-1:] if len(level) % 2 else paired
