"""What an order may be: closed, without free text, and with amounts that tie out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_kit import order

from gateway.kernel.errors import BadMoney
from gateway.kernel.ids import new_order_id, new_settlement_id
from gateway.payment.model import PaymentOrder, require_order


def test_a_self_pay_order_whose_own_leg_is_its_amount_is_sound() -> None:
    require_order(order())


def test_a_payout_names_its_account() -> None:
    legs = [{"kind": "commercial", "amount": 100}]

    require_order(order(kind="PAYOUT", amount=100, legs=legs, account_token="tok-1"))
    with pytest.raises(BadMoney):
        require_order(order(kind="PAYOUT", amount=100, legs=legs))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 1},
        {"account_token": "tok-1"},
        {"legs": [{"kind": "fund", "amount": 1}]},
        {"legs": [{"kind": "self_pay", "amount": 5686}, {"kind": "self_pay", "amount": 5686}]},
        {"legs": [{"kind": "self_pay", "amount": 5686}, {"kind": "fund", "amount": -1}]},
    ],
)
def test_an_order_that_does_not_tie_out_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadMoney):
        require_order(order(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"settlement_id": new_order_id()},
        {"settlement_id": "V20250305001"},
        {"amount": 0},
        {"amount": 56.86},
        {"source": "内科 门诊"},
        {"account_token": "张显眼 6222"},
        {"diagnosis": "J06.900"},
        {"title": "精神科处方"},
        {"legs": [{"kind": "fund", "amount": 1, "name": "x"}]},
    ],
)
def test_nothing_but_numbers_codes_and_random_ids_fits_into_an_order(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        order(**changes)


@given(st.text(max_size=30), st.sampled_from(["settlement_id", "source", "account_token"]))
def test_no_free_text_passes_any_text_field(text: str, name: str) -> None:
    body = msgspec.to_builtins(order()) | {name: text}
    try:
        taken = msgspec.convert(body, PaymentOrder)
    except msgspec.ValidationError:
        return
    assert getattr(taken, name).isascii()
    assert " " not in text


def test_settlement_ids_are_of_the_form_that_the_model_takes() -> None:
    assert [order(settlement_id=new_settlement_id()) for _ in range(50)]
