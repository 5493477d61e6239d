"""Typed rows say what their tables say, and are written like any other new row."""

from typing import get_type_hints

import pytest

from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import BadUnit
from gateway.store.rows import EventRow, OutboxRow, Row
from gateway.store.sql import Planner
from gateway.store.tables import ColumnType
from gateway.store.unit import Unit

_KINDS = {str: ColumnType.TEXT, int: ColumnType.INT, bytes: ColumnType.BLOB}


def _plain(hint: object) -> type:
    """``int`` of ``int | None``."""
    found = [kind for kind in _KINDS if hint in (kind, kind | None)]
    assert found, f"{hint} is no column's type"
    return found[0]


@pytest.mark.parametrize("row", Row.__subclasses__(), ids=lambda row: row.table)
def test_a_typed_rows_columns_are_its_tables_in_their_order_and_of_their_kind(row: type[Row]) -> None:
    hints = get_type_hints(row)
    spelt = {name: _KINDS[_plain(hints[name])] for name in row.__struct_fields__}
    columns = CLAIMS.table(row.table).columns
    assert list(spelt.items()) == [(name, kind) for name, kind in columns.items() if name in spelt]


@pytest.mark.parametrize("row", Row.__subclasses__(), ids=lambda row: row.table)
def test_what_a_table_never_leaves_empty_a_typed_row_never_does(row: type[Row]) -> None:
    table = CLAIMS.table(row.table)
    hints = get_type_hints(row)
    assert table.required <= set(row.__struct_fields__)
    assert not [name for name in table.required if hints[name] not in _KINDS]


def test_a_typed_row_is_written_as_an_insert_of_its_columns() -> None:
    typed, named = Unit(), Unit()
    typed.add(OutboxRow("decided", "ord_1", 5))
    named.insert("outbox", kind="decided", order_id="ord_1", at=5, attempts=0, next_at=0)
    assert typed.steps == named.steps


def test_a_typed_row_with_a_value_of_another_type_is_refused_as_every_row_is() -> None:
    unit = Unit()
    unit.add(EventRow("evt_1", "h", "ord_1", "decided", 5.0))  # type: ignore[arg-type]
    with pytest.raises(BadUnit):
        Planner(CLAIMS).plan(unit)
