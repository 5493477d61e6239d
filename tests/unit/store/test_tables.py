"""Schemas as data: a table that breaks the rules cannot be declared, and the rooms' tables keep the wall."""

import pytest

from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import BadUnit
from gateway.store.payment_tables import PAYMENT
from gateway.store.tables import INT, SERIAL, TEXT, Table


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Table("t", {"a": TEXT}, key=()),
        lambda: Table("t", {"a": TEXT}, key=("b",)),
        lambda: Table("t", {"a": TEXT}, key=("a",), indexes=(("b",),)),
        lambda: Table("t", {"a": TEXT, "n": SERIAL}, key=("a",)),
        lambda: Table('t"; DROP TABLE t; --', {"a": TEXT}, key=("a",)),
        lambda: Table("t", {"expect": TEXT}, key=("expect",)),
    ],
)
def test_a_table_that_breaks_the_rules_cannot_be_declared(declare: object) -> None:
    assert callable(declare)
    with pytest.raises(BadUnit):
        declare()


def test_a_declared_table_cannot_be_changed_afterwards() -> None:
    columns = {"a": TEXT}
    table = Table("t", columns, key=("a",))
    columns["b"] = INT
    assert tuple(table.columns) == ("a",)


def test_no_two_tables_of_a_room_share_a_name() -> None:
    for schema in (CLAIMS, PAYMENT):
        assert len(schema.by_name) == len(schema.tables)


def test_the_payment_room_has_no_column_that_could_name_a_visit_a_claim_or_a_hospital() -> None:
    columns = {name for table in PAYMENT.tables for name in table.columns}
    assert columns.isdisjoint({"order_id", "claim_id", "visit_id", "hospital", "insurer", "blob", "reason_code"})


def test_money_columns_hold_whole_numbers() -> None:
    money = {"total", "approved", "self_pay_due", "claimed", "quoted", "amount"}
    found = [
        table.columns[name]
        for schema in (CLAIMS, PAYMENT)
        for table in schema.tables
        for name in table.columns
        if name in money
    ]
    assert len(found) >= 8
    assert set(found) == {INT}
