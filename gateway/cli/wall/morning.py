"""The morning after: the gateway starts again on a later clock, tells what is late, locks the day and finds what differs.

It runs in this process, because no process of ours takes a clock from outside. Its log goes to a file of the stage.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.app import start_gateway
from gateway.claims.conversation.payouts import PayoutWatch
from gateway.cli.wall.journeys import Journey
from gateway.cli.wall.player import Player
from gateway.config import Settings, load_settings
from gateway.conversing import day_rules
from gateway.kernel.clock import SHANGHAI, SystemClock
from gateway.running import Gateway
from gateway.telemetry.logs import JsonLines

_PEER = "package"


class _TwoDaysAhead(SystemClock):
    """The day is over, and so is the one on which its quick-claims should have been credited."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=2)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


@contextlib.asynccontextmanager
async def _next_day(player: Player) -> AsyncIterator[Gateway]:
    stage, logger = player.stage, logging.getLogger("lianpei")
    handler = logging.FileHandler(stage.home / "morning.log", encoding="utf-8")
    handler.setFormatter(JsonLines())
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel("INFO")
    logger.propagate = False
    await asyncio.to_thread(stage.kill, "gateway")
    gateway = await start_gateway(_no_trade_is_near_midnight(stage.home / "gateway.toml"), stage.home, _TwoDaysAhead())
    try:
        yield gateway
    finally:
        await gateway.stop(0)
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
        handler.close()
        await asyncio.to_thread(stage.start, "gateway")


def _no_trade_is_near_midnight(file: Path) -> Settings:
    """Whenever this is played: what differs then is not looked for in the next day's book first."""
    settings = load_settings(file)
    assert settings.claims is not None
    rules = msgspec.structs.replace(settings.claims.reconciliation, edge_min=0)
    return msgspec.structs.replace(settings, claims=msgspec.structs.replace(settings.claims, reconciliation=rules))


async def reconciled(player: Player) -> str:
    """The insurer's book has another amount, the hospital's lacks a line, and two persons enter what differs."""
    await player.settle(player.bill(_PEER))
    day = datetime.now(SHANGHAI).date().isoformat()
    await player.script(_PEER, "statement", "alter_amount")
    async with _next_day(player) as gateway:
        claims = gateway.settings.claims
        assert claims is not None
        await PayoutWatch(gateway.engine.ledger, day_rules(claims.payout)).round()
        await player.ask("li.na", "late-payouts")
        books = (await player.ask("li.na", f"recon/days/{day}/{_PEER}/run", method="POST")).document["books"]
        ours = (await player.call("GET", f"/v1/statements/{day}/{_PEER}")).body
        await player.call("POST", f"/v1/statements/{day}/{_PEER}", b"\n".join(ours.splitlines()[:-1]))
        story = (await player.ask("li.na", f"recon/{books[0]['recon_id']}")).document
        item = next(one["item_id"] for one in story["items"] if one["side"] == "peer")
        await player.ask("li.na", f"recon/items/{item}/owner", {"owner": "li.na"})
        wish = {"item_id": item, "action": "adjust", "evidence": "letter-7"}
        entry = (await player.ask("li.na", "recon/entries", wish)).document["entry_id"]
        closed = await player.ask("wang.wei", f"recon/entries/{entry}/approve", method="POST")
        await player.ask("li.na", f"recon/{books[0]['recon_id']}/report?form=html")
    return f"{books[0]['state']}, {closed.status}"


MORNING = (
    Journey(
        "house",
        "none",
        "次日对账",
        "the next day's reconciliation",
        frozenset({"differs, 200"}),
        reconciled,
        is_long=True,
    ),
)
