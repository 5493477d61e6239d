"""One seed, one world: nodes, a disk, insurers, a hospital and bad luck, played to the end and held against the promises."""

import asyncio
import random
from collections.abc import Coroutine
from functools import cache
from typing import Any

import msgspec

from gateway.kernel.errors import LianpeiError
from gateway.kernel.secret import Secret
from gateway.store.claims_tables import CLAIMS
from gateway.store.vault import Vault
from gateway.telemetry.metrics import Metrics
from simulation.aftercare import Aftercare
from simulation.chance import ids_from, stream
from simulation.clerk import Clerk
from simulation.clockwork import VirtualLoop
from simulation.days import Days
from simulation.disk import Disk, DiskTrouble
from simulation.hospital import Hospital
from simulation.insurer import Insurer
from simulation.invariants import Invariants
from simulation.moneydesk import MoneyDesk
from simulation.node import Node
from simulation.paid import PaidOnce
from simulation.payroom import PayRoom
from simulation.persons import Persons
from simulation.process import Gone
from simulation.profiles import PROFILES
from simulation.receiver import Receiver
from simulation.story import Story
from simulation.till import Till
from simulation.told import Told
from simulation.wire import Weather

TROUBLE_S = 60.0
"""So long faults happen; then everything heals."""
LONGEST_S = 1800.0
"""So long after that everything must have come to an end."""


@cache
def _metrics() -> Metrics:
    return Metrics.for_codes(list(PROFILES))


@cache
def _vault() -> Vault:
    return Vault({"m1": Secret(b"1" * 32)}, "m1", Secret(b"i" * 32))


