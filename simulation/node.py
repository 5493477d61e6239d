"""A gateway process: the real engine, courier, resolver, callbacks, undo desk and door over this world's disk and network."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

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
from simulation.post import office_of
from simulation.process import Process
from simulation.window import SimulatedCarrier
from simulation.wire import SimulatedPartner

if TYPE_CHECKING:
    from simulation.world import World

_QUOTE_VALID_MS = 20_000


class Node(Process):
    def __init__(self, world: "World", name: str, skew: float) -> None:
        super().__init__(world, name, skew, world.disk, world.disk_trouble)
        leases = Leases(self.store, self.clock, name) if world.shared else None
        self.ledger = Ledger(self.store, world.vault, self.clock, leases)
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
        talk = Talk(ledger, registry, clock, courier, counter, Material(ledger, courier), Unanswered(reverser))
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
            if self.world.payroom is not None:
                self._alone("window", SimulatedCarrier(self, self.world.payroom).run)
        except LianpeiError as wrong:
            self.tell("is not ready", error=wrong.error_code)
            self.world.restart(self)

    def _alone(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        leases = self.ledger.leases
        self.spawn(work() if leases is None else leases.alone(name, work))

    def pause(self, seconds: float) -> None:
        """As SIGSTOP and SIGCONT: it does nothing, and then goes on as if no time had passed."""
        self.tell("STOPS", seconds=seconds)
        self.store.awake.clear()
        self.world.loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        if self.alive:
            self.tell("goes on")
        self.store.awake.set()
