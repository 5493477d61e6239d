"""Locks 3 and 4: a payment schema can hold no medical or personal word, a payment mapping can reach none, and the payment
database is another one."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.claims.canonical.dispatch import Dispatch
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.labels import PAYMENT_MAY_SEE, Label
from gateway.mapping import check_folder
from gateway.mapping.api import Vocabulary
from gateway.payment.model import ChannelAnswer
from gateway.payment.room import VOCABULARY
from gateway.payment.schema_export import ROOTS
from gateway.payment.settings import PaymentRoomSettings
from gateway.store.claims_tables import CLAIMS
from gateway.store.payment_tables import PAYMENT
from gateway.store.sqlite import Store
from gateway.store.tables import TEXT

HOUSE = Path(__file__).parents[2]
WORDS = ["张三", "J06.900 急性上呼吸道感染", "内科", "a b", "110101199003070038\n", "精神科处方", "-->"]
PAYMENT_LEAVES = 19


def schema_leaves(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(``Struct.field``, its schema) of every field of a published schema that holds no object."""
    for owner, definition in schema["$defs"].items():
        for field, spelt in definition.get("properties", {}).items():
            inner = spelt.get("items", spelt)
            target = schema["$defs"].get(str(inner.get("$ref", "")).rpartition("/")[2], {})
            if "properties" not in target:
                yield f"{owner}.{field}", spelt | target


def payment_leaves() -> dict[str, dict[str, Any]]:
    found = {name: leaf for root in ROOTS.values() for name, leaf in schema_leaves(msgspec.json.schema(root))}
    assert len(found) >= PAYMENT_LEAVES
    return found


def test_every_payment_leaf_is_financial_or_operational() -> None:
    assert {
        name: leaf.get("x-label")
        for name, leaf in payment_leaves().items()
        if leaf.get("x-label") not in PAYMENT_MAY_SEE
    } == {}


def test_payment_may_see_financial_and_operational_and_nothing_else() -> None:
    assert {Label.FINANCIAL, Label.OPERATIONAL} == PAYMENT_MAY_SEE
    assert VOCABULARY.may_carry == {"financial", "operational"}


@pytest.mark.parametrize("root", ROOTS)
def test_every_payment_object_is_closed(root: str) -> None:
    objects = [one for one in msgspec.json.schema(ROOTS[root])["$defs"].values() if one.get("type") == "object"]

    assert objects
    assert all(one["additionalProperties"] is False and one["properties"] for one in objects)


def test_no_payment_leaf_is_free_text_or_an_open_map() -> None:
    for name, leaf in payment_leaves().items():
        assert leaf.get("type") != "object", name
        assert leaf.get("type") == "integer" or "enum" in leaf or "pattern" in leaf, name
        for word in WORDS:
            assert "pattern" not in leaf or not re.search(leaf["pattern"], word), (name, word)


def _folder(tmp_path: Path, member: str, value: str) -> Path:
    folder = tmp_path / "pay"
    folder.mkdir()
    text = f"""mapping: pay/order
version: 1
effective: {{by: submitted_at, from: "2025-01-01"}}
channel: payment
source: dispatch
target: {{kind: json}}
http: {{method: POST, path: /orders}}
tables:
  kinds: {{outpatient: A, else: B}}
  levels: {{male: A, else: B}}
request:
  out_trade_no: act.act_id
  {member}: {value}
answer:
  result: {{state: =unknown}}
"""
    (folder / "order.yaml").write_text(text, encoding="utf-8")
    return folder


def mistakes(tmp_path: Path, member: str, value: str) -> list[str]:
    """Codes of the mistakes in a payment mapping that reads the insurer's source, with one member put in."""
    vocabulary = Vocabulary(Dispatch, ChannelAnswer, frozenset(label.value for label in PAYMENT_MAY_SEE))
    folder = _folder(tmp_path, member, value)
    return [mistake.code for mistake in check_folder(folder, tmp_path, vocabulary, {}, frozenset())]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("status", "visit.dept_name"),
        ("status", "patient.name"),
        ("total_amount", "yuan(split.total) if visit.visit_kind == \"inpatient\" else \"0.00\""),
        ("total_amount", "text(count(lines))"),
        ("total_amount", "yuan(sum(x.amount for x in lines where x.class_level == \"C\"))"),
        ("biz_type", "code(kinds, visit.visit_kind)"),
        ("biz_type", "code(levels, patient.gender)"),
        ("order_time", "date(day_of(visit.begin_at), \"%Y%m%d\")"),
        ("settle_ids", "{$each: d in diagnoses, $item: d.code}"),
        ("status", "{$when: visit.visit_kind == \"inpatient\", a: act.act_id}"),
        ("status", "first(d.code for d in diagnoses)"),
        ("status", "upper(trim(patient.cert_no))"),
    ],
)  # fmt: skip
def test_a_payment_mapping_that_rests_on_a_medical_or_personal_field_does_not_load(
    tmp_path: Path, member: str, value: str
) -> None:
    assert "label-leak" in mistakes(tmp_path, member, value)


@pytest.mark.parametrize(
    ("member", "value"), [("total_amount", "yuan(split.total)"), ("policy_no", "policy.policy_no")]
)
def test_the_same_mapping_on_an_amount_does_load(tmp_path: Path, member: str, value: str) -> None:
    """So that the refusals above are about the label and nothing else."""
    assert mistakes(tmp_path, member, value) == []


IDS_AND_CODES = {
    "settlement_id",
    "account_token",
    "act_id",
    "source_ref",
    "kind",
    "channel",
    "state",
    "name",
    "outcome",
}
IDS_AND_CODES |= {"result", "field", "old", "new", "cause", "scope", "value"}
IDS_AND_CODES |= {"reason", "original", "beside", "payer_token", "timing", "sent_day"}


def test_the_payment_tables_have_no_column_for_a_word() -> None:
    texts = {column for table in PAYMENT.tables for column, kind in table.columns.items() if kind is TEXT}
    kinds = {kind.value for table in PAYMENT.tables for kind in table.columns.values()}

    assert texts == IDS_AND_CODES
    assert "blob" not in kinds


async def test_the_payment_room_can_not_open_the_claims_database(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    await store.close()

    with pytest.raises(ConfigRefused):
        Store.open(tmp_path / "claims.db", PAYMENT)


def test_the_payment_room_is_given_no_vault_and_no_key_ring() -> None:
    names = {field.name for field in fields(PaymentRoomSettings)}

    assert "database" in names
    assert [name for name in names if "vault" in name or "keys" in name or "claims" in name] == []