class World:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        numbers = stream(seed, "world")
        self.loop = VirtualLoop()
        self.story = Story(self.loop.time)
        self.metrics, self.vault = _metrics(), _vault()
        self.disk = Disk(CLAIMS)
        self.shared = numbers.random() < 0.6
        self.calm = calm = numbers.random() < 0.1
        bad = 0.0 if calm else numbers.choice((0.1, 0.3, 0.5))
        self.weather = Weather(stream(seed, "network"), bad)
        slow, fails = (0.0, 0.0) if calm else (numbers.choice((0.0, 0.02)), numbers.choice((0.0, 0.01)))
        self.disk_trouble = DiskTrouble(stream(seed, "disk"), slow, fails, far=self.shared)
        self.insurers = {
            code: Insurer(profile, stream(seed, code), self.story, self.loop.time) for code, profile in PROFILES.items()
        }
        self.falls = numbers.random() < 0.5
        """Whether a dead direct-pay attempt goes on as a quick-claim."""
        self.peace_at = TROUBLE_S
        self.persons_until = 0.0
        """So long, in the world's seconds, operators may free what is stuck."""
        self.crashes = 0 if calm else numbers.choice((0, 1, 3, 6))
        self.nodes: list[Node] = []
        self.hospital = Hospital(self, stream(seed, "hospital"))
        self.till, self.clerk = Till(self), Clerk(self, stream(seed, "clerk"))
        self.invariants = Invariants(self)
        self.told = Told(self)
        self.receiver = self._receiver(bad)
        self.payroom = self._payroom(bad, slow, fails)
        self.moneydesk = None if self.payroom is None else MoneyDesk(self, stream(seed, "money desk"))
        self.paid_once = None if self.payroom is None else PaidOnce(self, self.payroom)
        self.calls_open = 0
        self._numbers = numbers
        self._node_no = 0

    def _receiver(self, bad: float) -> Receiver | None:
        """Of every second hospital, events are brought to its door."""
        numbers = stream(self.seed, "door")
        if numbers.random() < 0.5:
            return None
        return Receiver(self, numbers, Weather(stream(self.seed, "webhooks"), bad))

    def _payroom(self, bad: float, slow: float, fails: float) -> PayRoom | None:
        """Every second world has a payment room; in the others the till answers for it."""
        numbers = stream(self.seed, "channel")
        if numbers.random() < 0.5:
            return None
        trouble = DiskTrouble(stream(self.seed, "room's disk"), slow, fails, far=False)
        return PayRoom(self, numbers, trouble, Weather(stream(self.seed, "room's network"), bad))

    def play(self) -> list[str]:
        """The promises that were broken."""
        try:
            with ids_from(self.seed, self.loop.time):
                self.loop.run_until_complete(self._play())
        except Exception as wrong:
            self.story.broke("the-world-ended", error=repr(wrong))
            raise
        finally:
            self.close()
        for stumble in self.loop.wrongs:
            self.story.broke("nobody-stumbles", error=stumble)
        return self.story.broken

    def close(self) -> None:
        for node in self.nodes:
            if node.alive:
                node.crash()
        if self.payroom is not None:
            self.payroom.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        self.loop.close()
        self.disk.close()

    async def _play(self) -> None:
        for _ in range(self._numbers.choice((2, 3)) if self.shared else 1):
            self._start_node()
        for insurer in self.insurers.values():
            self.spawn(self._carry_calls(insurer, stream(self.seed, f"calls {insurer.code}")))
        self.spawn(self._bad_luck(stream(self.seed, "luck")))
        self.spawn(self._wrong_clock(stream(self.seed, "clock")))
        self.spawn(self.clerk.run())
        if self.payroom is None:
            self.spawn(self.till.run())
        else:
            self.payroom.start()
            self.spawn(self.payroom.bad_luck(0.0 if self.calm else 40.0))
        if self.moneydesk is not None:
            self.spawn(self.moneydesk.run())
        if self.receiver is not None:
            self.spawn(Aftercare(self, self.receiver, stream(self.seed, "aftercare")).run())
        if not self.calm and self._numbers.random() < 0.3:
            self.persons_until = TROUBLE_S + 140.0
            self.spawn(Persons(self, stream(self.seed, "persons")).run(TROUBLE_S + 120.0))
        visits = [self.spawn(self.hospital.visit(bill)) for bill in self._bills()]
        await asyncio.sleep(TROUBLE_S)
        self.heal()
        await asyncio.wait(visits)
        await self.until_quiet()
        if self.payroom is not None:
            await Days(self, self.payroom, stream(self.seed, "days")).run()
        self.invariants.at_the_end()
        if self.receiver is not None:
            self.told.at_the_end(self.receiver)
        if self.paid_once is not None:
            self.paid_once.at_the_end()

    def _bills(self) -> list[Any]:
        """One to three bills with one or two policies."""
        made = []
        for number in range(1, self._numbers.choice((1, 1, 2, 3)) + 1):
            kind = self._numbers.choice(("direct_pay", "direct_pay", "quick_claim"))
            fit = [code for code, one in PROFILES.items() if kind in one.manifest.kinds]
            insurers = tuple(self._numbers.sample(fit, self._numbers.choice((1, 1, 2))))
            made.append(self.hospital.bring(number, kind, insurers))
        return made

    def _start_node(self) -> None:
        self._node_no += 1
        skew = self._numbers.uniform(-1.0, 1.0) if self.shared else 0.0
        node = Node(self, f"node{self._node_no}", skew)
        self.nodes.append(node)
        node.start()

    def restart(self, node: Node) -> None:
        """Kill it, and have another one start in its place a moment later."""
        node.crash()
        self.nodes.remove(node)
        self.loop.call_later(self._numbers.choice((0.1, 2.0, 15.0)), self._start_node)

    async def _bad_luck(self, numbers: random.Random) -> None:
        for at in sorted(numbers.uniform(0.0, numbers.choice((12.0, 40.0))) for _ in range(self.crashes)):
            await asyncio.sleep(max(0.0, at - self.loop.time()))
            if self.nodes:
                node = numbers.choice(self.nodes)
                if self.shared and numbers.random() < 0.4:
                    node.pause(numbers.choice((3.0, 12.0, 25.0)))
                else:
                    self.restart(node)

    async def _wrong_clock(self, numbers: random.Random) -> None:
        """Now and then one host's clock is an hour off for a while."""
        if not self.crashes or numbers.random() > 0.2:
            return
        await asyncio.sleep(numbers.uniform(1.0, 30.0))
        node, hours = self.some_node(numbers), numbers.choice((-1, 1))
        if node is not None:
            node.turn_clock(hours * 3600.0)
            await asyncio.sleep(numbers.choice((1.0, 8.0, 25.0)))
            node.turn_clock(-hours * 3600.0)

    def heal(self) -> None:
        self.story.tell("WORLD", "faults end")
        for trouble in self._troubles():
            trouble.heal()

    def hurt(self) -> None:
        """What was bad is bad again."""
        self.story.tell("WORLD", "faults begin")
        for trouble in self._troubles():
            trouble.hurt()

    def _troubles(self) -> list[Weather | DiskTrouble]:
        found: list[Weather | DiskTrouble] = [self.weather, self.disk_trouble]
        if self.receiver is not None:
            found.append(self.receiver.weather)
        if self.payroom is not None:
            found += [self.payroom.weather, self.payroom.trouble]
        return found

    async def _carry_calls(self, insurer: Insurer, numbers: random.Random) -> None:
        while True:
            delay, call = await insurer.calls.get()
            self.calls_open += 1
            self.spawn(self._carry(insurer, call, delay, numbers))

    async def _carry(self, insurer: Insurer, call: dict[str, Any], delay: float, numbers: random.Random) -> None:
        """One callback, brought until it is acknowledged."""
        body = msgspec.json.encode(call)
        try:
            for attempt in range(40):
                await asyncio.sleep(delay if attempt == 0 else min(60.0, 2.0**attempt))
                arrives, heard = self.weather.call()
                node = self.some_node(numbers)
                if node is not None and arrives and await self._called(insurer, body, node) and heard:
                    return
        finally:
            self.calls_open -= 1

    async def _called(self, insurer: Insurer, body: bytes, node: Node) -> bool:
        partner = node.registry.get(insurer.code)
        assert partner is not None
        told = msgspec.json.decode(body)["result"]
        self.story.tell(
            insurer.code,
            "calls",
            act=told["correlation"],
            state=told["state"],
            amount=told.get("approved"),
            to=node.name,
        )
        try:
            await node.call(node.callbacks.receive(partner, "result", body, {}))
        except Gone:
            return False
        except LianpeiError as no:
            self.story.tell(insurer.code, "call refused", code=no.error_code)
            return False
        if "approved" in told:
            insurer.cases[insurer.acts[told["correlation"]].claim_id].heard.add(told["approved"])
        return True

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        return self.loop.create_task(work)

    def some_node(self, numbers: random.Random) -> Node | None:
        return numbers.choice(self.nodes) if self.nodes else None

    async def until_quiet(self) -> None:
        until = self.loop.time() + LONGEST_S
        quiet = 0
        while quiet < 3 and self.loop.time() < until:
            await asyncio.sleep(3.0)
            quiet = quiet + 1 if self._is_quiet() else 0

    def _is_quiet(self) -> bool:
        if self.calls_open or not self.till.quiet or any(node.engine.running for node in self.nodes):
            return False
        if self.receiver is not None and not self.receiver.quiet:
            return False
        if self.paid_once is not None and not self.paid_once.quiet:
            return False
        return not self.invariants.unfinished()
