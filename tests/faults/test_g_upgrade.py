"""Case G7: today's gateway on the ledgers of earlier ones, with claims in flight; and an earlier gateway on a later ledger."""

import asyncio
import json
import shutil
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from support.house import House
from support.patience import until
from support.room import open_room

from gateway.cli import main
from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.kernel.errors import ConfigRefused
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.tables import INT, TEXT, Table
from gateway.wire.devkeys import create_development_keys

pytestmark = pytest.mark.heavy

LEDGERS = Path(__file__).parent / "ledgers"
OLDER = pytest.param("version-4", marks=pytest.mark.long)


@pytest.fixture(params=["version-5", OLDER])
async def upgraded(
    request: Any, tmp_path: Path, stage_home: Path
) -> AsyncIterator[tuple[Stage, House, dict[str, Any]]]:
    """Today's programs on that ledger: stage, house and what the hospital was told before."""
    create_development_keys(stage_home / "keys")
    shutil.copytree(stage_home / "keys", tmp_path / "keys")
    with zipfile.ZipFile(LEDGERS / f"{request.param}.zip") as ledger:
        for name in ledger.namelist():
            place = tmp_path / ("keys" if name.endswith((".secret", ".pem")) else "") / name
            place.write_bytes(ledger.read(name))
            place.chmod(0o600)
    with Stage(tmp_path, free_ports(), tmp_path / "keys") as stage:
        stage.ready()
        async with House(stage) as house:
            yield stage, house, json.loads((tmp_path / "told.json").read_text("utf-8"))


async def _asked(house: House) -> bool:
    return "hcx/status" in {one["op"] for one in await house.received("hcx")}


async def test_g7_claims_in_flight_of_an_earlier_version_are_finished_and_its_answers_stand(
    upgraded: tuple[Stage, House, dict[str, Any]],
) -> None:
    stage, house, told = upgraded
    decided = told["decided"]

    seen = (await house.order(decided["order"])).document
    again = await house.call(
        "POST", "/v1/claims", decided["body"].encode(), {"Idempotency-Key": decided["key"], "Prefer": "wait=5"}
    )
    sent = await house.received("package")
    finished = (await house.decided(told["waiting"]["ant"])).document
    [booked] = (await house.ledger("ant"))["settlements"]
    await until(lambda: _asked(house))
    open_still = (await house.order(told["waiting"]["hcx"])).document

    for name in ("order_id", "state", "total_fen", "approved_fen", "self_pay_due_fen"):
        assert seen[name] == again.document[name] == decided["answer"][name], name
    assert not [one for one in sent if one["op"] in ("S290", "S291")], "what is decided is not sent again"
    assert finished["claims"][0]["outcome"] == "paid"
    assert (booked["times_applied"], booked["amount_fen"]) == (1, finished["approved_fen"])
    assert open_still["claims"][0]["state"] == "accepted", "its simulator is new and knows nothing of it"
    assert "claim/submit" not in {one["op"] for one in await house.received("hcx")}, "asked about, not sent again"
    with apsw.Connection(str(stage.home / "claims.db"), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        assert connection.execute("PRAGMA user_version").get == CLAIMS.version
    connection.close()
    chore = ["audit", "verify", "--config", str(stage.home / "gateway.toml")]
    assert await asyncio.to_thread(main, chore) == 0, "the history before and after is one chain"


async def test_g7_an_earlier_gateway_refuses_a_later_ledger_untouched_and_the_later_one_goes_on(tmp_path: Path) -> None:
    """The way back is to start the later one again; within one version tables only grow, so there both ways are open."""
    room = open_room(tmp_path / "claims.db")
    bill = await room.brought()
    await room.store.close()
    grown = Table("next_table", {"name": TEXT, "at": INT}, key=("name",))
    later = replace(CLAIMS, version=CLAIMS.version + 1, tables=(*CLAIMS.tables, grown))
    await Store.open(room.path, later).close()
    before = room.path.read_bytes()

    with pytest.raises(ConfigRefused) as refused:
        Store.open(room.path, CLAIMS)
    untouched = room.path.read_bytes()
    store = Store.open(room.path, later)

    assert refused.value.error_code == "store-newer"
    assert untouched == before
    assert (await store.read(store.get, "bill", order_id=bill.order_id) or {})["state"] == "decided"
    await store.close()


async def test_g7_within_one_version_a_file_gets_what_was_added_and_the_earlier_program_goes_on(tmp_path: Path) -> None:
    grown = Table("next_table", {"name": TEXT, "at": INT}, key=("name",))
    path, same = tmp_path / "claims.db", replace(CLAIMS, tables=(*CLAIMS.tables, grown))
    await Store.open(path, CLAIMS).close()

    later = Store.open(path, same)
    await later.read(later.find, "next_table", {}, limit=1)
    await later.close()
    earlier = Store.open(path, CLAIMS)

    assert await earlier.read(earlier.find, "bill", {}, limit=1) == []
    await earlier.close()
