"""Wires what works bills: the engine and the parts that it talks with, and how the T+1 promise counts its days."""

from gateway.claims.consents.withdrawals import Withdrawals
from gateway.claims.conversation.aftermath import Aftermath
from gateway.claims.conversation.clocks import ClockName, DayRule
from gateway.claims.conversation.counter import Counter
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.mailbox import Mailbox
from gateway.claims.conversation.material import Material
from gateway.claims.conversation.offers import Offers
from gateway.claims.conversation.talk import Talk
from gateway.claims.conversation.unanswered import Unanswered
from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.claims.undo.reversal import Reverser
from gateway.claims.undo.worker import Undoing
from gateway.config import CounterSettings, PayoutSettings
from gateway.kernel.clock import Clock
from gateway.telemetry.metrics import Metrics


def build_engine(ledger: Ledger, registry: Registry, metrics: Metrics, clock: Clock, wish: CounterSettings) -> Engine:
    mailbox = Mailbox()
    courier = Courier(ledger, mailbox, clock)
    reverser = Reverser(ledger, registry, courier, clock)
    counter = Counter(registry, metrics, clock, wish.quick_claim, int(wish.quote_valid * 1000), Offers(clock))
    unanswered, withdrawals = Unanswered(reverser), Withdrawals()
    talk = Talk(ledger, registry, clock, courier, counter, Material(ledger, courier), unanswered, withdrawals)
    after = Aftermath(ledger, registry, courier, clock, withdrawals)
    return Engine(ledger, registry, mailbox, metrics, clock, courier, Undoing(reverser), counter, talk, after, {})


def day_rules(payout: PayoutSettings) -> dict[ClockName, DayRule]:
    """How each clock of the T+1 promise counts."""
    off, on = frozenset(payout.holidays), frozenset(payout.workdays)
    ways = {ClockName.APPLICATION: payout.application, ClockName.APPROVAL: payout.approval}
    return {name: DayRule(payout.days, way == "working", off, on) for name, way in ways.items()}
