"""Section 3.7: a real day with a real insurer and channel, and the next morning; every branch by its number.

The day is played over processes and sockets. Then gateway and payment room start again on a clock that is a day ahead.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.bills import sample_bill
from support.house import House
from support.room import TurnedClock

from gateway.app import start_gateway
from gateway.cli import main
from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.config import load_settings
from gateway.kernel.clock import SHANGHAI
from gateway.payment.room import start_payment
from gateway.payment.settings import PaymentRoomSettings
from gateway.wire.keys import KeyRing
from gateway.wire.tls import client_context, server_context

TOKENS = {"li.na": "l" * 40, "wang.wei": "w" * 40}
HOSPITAL = "H99990100001"


@dataclass
class DeskStage(Stage):
    """With two operators. No trade is near midnight, whenever the test runs."""

    def prepare(self) -> None:
        super().prepare()
        for name, token in TOKENS.items():
            file = self.keys / f"recon-{name.replace('.', '-')}.secret"
            file.touch(mode=0o600)
            file.write_text(token)

    def _gateway_settings(self) -> str:
        desks = "".join(
            f'[[operators]]\nname = "{name}"\ntoken = "recon-{name.replace(".", "-")}"\n'
            'roles = ["view", "re-drive", "configure"]\n\n'
            for name in TOKENS
        )
        quiet = '[claims.reconciliation]\nlock_at = ""\nedge_min = 0\n\n[clearing]'
        return super()._gateway_settings().replace("[clearing]", quiet) + "\n" + desks


@dataclass
class Morning:
    stage: DeskStage
    day: str
    orders: list[dict[str, Any]]

    async def lianpei(self, *words: str, who: str = "li.na") -> tuple[int, Any]:
        """The command as a person types it; exit status and what it printed."""
        return await asyncio.to_thread(self._type, words, who)

    def _type(self, words: tuple[str, ...], who: str) -> tuple[int, Any]:
        import contextlib
        import io
        import os

        os.environ["LIANPEI_TOKEN"] = TOKENS[who]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main(["recon", *words, "--admin", f"http://127.0.0.1:{self.stage.ports['operator']}"])
        try:
            return status, json.loads(said.getvalue())
        except ValueError:
            return status, said.getvalue()

    async def run(self, peer: str) -> tuple[int, dict[str, Any]]:
        """Compare and show the book of hospital one."""
        status, told = await self.lianpei("run", "--day", self.day, "--peer", peer, "--json")
        if status == 1:
            return status, {"refused": told}
        mine = next(book for book in told["books"] if book["hospital"] == HOSPITAL)
        return status, (await self.lianpei("show", mine["recon_id"], "--json"))[1]


def _payment(stage: Stage) -> PaymentRoomSettings:
    """As ``lianpei payment`` reads them."""
    settings = load_settings(stage.home / "payment.toml")
    room, ring = settings.payment, KeyRing.from_directory(Path(settings.keys))
    assert room is not None
    return PaymentRoomSettings(
        database=stage.home / room.database,
        host="127.0.0.1",
        port=room.door.port,
        tls=server_context(ring, room.door.certificate, None),
        secret=ring.secret(room.secret),
        channel_endpoint=room.channel_endpoint,
        channel_tls=client_context(Path(settings.keys) / room.channel_ca, ring, ""),
        mappings=Path(settings.mappings) / "payment" / "pay",
        schemas=Path(settings.schemas) / "payment",
    )


def _today() -> str:
    """A day of which two minutes are left at least: what is played in it belongs to it."""
    while (now := datetime.now(SHANGHAI)).hour == 23 and now.minute >= 58:
        time.sleep(1)
    return now.date().isoformat()


async def _paid(house: House, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            if sum(event["kind"] == "paid" for event in await house.events()) >= count:
                return
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Any:
    """A day with four direct-pay bills, one of them refused and one taken back whole; then gateway and payment room went home."""

    async def play(stage: Stage) -> list[dict[str, Any]]:
        async with House(stage) as house:
            bills = [sample_bill("package") for _ in range(3)] + [sample_bill("package", policy="REFUSE")]
            orders = [await house.settle(bill) for bill in bills]
            await _paid(house, len(orders))
            taken_back = await house.undo(orders[0]["order_id"], "taken-back")
            await house.undone(taken_back.document["undo_id"], "asked", leg="yibao")
            await house.yibao(taken_back.document["undo_id"])
            await house.undone(taken_back.document["undo_id"], "done", patience_s=40)
            return orders

    with DeskStage(tmp_path_factory.mktemp("recon"), free_ports(), stage_home / "keys") as stage:
        stage.ready()
        day = _today()
        orders = asyncio.run(play(stage))
        for name in ("gateway", "payment"):
            stage.kill(name)
        yield Morning(stage, day, orders)


@pytest.fixture
async def morning(played: Morning) -> AsyncIterator[Morning]:
    clock = TurnedClock()
    clock.days = 1
    payment = await start_payment(_payment(played.stage), clock)
    settings = load_settings(played.stage.home / "gateway.toml")
    gateway = await start_gateway(settings, played.stage.home, clock)
    yield played
    await gateway.stop(0)
    await payment.stop()


def _classes(story: dict[str, Any]) -> list[str]:
    return [item["class"] for item in story["items"] if item["state"] == "open"]


async def test_s3_7_steps_1_to_3_totals_are_equal_with_the_insurer_and_the_channel(morning: Morning) -> None:
    for peer, count in (("package", 3), ("pay", 4)):
        status, story = await morning.run(peer)
        sums = {(one["side"], one["kind"], one["standing"]): one for one in story["totals"]}
        done = {
            (side, kind): (one["count"], one["amount_fen"])
            for (side, kind, standing), one in sums.items()
            if standing == "done"
        }
        assert (status, story["state"], _classes(story)) == (0, "equal", []), (peer, story)
        assert done["ours", "pay"] == done["peer", "pay"]
        assert done["ours", "pay"][0] == count
        assert done["ours", "refund"] == done["peer", "refund"]
        assert done["ours", "refund"][0] == 1
    paid = sum(order["approved_fen"] for order in morning.orders)
    due = sum(order["self_pay_due_fen"] for order in morning.orders)
    assert paid > 0
    assert done["ours", "pay"][1] == due


@pytest.mark.parametrize("peer", ["package", "pay"])
@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("omit_line", "only_ours"),
        ("invent_line", "only_theirs"),
        ("alter_amount", "amount_differs"),
        ("alter_state", "state_differs"),
    ],
)
async def test_s3_7_steps_4_and_5_a_daily_file_that_disagrees_is_named_by_its_class(
    morning: Morning, peer: str, do: str, expected: str
) -> None:
    """G5: ours only, theirs only, other amount; nothing is mended silently."""
    async with House(morning.stage) as house:
        await house.script(peer, "statement", do)
    status, story = await morning.run(peer)

    assert (status, story["state"]) == (3, "differs")
    assert _classes(story) == [expected]

    status, mended = await morning.run(peer)
    assert (status, mended["state"], _classes(mended)) == (0, "equal", [])


async def test_s3_7_step_6_two_persons_close_a_difference_by_a_new_entry(morning: Morning, tmp_path: Path) -> None:
    async with House(morning.stage) as house:
        await house.script("package", "statement", "alter_amount")
    _, story = await morning.run("package")
    [item] = [one for one in story["items"] if one["state"] == "open"]

    await morning.lianpei("own", item["item_id"], "li.na")
    _, entry = await morning.lianpei("close", item["item_id"], "--action", "adjust", "--evidence", "letter-2026-7")
    alone, words = await morning.lianpei("approve", entry["entry_id"])
    both, _ = await morning.lianpei("approve", entry["entry_id"], who="wang.wei")
    _, closed = await morning.lianpei("show", story["recon_id"], "--json")
    page = tmp_path / "book.html"
    await morning.lianpei("export", story["recon_id"], "--out", str(page))

    assert (alone, both) == (1, 0)
    assert "two-persons" in words
    assert (closed["state"], closed["adjusted_fen"]) == ("closed", 1)
    assert "金额不一致 amounts differ" in page.read_text("utf-8")


async def test_s3_7_step_7_the_hospital_holds_its_own_book_against_ours(morning: Morning) -> None:
    await morning.run("pay")
    async with House(morning.stage) as house:
        ours = await house.call("GET", f"/v1/statements/{morning.day}/pay")
        same = await house.call("POST", f"/v1/statements/{morning.day}/pay", ours.body)
        *most, _last = ours.body.decode().splitlines()
        less = await house.call("POST", f"/v1/statements/{morning.day}/pay", "\n".join(most).encode())

    assert same.document["equal"]
    assert [one["class"] for one in less.document["differences"]] == ["only_ours"]


async def test_s3_7_e1_a_late_file_is_no_file_and_never_no_difference(morning: Morning) -> None:
    async with House(morning.stage) as house:
        await house.script("package", "statement", "no_statement")
    status, told = await morning.run("package")

    assert status == 1
    assert "no-file-yet" in told["refused"]


async def test_s3_7_e2_a_trade_near_midnight_is_carried_to_the_next_day_once_and_then_a_difference(
    played: Morning,
) -> None:
    """Every trade of this day counts as near midnight here. The insurer's book lacks one, and so does its next one."""
    clock = TurnedClock()
    clock.days = 1
    settings = load_settings(played.stage.home / "gateway.toml")
    assert settings.claims is not None
    near = msgspec.structs.replace(settings.claims.reconciliation, edge_min=24 * 60)
    settings = msgspec.structs.replace(settings, claims=msgspec.structs.replace(settings.claims, reconciliation=near))
    payment = await start_payment(_payment(played.stage), clock)
    gateway = await start_gateway(settings, played.stage.home, clock)
    try:
        async with House(played.stage) as house:
            await house.script("package", "statement", "omit_line")
            status, first = await played.run("package")
            await house.settle(sample_bill("package"))
        clock.days = 2
        next_day = (datetime.now(SHANGHAI).date() + timedelta(days=1)).isoformat()
        later = Morning(played.stage, next_day, [])
        await later.run("package")
        _, story = await played.lianpei("show", first["recon_id"], "--json")
    finally:
        await gateway.stop(0)
        await payment.stop()

    assert (status, first["state"]) == (0, "equal")
    assert [(item["class"], item["state"]) for item in first["items"] if item["state"] == "carried"] == [
        ("roll_over", "carried")
    ]
    assert "only_ours" in _classes(story)
