"""What a simulator is, and what it needs to know.

Besides its partner's own paths every simulator serves these control paths, all JSON:

- ``GET /_ledger``: ``{"settlements": [{reference, our_refs, amount_fen, times_applied, state, policy_no}],
  "notices": [{op, reference, attempts, acknowledged}]}``, the insurer's truth to compare ours with.
- ``POST /_script``: ``{"match": {"op": "S291"}, "do": "lose_answer", "seconds": 1, "times": 1}``: trouble for the
  next matching message (``common/trouble.py`` is the vocabulary); ``GET /_script``: ``{do: [op, …]}``, what it can play.
- ``GET /_received?last=n``: ``[{op, path, headers, body}]``, the last messages with raw bytes in Base64 and header
  names in lower case, kept in memory only.
- ``GET /_health``: ``{"code": …}``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from gateway.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    keys: Path
    """The ``certs-example`` directory: ``<name>.key.pem``, ``.pub.pem``, ``.cert.pem``, ``.secret``."""
    gateway_url: str
    """Where callbacks go, without a trailing slash: ``https://127.0.0.1:8443``."""
    ca: Path | None = None
    """Certificate that an ``https`` gateway must show; None trusts the system's."""
    delay_s: float = 0.05
    """How long the insurer thinks before it calls back."""
    slow_s: float = 3.0
    """How long it thinks about a policy whose number starts with ``SLOW``."""
    token_ttl_s: int = 7200
    clock: Clock = field(default_factory=SystemClock)


class Simulator(Protocol):
    """One partner, played as a strict one would: it verifies, decrypts and adjudicates on its own."""

    code: str

    def app(self) -> web.Application:
        """The server's routes; may be called once."""
        ...

    async def close(self) -> None:
        """Drop callbacks that are still to be made and close connections."""
        ...
