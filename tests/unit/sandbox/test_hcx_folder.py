"""The partner folder and the exchange agree: what the mapping writes is taken, and what comes back reads as expected."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from development_keys import development_keys
from dispatches import dispatch, folder
from hcx_support import Gateway, connected

from gateway.mapping.api import Incoming
from gateway.sandbox.hospital.scenario import expected_of
from gateway.sandbox.hospital.stories import STORIES
from gateway.sandbox.hospital.visits import Wish, submission
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture
async def gateway(keys: Path) -> AsyncIterator[Gateway]:
    async with connected(keys, KeyRing.from_directory(keys)) as one:
        yield one


@pytest.mark.parametrize("refused", ["", "EXPIRED1"])
async def test_every_story_is_quoted_and_settled_as_the_terms_say(gateway: Gateway, keys: Path, refused: str) -> None:
    acts = folder("hcx", keys)
    for seed, story in enumerate(STORIES, 1):
        bill = submission(Wish(story, seed, insurers=("hcx",), policy_nos=(refused,) if refused else (), marks=True))
        (expected,) = expected_of(bill)
        for act in ("eligibility", "quote", "settle"):
            outgoing = acts[act].write(dispatch(bill, act, f"clm_{seed}"))
            plain = Plain(outgoing.document, outgoing.protected)
            sealed = gateway.seal.seal(plain, Role.REQUEST, datetime.now(UTC))
            status, _ = await gateway.post(outgoing.path.strip("/"), sealed.body)
            assert status == 202
            _, said, answer = await asyncio.wait_for(gateway.callbacks.get(), 5)
            reader = acts["claim_result" if act == "settle" else act]
            result = reader.read_callback(Incoming(answer.document, protected=said))
            assert result["state"] == ("refused" if refused else "accepted")
            if act != "eligibility" and not refused:
                assert result["approved"] == expected.approved_fen
    assert sum(one["times_applied"] for one in await gateway.ledger()) == (0 if refused else len(STORIES))
