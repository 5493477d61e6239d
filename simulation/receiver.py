"""A simulated hospital's webhook door: down, slow, busy, stumbling; acts once per event id as docs/webhooks.md asks, and books it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.claims.delivery.lane import Ladder
from gateway.claims.delivery.rows import CURSOR, State
from simulation.clockwork import START
from simulation.wire import Weather

if TYPE_CHECKING:
    from simulation.world import World

_MOODS = ("well", "well", "down", "gone", "stumbles", "busy", "slow")
_LADDERS = (Ladder(), Ladder((2, 4, 8, 16)), Ladder((1, 2), disable_after_s=20))
_WINDOW_S = 300


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    """Seconds until it is given."""


class Receiver:
    def __init__(self, world: "World", numbers: random.Random, weather: Weather) -> None:
        self.world = world
        self.weather = weather
        self.ladder = numbers.choice(_LADDERS)
        self.bodies: dict[str, bytes] = {}
        """What came under each event id."""
        self.acted: dict[str, None] = {}
        self.taken: set[str] = set()
        """Events that were answered with 2xx, whether that was heard or not."""
        self.effects: Counter[tuple[str, str]] = Counter()
        """How often each kind of event did something for each order."""
        self.booked: Counter[str] = Counter()
        """分 that insurers owe the hospital's patients, by order."""
        self.asked_again: set[str] = set()
        """Events that the hospital found in its feed only."""
        self._numbers = numbers
        self._mood = "well" if world.calm else numbers.choice(_MOODS)
        self._bad_from = numbers.uniform(0.0, 20.0)
        self._bad_until = self._bad_from + numbers.choice((3.0, 20.0, 60.0))

    @property
    def _in_bad_mood(self) -> bool:
        now = self.world.loop.time()
        return self._bad_from <= now < min(self._bad_until, self.world.peace_at)

    @property
    def is_down(self) -> bool:
        return self._mood == "down" and self._in_bad_mood

    def arrive(self, headers: dict[str, str], body: bytes) -> Answer:
        """One message is here; what is answered, and what it did."""
        event_id = headers["webhook-id"]
        known = self.bodies.setdefault(event_id, body)
        if known != body:
            self.world.story.broke("one-event-one-content", event=event_id)
        answer = self._judge(headers)
        self.world.story.tell("receiver", "gets", event=event_id, answers=answer.status)
        if answer.status == 500 and self._numbers.random() < 0.5:
            return answer  # it stumbled before it had done anything
        if answer.status in (200, 500):
            self._act(event_id, msgspec.json.decode(body))
        if answer.status == 200:
            self.taken.add(event_id)
        return answer

    def _judge(self, headers: dict[str, str]) -> Answer:
        numbers = self._numbers
        stamp = int(headers["webhook-timestamp"]) - int(START.timestamp())
        if abs(stamp - self.world.loop.time()) > _WINDOW_S:
            return Answer(401)
        match self._mood if self._in_bad_mood else "well":
            case "gone":
                return Answer(410)
            case "stumbles" if numbers.random() < 0.5:
                return Answer(500)
            case "busy" if numbers.random() < 0.5:
                return Answer(numbers.choice((429, 503)), {"retry-after": numbers.choice(("3", "15", "soon"))})
            case "slow":
                return Answer(200, after=numbers.uniform(0.0, 20.0))
        return Answer(200)

    def _act(self, event_id: str, told: dict[str, Any]) -> None:
        """Once per event id, whatever else is in the message."""
        if event_id in self.acted:
            return
        self.acted[event_id] = None
        self.world.told.acts(event_id)
        data, kind = told["data"], told["type"]
        self.effects[data["order_id"], kind] += 1
        if kind in ("decided", "quick-claim-decided"):
            at_counter = kind == "decided"
            shares = [one["approved_fen"] for one in data["claims"] if (one["kind"] == data["kind"]) is at_counter]
            self.booked[data["order_id"]] += sum(shares)

    @property
    def quiet(self) -> bool:
        """Whether every event was looked at and has arrived."""
        disk = self.world.disk
        cursor = disk.get("setting", name=CURSOR)
        newest = disk.find("event", {}, order_by="-seq", limit=1)
        looked = not newest or (cursor is not None and int(cursor["value"]) >= newest[0]["seq"])
        return looked and not any(
            disk.find("delivery", {"state": state.value}, limit=1) for state in (State.WAITING, State.GIVEN_UP)
        )
