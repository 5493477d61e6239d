"""Journeys of what comes after and beside a bill: undos, deposits, quotes, material, guarantees, operators, feed, webhooks."""

import asyncio
import copy
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.cli.wall.journeys import Journey, Play
from gateway.cli.wall.player import Bill, Player, Reply
from gateway.sandbox.hospital.table import csv_file

_JSON = {"Content-Type": "application/json"}
_PATIENCE_S = 40.0


async def post(player: Player, path: str, body: Any, key: str = "", method: str = "POST") -> Reply:
    headers = _JSON | ({"Idempotency-Key": key} if key else {})
    return await player.call(method, path, json.dumps(body).encode(), headers)


async def until(
    look: Callable[[], Awaitable[dict[str, Any]]], good: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """What was seen when it was ``good``, or last."""
    end = time.monotonic() + _PATIENCE_S
    while not good(seen := await look()) and time.monotonic() < end:  # noqa: ASYNC110 - another process changes it
        await asyncio.sleep(0.1)
    return seen


async def order_of(player: Player, bill: Bill) -> dict[str, Any]:
    """The order as it stands once the bill came to its end."""
    await player.settle(bill)
    return (await player.submit(bill)).document


def without(bill: Bill, *parts: str, **more: Any) -> Bill:
    """The bill as it is first brought; what it lacks is brought afterwards with its marks."""
    submission = copy.deepcopy(bill.submission) | more
    for part in parts:
        submission.pop(part, None)
    return Bill(bill.wish, submission, bill.key)


def journey(lane: str, zh: str, en: str, play: Play, end: str, failure: str = "none") -> Journey:
    return Journey(lane, failure, zh, en, frozenset(end.split("|")), play)


async def _undo(player: Player, order_id: str, *states: str) -> tuple[str, dict[str, Any]]:
    wish = {"scope": "whole", "reason": "treatment-cancelled", "requested_by": "cashier-7", "lines": []}
    undo_id = (await post(player, f"/v1/orders/{order_id}/undo", wish, f"undo-{order_id}")).document["undo_id"]

    async def look() -> dict[str, Any]:
        seen = (await player.call("GET", f"/v1/undos/{undo_id}")).document
        if any((leg["kind"], leg["state"]) == ("yibao", "asked") for leg in seen["legs"]):
            await post(player, f"/v1/undos/{undo_id}/yibao", {"outcome": "undone", "reference": "yb-2208-1"})
        return seen

    return undo_id, await until(look, lambda seen: seen["state"] in states)


async def undone(player: Player) -> str:
    order = await order_of(player, player.bill("package"))
    return str((await _undo(player, order["order_id"], "done"))[1]["state"])


async def approved_after_all(player: Player) -> str:
    """The insurer confirms that it takes the claim back, and then approves it."""
    await player.script("package", "S270", "approve_after_reverse")
    order = await order_of(player, player.bill("package"))
    return str((await _undo(player, order["order_id"], "done", "stuck"))[1]["state"])


async def called_off(player: Player) -> str:
    """The insurer has paid already; two persons leave the settlement as it stands."""
    bill = player.bill("huiyibao")
    order = await order_of(player, bill)
    holders = {bill.submission["patient"]["cert_no"], *(one["policy_no"] for one in bill.submission["policies"])}
    for holder in holders:
        await player.call("POST", "/_pay_out", json.dumps({"policy_no": holder}).encode(), door="huiyibao")
    undo_id, _ = await _undo(player, order["order_id"], "stuck")
    items = (await player.ask("li.na", "worklist?insurer=huiyibao")).document["items"]
    item = next(one["item_id"] for one in items if one["order_id"] == order["order_id"])
    await player.ask("li.na", f"worklist/{item}/assign", {"owner": "wang.wei"})
    await _two_persons(player, f"worklist/{item}/accept", {"evidence": "letter-7", "leg": "give_up"})
    look = await until(lambda: _seen(player, f"/v1/undos/{undo_id}"), lambda seen: seen["state"] == "called_off")
    return str(look["state"])


async def corrected(player: Player) -> str:
    """A bill that nobody can send: an operator looks, and two close it."""
    bill = player.bill("huiyibao")
    await player.settle(unsendable := without(bill, "report"))
    order = (await player.submit(unsendable)).document
    claim = order["claims"][0]["claim_id"]
    await player.ask("li.na", "claims?state=manual")
    await player.ask("li.na", f"claims/{claim}")
    await player.ask("li.na", f"claims/{claim}/messages/1")
    await player.ask("li.na", f"claims/{claim}/enquire", {"reason": "case-7"})
    await _two_persons(player, "corrections", {"claim_id": claim, "action": "close", "evidence": "letter-7"})
    path = f"/v1/orders/{order['order_id']}"
    seen = await until(lambda: _seen(player, path), lambda seen: seen["state"] == "decided")
    return str(seen["claims"][0]["state"])


async def _two_persons(player: Player, path: str, wish: dict[str, Any]) -> None:
    proposed = (await player.ask("li.na", path, wish)).document
    correction = f"corrections/{proposed.get('correction_id')}/approve"

    async def approve() -> dict[str, Any]:
        return {"status": (await player.ask("wang.wei", correction, method="POST")).status}

    await until(approve, lambda seen: seen["status"] != 409)  # while the order's worker has it


async def _seen(player: Player, path: str) -> dict[str, Any]:
    return (await player.call("GET", path)).document


async def confirmed(player: Player) -> str:
    bill = player.bill("package")
    first = without(bill, "confirmation", counter={"confirm": True})
    quoted = (await player.submit(first)).document
    told = {"quotes": quoted["quote"]["quotes"]}
    if "confirmation" in bill.submission:
        told["confirmation"] = bill.submission["confirmation"]
    await post(player, quoted["links"]["confirm"], told)
    return await player.settle(first)


async def supplied(player: Player) -> str:
    """The insurer asks for material, and the payout goes to another account."""
    bill = player.bill("ant", policy="MATERIAL")
    path = f"/v1/claims/{(await player.submit(first := without(bill, 'attachments'))).document['order_id']}"
    seen = await until(
        lambda: _seen(player, path.replace("claims", "orders")),
        lambda seen: bool(seen["claims"][0]["state"] == "need_more"),
    )
    account = bill.submission["payout_account"] | {"account_token": f"other-{bill.wish.seed:06d}"}
    await post(player, f"{path}/payout-account", {"payout_account": account}, method="PUT")
    brought = {"claim_id": seen["claims"][0]["claim_id"], "attachments": bill.submission["attachments"]}
    await post(player, f"{path}/documents", brought)
    return await player.settle(first)


async def deposited(player: Player) -> str:
    """A deposit is taken and what is left of it goes back."""
    bill = player.bill("package")
    wish = {"amount_fen": 1_000_000, "payment": {}}
    deposit = (await post(player, "/v1/deposits", wish, f"deposit-{bill.key}")).document["deposit_id"]
    paid = without(bill, order_kind="PRE_POST", payment={"deposits": [deposit]})
    order = await order_of(player, paid)
    return await _payments(player, order["order_id"], 2)


async def tapped(player: Player) -> str:
    """The first channel is not for this patient, who turns to another."""
    wish = {"channels": ["deduct"], "payer_token": "acct-8", "real_name": True}
    order = await order_of(player, without(player.bill("package"), payment=wish))
    await _payments(player, order["order_id"], 1)
    await post(player, f"/v1/orders/{order['order_id']}/pay", {"channel": "pay", "payer_token": "acct-9"})
    return await _payments(player, order["order_id"], 2)


async def _payments(player: Player, order_id: str, count: int) -> str:
    """The states of the order's payments once ``count`` of them are at their end."""

    def over(seen: dict[str, Any]) -> bool:
        states = [one["state"] for one in seen["payments"]]
        return len(states) >= count and not set(states) & {"created", "ordered"}

    seen = await until(lambda: _seen(player, f"/v1/orders/{order_id}/payments"), over)
    return " ".join(sorted(one["state"] for one in seen["payments"]))


async def guaranteed(player: Player) -> str:
    """A stay with a guarantee that turns out too small."""
    bill = player.bill("hcx", story="inpatient")
    headers = {"Idempotency-Key": f"guarantee-{bill.key}", "Prefer": "wait=25"} | _JSON
    order = (await player.call("POST", "/v1/guarantees", bill.body, headers)).document["order_id"]
    granted = await until(lambda: _seen(player, f"/v1/orders/{order}"), lambda seen: bool(seen["state"] == "decided"))
    await post(player, f"/v1/guarantees/{order}/projection", {"projected_fen": 900_000_000})
    return str(granted["claims"][0]["outcome"])


async def told(player: Player) -> str:
    """The feed is read, acknowledged, and one event brought again."""
    await player.settle(player.bill("package"))
    await until(lambda: _hooked(player), lambda seen: seen["count"] >= 3)
    events = (await player.call("GET", "/v1/events?after=0")).document["events"]
    again = await player.call("POST", f"/v1/events/{events[-1]['seq']}/resend")
    await post(player, "/v1/events/ack", {"upto": events[-1]["seq"]})
    await player.ask("li.na", "webhooks")
    await player.ask("li.na", "webhooks/H99990100001/deliveries?state=delivered")
    return f"{len(events) > 0}, {again.status}"


async def _hooked(player: Player) -> dict[str, Any]:
    return {"count": player.stage.hook.count}


async def uploaded(player: Player) -> str:
    """A file of two bills, one of them with an amount that is none and a patient's name where a code belongs."""
    good, bad = player.bill("package"), player.bill("package")
    broken = copy.deepcopy(bad.submission)
    broken["lines"][0]["amount"] = broken["patient"]["name"]
    file = csv_file({good.key: good.submission, bad.key: broken}).encode()
    reply = await player.call("POST", "/v1/uploads/csv", file, {"Content-Type": "text/csv; charset=utf-8"})
    player.refusals.append(reply.body)
    misspelt = file.replace(b"#patient,", b"#patient," + bad.submission["patient"]["name"].encode() + b",", 1)
    await player.call("POST", "/v1/uploads/csv", misspelt, {"Content-Type": "text/csv; charset=utf-8"})
    return f"{reply.document.get('accepted')} of 2"


AFTERWARDS = (
    journey("undo", "整单撤销", "taken back whole: insurer, 医保, cash", undone, "done"),
    journey(
        "undo",
        "撤销后又核准",
        "approved after it was taken back",
        approved_after_all,
        "done|stuck",
        "approve_after_reverse",
    ),
    journey("undo", "已赔付不能撤销", "an undo that two persons call off", called_off, "called_off"),
    journey("counter", "先试算后确认", "quoted, confirmed, settled", confirmed, "paid"),
    journey("counter", "补充材料与更换账户", "more material and another account", supplied, "paid", "need_more"),
    journey("counter", "住院担保", "a guarantee that is too small", guaranteed, "granted"),
    journey("money", "押金结算与退回", "settled against a deposit", deposited, "paid paid"),
    journey("money", "改用其他支付渠道", "the patient turns to another channel", tapped, "offline paid"),
    journey("desk", "双人更正", "a correction by two persons", corrected, "closed"),
    journey("desk", "事件与推送", "feed, acknowledgement, webhooks", told, "True, 202"),
    journey("desk", "CSV 批量上传", "a CSV file with one broken bill", uploaded, "1 of 2"),
)
