"""What a decision owes: self-pay, payout, and totals that tie out for every decided bill."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clearing.orders import DecidedBill, dues, payment_order
from gateway.kernel.ids import OrderId, new_settlement_id
from gateway.payment.model import LegKind, OrderKind, require_order

BILL = DecidedBill(
    order_id=OrderId("ord_1"),
    hospital="H99990100001",
    direct_pay=True,
    fund=13769,
    account=12000,
    hospital_bear=0,
    cash=17231,
    direct_approved=11545,
    quick_approved=0,
)


def test_the_published_outpatient_story_leaves_56_86_to_pay() -> None:
    (due,) = dues(BILL)

    assert (due.kind, due.amount) == (OrderKind.SELF_PAY, 5686)
    assert {leg.kind: leg.amount for leg in due.legs} == {
        LegKind.FUND: 13769,
        LegKind.ACCOUNT: 12000,
        LegKind.COMMERCIAL: 11545,
        LegKind.SELF_PAY: 5686,
    }


def test_a_refused_direct_pay_bill_is_wholly_self_paid() -> None:
    assert [(due.kind, due.amount) for due in dues(replace(BILL, direct_approved=0))] == [(OrderKind.SELF_PAY, 17231)]


def test_an_approved_quick_claim_is_paid_out_to_the_account() -> None:
    quick = replace(BILL, direct_pay=False, direct_approved=0, quick_approved=9000, account_token="tok-1")
    (due,) = dues(quick)

    assert (due.kind, due.amount, due.account_token) == (OrderKind.PAYOUT, 9000, "tok-1")
    assert [leg.kind for leg in due.legs] == [LegKind.COMMERCIAL]


def test_a_quick_claim_without_an_account_or_without_money_asks_for_nothing() -> None:
    quick = replace(BILL, direct_pay=False, direct_approved=0)

    assert dues(replace(quick, quick_approved=9000)) == ()
    assert dues(replace(quick, account_token="tok-1")) == ()


def test_a_direct_pay_bill_that_fell_to_quick_claim_owes_both() -> None:
    both = dues(replace(BILL, direct_approved=0, quick_approved=9000, account_token="tok-1"))

    assert [(due.kind, due.amount) for due in both] == [(OrderKind.SELF_PAY, 17231), (OrderKind.PAYOUT, 9000)]


@pytest.mark.parametrize(("direct", "quick"), [(17232, 0), (17231, 1), (-1, 0), (0, -1)])
def test_insurers_never_pay_more_than_the_patient_bears(direct: int, quick: int) -> None:
    with pytest.raises(ValueError, match="burden"):
        dues(replace(BILL, direct_approved=direct, quick_approved=quick))


amounts = st.integers(0, 10**9)


@given(amounts, amounts, st.integers(-(10**6), 10**6), amounts, st.data())
def test_every_due_makes_an_order_that_the_payment_room_takes(
    fund: int, account: int, bear: int, cash: int, data: st.DataObject
) -> None:
    direct = data.draw(st.integers(0, cash))
    quick = data.draw(st.integers(0, cash - direct))
    bill = replace(
        BILL,
        fund=fund,
        account=account,
        hospital_bear=bear,
        cash=cash,
        direct_approved=direct,
        quick_approved=quick,
        account_token="tok-1",
    )
    for due in dues(bill):
        if due.amount:
            require_order(payment_order(due, new_settlement_id(), "LIANPEI"))
    by_kind = {due.kind: due.amount for due in dues(bill)}
    assert by_kind[OrderKind.SELF_PAY] + direct == cash
    assert by_kind.get(OrderKind.PAYOUT, 0) == quick
