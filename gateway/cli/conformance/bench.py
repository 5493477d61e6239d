"""The bench on which a partner is examined: bills of its own, acts sent one by one, and what came of each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.dispatch import ActResult, ActView, ClaimView, Dispatch
from gateway.claims.canonical.types import ClaimKind
from gateway.claims.conversation.plan import Step, plan
from gateway.claims.partners.dispatching import claim_dispatch, next_serial, operational_dispatch
from gateway.claims.partners.partner import Partner, Prepared
from gateway.cli.conformance.door import Door
from gateway.kernel.errors import LianpeiError, MessageRefused, NotSent, OutcomeUnknown
from gateway.kernel.ids import new_act_id, new_claim_id
from gateway.kernel.spans import seconds

_DECIDING = ("settle", "claim")
_OPEN = ("pending", "unknown", "need_more")


@dataclass(slots=True)
class Visit:
    """One bill of one invented patient and its claim at the partner."""

    submission: Submission
    claim: ClaimView
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        return self.submission.policies[0]

    @property
    def holders(self) -> frozenset[str]:
        """What a simulator's books may know the policy by."""
        return frozenset({self.policy.policy_no, self.submission.patient.cert_no})


@dataclass(frozen=True, slots=True)
class Answer:
    """One act as it went: ``result`` is what the answer itself said, ``trouble`` why it said nothing usable."""

    act: ActView
    result: ActResult
    prepared: Prepared
    took_s: float
    trouble: str = ""


Alter = Callable[[Prepared], Prepared]


@dataclass(slots=True)
class Bench:
    partner: Partner
    door: Door
    sample: Callable[[str, str], dict[str, Any]]
    """Kind and start of the policy's number to a fresh canonical submission."""
    deadlines: Mapping[str, float]
    """Seconds that the folder gives each act; the partner's own rules are twice as patient, so that lateness shows."""
    books: Callable[[], Any]
    """A simulator's ledger; None at a partner whose books can't be seen."""
    patience_s: float
    answers: list[Answer] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of claim that the partner decides, in the folder's order; its other conversations ask only."""
        return tuple(kind for kind in self.partner.manifest.kinds if kind in {one.value for one in ClaimKind})

    def visit(self, kind: str, policy: str = "") -> Visit:
        """A new bill; ``policy`` is the start of its policy's number."""
        submission = msgspec.convert(self.sample(kind, policy), Submission, strict=False)
        now = self.partner.clock.now()
        claim = ClaimView(
            claim_id=new_claim_id(),
            kind=ClaimKind(kind),
            claimed=submission.split.cash_pay,
            prior_paid=0,
            created_at=now,
        )
        return Visit(submission, claim)

    def steps(self, visit: Visit) -> tuple[Step, ...]:
        """The acts up to the one that decides."""
        steps = plan(self.partner.manifest, visit.claim.kind, visit.submission)
        ends = [place for place, step in enumerate(steps, 1) if step.rule.role in _DECIDING]
        return steps[: ends[0]] if ends else steps

    async def send(
        self,
        visit: Visit,
        step: Step,
        act: ActView | None = None,
        *,
        target: ActView | None = None,
        at: datetime | None = None,
        alter: Alter | None = None,
    ) -> Answer:
        """Send one act once. With ``act`` the same act goes again under its own id; ``alter`` changes the sealed bytes."""
        now = at or self.partner.clock.now()
        view = self.view(step, act, now)
        size, policy = step.batch_size, visit.policy
        dispatch = claim_dispatch(view, visit.claim, visit.submission, policy, visit.refs, size, target)
        prepared = self.partner.prepare(dispatch)
        if alter is not None:
            prepared = alter(prepared)
        answer = await self._exchange(view, prepared, dispatch)
        visit.refs.update({name: value for name, value in answer.result.refs.items() if value})
        return answer

    def view(self, step: Step, act: ActView | None, now: datetime) -> ActView:
        if act is not None:
            return msgspec.structs.replace(act, sent_at=now, serial=next_serial(), attempt=act.attempt + 1)
        return ActView(
            act_id=new_act_id(),
            name=step.act,
            sent_at=now,
            serial=next_serial(),
            batch_no=step.batch_no,
            batch_count=step.batch_count,
        )

    async def _exchange(self, view: ActView, prepared: Prepared, dispatch: Dispatch) -> Answer:
        started, trouble = time.monotonic(), ""
        try:
            result = (await self.partner.exchange(prepared, dispatch)).result
        except (OutcomeUnknown, NotSent, MessageRefused) as bad:
            result, trouble = ActResult(state="unknown"), bad.error_code
        answer = Answer(view, result, prepared, time.monotonic() - started, trouble)
        self.answers.append(answer)
        return answer

    async def again(self, visit: Visit, answer: Answer) -> Answer:
        """The very same bytes once more."""
        view = answer.act
        dispatch = claim_dispatch(view, visit.claim, visit.submission, visit.policy, visit.refs)
        return await self._exchange(view, answer.prepared, dispatch)

    async def until(self, visit: Visit, step: Step, answer: Answer) -> ActResult:
        """What finally became of an act: its answer, a call of the partner, an enquiry, or a file that was fetched."""
        if answer.result.state not in _OPEN:
            return answer.result
        given = answer.result.correlation
        correlation = given if isinstance(given, str) else answer.prepared.outgoing.correlation
        end, pause = time.monotonic() + self.patience_s, 0.2
        while time.monotonic() < end:
            told = await self.door.told(correlation, pause)
            if told is not None:
                visit.refs.update({name: value for name, value in told.refs.items() if value})
                return told
            found = await self._look(visit, step, answer, correlation)
            if found is not None:
                return found
            pause = min(2 * pause, 2.0)
        return answer.result

    async def _look(self, visit: Visit, step: Step, answer: Answer, correlation: str) -> ActResult | None:
        if self.partner.manifest.collect is not None:
            await self._collect()
        elif step.rule.status:
            found = (await self.ask(visit, step, answer.act)).result
            return found if found.state in ("accepted", "refused") else None
        elif step.rule.retry == "same_id" and not correlation:
            found = (await self.send(visit, step, answer.act)).result
            return found if found.state not in _OPEN else None
        return None

    async def ask(self, visit: Visit, step: Step, target: ActView) -> Answer:
        """One enquiry by our own act id."""
        name = step.rule.status
        return await self.send(visit, Step(name, self.partner.manifest.rule(name)), target=target)

    async def _collect(self) -> None:
        rule = self.partner.manifest.collect
        assert rule is not None
        try:
            for item in (await self._operate(rule.list, {})).items:
                for one in (await self._operate(rule.fetch, {"item": item})).results:
                    result = ActResult(
                        state=one.state, verdict=one.verdict, approved=one.approved, peer_code=one.peer_code
                    )
                    self.door.results[one.correlation].append(self.partner.judged(result))
                await self._operate(rule.done, {"item": item})
        except LianpeiError:
            return  # nothing could be fetched now; the next look tries again

    async def _operate(self, name: str, refs: dict[str, str]) -> ActResult:
        dispatch = operational_dispatch(name, self.partner.clock.now(), refs)
        return (await self.partner.exchange(self.partner.prepare(dispatch), dispatch)).result

    async def applied(self, visit: Visit) -> int | None:
        """How often money stands applied for this bill in the partner's books; None where they can't be seen."""
        found = await self._booked(visit)
        return None if found is None else sum(one["times_applied"] for one in found)

    async def booked(self, visit: Visit) -> int | None:
        """分 that stand settled for this bill in the partner's books."""
        found = await self._booked(visit)
        return None if found is None else sum(one["amount_fen"] for one in found if one["state"] == "settled")

    async def _booked(self, visit: Visit) -> list[dict[str, Any]] | None:
        books = await self.books()
        if books is None:
            return None
        return [one for one in books["settlements"] if one["policy_no"] in visit.holders]


