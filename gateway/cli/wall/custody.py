"""Journeys of the vault's and the audit's keeper: evidence that opens nothing medical, an export, an erasure, the chain signed."""

import asyncio
import base64
import io
import json
import zipfile
from typing import Any

from gateway.claims.custody.wish import Wish
from gateway.cli.custody import ask
from gateway.cli.wall.afterwards import journey, order_of, until
from gateway.cli.wall.player import Player
from gateway.kernel.errors import LianpeiError

_REASON = "case-7"


async def _ask(player: Player, wish: Wish) -> dict[str, Any]:
    """As the commands do: over the gateway's own socket."""
    return await asyncio.to_thread(ask, str(player.stage.home / "gateway.toml"), wish)


async def proven(player: Player) -> str:
    """Totals and outcome are opened, everything else of the claim stays closed."""
    order = await order_of(player, player.bill("package"))
    wish = Wish("evidence", _REASON, claim_id=order["claims"][0]["claim_id"], reveal=("split.total", "approved"))
    bundle = base64.b64decode((await _ask(player, wish))["bundle"])
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        files = [opened.read(name) for name in opened.namelist()]
    player.shown += files
    player.shown.append(json.dumps(await _ask(player, Wish("checkpoint"))).encode())
    return f"{len(files) > 20}"


async def forgotten(player: Player) -> str:
    """A person gets what is there, is erased, and nothing opens any more. The export itself is handed out and not searched."""
    bill = player.bill("hcx")
    person = bill.submission["patient"]["cert_no"]
    await order_of(player, bill)
    exported = len((await _ask(player, Wish("export", _REASON, cert_no=person)))["bills"])

    async def erase() -> dict[str, Any]:
        try:
            told = await _ask(player, Wish("erase", _REASON, cert_no=person))
        except LianpeiError as bad:
            told = {"refused": str(bad)}
        player.shown.append(json.dumps(told).encode())
        return told

    await until(erase, lambda told: not told.get("left_because_open", True))
    player.shown.append(json.dumps(await _ask(player, Wish("retention"))).encode())
    left = len((await _ask(player, Wish("export", _REASON, cert_no=person)))["bills"])
    return f"{exported}, then {left}"


CUSTODY = (
    journey("custody", "证据包", "an evidence bundle about amounts", proven, "True"),
    journey("custody", "导出与删除个人信息", "a person's data exported and erased", forgotten, "1, then 0"),
)
