"""Sends an act that is part of no conversation (role ``extra``) when a person asks for it: a payment notice, a changed visit."""

from dataclasses import dataclass, field

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.budget import RESUMED_S, Budget
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.resting import busy
from gateway.claims.evidence.bundle import claim_row
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.partners.partner import Partner
from gateway.kernel.errors import Conflict, LianpeiError
from gateway.store.errors import StaleWrite


@dataclass(slots=True)
class Extra:
    """One act that an operator wants sent for one claim."""

    engine: Engine
    who: Operator
    claim_id: str
    act: str
    reason: str
    _said: ActResult | None = None
    _wrong: LianpeiError | None = field(default=None)

    async def send(self) -> dict[str, str]:
        """What the insurer said within ten seconds; ``pending`` when its word is still to come.

        Raises ``NotFound``, ``RoleMissing``, ``Conflict`` (``act-not-offered``, ``order-busy``), ``NotSent`` or
        ``MessageRefused``. The claim's state and money stay what they are.
        """
        self.who.require(Role.RE_DRIVE)
        row = await self.engine.ledger.read(claim_row, self.engine.ledger, self.claim_id)
        partner = self.engine.registry.get(row["insurer"])
        rule = partner.manifest.acts.get(self.act) if partner is not None else None
        if partner is None or rule is None or rule.role != "extra":
            raise Conflict(
                "this insurer has no such act to send by hand",
                code="act-not-offered",
                hint="Only acts with role extra in the partner's insurer.yaml are sent this way.",
            )
        order_id = row["order_id"]
        if order_id in self.engine.running or await self.engine.ledger.read(self.engine.ledger.elsewhere, order_id):
            raise busy()
        await self.engine.alone(order_id, self._work(order_id, partner, Step(self.act, rule)))
        if self._wrong is not None:
            raise self._wrong
        said = self._said or ActResult(state="pending")
        return {"act": self.act, "state": said.state, "peer_code": said.peer_code}

    async def _work(self, order_id: str, partner: Partner, step: Step) -> None:
        ledger, clock = self.engine.ledger, self.engine.clock
        work = ledger.work()
        try:
            bill = await ledger.read(ledger.load_bill, order_id)
            if bill is None or bill.undo_id:
                raise busy()
            await work.safe.turn_to(order_id, ledger.read)
            claim = next(one for one in bill.claims if one.claim_id == self.claim_id)
            due = claim.next_at
            work.audit("act-sent", self.who.signature, self.reason, f"{self.claim_id}:{self.act}")
            errand = Errand(bill, claim, partner, step, work, Budget(clock.monotonic() + RESUMED_S, clock))
            self._said = await self.engine.courier.carry_out(errand)
            claim.next_at = due  # whoever waited for the claim waits as before
            await work.flush(bill)
        except StaleWrite:
            self._wrong = busy()
        except LianpeiError as wrong:
            self._wrong = wrong
