"""Over random bills and refunds: no undo gives back more than was paid, by anybody, however often it is asked."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.claims.undo.planning import legs_of, money_of, require_refundable
from gateway.kernel.errors import BadMoney

fen = st.integers(0, 10**9)


@dataclass(frozen=True)
class OneClaim:
    claim_id: str
    seq: int
    approved: int


@dataclass(frozen=True)
class OneLine:
    line_no: str
    qty: Decimal
    amount: int


@dataclass(frozen=True)
class OneRefund:
    refund_of: str
    qty: Decimal
    amount: int


claims = st.lists(fen, max_size=4).map(lambda sums: [OneClaim(f"c{n}", n, money) for n, money in enumerate(sums, 1)])
lines = st.lists(st.tuples(st.integers(1, 99), st.integers(0, 10**6)), min_size=1, max_size=6).map(
    lambda drawn: [OneLine(str(n), Decimal(qty), money) for n, (qty, money) in enumerate(drawn)]
)
refunds = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 60), st.integers(0, 6 * 10**5)).map(
        lambda drawn: OneRefund(str(drawn[0]), Decimal(-drawn[1]), -drawn[2])
    ),
    min_size=1,
    max_size=4,
)


@given(claims, fen, fen, fen)
def test_a_whole_undo_gives_back_exactly_what_each_paid(
    paid: list[OneClaim], fund: int, account: int, cash: int
) -> None:
    legs = legs_of("whole", money_of(paid, fund, account, cash), 0, 0)

    assert sum(amount for _, amount in legs) == sum(claim.approved for claim in paid) + fund + account + cash
    assert [leg for leg, _ in legs] == [f"claim:c{n}" for n in range(len(paid), 0, -1)] + ["yibao", "cash"]


@given(fen, st.lists(fen, min_size=1, max_size=5))
def test_parts_and_then_the_whole_never_pass_the_cash(cash: int, parts: list[int]) -> None:
    money, given_back = money_of([OneClaim("c1", 1, 0)], 0, 0, cash), 0
    for part in parts:
        try:
            legs = dict(legs_of("part", money, part, given_back))
        except BadMoney:
            assert part > cash - given_back
        else:
            assert legs["cash"] == part
            given_back += part
    rest = dict(legs_of("whole", money, 0, given_back))["cash"]

    assert rest >= 0
    assert rest + given_back == cash


@given(lines, st.lists(refunds, min_size=1, max_size=6))
def test_all_refunds_of_a_line_together_never_pass_it(bill: list[OneLine], wishes: list[list[OneRefund]]) -> None:
    taken: list[OneRefund] = []
    for wish in wishes:
        try:
            amount = require_refundable(bill, taken, wish)
        except BadMoney:
            continue
        assert amount == -sum(one.amount for one in wish) >= 0
        taken += wish
    for line in bill:
        mine = [one for one in taken if one.refund_of == line.line_no]
        assert -sum(one.amount for one in mine) <= line.amount
        assert -sum(one.qty for one in mine) <= line.qty
    assert {one.refund_of for one in taken} <= {line.line_no for line in bill}
