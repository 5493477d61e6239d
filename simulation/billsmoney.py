"""The promises about one bill's money at the channels: what was owed was asked once, and no more of it is held or paid out."""

from typing import TYPE_CHECKING

from gateway.clearing.reader import collects
from gateway.clearing.rows import BACK
from gateway.kernel.settlements import State
from gateway.store.api import Row
from simulation.payroom import PayRoom

if TYPE_CHECKING:
    from simulation.world import World


class BillsMoney:
    def __init__(self, world: "World", room: PayRoom, bill: Row) -> None:
        self._disk, self._room, self._bill = world.disk, room, bill
        self._broke = world.story.broke
        self._order_id = bill["order_id"]
        self._rows = self._disk.find("settlement", {"order_id": self._order_id}, limit=100)
        self._payments = [row for row in self._rows if collects(row)]
        self._deposits = self._paid_deposits()

    def _paid_deposits(self) -> list[Row]:
        """Settlements of the deposits that the bill is settled against."""
        used = self._disk.find("deposit", {"used_by": self._order_id}, limit=100)
        found = [self._disk.get("settlement", order_id=one["deposit_id"], kind="DEPOSIT") for one in used]
        return [row for row in found if row is not None and row["state"] == State.PAID]

    def check(self) -> None:
        prepaid = sum(row["amount"] for row in self._deposits)
        asked, due = {row["amount"] for row in self._payments}, self._bill["self_pay_due"]
        if self._bill["state"] == "decided" and self._bill["kind"] == "direct_pay" and asked != {max(0, due - prepaid)}:
            self._broke("a-decision-is-carried", order=self._order_id, asked=asked, due=due, prepaid=prepaid)
        self._collected(due)
        self._paid_out()
        for leg in self._disk.find(
            "undo_leg", {"order_id": self._order_id, "kind": "cash", "state": "undone"}, limit=9
        ):
            self._leg(leg)

    def _collected(self, due: int) -> None:
        """Channels hold what the patient owes, unless a person was told that a refund did not go through."""
        each = {row["settlement_id"]: self._room.held(row["settlement_id"]) for row in self._payments + self._deposits}
        if any(held < 0 for held in each.values()):
            self._broke("never-back-above-what-was-taken", order=self._order_id)
        held = sum(each.values())
        stuck = [row for row in self._rows if row["kind"].startswith(BACK) and row["state"] != State.PAID]
        spare = sum(row["amount"] for row in stuck)
        if self._bill["state"] == "decided" and held > due + spare:
            self._broke("money-of-a-bill-moves-once", order=self._order_id, held=held, most=due)
        undone = self._disk.find("undo", {"order_id": self._order_id}, limit=1)
        is_paid = any(row["state"] == State.PAID for row in self._payments)
        if is_paid and not undone and not stuck and held != due:
            self._broke("what-was-owed-is-held", order=self._order_id, held=held, due=due)

    def _paid_out(self) -> None:
        claims = self._disk.find("claim", {"order_id": self._order_id})
        quick = sum(claim["approved"] for claim in claims if claim["kind"] != "direct_pay")
        out = sum(self._room.stands(row["settlement_id"]) for row in self._rows if row["kind"].startswith("PAYOUT"))
        if out > quick:
            self._broke("money-of-a-bill-moves-once", order=self._order_id, paid_out=out, most=quick)

    def _leg(self, leg: Row) -> None:
        """An undo that gave cash back gave its whole leg."""
        mine = [row for row in self._rows if row["kind"].split(":")[:2] == ["refund", leg["undo_id"]]]
        back = sum(row["amount"] for row in mine if row["state"] == State.PAID)
        if leg["cause"] != "never-paid" and back != leg["amount"]:
            self._broke("refunded-once", order=self._order_id, ours=leg["amount"], theirs=back)
