"""What the window carries to the payment room: decisions, deposits, recoveries, another tap, another account.

Every errand may be done again from its beginning: rows and numbers that exist are used, not made anew.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import time

from gateway.clearing.credit import credit_forbidden
from gateway.clearing.door import PaymentDoor
from gateway.clearing.handover import HandOver
from gateway.clearing.orders import DecidedBill, Due, dues, on_credit
from gateway.clearing.plan import Asked, Wish, pick
from gateway.clearing.reader import collects, decided_bill, wish_of
from gateway.clearing.refunds import Refunds
from gateway.clearing.rows import Rows
from gateway.kernel.outcome import Answered, Refused
from gateway.kernel.settlements import State
from gateway.payment.capabilities import Capabilities
from gateway.payment.model import OWN, Leg, LegKind, OrderKind, Timing
from gateway.store.api import Row
from gateway.store.errors import StaleWrite
from gateway.store.unit import Unit

RECOVERY = "RECOVERY"
"""Kind of the settlement row by which a recovery is collected."""


class Errands:
    def __init__(self, rows: Rows, door: PaymentDoor, channels: Sequence[Capabilities], cutoff: time) -> None:
        """``channels`` in the order of preference; ``cutoff``: what was brought later is not paid later."""
        self._rows = rows
        self._door = door
        self._hand = HandOver(rows, door)
        self._refunds = Refunds(rows, door, self._hand)
        self._channels = channels
        self._cutoff = cutoff

    async def do(self, row: Row) -> bool:
        """True once nothing is left to do; False, or ``NotYet``, to be called again later."""
        order_id = row["order_id"]
        match row["kind"]:
            case "deposit":
                return await self._deposit(order_id)
            case "deposit_back":
                return await self._refunds.deposit_back(order_id)
            case "refund":
                return await self._refunds.of_undos(order_id)
            case "recovery":
                return await self._recovery(order_id)
            case "account":
                return await self._account(order_id)
            case "pay":
                return await self._taps(order_id)
            case _:
                return await self._decided(order_id)

    async def _decided(self, order_id: str) -> bool:
        rows = self._rows
        bill = await rows.store.read(decided_bill, rows.store, order_id)
        if bill is None:
            raise LookupError("a decision names no bill")
        if bill.wish is not None and bill.wish.deposits:
            await self._hold_deposits(order_id, bill.wish)
            bill = await rows.store.read(decided_bill, rows.store, order_id) or bill
        placed = [await self._owed(bill, due) for due in dues(bill)]
        return all(placed)

    async def _hold_deposits(self, order_id: str, wish: Wish) -> None:
        """Each deposit serves one bill: the first that names it. What the bill owes is read afterwards, whoever held them."""
        store = self._rows.store
        for deposit_id in wish.deposits:
            row = await store.read(store.get, "deposit", deposit_id=deposit_id)
            bill = await store.read(store.get, "bill", order_id=order_id)
            if row is None or bill is None or row["hospital"] != bill["hospital"] or row["used_by"]:
                continue
            unit = Unit()
            unit.update("deposit", {"deposit_id": deposit_id}, expect={"used_by": None}, used_by=order_id)
            with suppress(StaleWrite):
                await store.commit(unit)

    async def _owed(self, bill: DecidedBill, due: Due) -> bool:
        if due.kind is OrderKind.PAYOUT:
            return await self._paid_out(bill, due)
        if due.kind is OrderKind.SELF_PAY and bill.wish is not None and due.amount:
            return await self._collected(bill, due, bill.wish)
        link = await self._rows.link(bill.order_id, bill.hospital, due)
        return await self._hand.over(link, due, bill.wish)

    async def _paid_out(self, bill: DecidedBill, due: Due) -> bool:
        """A later decision under the same order (a second policy, a fall to quick-claim) pays out only what is new."""
        before = [row for row in await self._rows.of(bill.order_id) if row["kind"].startswith(OrderKind.PAYOUT)]
        for row in before:
            part = replace(due, amount=row["amount"], legs=_only(due, row["amount"]))
            if not await self._hand.over(row, part, None):
                return False
        new = due.amount - sum(row["amount"] for row in before)
        if new <= 0:
            return True
        name = OrderKind.PAYOUT.value if not before else f"{OrderKind.PAYOUT.value}:{len(before) + 1}"
        due = replace(due, amount=new, legs=_only(due, new), row_kind=name)
        return await self._hand.over(await self._rows.link(bill.order_id, bill.hospital, due), due, None)

    async def _collected(self, bill: DecidedBill, due: Due, wish: Wish) -> bool:
        """Down the ladder until a channel takes it; after the last rung the counter collects."""
        while True:
            rows = [row for row in await self._rows.of(bill.order_id) if collects(row)]
            going = [row for row in rows if row["state"] != State.REFUSED]
            if going:
                return all([await self._again(row, due, wish, rows) for row in going])
            step = self._step(bill, due, wish, rows)
            if not step.channel:
                await self._rows.make(bill.order_id, bill.hospital, (step,), State.OFFLINE, step.reason)
                return True
            link = await self._rows.link(bill.order_id, bill.hospital, step)
            if not await self._hand.over(link, step, wish, rows):
                return False

    async def _again(self, row: Row, due: Due, wish: Wish, rows: Sequence[Row]) -> bool:
        """Hand over what was made and not yet handed over; a tap names its own payer."""
        if row["state"] != State.CREATED:
            return True
        store = self._rows.store
        tap = await store.read(store.get, "pay_tap", order_id=row["order_id"], channel=row["channel"] or "")
        if tap is not None and row["kind"] != due.row:
            wish = replace(wish, payer_token=tap["payer_token"])
        return await self._hand.over(row, _as_row(due, row), wish, rows)

    def _step(self, bill: DecidedBill, due: Due, wish: Wish, refused: Sequence[Row]) -> Due:
        """The next rung: which channel collects, or none; and why it is not the one that was wished."""
        late = credit_forbidden(bill.brought_at, wish, self._cutoff) if bill.timing is Timing.POST_POST else ""
        late = late or next((row["reason"] for row in refused if row["reason"] == "credit-default"), "")
        due = on_credit(due) if bill.timing is Timing.POST_POST and not late else _at_once(due)
        same = [row for row in refused if row["kind"].partition(":")[0] == due.kind]
        channel, why = pick(self._offered(wish), _asked(due), wish, frozenset(row["channel"] or "" for row in same))
        reason = late or why or next((row["reason"] for row in reversed(refused) if row["reason"]), "")
        name = due.kind.value if not same else f"{due.kind.value}:{channel or 'counter'}"
        return replace(due, channel=channel, row_kind=name, reason=reason or ("" if channel else "no-channel"))

    def _offered(self, wish: Wish) -> list[Capabilities]:
        """The patient's channels in the patient's order, else ours."""
        known = {one.channel: one for one in self._channels}
        return [known[code] for code in wish.channels or known if code in known]

    async def _deposit(self, deposit_id: str) -> bool:
        store = self._rows.store
        row = await store.read(store.get, "deposit", deposit_id=deposit_id)
        wish = await store.read(wish_of, store, deposit_id)
        if row is None or wish is None:
            raise LookupError("there is no such deposit")
        legs = (Leg(kind=LegKind.DEPOSIT, amount=row["amount"]),)
        due = Due(OrderKind.DEPOSIT, row["amount"], legs, timing=Timing.PRE_POST)
        channel, why = pick(self._offered(wish), _asked(due), wish, frozenset())
        if not channel:
            due = replace(due, reason=why or "no-channel")
            await self._rows.make(deposit_id, row["hospital"], (due,), State.OFFLINE, due.reason)
            return True
        due = replace(due, channel=channel)
        return await self._hand.over(await self._rows.link(deposit_id, row["hospital"], due), due, wish)

    async def _recovery(self, recovery_id: str) -> bool:
        """What an insurer declined after it had advanced it, collected once the patient agreed."""
        store = self._rows.store
        row = await store.read(store.get, "recovery", recovery_id=recovery_id)
        if row is None:
            raise LookupError("there is no such recovery")
        legs = (Leg(kind=LegKind.SELF_PAY, amount=row["amount"]),)
        due = Due(OrderKind.SELF_PAY, row["amount"], legs, row_kind=RECOVERY, channel=row["channel"])
        link = await self._rows.link(recovery_id, row["hospital"], due)
        return await self._hand.over(link, due, Wish(payer_token=row["payer_token"]))

    async def _account(self, order_id: str) -> bool:
        """Another account for payouts that wait for one: a new attempt under the same payout id."""
        store, done = self._rows.store, True
        bill = await store.read(store.get, "bill", order_id=order_id)
        for row in await self._rows.of(order_id):
            if bill is None or not row["kind"].startswith(OrderKind.PAYOUT):
                continue
            if row["state"] in (State.ACCOUNT, State.RETURNED):
                outcome = await self._door.rebind(row["settlement_id"], bill["payout_token"])
                if isinstance(outcome, Answered):
                    await self._rows.became(row, State.ORDERED, "account-changed")
                done = done and isinstance(outcome, Answered | Refused)
        return done

    async def _taps(self, order_id: str) -> bool:
        """The patient turned to another channel. Of all taps for a bill one may stand paid; the payment room sees to it."""
        store = self._rows.store
        bill = await store.read(decided_bill, store, order_id)
        mine = [row for row in await self._rows.of(order_id) if collects(row)]
        owed = next((due for due in dues(bill) if due.kind is OrderKind.SELF_PAY), None) if bill is not None else None
        if bill is None or owed is None:
            return True
        done, is_paid, made = [], any(row["state"] == State.PAID for row in mine), {row["kind"] for row in mine}
        for tap in await store.read(store.find, "pay_tap", {"order_id": order_id}, limit=100):
            wish = replace(bill.wish or Wish(), payer_token=tap["payer_token"])
            due = replace(_at_once(owed), channel=tap["channel"], row_kind=f"SELF_PAY:{tap['channel']}")
            if is_paid and due.row not in made:  # one that was made may be at the payment room: that closes it
                continue
            done.append(await self._hand.over(await self._rows.link(order_id, bill.hospital, due), due, wish, mine))
        return all(done)


def _only(due: Due, amount: int) -> tuple[Leg, ...]:
    return (Leg(kind=OWN[due.kind][0], amount=amount),)


def _at_once(due: Due) -> Due:
    """Paid now: a channel that takes no pay-later order takes this one."""
    return replace(due, timing=Timing.MID if due.timing is Timing.POST_POST else due.timing)


def _as_row(due: Due, row: Row) -> Due:
    """The order that a row stands for, the same however often it is handed over."""
    due = on_credit(due) if row["kind"].partition(":")[0] == OrderKind.CREDIT else _at_once(due)
    return replace(due, row_kind=row["kind"], channel=row["channel"] or "")


def _asked(due: Due) -> Asked:
    shares = tuple(leg.kind for leg in due.legs if leg.kind is not LegKind.HOSPITAL)
    return Asked(due.kind, due.timing, due.amount, OWN[due.kind][0], shares)
