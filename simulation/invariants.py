"""The promises. Some are held against every message that reaches an insurer, the others when all has come to rest."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from gateway.claims.conversation.material import EVENT as MORE_MATERIAL
from gateway.claims.conversation.states import CLAIM, ClaimState
from gateway.store import chain_check
from gateway.store.api import Row
from gateway.store.claims_tables import CLAIMS
from simulation.insurer import Case, Insurer, Took

if TYPE_CHECKING:
    from simulation.world import World

_REST = (ClaimState.DECIDED, ClaimState.CLOSED, ClaimState.MANUAL)
_FINAL = (ClaimState.DECIDED, ClaimState.CLOSED)
_OFFERED = (*_FINAL, ClaimState.QUOTED, ClaimState.CONFIRMED)
"""Enough for a later policy to be quoted, where the patient is asked about all quotes together."""
_LONG_ENOUGH_S = 30.0
"""Without faults, material is at the insurer long before."""
_CARRIES = ("step", "quote", "settle", "claim")
"""Roles of acts that carry a claim on."""


class Invariants:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._disk = world.disk
        self._broke = world.story.broke
        for insurer in world.insurers.values():
            insurer.on_arrival = self.arrived
            insurer.on_effect = self.moved
            insurer.on_given_up = self.gave_up

    def arrived(self, insurer: Insurer, message: dict[str, Any]) -> None:
        """What reaches an insurer was committed before, and its claim's turn has come."""
        act_id, claim_id = message["act_id"], message["claim"]
        if self._disk.get("act", claim_id=claim_id, act_id=act_id) is None:
            self._broke("intent-before-send", act=act_id)
        if insurer.profile.manifest.rule(message["name"]).role not in _CARRIES:
            return
        mine = self._disk.find("claim", {"claim_id": claim_id})
        if not mine:
            self._broke("claim-before-send", claim=claim_id)
            return
        self._agreed(insurer, mine[0], message)
        before = self._disk.find("claim", {"order_id": mine[0]["order_id"], "seq": ("<", mine[0]["seq"])})
        money = insurer.profile.manifest.rule(message["name"]).role in ("settle", "claim")
        if any(claim["state"] not in (_FINAL if money else _OFFERED) for claim in before):
            self._broke("one-policy-after-the-other", claim=claim_id)

    def _agreed(self, insurer: Insurer, claim: Row, message: dict[str, Any]) -> None:
        """Where the patient is asked, nothing is settled but what was shown and agreed to."""
        if (
            insurer.profile.manifest.rule(message["name"]).role not in ("settle", "claim")
            or claim["kind"] != "direct_pay"
        ):
            return
        bill = next(bill for bill in self._world.hospital.bills if bill.visit_id == message["order"])
        if bill.patient is not None and bill.patient.agreed.get(claim["claim_id"]) != (message["quoted"] or 0):
            self._broke("agreed-before-settled", claim=claim["claim_id"], quoted=message["quoted"])

    def moved(self, insurer: Insurer, took: Took, case: Case) -> None:
        if took.effects > 1:
            self._broke("an-act-is-done-once", act=took.act_id, insurer=insurer.code)
        if case.settlements > 1:
            self._broke("a-claim-is-settled-once", claim=case.claim_id, insurer=insurer.code)

    def unfinished(self) -> list[str]:
        """Claims and undos that have neither an end nor a person."""
        claims = [
            row["claim_id"]
            for row in self._disk.find("claim", {}, limit=1000)
            if row["state"] not in _REST and not self._waits_for_a_person(row)
        ]
        undos = [row["undo_id"] for row in self._disk.find("undo", {"state": "undoing"}, limit=1000)]
        return claims + undos

    def _waits_for_a_person(self, claim: Row) -> bool:
        """A policy that it waits for stands in the work list (a quote waits for all), or the bill's undo is stuck there."""
        claims = self._disk.find("claim", {"order_id": claim["order_id"]})
        quoted = claim["state"] == ClaimState.QUOTED
        before = [one for one in claims if one["seq"] < claim["seq"] or quoted]
        held = any(one["state"] == ClaimState.MANUAL for one in before)
        waiting = quoted or claim["state"] in (ClaimState.CREATED, ClaimState.CONFIRMED)
        return (waiting and held) or bool(self._disk.find("undo", {"order_id": claim["order_id"], "state": "stuck"}))

    def at_the_end(self) -> None:
        for name in self.unfinished():
            self._broke("everything-ends-or-has-a-person", which=name)
        for bill in self._world.hospital.bills:
            if bill.order_id:
                self._promised(bill.order_id, bill.key, len(bill.insurers))
        for row in self._disk.find("bill", {}, limit=1000):
            self._bill(row)
        report = chain_check.check(self._disk, CLAIMS, lambda _: None)
        for finding in report.findings:
            self._broke("history-is-whole", finding=finding)

    def _promised(self, order_id: str, key: str, policies: int) -> None:
        row = self._disk.get("bill", order_id=order_id)
        if row is None or row["idem_key"] != key or len(self._disk.find("claim", {"order_id": order_id})) < policies:
            self._broke("acknowledged-is-kept", order=order_id)

    def _bill(self, bill: Row) -> None:
        order_id = bill["order_id"]
        claims = self._disk.find("claim", {"order_id": order_id}, order_by="seq")
        if sum(claim["approved"] for claim in claims) > bill["cash_pay"]:
            self._broke("never-above-the-burden", order=order_id)
        self._whole(bill, claims)
        self._asked(order_id)
        events = Counter(row["kind"] for row in self._disk.find("event", {"order_id": order_id}, limit=1000))
        boxes = Counter(row["kind"] for row in self._disk.find("outbox", {"order_id": order_id}, limit=1000))
        undos = len(self._disk.find("undo", {"order_id": order_id}))
        followers = sum(claim["kind"] != bill["kind"] for claim in claims)
        for kind, most in {"decided": 1 + followers, "undo-done": undos}.items():
            if events[kind] > most:
                self._broke("an-event-is-told-once", order=order_id, kind=kind)
        if boxes["decided"] > 1 + followers or boxes["refund"] > undos:
            self._broke("payment-is-told-once", order=order_id)
        carried = (
            self._world.payroom is not None
        )  # a box is gone when it was carried: PaidOnce looks for what came of it
        if bill["state"] == "decided" and not (events["decided"] and (boxes["decided"] or carried)):
            self._broke("a-decision-is-told", order=order_id)
        for claim in claims:
            self._claim(claim)
            self._history(claim)

    def _asked(self, order_id: str) -> None:
        """Each time that an insurer asks for material, the hospital is told."""
        asked = {"order_id": order_id, "field": "claim.state", "new": ClaimState.NEED_MORE.value}
        told = self._disk.find("event", {"order_id": order_id, "kind": MORE_MATERIAL}, limit=100)
        if len(self._disk.find("change", asked, limit=100)) > len(told):
            self._broke("asked-material-is-told", order=order_id)

    def gave_up(self, claim_id: str, asked_at: float) -> None:
        """An insurer waits for material no longer: nobody can have brought it in quiet times and be unheard."""
        brought_at = self._world.clerk.brought.get(claim_id, 0.0)
        since = self._world.loop.time() - max(brought_at, self._world.peace_at)
        if brought_at > asked_at and since > _LONG_ENOUGH_S:
            self._broke("brought-material-arrives", claim=claim_id)

    def _whole(self, bill: Row, claims: list[Row]) -> None:
        """All insurers together paid no more than the patient bears, or a person was told."""
        cases = [self._world.insurers[one["insurer"]].cases.get(one["claim_id"]) for one in claims]
        paid = sum(case.paid for case in cases if case is not None)
        if paid > bill["cash_pay"] and not self._disk.find("work_item", {"order_id": bill["order_id"]}):
            self._broke("never-paid-above-the-burden", order=bill["order_id"], paid=paid)

    def _claim(self, claim: Row) -> None:
        """Our word about its money is the insurer's truth, or a person was told."""
        claim_id, state = claim["claim_id"], claim["state"]
        case = self._world.insurers[claim["insurer"]].cases.get(claim_id, Case(claim_id, ""))
        listed = self._disk.find("work_item", {"claim_id": claim_id})
        undone = self._disk.find("undo_leg", {"leg": f"claim:{claim_id}", "order_id": claim["order_id"]})
        taken_back = any(leg["state"] == "undone" for leg in undone)
        if state == ClaimState.MANUAL and not listed:
            self._broke("parked-is-listed", claim=claim_id)
        if state not in _FINAL or listed:
            return
        if state == ClaimState.DECIDED and case.heard - {claim["approved"]}:
            noted = self._disk.find("change", {"order_id": claim["order_id"], "field": "claim.late-amount"}, limit=100)
            if not any(row["claim_id"] == claim_id for row in noted):
                self._broke("every-word-is-compared", claim=claim_id, ours=claim["approved"], heard=case.heard)
        ours = claim["approved"] if state == ClaimState.DECIDED and not taken_back else 0
        if ours != case.paid and not (case.lied and claim["approved"] in case.told):
            self._broke("our-word-is-the-truth", claim=claim_id, ours=ours, theirs=case.paid, state=state)

    def _history(self, claim: Row) -> None:
        """Each state follows the one before by its table; money is decided once."""
        changes = self._disk.find("change", {"order_id": claim["order_id"]}, limit=10_000)
        mine = [row for row in changes if row["claim_id"] == claim["claim_id"]]
        now = ClaimState.CREATED
        for row in mine:
            if row["field"] == "claim.state" and row["old"]:  # a quick-claim that follows begins with a row of its own
                if row["old"] != now or (ClaimState(row["old"]), ClaimState(row["new"])) not in CLAIM.steps:
                    self._broke("history-is-a-walk", claim=claim["claim_id"], old=row["old"], new=row["new"], was=now)
                now = ClaimState(row["new"])
        if now != claim["state"]:
            self._broke("history-is-a-walk", claim=claim["claim_id"], now=claim["state"], told=now)
        differs = Counter((row["act_id"], row["new"]) for row in mine if row["cause"] == "money-differs")
        if any(times > 1 for times in differs.values()):
            self._broke("a-difference-is-told-once", claim=claim["claim_id"])
        if sum(row["field"] == "claim.approved" for row in mine) > 1:
            self._broke("money-is-decided-once", claim=claim["claim_id"])
