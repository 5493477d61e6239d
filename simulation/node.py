"""A gateway process: the real engine, courier, resolver, callbacks, undo desk and door over this world's disk and network."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.claims.conversation.aftermath import Aftermath
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.counter import Counter
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.mailbox import Mailbox
from gateway.claims.conversation.material import Material
from gateway.claims.conversation.offers import Offers
from gateway.claims.conversation.resolver import Resolver
from gateway.claims.conversation.talk import Talk
from gateway.claims.conversation.unanswered import Unanswered
from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.reversal import Reverser
from gateway.claims.undo.service import UndoDesk
from gateway.claims.undo.worker import Undoing
from gateway.kernel.errors import LianpeiError
from gateway.store.leases import Leases
from simulation.clockwork import OWNER, VirtualClock
from simulation.disk import DiskEnd
from simulation.post import office_of
from simulation.wire import SimulatedPartner

if TYPE_CHECKING:
    from simulation.world import World

_Answer = TypeVar("_Answer")
_QUOTE_VALID_MS = 20_000


class Gone(Exception):
    """The connection broke: the node died, or it never answered."""


class Node:
    def __init__(self, world: "World", name: str, skew: float) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.died: asyncio.Future[None] = world.loop.create_future()
        self.store = DiskEnd(world.disk, world.disk_trouble)
        self.clock = VirtualClock(world.loop.time, skew)
        leases = Leases(self.store, self.clock, name) if world.shared else None
        self.ledger = Ledger(self.store, world.vault, self.clock, leases)
        self._context = contextvars.copy_context()
        self._context.run(OWNER.set, self)
        self.registry = Registry(
            {one.code: SimulatedPartner(one, self, self.clock, world.metrics) for one in world.insurers.values()}
        )
        self.engine = self._engine()
        self.callbacks = Callbacks(self.engine)
        self.desk = UndoDesk(self.engine)
        self.office = office_of(self, world.receiver) if world.receiver is not None else None

    def _engine(self) -> Engine:
        ledger, registry, clock, metrics = self.ledger, self.registry, self.clock, self.world.metrics
        mailbox = Mailbox()
        courier = Courier(ledger, mailbox, clock)
        reverser = Reverser(ledger, registry, courier, clock)
        after = Aftermath(ledger, registry, courier, clock)
        counter = Counter(registry, metrics, clock, self.world.falls, _QUOTE_VALID_MS, Offers(clock))
        talk = Talk(ledger, registry, clock, courier, counter, Material(courier), Unanswered(reverser))
        return Engine(ledger, registry, mailbox, metrics, clock, courier, Undoing(reverser), counter, talk, after, {})

    def start(self) -> None:
        self.tell("starts")
        self.spawn(self._run())

    async def _run(self) -> None:
        """A process that can't start ends; whoever watches it starts it anew."""
        try:
            if self.ledger.leases is not None:
                await self.ledger.leases.hold_node()
                self.spawn(self.ledger.leases.live())
            self.spawn(Resolver(self.engine).run())
            if self.office is not None:
                self._alone("webhooks", self.office.run)
        except LianpeiError as wrong:
            self.tell("is not ready", error=wrong.error_code)
            self.world.restart(self)

    def _alone(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        leases = self.ledger.leases
        self.spawn(work() if leases is None else leases.alone(name, work))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        return self.world.loop.create_task(work, context=self._context.copy())

    async def call(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Have it done here for a caller elsewhere. Raises ``Gone`` when the node dies first."""
        if not self.alive:
            work.close()
            raise Gone
        task = self.spawn(work)
        await asyncio.wait([task, self.died], return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or task.cancelled() or not self.alive:
            raise Gone
        return task.result()  # type: ignore[no-any-return]

    def crash(self) -> None:
        """As SIGKILL: nothing of it happens any more; what is under way on the network goes on."""
        self.tell("CRASHES")
        self.alive = self.store.alive = False
        self.store.awake.set()
        self.died.set_result(None)
        for task in list(self.tasks):
            task.cancel()

    def turn_clock(self, seconds: float) -> None:
        if self.alive:
            self.tell("CLOCK JUMPS", seconds=seconds)
            self.clock.skew += seconds

    def pause(self, seconds: float) -> None:
        """As SIGSTOP and SIGCONT: it does nothing, and then goes on as if no time had passed."""
        self.tell("STOPS", seconds=seconds)
        self.store.awake.clear()
        self.world.loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        if self.alive:
            self.tell("goes on")
        self.store.awake.set()

    def require_alive(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError

    def tell(self, what: str, **more: Any) -> None:
        self.world.story.tell(self.name, what, **more)
