"""Before a new version of a mapping goes in, it is held against what the gateway really sent: fields and money, no values."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import House
from support.verifiers import ROOT

from gateway.cli import main
from gateway.cli.stage import Stage

Told = tuple[int, str]


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The package folder with another name in ``settle`` and a sum that is one 元 too low."""
    for part in ("mappings", "schemas"):
        shutil.copytree(ROOT / part / "insurers" / "package", tmp_path / part / "insurers" / "package")
    folder = tmp_path / "mappings" / "insurers" / "package"
    file = folder / "settle.yaml"
    text = file.read_text("utf-8")
    changed = text.replace("sumMoney: yuan_number(split.total)", "sumMoney: yuan_number(split.total - 100)")
    assert changed != text
    file.write_text(changed, "utf-8")
    return folder


async def diff(capsys: pytest.CaptureFixture[str], stage: Stage, newer: Path, *more: str) -> Told:
    old = str(ROOT / "mappings" / "insurers" / "package" / "settle")
    config = str(stage.home / "gateway.toml")
    arguments = ["map", "diff", old, str(newer / "settle"), "--recorded", "package", "--config", config, *more]
    capsys.readouterr()
    status = await asyncio.to_thread(main, arguments)
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.fixture
async def bills(house: House) -> list[SampleBill]:
    made = [sample_bill("package") for _ in range(2)]
    for bill in made:
        await house.settle(bill)
    return made


async def test_recorded_claims_tell_fields_and_money_and_no_values(
    capsys: pytest.CaptureFixture[str], stage: Stage, newer: Path, bills: list[SampleBill]
) -> None:
    status, told = await diff(capsys, stage, newer, "--reason", "case-7", "--most", "60")
    acts = [line for line in told.splitlines() if line.startswith("  act_")]

    assert status == 1
    assert len(acts) >= len(bills)
    assert "sumMoney: (hidden) → (hidden)" in told
    assert "money 金额" in told
    recorded = told[told.index(acts[0]) :]
    assert all(bill.submission["patient"]["name"] not in recorded for bill in bills)


async def test_values_are_shown_only_when_asked_for(
    capsys: pytest.CaptureFixture[str], stage: Stage, newer: Path, bills: list[SampleBill]
) -> None:
    _, told = await diff(capsys, stage, newer, "--reason", "case-7", "--show", "--json")
    changes: dict[str, Any] = json.loads(told)["acts"][0]["changes"]
    total = bills[-1].submission["split"]["total"]
    shown = [one for name, rows in changes.items() if name.startswith("act_") for one in rows]

    assert f"{total / 100:.2f}".rstrip("0").rstrip(".") in {one["before"].rstrip("0").rstrip(".") for one in shown}


async def test_every_bill_that_is_opened_is_in_the_audit_and_none_without_a_reason(
    capsys: pytest.CaptureFixture[str], stage: Stage, newer: Path, bills: list[SampleBill]
) -> None:
    def reads(reason: str) -> int:
        with sqlite3.connect(f"file:{stage.home / stage.database}?mode=ro", uri=True) as store:
            rows = store.execute("select count(*) from audit where kind = 'recorded-read' and reason = ?", (reason,))
            return int(rows.fetchone()[0])

    refused, told = await diff(capsys, stage, newer)
    assert refused != 0
    assert "reason-needed" in told
    await diff(capsys, stage, newer, "--reason", "case-8")
    assert reads("case-8") >= len(bills)
