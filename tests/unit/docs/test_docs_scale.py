"""The growth plan names for every table how a row's shard is found, so that no table is made that could not be moved."""

import re
from pathlib import Path

from gateway.store.claims_tables import CLAIMS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "scale.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M))
OWN = frozenset({"cell", "reference"})


def test_every_table_of_the_claims_room_has_its_line_and_no_other_has() -> None:
    assert sorted(ROWS) == sorted(CLAIMS.by_name)


def test_a_row_leads_to_its_hospital_by_a_column_that_it_has_or_belongs_to_its_cell_as_a_whole() -> None:
    """``hospital`` itself, or the id of something that leads there."""
    lost = {}
    for name, said in ROWS.items():
        columns = set(re.findall(r"`(\w+)`", said))
        if not (said in OWN or (columns and columns <= set(CLAIMS.table(name).columns))):
            lost[name] = said
    assert lost == {}


def test_a_unique_rule_never_spans_two_hospitals_that_may_lie_apart() -> None:
    """A rule can only be kept inside a cell: it has the hospital, or ids that were made for one bill."""
    made_here = {"order_id", "claim_id", "settlement_id", "recon_id", "hospital"}
    assert [table.name for table in CLAIMS.tables for rule in table.unique if not made_here & set(rule)] == []
