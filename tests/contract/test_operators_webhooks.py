"""Operators and hospitals' webhooks: what is shown, what is done, and that it is in the audit who did it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.certificates import put_key, put_private
from support.keyhouse import HOSPITAL, make_keys, peer, serving
from support.patience import until

from gateway.app import Gateway
from gateway.config import OperatorSettings, WebhookSettings
from gateway.kernel.ids import new_event_id
from gateway.store.unit import Unit

TOKENS = {"li.na": "a" * 64, "auditor": "b" * 64}
HOOK = WebhookSettings("https://hospital.invalid/hook", "hook")
OPERATORS = (
    OperatorSettings("li.na", ("view", "re-drive"), token="admin-li.na"),
    OperatorSettings("auditor", ("view",), token="admin-auditor"),
)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    keys = make_keys(tmp_path / "keys")
    put_key(keys, "hospital", ed25519.Ed25519PrivateKey.generate())
    put_private(keys / "hook.secret", b"s" * 32)
    for name, token in TOKENS.items():
        put_private(keys / f"admin-{name}.secret", token.encode())
    async with serving(keys, peer(), operators=OPERATORS, webhook=HOOK) as running:
        yield running


async def ask(gateway: Gateway, who: str, path: str, method: str = "GET") -> tuple[int, Any]:
    url = f"http://127.0.0.1:{gateway.ports['operator']}/admin/{path}"
    headers = {"Authorization": f"Bearer {TOKENS[who]}"}
    async with ClientSession() as session, session.request(method, url, headers=headers) as answer:
        return answer.status, await answer.json()


async def event(gateway: Gateway) -> str:
    """An event of the hospital, once the office has made a delivery of it."""
    event_id = new_event_id()

    async def standing() -> bool:
        return bool((await ask(gateway, "auditor", "webhooks"))[1]["webhooks"])

    await until(standing)
    row = {"event_id": event_id, "hospital": HOSPITAL, "order_id": "ord_1", "kind": "decided", "at": 1}
    await gateway.store.commit(Unit().insert("event", **row))
    return event_id


async def audited(gateway: Gateway) -> list[tuple[str, str, str]]:
    rows = await gateway.store.read(gateway.store.find, "audit", {}, limit=100)
    return [(row["kind"], row["who"], row["detail"]) for row in rows]


async def test_an_operator_enables_an_endpoint_and_brings_an_event_again_and_the_audit_names_them(
    gateway: Gateway,
) -> None:
    event_id = await event(gateway)
    seq = (await gateway.store.read(gateway.store.find, "event", {"event_id": event_id}))[0]["seq"]

    assert await ask(gateway, "li.na", f"webhooks/{HOSPITAL}/enable", "POST") == (
        200,
        {"hospital": HOSPITAL, "state": "enabled"},
    )
    assert (await ask(gateway, "li.na", f"events/{seq}/resend", "POST"))[0] == 202
    assert await audited(gateway) == [
        ("webhook-enabled", "operator:li.na", HOSPITAL),
        ("event-resent", "operator:li.na", event_id),
    ]


async def test_what_is_not_there_or_not_allowed_is_not_done_and_not_in_the_audit(gateway: Gateway) -> None:
    event_id = await event(gateway)

    assert (await ask(gateway, "li.na", "webhooks/H0/enable", "POST"))[1]["code"] == "webhook-unknown"
    assert (await ask(gateway, "li.na", "events/999/resend", "POST"))[0] == 404
    assert (await ask(gateway, "auditor", f"webhooks/{HOSPITAL}/enable", "POST"))[1]["code"] == "role-missing"
    assert (await ask(gateway, "auditor", f"events/{event_id}/resend", "POST"))[1]["code"] == "role-missing"
    assert (await ask(gateway, "auditor", f"webhooks/{HOSPITAL}/deliveries?state=nothing"))[1]["code"] == "webhook-list"
    assert await audited(gateway) == []


async def test_endpoints_and_deliveries_are_shown_without_a_body(gateway: Gateway) -> None:
    await event(gateway)

    async def listed() -> bool:
        shown = (await ask(gateway, "auditor", f"webhooks/{HOSPITAL}/deliveries?state=waiting"))[1]["deliveries"]
        return bool(shown) and "body" not in shown[0]

    await until(listed)
    status, told = await ask(gateway, "auditor", "webhooks")
    assert (status, told["webhooks"][0]["hospital"]) == (200, HOSPITAL)
