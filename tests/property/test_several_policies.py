"""Over any number of policies and any decisions: the expense type never passes the bill, fixed benefits lie outside."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.types import UNSET, BenefitType, ClaimKind
from gateway.claims.conversation.states import ClaimState
from gateway.clearing.orders import DecidedBill, dues
from gateway.kernel.ids import ClaimId, OrderId

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@st.composite
def policies(draw: st.DrawFn) -> list[tuple[bool, bool, float]]:
    """Per policy: a fixed benefit?, only quoted?, and which part of what it may approve it does."""
    one = st.tuples(st.booleans(), st.booleans(), st.floats(0, 1))
    return draw(st.lists(one, min_size=1, max_size=8))


def _bill(cash: int, count: int, fixed: list[bool], insurers: str = "") -> Bill:
    submission: Any = SimpleNamespace(split=SimpleNamespace(cash_pay=cash), kind=ClaimKind.DIRECT_PAY)
    claims = []
    for seq in range(1, count + 1):
        benefit = BenefitType.FIXED if fixed[seq - 1] else BenefitType.EXPENSE
        policy: Any = SimpleNamespace(benefit_type=benefit, residual=UNSET, insurer_code=insurers[seq - 1 : seq])
        kind = ClaimKind.QUICK_CLAIM if fixed[seq - 1] else ClaimKind.DIRECT_PAY
        claims.append(ClaimRun(ClaimId(f"c{seq}"), OrderId("o"), seq, policy, kind, NOW))
    return Bill(OrderId("o"), "h", "k", "d", cast("Any", submission), NOW, claims)


@given(st.integers(0, 10**9), policies())
def test_what_policies_take_together_never_passes_what_the_patient_bears(
    cash: int, wished: list[tuple[bool, bool, float]]
) -> None:
    bill = _bill(cash, len(wished), [fixed for fixed, _, _ in wished])
    for claim, (fixed, quoted, part) in zip(bill.claims, wished, strict=True):
        claim.claimed = bill.remaining_for(claim)
        amount = int(min(claim.most, cash) * part)
        if quoted and not fixed:
            claim.state, claim.quoted = ClaimState.QUOTED, amount
        else:
            claim.state, claim.approved = ClaimState.DECIDED, amount

    expense = [claim for claim in bill.claims if not claim.fixed]
    taken = sum(claim.approved or claim.quoted or 0 for claim in expense)
    assert 0 <= taken <= cash
    assert all(claim.claimed >= 0 for claim in bill.claims)
    assert bill.self_pay_due == cash - sum(claim.approved for claim in expense)
    for claim in bill.claims:
        if claim.fixed:
            assert claim.claimed == cash


@given(st.text("ab", min_size=1, max_size=8), st.integers(0, 7))
def test_claims_at_one_insurer_are_counted_there_and_keep_their_place_when_others_follow(
    insurers: str, earlier: int
) -> None:
    """Insurers that know a settlement by our number need another one for each claim of the same bill."""
    bill = _bill(100, len(insurers), [False] * len(insurers), insurers)
    places = [bill.insurer_seq(claim) for claim in bill.claims]

    for insurer in set(insurers):
        there = [place for place, at in zip(places, insurers, strict=True) if at == insurer]
        assert there == list(range(1, len(there) + 1))
    before = bill.claims[: earlier + 1]
    alone = _bill(100, len(before), [False] * len(before), insurers)
    assert [alone.insurer_seq(claim) for claim in alone.claims] == places[: len(before)]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1), st.floats(0, 1))
def test_the_window_pays_out_quick_claims_and_fixed_benefits_and_collects_the_rest(
    cash: int, fixed: int, direct_part: float, quick_part: float
) -> None:
    direct = int(cash * direct_part)
    quick = int((cash - direct) * quick_part)
    bill = DecidedBill(OrderId("o"), "h", True, 0, 0, 0, cash, direct, quick, fixed, "acct_1")

    found = {due.kind.value: due.amount for due in dues(bill)}

    assert found["SELF_PAY"] == cash - direct
    assert found.get("PAYOUT", 0) == quick + fixed
