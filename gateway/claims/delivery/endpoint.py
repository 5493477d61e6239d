"""One hospital's endpoint: where its events go, how they are signed, and what an answer means."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from gateway.wire.http import PartnerClient
from gateway.wire.webhook import Signer

GONE = 410
"""The receiver says that nobody lives there any more."""
_LATER = (429, 503)
_LONGEST_WISH_S = 3600


@dataclass(frozen=True, slots=True)
class Told:
    """How one attempt ended. ``status`` is the HTTP status, 0 when there was no answer."""

    status: int
    code: str = ""
    """Why there was no answer."""
    wait_s: float = 0.0
    """The pause that the receiver asked for."""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``connect`` makes the client at the first attempt, so that an address that can't be called hurts nobody else."""

    hospital: str
    path: str
    query: dict[str, str]
    signer: Signer
    connect: Callable[[], PartnerClient]
    events: frozenset[str] = frozenset()
    """Kinds of events that it wants; empty: all."""
    answer_s: float = 10.0
    _open: list[PartnerClient] = field(default_factory=list)

    def wants(self, kind: str) -> bool:
        return not self.events or kind in self.events

    async def bring(self, delivery: Row, now: datetime) -> Told:
        """One attempt. Redirects are answers like any other and are never followed."""
        body = delivery["body"].encode()
        headers = {"Content-Type": "application/json", **self.signer.headers(delivery["event_id"], body, now)}
        try:
            if not self._open:
                self._open.append(self.connect())
            answer = await self._open[0].send("POST", self.path, self.query, headers, body, self.answer_s)
        except LianpeiError as wrong:
            return Told(0, wrong.error_code)
        wish = answer.headers.get("retry-after", "") if answer.status in _LATER else ""
        wait = min(int(wish), _LONGEST_WISH_S) if wish.isascii() and wish.isdigit() and len(wish) < 10 else 0
        return Told(answer.status, wait_s=wait)

    async def close(self) -> None:
        for client in self._open:
            await client.close()
        self._open.clear()
