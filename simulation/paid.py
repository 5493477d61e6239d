"""The promises about money at the channel: what our rows say moved is what the channel moved, once."""

from typing import TYPE_CHECKING

from gateway.claims.conversation.states import FINAL
from gateway.clearing.rows import SEEN
from gateway.kernel.settlements import OPEN, State
from gateway.payment.states import DUE
from gateway.store.api import Row
from simulation.bank import Moved
from simulation.clockwork import START
from simulation.moneydesk import WAITS
from simulation.payroom import PayRoom

if TYPE_CHECKING:
    from simulation.world import World

_NOTHING = (State.FAILED, State.REFUSED, State.CLOSED, State.ACCOUNT, State.RETURNED)
_STILL = (*OPEN, *WAITS)
_SOON_MS = 30_000


class PaidOnce:
    def __init__(self, world: "World", room: PayRoom) -> None:
        self._world, self._room = world, room
        self._broke = world.story.broke
        room.bank.on_move = self.moved

    def moved(self, moved: Moved) -> None:
        """At every effect at the channel."""
        if moved.times > 1:
            self._broke("money-moves-once", number=moved.number, times=moved.times)
        if not self._world.disk.find("settlement", {"settlement_id": moved.settlement}, limit=1):
            self._broke("no-money-without-a-row", number=moved.number)
        if self._room.bank.stands(moved.settlement) > moved.amount:
            self._broke("money-moves-once", settlement=moved.settlement)

    @property
    def quiet(self) -> bool:
        disk = self._world.disk
        if disk.find("outbox", {}, limit=1):
            return False
        open_still = disk.find("settlement", {"state": ("in", [state.value for state in _STILL])}, limit=1)
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
            self._bill(bill)
        for late in disk.find("late", {"over_at": 0}, limit=100):
            self._late(late)

    def _settlement(self, row: Row) -> None:
        """A payment's or refund's row against the channel's book."""
        state, moved = State(row["state"]), self._room.bank.stands(row["settlement_id"])
        if state in _STILL:
            self._broke("every-payment-ends", settlement=row["settlement_id"], state=state.value)
        elif state is State.PAID and moved != row["amount"]:
            self._broke("what-we-say-was-paid-was", settlement=row["settlement_id"], ours=row["amount"], theirs=moved)
        elif state in _NOTHING and moved:
            self._broke("what-we-say-was-not-paid-was-not", settlement=row["settlement_id"], theirs=moved)

    def _bill(self, bill: Row) -> None:
        """Of a bill, the channel holds at most what the patient owed and pays out at most what quick-claims approved."""
        disk, order_id, bank = self._world.disk, bill["order_id"], self._room.bank
        rows = disk.find("settlement", {"order_id": order_id}, limit=100)
        owed = [row["amount"] for row in rows if row["kind"] == "SELF_PAY"]
        if bill["state"] == "decided" and bill["kind"] == "direct_pay" and owed != [bill["self_pay_due"]]:
            self._broke("a-decision-is-carried", order=order_id, owed=owed, due=bill["self_pay_due"])
        claims = disk.find("claim", {"order_id": order_id})
        quick = sum(claim["approved"] for claim in claims if claim["kind"] != "direct_pay")
        for kind, most in {"SELF_PAY": bill["self_pay_due"], "PAYOUT": quick}.items():
            held = sum(bank.held(row["settlement_id"]) for row in rows if row["kind"].startswith(kind))
            if not 0 <= held <= most:
                self._broke("money-of-a-bill-moves-once", order=order_id, kind=kind, held=held, most=most)
        for leg in disk.find("undo_leg", {"order_id": order_id, "kind": "cash", "state": "undone"}, limit=100):
            self._leg(leg, rows)

    def _leg(self, leg: Row, rows: list[Row]) -> None:
        """An undo that gave cash back gave its whole leg."""
        mine = [row for row in rows if row["kind"].split(":")[:2] == ["refund", leg["undo_id"]]]
        back = sum(row["amount"] for row in mine if row["state"] == State.PAID)
        if leg["cause"] != "never-paid" and back != leg["amount"]:
            self._broke("refunded-once", order=leg["order_id"], ours=leg["amount"], theirs=back)

    def _late(self, late: Row) -> None:
        """A payout counts as late until it is there; nobody is told of what arrived."""
        disk, order_id = self._world.disk, late["order_id"]
        rows = disk.find("settlement", {"order_id": order_id}, limit=100)
        waits = [row for row in rows if row["kind"].startswith("PAYOUT") and row["state"] != State.PAID]
        if not waits and all(claim["state"] in FINAL for claim in disk.find("claim", {"order_id": order_id})):
            self._broke("late-until-it-is-there", order=order_id, clock=late["clock"])
