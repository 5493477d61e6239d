"""Money is whole 分: what is not an exact amount is refused, never rounded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import fen_from_yuan, line_amount, yuan


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_amount_survives_the_way_to_yuan_and_back(amount: int) -> None:
    assert fen_from_yuan(yuan(amount)) == amount


@pytest.mark.parametrize(
    "text", ["1e3", "NaN", "Infinity", "0.001", "1,000.00", "", " ", "1.", ".5", "--1", "9" * 14, "１２"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadMoney):
        fen_from_yuan(text)


def test_a_binary_float_is_never_money() -> None:
    with pytest.raises(BadMoney):
        fen_from_yuan(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "amount"), [("0", 0), ("12.3", 1230), ("-0.05", -5), ("430.00", 43000), ("7", 700)])
def test_yuan_text_is_read_exactly(text: str, amount: int) -> None:
    assert fen_from_yuan(text) == amount


def test_trailing_zeros_of_an_exact_number_do_not_matter() -> None:
    assert fen_from_yuan(Decimal("12.3000")) == 1230


def test_a_line_is_rounded_half_up_at_the_fen() -> None:
    assert line_amount(Decimal("3.333333"), Decimal(3)) == 1000
    assert line_amount(Decimal("0.125"), Decimal(1)) == 13
    assert line_amount(Decimal("0.125"), Decimal(-1)) == -13
