"""A claim's evidence, a person's data and the audit, asked of the running gateway by the commands an operator has."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.house import House

from gateway.cli import main
from gateway.cli.stage import Stage
from gateway.sandbox.hospital.marks import planted


async def _lianpei(stage: Stage, *words: str) -> int:
    return await asyncio.to_thread(main, [*words, "--config", str(stage.home / "gateway.toml")])


async def test_a_dispute_on_money_is_proven_without_opening_the_diagnosis(
    house: House, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = await house.settle(sample_bill("package", marks=True))
    claim = end["claims"][0]["claim_id"]
    bundle, key = tmp_path / "bundle.zip", stage.keys / "audit-sign.pub.pem"
    wish = ("evidence", claim, "-o", str(bundle), "--reveal", "split.total,approved", "--reason", "case-7")

    assert await _lianpei(stage, *wish) == 0
    capsys.readouterr()
    assert main(["verify", str(bundle), "--key", str(key), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["fields"] == {"approved": end["approved_fen"], "split.total": end["total_fen"]}
    assert told["since_intake"] == ["split.total"]
    assert told["closed"] > 200
    assert {row["_table"] for row in told["rows"]} == {"bill", "change", "message", "audit"}

    assert main(["verify", str(bundle)]) == 0
    said = capsys.readouterr().out
    assert f"proven field: split.total = {end['total_fen']} (since the bill was accepted)" in said
    assert "the key came with the bundle" in said


async def test_a_person_gets_their_data_and_is_forgotten_while_the_gateway_serves(
    house: House, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = sample_bill("hcx", marks=True)
    order_id = (await house.settle(bill))["order_id"]
    number, exported = bill.submission["patient"]["cert_no"], tmp_path / "person.json"

    monkeypatch.setattr("sys.stdin", io.StringIO(f"{number}\n"))
    assert await _lianpei(stage, "vault", "export", "--person", "-o", str(exported), "--reason", "ask-12") == 0
    document: dict[str, Any] = json.loads(exported.read_bytes())
    assert [one["bill"]["order_id"] for one in document["bills"]] == [order_id]
    assert set(planted(document["bills"][0]["submission"])) == set(planted(bill.submission))
    assert exported.stat().st_mode & 0o077 == 0

    await _at_rest(house, stage, number, monkeypatch)
    capsys.readouterr()
    assert (await house.order(order_id)).is_decided, "ids, states and amounts stay"
    monkeypatch.setattr("sys.stdin", io.StringIO(number))
    again = tmp_path / "again.json"
    assert await _lianpei(stage, "vault", "export", "--person", "-o", str(again), "--reason", "ask-13") == 0
    assert json.loads(again.read_bytes())["bills"] == []


async def _at_rest(house: House, stage: Stage, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erase as soon as what follows the decision is done."""
    for _ in range(100):
        monkeypatch.setattr("sys.stdin", io.StringIO(number))
        if await _lianpei(stage, "vault", "erase", "--person", "--reason", "ask-12") == 0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never at rest")


async def test_the_audit_is_whole_while_it_is_written_and_after_a_kill(
    house: House, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bills = [sample_bill(code) for code in ("package", "huiyibao", "ant", "hcx", "eclaimlink") * 2]
    settling = [asyncio.create_task(house.settle(bill)) for bill in bills]
    await asyncio.sleep(0.2)
    assert await _lianpei(stage, "audit", "verify") == 0
    await asyncio.gather(*settling)

    capsys.readouterr()
    assert await _lianpei(stage, "audit", "checkpoint") == 0
    kept = tmp_path / "kept.json"
    kept.write_text(capsys.readouterr().out, "utf-8")
    await asyncio.to_thread(stage.kill, "gateway")

    assert await _lianpei(stage, "audit", "verify", "--kept", str(kept)) == 0
    assert "good" in capsys.readouterr().out
    assert await _lianpei(stage, "vault", "rewrap", "--reason", "key-2027") == 0, "without a gateway the file is opened"
    await asyncio.to_thread(stage.start, "gateway")
    assert await _lianpei(stage, "vault", "retention") == 0
    assert (await house.order((await settling[0])["order_id"])).is_decided