@dataclass(slots=True)
class Played:
    """A conversation as far as it went: the act that decided, its own answer, and what finally became of it."""

    visit: Visit
    step: Step
    answer: Answer
    result: ActResult
    quoted: int | None = None

    @property
    def approved(self) -> int:
        return self.result.approved if isinstance(self.result.approved, int) else 0

    @property
    def is_paid(self) -> bool:
        return self.result.state == "accepted" and self.approved > 0


async def converse(bench: Bench, kind: str, policy: str = "") -> Played:
    """A whole conversation up to the decision, or up to the act that went otherwise."""
    visit, quoted = bench.visit(kind, policy), None
    played: Played | None = None
    for step in bench.steps(visit):
        answer = await bench.send(visit, step)
        result = await bench.until(visit, step, answer)
        played = Played(visit, step, answer, result, quoted)
        if result.state != "accepted":
            return played
        if step.rule.role == "quote" and isinstance(result.approved, int):
            quoted = result.approved
            visit.claim = msgspec.structs.replace(visit.claim, quoted=quoted)
    assert played is not None
    return played


def patient(partner: Partner) -> dict[str, float]:
    """Make every act of the partner twice as patient as its folder; returns what the folder says, in seconds."""
    manifest = partner.manifest
    said = {name: seconds(manifest.rule(name).timeout) for name in partner.acts}
    rules = {name: msgspec.structs.replace(manifest.rule(name), timeout=f"{2 * said[name]}s") for name in said}
    partner.manifest = msgspec.structs.replace(manifest, acts=rules)
    return said
