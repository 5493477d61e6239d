"""The channel's mapping folder: its goldens, the allow-list's verdict on every name, and what must be stopped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_kit import HOUSE, order

from gateway.kernel.errors import ConfigRefused
from gateway.mapping import check_folder, run_folder_tests
from gateway.payment.allowlist import ALLOWED, AllowList
from gateway.payment.model import ChannelAct, ChannelOrder
from gateway.payment.room import VOCABULARY, load_channel
from gateway.payment.schema_export import ROOTS, schema_text

FOLDER, SCHEMAS = HOUSE / "mappings" / "payment" / "pay", HOUSE / "schemas" / "payment"
LIST = SCHEMAS / "allowlist.json"
SETTLEMENT = {
    "setl_id": "990000000000000501",
    "medical_org_id": "H99990100001",
    "medical_org_name": "测试医院一",
    "med_type": "11",
    "admission_date": "2025-03-05",
    "selt_time": "2025-03-05 10:12:00",
    "medfee_sumamt": "430.00",
    "hifp_pay_amout": "137.69",
    "cash_pay_amount": "172.31",
}
"""A settlement for a channel that handles claims; a pure payment channel may not see its hospital, type and dates."""
MUST_BE_REFUSED = SETTLEMENT | {"diagnosis": "J06.900", "medicine_list": [{"medicine_name": "测试西药片A"}]}


@pytest.fixture(scope="module")
def names() -> AllowList:
    return AllowList(LIST, "pay")


def written(**changes: Any) -> bytes:
    made = order(**changes)
    view = ChannelOrder(act=ChannelAct(act_id="act_1", number=made.settlement_id), order=made)
    return load_channel(FOLDER, SCHEMAS)["order"].write(view).document


PAYOUT = {"kind": "PAYOUT", "legs": [{"kind": "commercial", "amount": 5686}], "account_token": "tok-1"}


def members(node: Any) -> Iterator[str]:
    for item in node if isinstance(node, list) else ():
        yield from members(item)
    for name, value in node.items() if isinstance(node, dict) else ():
        yield name
        yield from members(value)


def test_the_folder_checks_and_its_goldens_hold() -> None:
    assert check_folder(FOLDER, SCHEMAS, VOCABULARY, {}, frozenset()) == []
    assert run_folder_tests(FOLDER, SCHEMAS, VOCABULARY, {}, frozenset()) == []


@pytest.mark.parametrize("changes", [{}, PAYOUT])
def test_every_name_the_channel_sees_has_a_verdict_that_lets_it_pass(names: AllowList, changes: dict[str, Any]) -> None:
    document = written(**changes)
    found = list(members(json.loads(document)))

    assert len(found) >= 5
    assert {names.verdicts[name] for name in found} <= ALLOWED
    assert names.refused(document) == []


def test_every_name_of_the_request_schema_has_a_verdict_that_lets_it_pass(names: AllowList) -> None:
    schema = json.loads((SCHEMAS / "order.request.schema.json").read_bytes())

    assert {names.verdicts[name] for name in schema["properties"]} <= ALLOWED


def test_the_published_bad_example_is_refused_name_by_name(names: AllowList) -> None:
    refused = names.refused(json.dumps(MUST_BE_REFUSED).encode())

    assert "/? unlisted" in refused
    assert "/medicine_list never" in refused
    assert "/medical_org_name claims-only" in refused
    assert "J06" not in str(refused)


def test_a_pure_payment_channel_gets_no_settlement_with_hospital_and_dates(names: AllowList) -> None:
    assert names.refused(json.dumps(SETTLEMENT).encode()) != []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": "精神科处方"}, "/title not the fixed text"),
        ({"title": {"user_id": "x"}}, "/title not the fixed text"),
        ({"claim_status_info": {"status": "1", "reject_reason": "x"}}, "/claim_status_info/reject_reason never"),
        ({"serial_infos": [{"serial_number": "1"}, {"dept": "x"}]}, "/serial_infos/? unlisted"),
        ({"cert_no": "x"}, "/cert_no by-contract"),
        ({"visit_time": "x"}, "/visit_time no-need"),
        ({"Title": "x"}, "/? unlisted"),
    ],
)
def test_a_wrong_text_or_a_nested_name_stops_the_message(names: AllowList, changes: dict[str, Any], said: str) -> None:
    assert names.refused(json.dumps(json.loads(written()) | changes).encode()) == [said]


@given(st.text(min_size=1, max_size=20))
def test_any_added_name_without_a_verdict_stops_the_message(name: str) -> None:
    names = AllowList(LIST, "pay")
    told = names.refused(json.dumps({"source": "X", name: "1"}).encode())

    assert bool(told) == (names.verdicts.get(name) not in ALLOWED or name == "title")


def test_another_channel_has_no_share_in_this_contract() -> None:
    stranger = AllowList(LIST, "elsewhere")

    assert stranger.refused(b'{"account_token": "tok-1"}') == ["/? unlisted"]


def test_a_contract_can_not_license_what_is_never_allowed(tmp_path: Path) -> None:
    told = json.loads(LIST.read_bytes())
    told["contracts"]["pay"]["medicine_list"] = "because"
    (tmp_path / "allowlist.json").write_bytes(json.dumps(told).encode())

    with pytest.raises(ConfigRefused):
        AllowList(tmp_path / "allowlist.json", "pay")


@pytest.mark.parametrize("text", [b"", b"{}", b"[]"])
def test_a_broken_list_stops_the_start(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "allowlist.json").write_bytes(text)

    with pytest.raises(ConfigRefused):
        AllowList(tmp_path / "allowlist.json", "pay")


@pytest.mark.parametrize("name", ROOTS)
def test_the_published_payment_schemas_are_the_code(name: str) -> None:
    published = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")

    assert published == schema_text(name), "run: lianpei schemas"


def test_a_message_is_the_same_bytes_every_time() -> None:
    same = order()
    view = ChannelOrder(act=ChannelAct(act_id="act_1", number=same.settlement_id), order=same)
    channel = load_channel(FOLDER, SCHEMAS)["order"]

    assert (
        channel.write(view).document == channel.write(msgspec.convert(msgspec.to_builtins(view), ChannelOrder)).document
    )
