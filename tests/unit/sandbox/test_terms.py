"""What a bill is worth under the simulators' product terms."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.common.ledger import Ledger, Settlement
from gateway.sandbox.terms import INPATIENT, OUTPATIENT, Bill, Residuals, assess, is_slow, product, refuses


def test_the_outpatient_sample_is_worth_115_45() -> None:
    assessed = assess(Bill(cash=17231, own_pay=2800), OUTPATIENT, OUTPATIENT.limit)

    assert (assessed.base, assessed.payable, assessed.left_to_patient) == (14431, 11545, 5686)


def test_the_inpatient_sample_is_worth_1734_08_because_half_a_fen_rounds_up() -> None:
    assessed = assess(Bill(cash=245975, own_pay=53300), INPATIENT, INPATIENT.limit)

    assert (assessed.base, assessed.payable) == (192675, 173408)


def test_earlier_payers_reduce_the_base_and_the_residual_caps_the_share() -> None:
    assert assess(Bill(17231, 2800, 4431), OUTPATIENT, 10**9).payable == 8000
    assert assess(Bill(17231, 2800), OUTPATIENT, 5000).payable == 5000
    assert assess(Bill(1000, 2800), OUTPATIENT, 10**9).payable == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.booleans())
def test_the_share_is_exact_and_never_above_base_or_residual(
    cash: int, own: int, prior: int, residual: int, inpatient: bool
) -> None:
    terms = product(inpatient=inpatient)

    assessed = assess(Bill(cash, own, prior), terms, residual)

    exact = (max(0, cash - own - prior) * terms.ratio).quantize(Decimal(1), ROUND_HALF_UP)
    assert assessed.payable == min(exact, residual)
    assert 0 <= assessed.payable <= assessed.base


def test_policy_numbers_tell_what_is_refused_and_what_is_slow() -> None:
    assert refuses("EXPIRED-1")
    assert refuses("REFUSED")
    assert refuses("NOSUCH-1")
    assert not refuses("TESTP-REFUSE")
    assert is_slow("SLOW-1")


def test_a_policy_pays_until_nothing_is_left_and_gets_back_what_is_cancelled() -> None:
    residuals = Residuals()
    residuals.take("P", OUTPATIENT, 5_000_000)

    assert residuals.left("P", OUTPATIENT) == 0
    assert residuals.left("P", INPATIENT) == INPATIENT.limit
    with pytest.raises(ValueError):
        residuals.take("P", OUTPATIENT, 1)
    residuals.give_back("P", OUTPATIENT, 3)
    assert residuals.left("P", OUTPATIENT) == 3


def test_the_books_count_every_time_that_money_is_applied_for_one_bill() -> None:
    ledger = Ledger()
    first, second = (ledger.open(Settlement(reference, "BILL", "P", OUTPATIENT, {})) for reference in ("S1", "S2"))
    ledger.apply(first, 100)
    ledger.apply(second, 100)
    assert [ledger.times_applied(one) for one in (first, second)] == [2, 2]

    ledger.undo(second, "cancelled")

    assert [ledger.times_applied(one) for one in (first, second)] == [1, 0]
    assert ledger.residuals.used("P", OUTPATIENT) == 100
