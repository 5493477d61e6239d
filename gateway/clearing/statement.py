"""The window's part of reconciliation with a payment channel: our settlements of a day, and the channel's statement."""

import ssl
from dataclasses import dataclass

import msgspec

from gateway.kernel.clock import Clock
from gateway.kernel.errors import OutcomeUnknown
from gateway.kernel.secret import Secret
from gateway.payment.signing import sign
from gateway.payment.statement import ChannelStatement
from gateway.store.api import AnyStore, Row
from gateway.wire.http import PartnerClient

_STANDINGS = {"paid": "done", "failed": "refused", "refused": "refused"}
_STATES = ("paid", "failed", "refused", "ordered", "created", "disputed")
_BACK = ("refund", "back")
_MOST = 10_000
_TIMEOUT_S = 70.0


@dataclass(frozen=True, slots=True)
class Settled:
    """One settlement as a book lists it: ``standing`` is done, refused or unknown, ``at`` epoch ms, ``amount`` 分."""

    settlement_id: str
    order_id: str
    hospital: str
    is_refund: bool
    standing: str
    amount: int
    at: int


def settled(store: AnyStore, channel: str, start: int, end: int) -> list[Settled]:
    """Settlements of one channel whose last word came from ``start`` to ``end`` (epoch ms). Asked inside ``read``."""
    found = []
    for state in _STATES:
        for row in _rows(store, state, start, end):
            bill = store.get("bill", order_id=row["order_id"])
            hospital = bill["hospital"] if bill is not None else ""
            if row["amount"] and (row.get("channel") or channel) == channel:
                found.append(_one(row, hospital))
    return found


def _rows(store: AnyStore, state: str, start: int, end: int) -> list[Row]:
    rows: list[Row] = []
    where = {"state": state, "updated_at": (">=", start)}
    while True:
        last = rows[-1] if rows else None
        after = (last["updated_at"], last["order_id"], last["kind"]) if last is not None else None
        page = store.find("settlement", where, order_by="updated_at", limit=_MOST, after=after)
        rows += page
        if len(page) < _MOST or page[-1]["updated_at"] >= end:
            return [row for row in rows if row["updated_at"] < end]


def _one(row: Row, hospital: str) -> Settled:
    is_refund = row["kind"].startswith(_BACK)
    standing = _STANDINGS.get(row["state"], "unknown")
    ids = row["settlement_id"], row["order_id"], hospital
    return Settled(*ids, is_refund, standing, row["amount"], row["updated_at"])


class StatementDoor:
    """Asks the payment room, which alone talks to a channel. Once a day, so each question has its own connection."""

    def __init__(self, payment_url: str, secret: Secret[str], clock: Clock, tls: ssl.SSLContext | None) -> None:
        self._url = payment_url
        self._secret = secret
        self._clock = clock
        self._tls = tls

    async def statement(self, channel: str, day: str) -> tuple[bytes, ChannelStatement] | None:
        """``day`` as 20261121; None while the channel has none. Raises ``NotSent`` or ``OutcomeUnknown``."""
        query = {"day": day, "channel": channel}
        target = f"/statement?day={day}&channel={channel}"
        client = PartnerClient(self._url, tls=self._tls)
        try:
            headers = sign(self._secret, self._clock.now(), "GET", target, b"")
            answer = await client.send("GET", "/statement", query, headers, b"", _TIMEOUT_S)
        finally:
            await client.close()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise OutcomeUnknown("the payment room gave no statement", code="statement-refused")
        try:
            return answer.body, msgspec.json.decode(answer.body, type=ChannelStatement)
        except msgspec.MsgspecError:
            raise OutcomeUnknown("the payment room's statement can't be read", code="answer-form") from None
