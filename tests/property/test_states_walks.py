"""Random walks over a claim, a bill and an act: whatever is tried, only what the tables allow is ever written."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.types import BenefitType, ClaimKind
from gateway.claims.clock_watch import ClockWatch
from gateway.claims.conversation.states import ACT, BILL, CLAIM, ActState, BillEvent, BillState, ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.kernel.errors import Conflict
from gateway.kernel.ids import ClaimId, OrderId


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def epoch_ms(self) -> int:
        return 1_772_323_200_000

    def monotonic(self) -> float:
        return 0.0


class Walk(RuleBasedStateMachine):
    """Drives the same ``Work`` that the conversation writes with; nothing is flushed, so every row can be read."""

    def __init__(self) -> None:
        super().__init__()
        nothing: Any = None
        policy: Any = SimpleNamespace(insurer_code="package", benefit_type=BenefitType.EXPENSE)
        self.work = Work(nothing, nothing, ClockWatch(StillClock()), "ord_1")
        self.claim = ClaimRun(
            ClaimId("clm_1"), OrderId("ord_1"), 1, policy, ClaimKind.DIRECT_PAY, datetime(2026, 3, 1, tzinfo=UTC)
        )
        self.bill = Bill(OrderId("ord_1"), "H1", "k", "d", nothing, datetime(2026, 3, 1, tzinfo=UTC), [self.claim])
        self.act: ActState | None = None
        self.seen: dict[str, list[str]] = {"claim.state": [ClaimState.CREATED], "bill.state": [BillState.PENDING]}

    @rule(event=st.sampled_from(ClaimEvent), cause=st.sampled_from(["answer-lost", "callback", "person"]))
    def try_claim(self, event: ClaimEvent, cause: str) -> None:
        before, rows = self.claim.state, len(self.work.unit)
        try:
            self.work.move_claim(self.bill, self.claim, event, cause)
        except Conflict:
            assert (before, event) not in CLAIM.table
            assert self.claim.state is before
            assert len(self.work.unit) == rows
        else:
            assert self.claim.state is CLAIM.table[before, event]

    @rule(event=st.sampled_from(BillEvent))
    def try_bill(self, event: BillEvent) -> None:
        before, rows = self.bill.state, len(self.work.unit)
        try:
            self.work.move_bill(self.bill, event, "hospital")
        except Conflict:
            assert (before, event) not in BILL.table
            assert self.bill.state is before
            assert len(self.work.unit) == rows
        else:
            assert self.bill.state is BILL.table[before, event]

    @rule(state=st.sampled_from(ActState))
    def try_act(self, state: ActState) -> None:
        rows = len(self.work.unit)
        try:
            self.work.act_became("clm_1", "act_1", state, "x")
        except Conflict:
            assert self.act is not None
            assert (self.act, state) not in ACT.steps
            assert len(self.work.unit) == rows
        else:
            again = self.act is state is ActState.ANSWERED
            assert again or self.act is None or (self.act, state) in ACT.steps
            assert len(self.work.unit) == rows + (not again)
            self.act = state

    @invariant()
    def every_change_is_a_row_with_cause_and_time_and_the_rows_make_one_chain(self) -> None:
        walked = {field: [states[0]] for field, states in self.seen.items()}
        for step in self.work.unit.steps:
            if step.table == "change":
                row: dict[str, Any] = dict(zip(step.columns, step.values, strict=True))
                assert row["cause"]
                assert row["at"] == StillClock().epoch_ms()
                assert walked[row["field"]][-1] == row["old"]
                walked[row["field"]].append(row["new"])
        assert walked["claim.state"][-1] == self.claim.state
        assert walked["bill.state"][-1] == self.bill.state

    @invariant()
    def a_final_state_is_the_end(self) -> None:
        assert not [event for event in ClaimEvent if (self.claim.state, event) in CLAIM.table] or not self.claim.final


Walk.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestWalk = Walk.TestCase
