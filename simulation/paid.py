"""The promises about money at the channel: what our rows say moved is what the channel moved, once."""

from functools import partial
from typing import TYPE_CHECKING

from gateway.claims.conversation.states import FINAL
from gateway.clearing.rows import SEEN
from gateway.kernel.settlements import OPEN, State
from gateway.payment.ledger import ROOM
from gateway.payment.model import COLLECTING
from gateway.payment.states import DUE
from gateway.store.api import Row
from simulation.bank import Bank, Moved
from simulation.billsmoney import BillsMoney
from simulation.clockwork import START
from simulation.moneydesk import WAITS
from simulation.payroom import PayRoom
from simulation.purse import CHANNELS

if TYPE_CHECKING:
    from simulation.world import World

_NOTHING = (State.FAILED, State.REFUSED, State.CLOSED, State.ACCOUNT, State.RETURNED, State.DEFAULTED)
_STILL = (*OPEN, *WAITS)
_MOVING = (State.CREATED, State.ORDERED, *WAITS)
"""The others wait for their day."""
_SOON_MS = 30_000


class PaidOnce:
    def __init__(self, world: "World", room: PayRoom) -> None:
        self._world, self._room = world, room
        self._broke = world.story.broke
        for bank in room.banks.values():
            bank.on_move = partial(self._moved, bank)

    def _moved(self, bank: Bank, moved: Moved) -> None:
        """At every effect at a channel."""
        if moved.times > 1 or bank.stands(moved.settlement) > moved.amount:
            self._broke("money-moves-once", number=moved.number, times=moved.times)
        known = self._world.disk.find("settlement", {"settlement_id": moved.settlement}, limit=1)
        own = self._room.disk.get("payment_order", settlement_id=moved.settlement)
        if not known and (own is None or own["source_ref"] != ROOM):
            self._broke("no-money-without-a-row", number=moved.number)
        limits = CHANNELS[bank.code].limits
        if limits.per_day and moved.kind in COLLECTING:
            today = bank.debited(moved.payer, moved.day)
            if moved.amount > limits.per_act or today > limits.per_day:
                self._broke("within-the-payers-limits", channel=bank.code, amount=moved.amount, today=today)

    @property
    def quiet(self) -> bool:
        disk = self._world.disk
        if disk.find("outbox", {}, limit=1):
            return False
        open_still = disk.find("settlement", {"state": ("in", [state.value for state in _MOVING])}, limit=1)
        return not open_still and self._all_heard() and not self._soon()

    def _all_heard(self) -> bool:
        """Whether the window has read every receipt: it asks seldom while it waits for none."""
        newest = self._room.disk.find("receipt", {}, order_by="-seq", limit=1)
        read = self._world.disk.get("setting", name=SEEN)
        return not newest or (read is not None and int(read["value"]) >= newest[0]["seq"])

    def _soon(self) -> bool:
        """Whether the payment room has something to do within half a minute."""
        now = int((START.timestamp() + self._world.loop.time()) * 1000)
        due = {"state": ("in", [state.value for state in DUE]), "next_at": ("<", now + _SOON_MS)}
        return bool(self._room.disk.find("payment_order", due, limit=1))

    def at_the_end(self) -> None:
        disk = self._world.disk
        for row in disk.find("outbox", {}, limit=100):
            self._broke("every-errand-is-done", order=row["order_id"], kind=row["kind"])
        for row in disk.find("settlement", {}, limit=1000):
            self._settlement(row)
        for bill in disk.find("bill", {}, limit=1000):
            BillsMoney(self._world, self._room, bill).check()
        for deposit in disk.find("deposit", {}, limit=100):
            self._deposit(deposit)
        for late in disk.find("late", {"over_at": 0}, limit=100):
            self._late(late)

    def _deposit(self, deposit: Row) -> None:
        """It has one use: a bill, or back it goes; and never more of it than was taken."""
        deposit_id = deposit["deposit_id"]
        rows = {row["kind"]: row for row in self._world.disk.find("settlement", {"order_id": deposit_id}, limit=100)}
        taken, back = rows.get("DEPOSIT"), rows.get("back")
        if taken is None:
            self._broke("every-errand-is-done", deposit=deposit_id)
        elif not 0 <= self._room.held(taken["settlement_id"]) <= deposit["amount"]:
            self._broke("never-back-above-what-was-taken", deposit=deposit_id)
        elif taken["state"] == State.PAID and (back is not None) != (deposit["used_by"] == deposit_id):
            self._broke("a-deposit-has-one-use", deposit=deposit_id, used_by=deposit["used_by"])

    def _settlement(self, row: Row) -> None:
        """A payment's or refund's row against the channel's book."""
        state, moved = State(row["state"]), self._room.stands(row["settlement_id"])
        if state in _STILL:
            self._broke("every-payment-ends", settlement=row["settlement_id"], state=state.value)
        elif state is State.PAID and moved != row["amount"]:
            self._broke("what-we-say-was-paid-was", settlement=row["settlement_id"], ours=row["amount"], theirs=moved)
        elif state in _NOTHING and moved:
            self._broke("what-we-say-was-not-paid-was-not", settlement=row["settlement_id"], theirs=moved)

    def _late(self, late: Row) -> None:
        """A payout counts as late until it is there; nobody is told of what arrived."""
        disk, order_id = self._world.disk, late["order_id"]
        rows = disk.find("settlement", {"order_id": order_id}, limit=100)
        waits = [row for row in rows if row["kind"].startswith("PAYOUT") and row["state"] != State.PAID]
        if not waits and all(claim["state"] in FINAL for claim in disk.find("claim", {"order_id": order_id})):
            self._broke("late-until-it-is-there", order=order_id, clock=late["clock"])
