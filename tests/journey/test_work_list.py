"""The work list: what the gateway can't end by itself, with safe buttons, at the door and as commands."""

import asyncio
import json
import os
import sys
from typing import Any

from support.bills import sample_bill
from support.doorstage import DoorStage
from support.hostile import require_refusal
from support.house import House
from support.unknownstage import Office

from gateway.cli.stage import ROOT


async def recovery(house: House) -> tuple[str, str]:
    """Order and undo ids where the insurer has paid out already."""
    bill = sample_bill("huiyibao")
    order = await house.settle(bill)
    await house.pay_out("huiyibao", bill)
    undo = (await house.undo(order["order_id"], f"undo-{bill.key}")).document
    await house.undone(undo["undo_id"], "stuck")
    return order["order_id"], undo["undo_id"]


async def command(house: House, who: str, *words: str) -> tuple[int, str, str]:
    """``lianpei work …`` as this operator."""
    assert isinstance(house.stage, DoorStage)
    door = f"http://127.0.0.1:{house.stage.ports['operator']}"
    environment = os.environ | {"LIANPEI_TOKEN": house.stage.tokens[who], "LIANPEI_ADMIN": door}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "work",
        *words,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_list_tells_amount_age_owner_why_and_what_may_be_done(clinic: House) -> None:
    order_id, undo_id = await recovery(clinic)
    office = Office(clinic)

    item = (await office.items(order_id))[0]
    assigned = await office.ask("li.na", f"worklist/{item['item_id']}/assign", {"owner": "wang.wei"})
    mine = (await office.ask("auditor", "worklist?owner=wang.wei&insurer=huiyibao")).document["items"]
    metrics = (await clinic.call("GET", "/metrics", door="operator")).body.decode()

    assert item["item_id"].startswith(f"{undo_id}:claim:clm_")
    assert (item["kind"], item["insurer"], item["why"], item["owner"]) == ("recovery", "huiyibao", "already-paid", "")
    assert item["amount_fen"] > 0 <= item["age_s"] < 60
    assert item["may"] == ["accept", "assign"], "a recovery is never asked for again by a button"
    assert assigned.status == 200
    assert item["item_id"] in [one["item_id"] for one in mine]
    assert 'lianpei_work_items{insurer="huiyibao"}' in metrics


async def test_buttons_ask_for_roles_reasons_and_things_that_are_there(clinic: House) -> None:
    order_id, _ = await recovery(clinic)
    office = Office(clinic)
    item = (await office.items(order_id))[0]["item_id"]
    tries: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("auditor", f"worklist/{item}/enquire", {"reason": "case-1"}, 403, "role-missing"),
        ("auditor", f"worklist/{item}/assign", {"owner": "li.na"}, 403, "role-missing"),
        ("auditor", f"worklist/{item}/accept", {"evidence": "letter-1"}, 403, "role-missing"),
        ("li.na", f"worklist/{item}/assign", {"owner": "nobody"}, 400, "owner-unknown"),
        ("li.na", f"worklist/{item}/enquire", {"reason": "case-1"}, 409, "not-for-this-item"),
        ("li.na", f"worklist/{item}/reverse", {"reason": "case-1"}, 409, "not-for-this-item"),
        ("li.na", f"worklist/{item}/reverse", {"reason": "Zhang San"}, 400, "reason-needed"),
        ("li.na", "worklist/und_0:cash/enquire", {"reason": "case-1"}, 404, "item-unknown"),
        ("li.na", "worklist/und_0:cash/accept", {"evidence": "letter-1"}, 404, "item-unknown"),
        ("li.na", f"worklist/{item}/accept", {"evidence": "letter-1", "approved_fen": 5}, 422, "bad-money"),
    ]
    for who, path, body, status, code in tries:
        require_refusal(await office.ask(who, path, body), status, code)
    require_refusal(await office.ask("reader", "worklist"), 403, "role-missing")


async def test_commands_show_the_list_and_two_persons_call_an_undo_off(clinic: House) -> None:
    order_id, undo_id = await recovery(clinic)

    status, shown, _ = await command(clinic, "auditor", "list", "--insurer", "huiyibao")
    listed = json.loads((await command(clinic, "auditor", "list", "--json"))[1])
    item = next(one["item_id"] for one in listed if one["order_id"] == order_id)
    proposed = json.loads((await command(clinic, "li.na", "accept", item, "--evidence", "letter-9", "--give-up"))[1])
    alone = await command(clinic, "li.na", "approve", proposed["correction_id"])
    approved = await command(clinic, "wang.wei", "approve", proposed["correction_id"])
    ended = await clinic.undone(undo_id, "called_off")

    assert (status, undo_id in shown, "already-paid" in shown) == (0, True, True)
    assert (alone[0], "role-missing" in alone[2]) == (1, True)
    assert approved[0] == 0
    assert {leg["state"] for leg in ended["legs"]} == {"given_up"}
    assert (await clinic.order(order_id)).document["state"] == "decided", "the settlement stands"
    assert await Office(clinic).items(order_id) == []


async def test_recovered_money_lets_the_undo_go_on(clinic: House) -> None:
    order_id, undo_id = await recovery(clinic)
    item = (await Office(clinic).items(order_id))[0]["item_id"]

    await Office(clinic).two_persons(item)
    view = await clinic.undone(undo_id, "asked", leg="yibao")

    assert (view["state"], view["legs"][0]["state"]) == ("undoing", "undone")
    assert view["legs"][0]["cause"].startswith("correction:cor_")
