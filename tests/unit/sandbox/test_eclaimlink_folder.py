"""The partner folder and the post office agree: uploaded, found, listed, fetched and confirmed as the terms say."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from development_keys import development_keys
from dispatches import dispatch, folder
from eclaimlink_support import Provider, connected

from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping.api import CompiledAct, Incoming
from gateway.sandbox.hospital.scenario import expected_of
from gateway.sandbox.hospital.stories import STORIES
from gateway.sandbox.hospital.visits import Wish, submission
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture
async def provider(keys: Path) -> AsyncIterator[Provider]:
    async with connected(keys, KeyRing.from_directory(keys)) as one:
        yield one


async def exchange(provider: Provider, act: CompiledAct, sent: Dispatch) -> dict[str, Any]:
    outgoing = act.write(sent)
    sealed = provider.seal.seal(Plain(outgoing.document), Role.REQUEST, datetime.now(UTC))
    async with provider.session.post(provider.url + outgoing.path, data=sealed.body) as reply:
        opened = provider.seal.open(await reply.read(), Role.ANSWER, datetime.now(UTC))
        return act.read(Incoming(opened.document, reply.status), sent)


@pytest.mark.parametrize("refused", ["", "REFUSE1"])
@pytest.mark.parametrize("story", sorted(STORIES))
async def test_every_story_goes_through_the_post_office(
    provider: Provider, keys: Path, story: str, refused: str
) -> None:
    acts = folder("eclaimlink", keys)
    policies = (refused,) if refused else ()
    bill = submission(Wish(story, 5, "quick_claim", ("eclaimlink",), policies, marks=True))
    (expected,) = expected_of(bill)
    sent = dispatch(bill, "claim", "clm_5")
    assert (await exchange(provider, acts["status"], sent))["state"] == "not_found"
    assert (await exchange(provider, acts["claim"], sent))["state"] == "pending"
    assert (await exchange(provider, acts["status"], sent))["state"] == "pending"
    (item,) = (await exchange(provider, acts["list_files"], sent))["items"]
    collecting = dispatch(bill, "fetch_file", "clm_5", item=item)
    (result,) = (await exchange(provider, acts["fetch_file"], collecting))["results"]
    assert (result["correlation"], result["approved"]) == ("clm_5", expected.approved_fen)
    assert result["verdict"] == expected.outcome
    assert (await exchange(provider, acts["confirm_file"], collecting))["state"] == "accepted"
    assert (await exchange(provider, acts["list_files"], sent))["items"] == []


async def test_an_authorization_is_asked_for_fetched_carried_by_the_claim_and_given_back(
    provider: Provider, keys: Path
) -> None:
    acts = folder("eclaimlink", keys)
    bill = submission(Wish("inpatient", 6, "quick_claim", ("eclaimlink",)))
    asked = await exchange(provider, acts["prior_request"], dispatch(bill, "prior_request", "clm_6"))
    assert asked["state"] == "pending"
    (item,) = (await exchange(provider, acts["list_files"], dispatch(bill, "list_files", "clm_6")))["items"]
    collecting = dispatch(bill, "fetch_file", "clm_6", item=item)
    (granted,) = (await exchange(provider, acts["fetch_file"], collecting))["results"]
    assert (granted["correlation"], granted["state"]) == (asked["refs"]["prior_request_id"], "accepted")
    assert granted["approved"] > 0

    claim = dispatch(bill, "claim", "clm_6", **granted["refs"])
    assert (await exchange(provider, acts["claim"], claim))["state"] == "pending"
    undone = dispatch(bill, "prior_cancel", "clm_6", **asked["refs"], **granted["refs"])
    assert (await exchange(provider, acts["prior_cancel"], undone))["state"] == "pending"
