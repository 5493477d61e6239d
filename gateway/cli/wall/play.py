"""A whole run: a stage with relays, every journey on it, and the search of everything that it left behind."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.cli.wall.afterwards import AFTERWARDS
from gateway.cli.wall.attacks import ATTACKS
from gateway.cli.wall.consents import CONSENTS
from gateway.cli.wall.custody import CUSTODY
from gateway.cli.wall.journeys import INSURERS, Journey
from gateway.cli.wall.morning import MORNING
from gateway.cli.wall.opened import sealed_records
from gateway.cli.wall.places import Place, claims_room, claims_telemetry, findings, marks_of, payment_side
from gateway.cli.wall.player import Player
from gateway.cli.wall.relay import Relay
from gateway.cli.wall.search import Finding, Marks
from gateway.cli.wall.stage import WallStage
from gateway.cli.wall.storms import STORMS
from gateway.sandbox.hospital.marks import markable_leaves


@dataclass(frozen=True)
class Played:
    journey: Journey
    ended: str
    seconds: float = 0.0

    @property
    def as_planned(self) -> bool:
        return self.ended in self.journey.ends


@dataclass
class Run:
    """What was planted, played, searched and found."""

    at: datetime
    played: list[Played] = field(default_factory=list)
    marks: Marks = field(default_factory=lambda: Marks({}))
    places: list[Place] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    sealed: int = 0
    """Marks that were seen in the opened vault: the journeys did carry them."""

    @property
    def problems(self) -> list[str]:
        """Why this run proves nothing, apart from findings."""
        wrong = [f"{one.journey.en}: ended {one.ended}" for one in self.played if not one.as_planned]
        wrong += [f"no mark was planted in {path}" for path in self.bare_of_marks()]
        return wrong if self.sealed else [*wrong, "no mark is in the vault: nothing was carried"]

    def bare_of_marks(self) -> list[str]:
        """Leaves of the model that can hold a mark and got none."""
        return sorted({leaf.path for leaf in markable_leaves()} - set(self.marks.texts.values()))

    @property
    def ok(self) -> bool:
        return not self.findings and not self.problems


def journeys(*, is_long: bool) -> tuple[Journey, ...]:
    return tuple(
        one
        for one in (*INSURERS, *AFTERWARDS, *CONSENTS, *CUSTODY, *ATTACKS, *STORMS, *MORNING)
        if is_long or not one.is_long
    )


def perform(stage: WallStage, relays: dict[str, Relay], chosen: Sequence[Journey], at: datetime | None = None) -> Run:
    """Play, wait for the last orders, gather and search. The stage must be fresh."""
    run = Run(at or datetime.now(UTC))
    player = asyncio.run(_play_all(stage, chosen, run))
    run.marks = marks_of(player.bills)
    run.places = [
        *(place for name, relay in relays.items() for place in _wire(name, relay)),
        *payment_side(stage),
        *claims_telemetry(stage),
        Place("doors: refusals", b"\n".join(player.refusals), "telemetry", len(player.refusals)),
        Place("operators and commands: shown", b"\n".join(player.shown), "claims", len(player.shown)),
        Place("wire: webhook, sent", bytes(stage.hook.came), "telemetry", stage.hook.count),
        *claims_room(stage),
    ]
    run.findings = findings(run.places, run.marks)
    run.sealed = in_vault(stage, run.marks)
    return run


def _wire(name: str, relay: Relay) -> Iterator[Place]:
    where = {"payment": "window", "pay": "channel"}[name]
    yield Place(f"wire: {where}, sent", bytes(relay.outward), "payment")
    yield Place(f"wire: {where}, answered", bytes(relay.inward), "payment")


async def _play_all(stage: WallStage, chosen: Sequence[Journey], run: Run) -> Player:
    lanes: dict[str, list[Journey]] = defaultdict(list)
    for journey in chosen:
        lanes[journey.lane].append(journey)
    last = lanes.pop("house", [])
    async with Player(stage) as player:
        for done in await asyncio.gather(*(_lane(player, lane) for lane in lanes.values())):
            run.played += done
        run.played += await _lane(player, last)
    return player


async def _lane(player: Player, lane: Sequence[Journey]) -> list[Played]:
    return [await _played(player, journey) for journey in lane]


async def _played(player: Player, journey: Journey) -> Played:
    started = time.monotonic()
    ended = await journey.play(player)
    return Played(journey, ended, time.monotonic() - started)


def in_vault(stage: WallStage, marks: Marks) -> int:
    """How many planted texts are found once the sealed records are opened with the room's own keys."""
    content = b"\0".join(sealed_records(stage.home / "gateway.toml"))
    return sum(text.encode() in content for text in marks.texts)
