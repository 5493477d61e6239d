"""A claim's evidence, a person's data and the audit, asked of the running gateway by the commands an operator has."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import House

from gateway.cli import main
from gateway.cli.stage import Stage


async def _lianpei(*words: str, stage: Stage) -> int:
    import asyncio

    return await asyncio.to_thread(main, [*words, "--config", str(stage.home / "gateway.toml")])


async def _decided(house: House, *insurers: str) -> tuple[SampleBill, dict[str, Any]]:
    bill = sample_bill(*insurers, marks=True)
    return bill, await house.settle(bill)


async def test_a_dispute_on_money_is_proven_without_opening_the_diagnosis(
    house: House, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill, end = await _decided(house, "package")
    claim = end["claims"][0]["claim_id"]
    bundle, key = tmp_path / "bundle.zip", stage.keys / "audit-sign.pub.pem"
    words = ("evidence", claim, "-o", str(bundle), "--reveal", "split.total,approved", "--reason", "case-7")

    assert await _lianpei(*words, stage=stage) == 0
    capsys.readouterr()
    assert main(["verify", str(bundle), "--key", str(key), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["fields"] == {"approved": end["approved_fen"], "split.total": end["total_fen"]}
    assert told["since_intake"] == ["split.total"]
    assert told["closed"] > 200
    assert {row["_table"] for row in told["rows"]} == {"bill", "change", "message", "audit"}
