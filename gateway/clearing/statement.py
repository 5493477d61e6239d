"""The window's part of reconciliation with a payment channel: our settlements of a day, and the channel's statement."""

import ssl
from dataclasses import dataclass

import msgspec

from gateway.clearing.reader import hospital_of
from gateway.clearing.rows import BACK
from gateway.kernel.clock import Clock
from gateway.kernel.errors import OutcomeUnknown
from gateway.kernel.secret import Secret
from gateway.kernel.settlements import State
from gateway.payment.signing import sign
from gateway.payment.statement import ChannelStatement
from gateway.store.api import AnyStore, Row
from gateway.wire.http import PartnerClient

_STANDINGS = {
    State.PAID: "done",
    State.DOUBLE: "done",
    State.RETURNED: "done",
    State.FAILED: "refused",
    State.REFUSED: "refused",
    State.ORDERED: "unknown",
    State.CREATED: "unknown",
    State.DISPUTED: "unknown",
    State.ACCOUNT: "refused",
}
"""Settlements in another state have no business with a channel on that day."""
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
    for state, standing in _STANDINGS.items():
        for row in _rows(store, state.value, start, end):
            hospital = hospital_of(store, row["order_id"])
            if row["amount"] and (row.get("channel") or channel) == channel:
                found += _lines(row, hospital, standing, start)
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


def _lines(row: Row, hospital: str, standing: str, start: int) -> list[Settled]:
    """One line; a payout that came back is a payment of the day it was made and a refund of the day it came back."""
    ids = row["settlement_id"], row["order_id"], hospital
    is_back = row["kind"].startswith(BACK)
    if row["state"] != State.RETURNED:
        return [Settled(*ids, is_back, standing, row["amount"], row["updated_at"])]
    made = [Settled(*ids, False, standing, row["amount"], row["created_at"])] if row["created_at"] >= start else []
    return [*made, Settled(*ids, True, standing, row["amount"], row["updated_at"])]


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
