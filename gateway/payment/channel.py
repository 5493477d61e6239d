"""The way to one payment channel: map an order, look at every name once more, send, and tell one of four outcomes."""

import msgspec

from gateway.kernel import errors
from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused, Unknown
from gateway.mapping.api import CompiledAct, Incoming, Outgoing
from gateway.payment.allowlist import AllowList
from gateway.payment.model import ChannelAct, ChannelAnswer, ChannelOrder, ChannelState, PaymentOrder
from gateway.wire.http import HttpAnswer, PartnerClient

NOT_FOUND = "channel-not-found"
"""Refusal code of an enquiry about an order that the channel does not have."""
_NOT_TAKEN = frozenset({401, 403, 408, 425, 429})
"""The channel turned the request away before looking at the order, so it may be sent again."""


class Channel:
    """``place`` and ``enquire`` never raise for what the peer does."""

    def __init__(self, mapping: CompiledAct, names: AllowList, client: PartnerClient, timeout: float) -> None:
        self._mapping = mapping
        self._names = names
        self._client = client
        self._timeout = timeout

    async def place(self, order: PaymentOrder, act_id: str) -> Outcome[ChannelAnswer]:
        """Send an order under its act id. The same settlement id again gives the channel's first result."""
        view = ChannelOrder(act=ChannelAct(act_id=act_id), order=order)
        try:
            outgoing = self._mapping.write(view)
        except errors.LianpeiError as wrong:
            return Refused(wrong.error_code)
        if self._names.refused(outgoing.document):
            return Refused("channel-name-refused")
        return await self._exchange(outgoing, order, view)

    async def enquire(self, order: PaymentOrder) -> Outcome[ChannelAnswer]:
        """Ask what became of an order; ``Refused(NOT_FOUND)`` when the channel has none of it."""
        asked = Outgoing(document=b"", content_type="", method="GET", path=f"/orders/{order.settlement_id}")
        return await self._exchange(asked, order, None)

    async def _exchange(
        self, outgoing: Outgoing, order: PaymentOrder, view: ChannelOrder | None
    ) -> Outcome[ChannelAnswer]:
        headers = dict(outgoing.headers)
        if outgoing.content_type:
            headers["Content-Type"] = outgoing.content_type
        try:
            answer = await self._client.send(
                outgoing.method, outgoing.path, outgoing.query, headers, outgoing.document, self._timeout
            )
        except errors.NotSent as wrong:
            return NotSent(wrong.error_code)
        except errors.LianpeiError as wrong:
            return Unknown(wrong.error_code)
        return self._read(answer, order, view)

    def _read(self, answer: HttpAnswer, order: PaymentOrder, view: ChannelOrder | None) -> Outcome[ChannelAnswer]:
        if answer.status in _NOT_TAKEN:
            return NotSent("channel-not-taken")
        if view is None and answer.status == 404:
            return Refused(NOT_FOUND)
        if 400 <= answer.status < 500:
            return Refused("channel-refused")
        if answer.status != 200:
            return Unknown("channel-status")
        try:
            read = self._mapping.read(Incoming(document=answer.body, http_status=answer.status), view)
            told = msgspec.convert(read, ChannelAnswer)
        except (errors.LianpeiError, msgspec.ValidationError):
            return Unknown("channel-answer")
        if told.state is ChannelState.UNKNOWN or told.settlement_id != order.settlement_id:
            return Unknown("channel-answer")
        return Answered(told)
