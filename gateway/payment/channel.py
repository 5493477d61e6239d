"""The way to one payment channel: map an act, look at every name once more, send, and tell one of four outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from gateway.kernel import errors
from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused, Unknown
from gateway.mapping.api import CompiledAct, Incoming, Outgoing
from gateway.payment.allowlist import AllowList
from gateway.payment.capabilities import Capabilities
from gateway.payment.model import ChannelAct, ChannelAnswer, ChannelOrder, ChannelState, Notice, OrderKind, PaymentOrder
from gateway.wire.http import HttpAnswer, PartnerClient

NOT_FOUND = "channel-not-found"
"""Refusal code of an enquiry about an order that the channel does not have."""
_NOT_TAKEN = frozenset({401, 403, 408, 425, 429})
"""The channel turned the request away before looking at the order, so it may be sent again."""
ACTS = ("order", "enquiry", "refund", "refund_enquiry", "push")
"""Files of a channel's folder: the first two are needed, the others where ``channel.yaml`` says that it can."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One act: the order, its number at the channel, and the number of what it gives back."""

    order: PaymentOrder
    act_id: str
    number: str
    original: str = ""
    notice: Notice | UnsetType = UNSET

    def view(self) -> ChannelOrder:
        original = self.original or UNSET
        act = ChannelAct(act_id=self.act_id, number=self.number, original=original, notice=self.notice)
        return ChannelOrder(act=act, order=self.order)


class Channel:
    """``place``, ``enquire`` and ``push`` never raise for what the peer does."""

    def __init__(
        self,
        acts: Mapping[str, CompiledAct],
        capabilities: Capabilities,
        names: AllowList,
        client: PartnerClient,
        timeout: float,
    ) -> None:
        self.capabilities = capabilities
        self._acts = acts
        self._names = names
        self._client = client
        self._timeout = timeout

    async def close(self) -> None:
        await self._client.close()

    async def place(self, sent: Sent) -> Outcome[ChannelAnswer]:
        """Send an order or a refund. The same number again gives the channel's first result."""
        return await self._do("refund" if sent.order.kind is OrderKind.REFUND else "order", sent)

    async def enquire(self, sent: Sent) -> Outcome[ChannelAnswer]:
        """Ask what became of it; ``Refused(NOT_FOUND)`` when the channel has none of it."""
        return await self._do("refund_enquiry" if sent.order.kind is OrderKind.REFUND else "enquiry", sent)

    async def push(self, sent: Sent) -> Outcome[ChannelAnswer]:
        """Tell the patient of today's deduction. A channel without this act tells by itself."""
        if "push" not in self._acts:
            return Answered(ChannelAnswer(state=ChannelState.PROCESSING))
        return await self._do("push", sent)

    async def _do(self, name: str, sent: Sent) -> Outcome[ChannelAnswer]:
        view, act = sent.view(), self._acts[name]
        try:
            outgoing = act.write(view)
        except errors.LianpeiError as wrong:
            return Refused(wrong.error_code)
        if outgoing.document and self._names.refused(outgoing.document):
            return Refused("channel-name-refused")
        answer = await self._exchange(outgoing)
        if not isinstance(answer, Answered):
            return answer
        return self._read(act, answer.value, sent, view, asking=name.endswith("enquiry"))

    async def _exchange(self, outgoing: Outgoing) -> Outcome[HttpAnswer]:
        headers = dict(outgoing.headers)
        if outgoing.document and outgoing.content_type:
            headers["Content-Type"] = outgoing.content_type
        try:
            return Answered(
                await self._client.send(
                    outgoing.method, outgoing.path, outgoing.query, headers, outgoing.document, self._timeout
                )
            )
        except errors.NotSent as wrong:
            return NotSent(wrong.error_code)
        except errors.LianpeiError as wrong:
            return Unknown(wrong.error_code)

    @staticmethod
    def _read(
        act: CompiledAct, answer: HttpAnswer, sent: Sent, view: ChannelOrder, *, asking: bool
    ) -> Outcome[ChannelAnswer]:
        if answer.status in _NOT_TAKEN:
            return NotSent("channel-not-taken")
        if asking and answer.status == 404:
            return Refused(NOT_FOUND)
        if 400 <= answer.status < 500:
            return Refused("channel-refused")
        if answer.status != 200:
            return Unknown("channel-status")
        try:
            read = act.read(Incoming(document=answer.body, http_status=answer.status), None if asking else view)
            told = msgspec.convert(read, ChannelAnswer)
        except (errors.LianpeiError, msgspec.ValidationError):
            return Unknown("channel-answer")
        if told.state is ChannelState.UNKNOWN or told.number != sent.number:
            return Unknown("channel-answer")
        return Answered(told)
