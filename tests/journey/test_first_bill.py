"""What ``make run`` prints for a newcomer to type is right as it stands."""

import asyncio
import json
import re
import subprocess
from typing import Any

import pytest

from gateway.cli.demo import say_own_bill
from gateway.cli.stage import Stage


async def test_the_printed_call_sends_a_bill_and_again_gets_the_same_answer(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    say_own_bill(stage)
    call = re.search(r"^  curl .*", capsys.readouterr().out, re.S | re.M)
    assert call is not None

    async def typed() -> Any:
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", call[0]], capture_output=True, text=True, timeout=40
        )
        return json.loads(done.stdout)

    first = await typed()
    assert (first["state"], first["claims"][0]["outcome"]) == ("decided", "paid")
    assert await typed() == first
