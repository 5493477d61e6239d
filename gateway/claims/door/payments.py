"""The hospital door's routes about money: how a bill is being paid, another channel for it, deposits."""

import hashlib
from contextlib import suppress
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web

from gateway.claims.canonical.payment import CHANNEL, PaymentWish
from gateway.claims.conversation.clocks import DayRule
from gateway.claims.door.auth import Guard
from gateway.claims.door.body import typed_body
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.door.idempotency import key_of
from gateway.claims.door.own_bill import own_bill
from gateway.claims.door.paymentviews import deposit_view, payments_view
from gateway.claims.ledger import Ledger
from gateway.claims.wishes import put_wish
from gateway.kernel.errors import BadClaim, Conflict, KeyReused, NotFound
from gateway.kernel.ids import ID_PATTERN, new_deposit_id
from gateway.kernel.money import MAX_FEN
from gateway.kernel.settlements import State
from gateway.store.api import Row
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

T = TypeVar("T")
_JSON = {"Content-Type": "application/json"}


class Tap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/orders/{order_id}/pay``: the patient turns to another channel."""

    channel: Annotated[str, msgspec.Meta(pattern=CHANNEL)]
    payer_token: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)] | msgspec.UnsetType = msgspec.UNSET


class Deposit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/deposits``. ``amount_fen`` in 分."""

    amount_fen: Annotated[int, msgspec.Meta(ge=1, le=MAX_FEN)]
    payment: PaymentWish = PaymentWish()


class Payments:
    def __init__(self, guard: Guard, ledger: Ledger, credited: DayRule) -> None:
        """``credited``: how the contract counts the days until a payout is there."""
        self._guard = guard
        self._ledger = ledger
        self._credited = credited

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1/orders/{order_id}/payments", self.payments)
        app.router.add_post("/v1/orders/{order_id}/pay", self.pay)
        app.router.add_post("/v1/deposits", self.take_deposit)
        app.router.add_get("/v1/deposits/{deposit_id}", self.deposit)
        app.router.add_post("/v1/deposits/{deposit_id}/refund", self.refund_deposit)

    async def payments(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}/payments``: every payment of a bill and the state of each share."""
        bill = await own_bill(self._guard, self._ledger, request)
        view = await self._ledger.read(payments_view, self._ledger.store, bill, self._credited)
        return web.Response(body=view, headers=_JSON)

    async def pay(self, request: web.Request) -> web.Response:
        """``POST /v1/orders/{order_id}/pay``: of all channels that a patient turns to, one stands paid."""
        bill, tap = await own_bill(self._guard, self._ledger, request), _decoded(request, Tap)
        rows = await self._ledger.read(self._settled, bill["order_id"])
        first = next((row for row in rows if row["kind"] in ("SELF_PAY", "CREDIT")), None)
        if first is None:
            raise Conflict("nothing is to be paid yet", code="nothing-to-pay", hint="Wait for the event decided.")
        if any(row["state"] == State.PAID and not row["original"] for row in rows):
            raise Conflict("the bill is paid", code="already-paid", hint="Collect nothing.")
        order_id, now = bill["order_id"], self._ledger.clock.epoch_ms()
        unit = Unit()
        unit.upsert("pay_tap", order_id=order_id, channel=tap.channel, payer_token=tap.payer_token or "", at=now)
        unit.insert("outbox", kind="pay", order_id=order_id, at=now, attempts=0, next_at=0)
        await self._ledger.store.commit(unit)
        view = await self._ledger.read(payments_view, self._ledger.store, bill, self._credited)
        return web.Response(status=202, body=view, headers=_JSON)

    async def take_deposit(self, request: web.Request) -> web.Response:
        """``POST /v1/deposits``: taken before the bill is known; the bill names it and is settled against it."""
        hospital, key = caller_of(request).tenant.hospital, key_of(request, "deposit")
        wish = _decoded(request, Deposit)
        await self._guard.use_up(caller_of(request))
        digest = hashlib.sha256(msgspec.json.encode(wish)).hexdigest()
        with suppress(Duplicate):
            await self._ledger.store.commit(self._new_deposit(hospital, key, digest, wish))
        row = await self._ledger.read(self._ledger.store.get, "deposit", hospital=hospital, idem_key=key)
        if row is None or row["body_digest"] != digest:
            raise KeyReused(
                "this Idempotency-Key was used for another deposit", hint="Use a new key for a new deposit."
            )
        return await self._shown(row, 202)

    def _new_deposit(self, hospital: str, key: str, digest: str, wish: Deposit) -> Unit:
        unit, deposit_id, now = Unit(), new_deposit_id(), self._ledger.clock.epoch_ms()
        unit.insert_new(
            "deposit",
            deposit_id=deposit_id,
            hospital=hospital,
            idem_key=key,
            body_digest=digest,
            amount=wish.amount_fen,
            created_at=now,
        )
        put_wish(unit, deposit_id, wish.payment)
        unit.insert("outbox", kind="deposit", order_id=deposit_id, at=now, attempts=0, next_at=0)
        return unit

    async def deposit(self, request: web.Request) -> web.Response:
        """``GET /v1/deposits/{deposit_id}``."""
        return await self._shown(await self._own_deposit(request), 200)

    async def refund_deposit(self, request: web.Request) -> web.Response:
        """``POST /v1/deposits/{deposit_id}/refund``: the whole goes back because no bill comes."""
        row = await self._own_deposit(request)
        deposit_id, now = row["deposit_id"], self._ledger.clock.epoch_ms()
        if row["used_by"] not in (None, deposit_id):
            raise Conflict(
                "a bill is settled against this deposit",
                code="deposit-used",
                hint="What is left of it goes back by itself; undo the bill to have more back.",
            )
        if row["used_by"] is None:
            unit = Unit()
            unit.update("deposit", {"deposit_id": deposit_id}, expect={"used_by": None}, used_by=deposit_id)
            unit.insert("outbox", kind="deposit_back", order_id=deposit_id, at=now, attempts=0, next_at=0)
            try:
                await self._ledger.store.commit(unit)
            except StaleWrite:
                return await self.refund_deposit(request)
        return await self._shown(row, 202)

    async def _own_deposit(self, request: web.Request) -> Row:
        caller = caller_of(request)
        await self._guard.use_up(caller)
        row = await self._ledger.read(self._ledger.store.get, "deposit", deposit_id=request.match_info["deposit_id"])
        if row is None or row["hospital"] != caller.tenant.hospital:
            raise NotFound("no such deposit", code="deposit-unknown")
        return row

    async def _shown(self, row: Row, status: int) -> web.Response:
        view = await self._ledger.read(deposit_view, self._ledger.store, row)
        return web.Response(status=status, body=view, headers=_JSON)

    def _settled(self, order_id: str) -> list[Row]:
        return self._ledger.store.find("settlement", {"order_id": order_id}, limit=1000)


def _decoded(request: web.Request, kind: type[T]) -> T:
    return typed_body(body_of(request), kind, code="payment-invalid", hint="See /openapi.json.", refusal=BadClaim)
