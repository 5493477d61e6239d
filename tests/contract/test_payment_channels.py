"""One suite for every payment channel: its folder, its simulator, and what the payment room promises with both."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.payroom import ROOT, Street, street, until

from gateway.clearing.plan import Asked, Wish, forbidden
from gateway.kernel.errors import ConfigRefused
from gateway.mapping import check_folder, run_folder_tests
from gateway.payment.allowlist import AllowList
from gateway.payment.capabilities import Capabilities, load_all, load_capabilities
from gateway.payment.model import OWN, OrderKind, Timing
from gateway.payment.room import VOCABULARY, load_channel

FOLDERS, SCHEMAS = ROOT / "mappings" / "payment", ROOT / "schemas" / "payment"
CHANNELS = load_all(ROOT / "mappings")
each = pytest.mark.parametrize("channel", CHANNELS)
WISH: dict[str, Any] = {"real_name": 1, "local_insured": 1, "payer_token": "acct-1"}


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


async def placed(road: Street, channel: str, amount: int = 5686) -> str:
    return await road.bill(amount, channels=channel, **WISH)


@each
def test_the_folder_checks_and_every_golden_holds(channel: str) -> None:
    assert check_folder(FOLDERS / channel, SCHEMAS, VOCABULARY, {}, frozenset()) == []
    assert run_folder_tests(FOLDERS / channel, SCHEMAS, VOCABULARY, {}, frozenset()) == []
    assert {"order", "enquiry"} <= set(load_channel(FOLDERS / channel, SCHEMAS))


@each
async def test_an_order_is_paid_once_and_carries_only_names_of_the_allow_list(road: Street, channel: str) -> None:
    order_id = await placed(road, channel)
    await road.ends(order_id, "paid")
    sent = [json.loads(base64.b64decode(one["body"])) for one in await road.seen(channel) if one["op"] == "order"]

    assert [one["times_applied"] for one in await road.books(channel)] == [1]
    assert [AllowList(SCHEMAS / "allowlist.json", channel).refused(json.dumps(one).encode()) for one in sent] == [[]]
    assert order_id not in str(sent)


@each
@pytest.mark.parametrize("trouble", ["lose_answer", "drop_connection", "error500", "garbage"])
async def test_whatever_happens_to_the_answer_money_moves_once(road: Street, channel: str, trouble: str) -> None:
    await road.script("order", trouble, channel=channel)
    order_id = await placed(road, channel)
    await road.ends(order_id, "paid")

    assert [(one["amount_fen"], one["times_applied"]) for one in await road.books(channel)] == [(5686, 1)]


@each
async def test_money_the_channel_does_not_take_is_a_failure_and_not_a_loss(road: Street, channel: str) -> None:
    order_id = await road.bill(5686, channels=channel, **(WISH | {"payer_token": "EMPTY-1"}))
    await road.ends(order_id, "failed")

    assert [one["times_applied"] for one in await road.books(channel)] == [0]


@each
async def test_a_refund_goes_back_or_is_left_to_the_window_as_the_channel_says(road: Street, channel: str) -> None:
    order_id = await placed(road, channel)
    await road.ends(order_id, "paid")
    undo_id = await road.undo(order_id, 5686)
    await until(lambda: road.leg(undo_id)[0] != "asked")

    online = CHANNELS[channel].refund == "online"
    assert road.leg(undo_id)[0] == ("undone" if online else "manual")
    assert [one["times_applied"] for one in await road.books(channel)] == [0 if online else 1]


@each
async def test_limits_hold_to_the_fen(road: Street, channel: str) -> None:
    limits = CHANNELS[channel].limits
    if not limits.per_act:
        assert not CHANNELS[channel].over_act(OrderKind.SELF_PAY, 10**12, 0)
        return
    at_most = await placed(road, channel, limits.per_act)
    over = await placed(road, channel, limits.per_act + 1)
    await road.ends(at_most, "paid")
    await road.ends(over, "offline")

    assert road.reason(over) == "limit-per-act"


def asked(kind: OrderKind = OrderKind.SELF_PAY) -> Asked:
    return Asked(kind, Timing.PRE_PRE, 100, OWN[kind][0], OWN[kind])


@each
def test_what_channel_yaml_says_is_what_the_window_holds_to(channel: str) -> None:
    able, wish = CHANNELS[channel], Wish(payer_token="a", real_name=True, local_insured=True)

    assert {kind for kind in OrderKind if forbidden(able, asked(kind), wish) != "channel-kind"} == able.kinds
    unknown = Wish(payer_token="a")
    assert (forbidden(able, asked(), unknown) == "real-name-only") is able.real_name_only
    places = ("counter", "ward", "pharmacy", "online")
    assert {place for place in places if not able.for_patient(place, real_name=True, local=True)} == able.places


@pytest.mark.parametrize(
    "text", ["channel: other\nnames: {zh: a, en: b}\nkinds: [SELF_PAY]\n", "channel: demo\n", "kinds: [", "x: y\n"]
)
def test_a_channel_file_that_is_wrong_does_not_load(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "channel.yaml").write_text(text, "utf-8")

    with pytest.raises(ConfigRefused) as refused:
        load_capabilities(folder)
    assert refused.value.error_code == "channel-file"


def test_every_channel_is_declared_with_both_names() -> None:
    assert len(CHANNELS) >= 2
    assert all(isinstance(one, Capabilities) and one.names.zh and one.names.en for one in CHANNELS.values())
