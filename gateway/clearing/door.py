"""The window's side of the payment room's door: signed orders in, receipts out."""

import msgspec

from gateway.kernel import errors
from gateway.kernel.clock import Clock
from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused, Unknown
from gateway.kernel.secret import Secret
from gateway.payment.model import NewAccount, OrderTaken, PaymentOrder, Receipt, ReceiptPage
from gateway.payment.signing import sign
from gateway.wire.http import HttpAnswer, PartnerClient

_REFUSING = frozenset({400, 409, 413, 422})
"""The room read the order and will never take it as it is."""


class PaymentDoor:
    def __init__(self, client: PartnerClient, secret: Secret[str], clock: Clock, timeout: float = 5.0) -> None:
        self._client = client
        self._secret = secret
        self._clock = clock
        self._timeout = timeout

    async def close(self) -> None:
        await self._client.close()

    async def place(self, order: PaymentOrder) -> Outcome[OrderTaken]:
        """Hand one order over. Safe to repeat under any outcome: the room takes a settlement id once."""
        return await self._post("/orders", msgspec.json.encode(order))

    async def rebind(self, settlement_id: str, account_token: str) -> Outcome[OrderTaken]:
        """Another account for a payout that waits for one. Safe to repeat."""
        body = msgspec.json.encode(NewAccount(account_token=account_token))
        return await self._post(f"/orders/{settlement_id}/account", body)

    async def void(self, settlement_id: str) -> Outcome[OrderTaken]:
        """Call an order off; refused once anything was sent. Safe to repeat."""
        return await self._post(f"/orders/{settlement_id}/void", b"")

    async def _post(self, path: str, body: bytes) -> Outcome[OrderTaken]:
        try:
            answer = await self._send("POST", path, {}, body)
        except errors.NotSent as wrong:
            return NotSent(wrong.error_code)
        except errors.LianpeiError as wrong:
            return Unknown(wrong.error_code)
        if answer.status in _REFUSING:
            return Refused(_code(answer))
        if answer.status != 200:
            return Unknown(_code(answer))
        try:
            return Answered(msgspec.json.decode(answer.body, type=OrderTaken))
        except msgspec.MsgspecError:
            return Unknown("answer-form")

    async def receipts(self, after: int) -> tuple[Receipt, ...]:
        """Receipts with a higher number, a page at most. Raises ``NotSent``, ``OutcomeUnknown``, ``MessageRefused``."""
        answer = await self._send("GET", "/receipts", {"after": str(after)}, b"")
        if answer.status != 200:
            raise errors.MessageRefused(
                "the payment room gave no receipts", hint="Both sides need one secret and time."
            )
        try:
            return msgspec.json.decode(answer.body, type=ReceiptPage).receipts
        except msgspec.MsgspecError:
            raise errors.MessageRefused("the payment room's receipts can't be read") from None

    async def _send(self, method: str, path: str, query: dict[str, str], body: bytes) -> HttpAnswer:
        target = path + "".join(f"?{name}={value}" for name, value in query.items())
        headers = sign(self._secret, self._clock.now(), method, target, body)
        if body:
            headers["Content-Type"] = "application/json"
        return await self._client.send(method, path, query, headers, body, self._timeout)


class _Told(msgspec.Struct):
    code: str = ""


def _code(answer: HttpAnswer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Told).code or f"http-{answer.status}"
    except msgspec.MsgspecError:
        return f"http-{answer.status}"
