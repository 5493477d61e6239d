"""A simulated insurer: keeps the truth about what it did, act by act, and judges what reaches it."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.claims.partners.manifest import ActRule
from simulation.profiles import Profile
from simulation.story import Story

_OPEN = ("pending", "need_more")


@dataclass
class Took:
    """One act as the insurer has it."""

    act_id: str
    name: str
    claim_id: str
    answer: dict[str, Any]
    effects: int = 0
    """How often it moved money."""
    reversed: bool = False


@dataclass
class Case:
    """One claim's money at the insurer, in 分."""

    claim_id: str
    order_id: str
    paid: int = 0
    """What stands as settled now."""
    settlements: int = 0
    """How many settlements stand now."""
    most: int = 0
    """The largest sum that ever stood."""
    lied: bool = False
    """It told an amount that is not what it did."""
    told: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    """Amounts in calls that we acknowledged."""
    withdrawn: bool = False
    asked: int = 0
    """How often more material was asked for."""
    waits: Took | None = None
    """The act that waits for material."""
    final: dict[str, Any] | None = None
    """The decision of an insurer that knows its cases: another act about the case gets the same."""


class Insurer:
    def __init__(self, profile: Profile, numbers: random.Random, story: Story, time: Callable[[], float]) -> None:
        self.profile = profile
        self.code = profile.manifest.insurer
        self.acts: dict[str, Took] = {}
        self.cases: dict[str, Case] = {}
        self.odd = 0.15
        """How often it behaves badly within what it may: decides after a withdrawal, tells a wrong amount."""
        self.calls: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        """Callbacks to make: seconds from now, and the message."""
        self.on_effect: Callable[[Insurer, Took, Case], None] = lambda *_: None
        self.on_given_up: Callable[[str, float], None] = lambda *_: None
        """Told the claim and when its material was asked for."""
        self.on_arrival: Callable[[Insurer, dict[str, Any]], None] = lambda *_: None
        self._numbers = numbers
        self._story = story
        self._time = time
        self._call_no = 0

    def handle(self, message: dict[str, Any]) -> dict[str, Any]:
        """One message has arrived; what is answered."""
        rule = self.profile.manifest.rule(message["name"])
        self.on_arrival(self, message)
        known = self.acts.get(message["act_id"])
        self._story.tell(
            self.code,
            "repeat" if known else "arrived",
            act=message["act_id"],
            name=message["name"],
            claim=message["claim"],
        )
        if rule.role == "status":
            return self._status(message)
        if known is not None and (rule.retry == "same_id" or rule.role == "undo" or self.profile.knows_repeats):
            return known.answer
        return self._do(message, rule, known)

    def _do(self, message: dict[str, Any], rule: ActRule, known: Took | None) -> dict[str, Any]:
        case = self.cases.setdefault(message["claim"], Case(message["claim"], message["order"]))
        took = known or Took(message["act_id"], message["name"], case.claim_id, {})
        self.acts[took.act_id] = took
        match rule.role:
            case "quote":
                took.answer = self._quoted(message)
            case "settle" | "claim":
                took.answer = self._decided(took, case, message)
            case "material":
                took.answer = self._material(case, message)
            case "undo":
                took.answer = self._undone(case, message)
            case _:
                took.answer = {"state": "accepted"}
        return self._spoken(took, case)

    def _quoted(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._numbers.random() < 0.1:
            return {"state": "refused", "peer_code": "NO"}
        approved = round(message["claimed"] * self._numbers.choice((0.3, 0.5, 1.0)))
        return {"state": "accepted", "approved": approved, "refs": {"quote_no": f"q{message['act_id'][-6:]}"}}

    def _decided(self, took: Took, case: Case, message: dict[str, Any]) -> dict[str, Any]:
        """Settle now, or take it and settle later, or ask for more first."""
        if case.final is not None:
            return case.final
        case.waits = None
        if self._asks(took, case, message):
            return {"state": "need_more"}
        if self._numbers.random() < self.profile.says_pending:
            self._later(took, case, message, self._numbers.choice((0.01, 1.0, 6.0, 30.0)))
            return {"state": "pending"}
        return self._settle(took, case, message)

    def _asks(self, took: Took, case: Case, message: dict[str, Any]) -> bool:
        """Whether it asks for material, at most twice; it waits a while and then decides without."""
        if case.asked >= 2 or self._numbers.random() >= self.profile.asks_more:
            return False
        case.asked, case.waits, asked = case.asked + 1, took, case.asked + 1
        asked_at = self._time()

        def over() -> None:
            if case.waits is took and case.asked == asked:
                case.waits = None
                self.on_given_up(case.claim_id, asked_at)
                self._story.tell(self.code, "waited long enough", claim=case.claim_id)
                self._end(took, case, message)

        asyncio.get_running_loop().call_later(self._numbers.choice((10.0, 45.0, 90.0)), over)
        return True

    def _material(self, case: Case, message: dict[str, Any]) -> dict[str, Any]:
        """What it waited for is here: it decides, or asks again; or it is too late."""
        took = case.waits
        if took is None:
            return {"state": "refused", "peer_code": "NO"} if case.final else {"state": "accepted"}
        case.waits, took.answer = None, {"state": "pending"}
        if self._asks(took, case, message):
            took.answer = {"state": "need_more"}
            self._call(took, self._numbers.choice((0.0, 2.0, 10.0)))
        else:
            self._later(took, case, message, self._numbers.choice((0.01, 1.0, 6.0, 30.0)))
        return {"state": "accepted"}

    def _end(self, took: Took, case: Case, message: dict[str, Any]) -> None:
        took.answer = self._settle(took, case, message)
        self._call(took, 0.0)

    def _settle(self, took: Took, case: Case, message: dict[str, Any]) -> dict[str, Any]:
        if message["quoted"] is None and self._numbers.random() < 0.15:
            case.told.add(0)
            return self._known(case, {"state": "refused", "peer_code": "NO", "verdict": "refused"})
        share = self._numbers.choice((0.25, 0.5, 1.0))
        amount = message["quoted"] if message["quoted"] is not None else round(message["claimed"] * share)
        if message["quoted"] and self._numbers.random() < self.odd / 2:
            amount -= 1  # not what it quoted
        took.effects += 1
        case.paid += amount
        case.settlements += 1
        case.most = max(case.most, case.paid)
        case.told.add(amount)
        self._story.tell(self.code, "settled", act=took.act_id, claim=case.claim_id, amount=amount)
        self.on_effect(self, took, case)
        return self._known(case, {"state": "accepted", "verdict": "paid", "approved": amount})

    def _known(self, case: Case, decision: dict[str, Any]) -> dict[str, Any]:
        if self.profile.asks_more:
            case.final = decision
        return decision

    def _later(self, took: Took, case: Case, message: dict[str, Any], delay: float) -> None:
        def decide() -> None:
            if case.withdrawn and self._numbers.random() < 0.5:
                took.answer = self._known(case, {"state": "refused", "verdict": "withdrawn", "peer_code": "NO"})
                self._call(took, 0.0)
            else:
                case.withdrawn = False
                self._end(took, case, message)

        asyncio.get_running_loop().call_later(delay, decide)

    def _undone(self, case: Case, message: dict[str, Any]) -> dict[str, Any]:
        target = self.acts.get(message["target"])
        if target is None or (
            target.name not in ("quote",) and not case.settlements and target.answer.get("state") not in _OPEN
        ):
            return {"state": "refused", "peer_code": "NONE"}
        if case.waits is not None:
            case.waits, target.answer = None, {"state": "refused", "verdict": "withdrawn", "peer_code": "NO"}
            case.final = target.answer
            self._story.tell(self.code, "withdrawn", claim=case.claim_id)
            return {"state": "accepted"}
        if target.answer.get("state") == "pending":
            case.withdrawn = True
            self._story.tell(self.code, "withdrawn", claim=case.claim_id)
            return {"state": "accepted"}
        if case.settlements and target.name != "quote":
            self._story.tell(self.code, "gave back", claim=case.claim_id, amount=case.paid)
            case.paid, case.settlements = 0, 0
            target.reversed = True
        return {"state": "accepted"}

    def _status(self, message: dict[str, Any]) -> dict[str, Any]:
        target = self.acts.get(message["target"])
        if target is None:
            return {"state": "not_found"}
        return target.answer

    def _spoken(self, took: Took, case: Case) -> dict[str, Any]:
        """The answer as it goes out; now and then a callback says the same again, or says another amount."""
        answer = took.answer
        if self.profile.calls and answer["state"] == "accepted" and "approved" in answer and took.name != "quote":
            if self._numbers.random() < 0.3:
                self._call(took, self._numbers.choice((0.0, 0.02, 3.0, 20.0)))
            if self._numbers.random() < self.odd / 3 and answer["approved"]:
                case.lied = True
                case.told.add(answer["approved"] - 1)
                self._call(took, self._numbers.choice((0.0, 3.0, 20.0)), approved=answer["approved"] - 1)
        return answer

    def _call(self, took: Took, delay: float, **other: Any) -> None:
        """By callback where it calls; once, twice, or in another order than it happened."""
        if not self.profile.calls:
            return
        for _ in range(self._numbers.choice((1, 1, 1, 2))):
            self._call_no += 1
            told = took.answer | other | {"correlation": took.act_id}
            same_bytes = self._numbers.random() < 0.5
            self.calls.put_nowait((delay, {"result": told, "call": 0 if same_bytes else self._call_no}))
            delay += self._numbers.choice((0.0, 0.5, 40.0))
