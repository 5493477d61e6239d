"""The promises to a hospital that has its events brought (docs/webhooks.md)."""

from collections import Counter
from typing import TYPE_CHECKING

from gateway.claims.delivery.rows import State
from gateway.sandbox.hospital.visits import HOSPITAL_CODE
from simulation.receiver import Receiver

if TYPE_CHECKING:
    from simulation.world import World


class Told:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._broke = world.story.broke

    def acts(self, event_id: str) -> None:
        """An event is here for the first time: those before it of its bill were taken or given up."""
        disk, receiver = self._world.disk, self._world.receiver
        assert receiver is not None
        event = next(iter(disk.find("event", {"event_id": event_id}, limit=1)), None)
        if event is None:
            self._broke("only-our-events", event=event_id)
            return
        since = self._since()
        for earlier in disk.find("event", {"order_id": event["order_id"], "seq": ("<", event["seq"])}, limit=100):
            if earlier["seq"] > since and not self._had_its_turn(receiver, earlier["event_id"]):
                self._broke("events-of-a-bill-in-order", event=event_id, earlier=earlier["event_id"])

    def _had_its_turn(self, receiver: Receiver, event_id: str) -> bool:
        if event_id in receiver.taken or event_id in receiver.asked_again:
            return True
        row = self._world.disk.get("delivery", event_id=event_id)
        return row is not None and row["state"] == State.GIVEN_UP

    def _since(self) -> int:
        """Events after this one are the endpoint's."""
        row = self._world.disk.get("webhook", hospital=HOSPITAL_CODE)
        return row["since"] if row is not None else 0

    def at_the_end(self, receiver: Receiver) -> None:
        disk = self._world.disk
        events = disk.find("event", {"seq": (">", self._since())}, limit=1000)
        for event in events:
            if event["event_id"] not in receiver.acted:
                self._broke("every-event-is-brought", event=event["event_id"], kind=event["kind"])
        ours = Counter((event["order_id"], event["kind"]) for event in events)
        for (order_id, kind), times in receiver.effects.items():
            if times > ours[order_id, kind]:
                self._broke("an-event-acts-once", order=order_id, kind=kind, times=times)
        for order_id in {event["order_id"] for event in events}:
            self._books(receiver, order_id, ours)

    def _books(self, receiver: Receiver, order_id: str, ours: "Counter[tuple[str, str]]") -> None:
        """What the hospital booked from what it was told is what our rows say."""
        bill = self._world.disk.get("bill", order_id=order_id)
        if bill is None:  # a deposit's
            return
        claims = self._world.disk.find("claim", {"order_id": order_id})
        told = {True: ours[order_id, "decided"], False: ours[order_id, "quick-claim-decided"]}
        due = sum(claim["approved"] for claim in claims if told[claim["kind"] == bill["kind"]])
        if receiver.booked[order_id] != due:
            self._broke("the-hospitals-books-agree", order=order_id, ours=due, theirs=receiver.booked[order_id])
