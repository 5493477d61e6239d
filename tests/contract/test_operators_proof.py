"""Operators prove themselves by certificate over TLS; what their door offers is one OpenAPI document."""

import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector
from cryptography.hazmat.primitives.asymmetric import ed25519
from openapi_spec_validator import validate
from support.certificates import CLIENT, SERVER, Issuer, put_certificate, put_key, put_private, rsa_key
from support.keyhouse import ISSUER, make_keys, peer, serving

from gateway.app import Gateway
from gateway.claims.door.admin_openapi import ROUTES
from gateway.claims.operators.roles import Role
from gateway.config import Door, OperatorSettings

PERSONS, STRANGERS = Issuer("Operators"), Issuer("Operators")
TOKEN = "0123456789abcdef" * 4
ONE_ROLE = {role: f"{number}" * 64 for number, role in enumerate(Role)}
"""Role -> the token of somebody who has no other."""
BODIES: dict[str, dict[str, Any]] = {
    "Reasoned": {"reason": "case-1"},
    "Proposal": {"claim_id": "clm_1", "action": "close", "evidence": "letter-1"},
    "Entry": {"item_id": "dif_1", "action": "explain", "evidence": "letter-1"},
    "Owned": {"owner": "li.na"},
    "Accepted": {"evidence": "letter-1"},
    "Assigned": {"owner": "li.na"},
}
"""A sound body of each kind that a route takes."""
NAMED = {"day": "2026-11-20", "number": "1"}
"""Parts of a path that are no ids."""
OPERATORS = (
    OperatorSettings("li.na", roles=("view",), certificate_name="li.na"),
    OperatorSettings("wang.wei", roles=("re-drive",), token="admin-wang"),
    *(OperatorSettings(f"only-{role}", roles=(role.value,), token=f"admin-{role}") for role in Role),
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = make_keys(tmp_path / "keys")
    put_key(directory, "hospital", ed25519.Ed25519PrivateKey.generate())
    put_private(directory / "admin-wang.secret", TOKEN.encode())
    for role, token in ONE_ROLE.items():
        put_private(directory / f"admin-{role}.secret", token.encode())
    put_certificate(directory, "operators-ca", PERSONS.certificate)
    for name, number, certificate in (
        ("desk", 5, ISSUER.issue("desk", rsa_key(5), purposes=(SERVER,))),
        ("li.na", 6, PERSONS.issue("li.na", rsa_key(6), purposes=(CLIENT,))),
        ("other", 7, PERSONS.issue("other", rsa_key(7), purposes=(CLIENT,))),
        ("forged", 8, STRANGERS.issue("li.na", rsa_key(8), purposes=(CLIENT,))),
        ("server", 9, PERSONS.issue("li.na", rsa_key(9), purposes=(SERVER,))),
        ("ended", 6, PERSONS.issue("li.na", rsa_key(6), days=-1, purposes=(CLIENT,))),
    ):
        put_key(directory, name, rsa_key(number))
        put_certificate(directory, name, certificate)
    (directory / "ended.cert.pem").rename(directory.parent / "ended.cert.pem")
    (directory / "ended.key.pem").rename(directory.parent / "ended.key.pem")
    return directory


@pytest.fixture
async def gateway(keys: Path) -> AsyncIterator[Gateway]:
    desk = Door(port=0, certificate="desk")
    async with serving(keys, peer(), desk=desk, operators=OPERATORS, operator_ca="operators-ca.cert.pem") as running:
        yield running


async def ask(
    gateway: Gateway, keys: Path, path: str, shown: str = "", token: str = "", method: str = "GET", body: Any = None
) -> tuple[int, Any]:
    place = keys.parent if shown == "ended" else keys
    context = ssl.create_default_context(cafile=str(keys / "insurer-ca.cert.pem"))
    if shown:
        context.load_cert_chain(place / f"{shown}.cert.pem", place / f"{shown}.key.pem")
    headers = {"X-Reason": "case-1"} | ({"Authorization": f"Bearer {token}"} if token else {})
    url = f"https://localhost:{gateway.ports['operator']}{path}"
    async with (
        ClientSession(connector=TCPConnector(ssl=context)) as session,
        session.request(method, url, headers=headers, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_an_operators_certificate_is_their_proof(gateway: Gateway, keys: Path) -> None:
    status, told = await ask(gateway, keys, "/admin/claims?state=manual", "li.na")
    assert (status, told["claims"]) == (200, [])


@pytest.mark.parametrize("shown", ["", "other"])
async def test_no_certificate_or_somebody_elses_is_nobody(gateway: Gateway, keys: Path, shown: str) -> None:
    status, told = await ask(gateway, keys, "/admin/claims?state=manual", shown)
    assert (status, told["code"]) == (401, "operator-unknown")


@pytest.mark.parametrize("shown", ["forged", "server", "ended"])
async def test_a_certificate_of_the_same_name_that_does_not_count_breaks_the_handshake(
    gateway: Gateway, keys: Path, shown: str
) -> None:
    """Of another authority, made for a server, or ended."""
    with pytest.raises(ClientConnectionError):
        await ask(gateway, keys, "/admin/claims?state=manual", shown)


async def test_a_certificate_opens_no_more_than_its_roles(gateway: Gateway, keys: Path) -> None:
    status, told = await ask(gateway, keys, "/admin/claims/clm_1/messages/1", "li.na")
    assert (status, told["code"]) in {(400, "reason-needed"), (403, "role-missing")}
    status, told = await ask(gateway, keys, "/admin/claims?state=manual", token=TOKEN)
    assert (status, told["code"]) == (403, "role-missing")


async def test_the_document_is_valid_and_tells_every_route_with_what_it_does(gateway: Gateway, keys: Path) -> None:
    status, document = await ask(gateway, keys, "/admin/openapi.json", token=TOKEN)

    validate(document)
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert status == 200
    assert told >= set(ROUTES)
    for methods in document["paths"].values():
        for one in methods.values():
            assert one["summary"].endswith("."), "a sentence says what the route does"


async def test_every_route_that_is_served_says_its_role_and_is_shut_without_it(gateway: Gateway, keys: Path) -> None:
    """Strangers get nothing from any route; whoever has every role but the one that is asked for gets nothing either."""
    _, document = await ask(gateway, keys, "/admin/openapi.json", token=TOKEN)
    served = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == set(ROUTES)
    for (method, template), route in ROUTES.items():
        path = re.sub(r"\{(\w+)\}", lambda found: NAMED.get(found[1], "x_1"), template)
        body = BODIES[route.takes.__name__] if route.takes is not None else None
        status, told = await ask(gateway, keys, path, token="f" * 64, method=method, body=body)
        assert (status, told["code"]) == (401, "operator-unknown"), path
        for role in set(Role) - {route.role} if route.role is not None else ():
            status, told = await ask(gateway, keys, path, token=ONE_ROLE[role], method=method, body=body)
            assert (status, told["code"]) == (403, "role-missing"), (method, path, role)
        if route.role is not None:
            status, _ = await ask(gateway, keys, path, token=ONE_ROLE[route.role], method=method, body=body)
            assert status not in (401, 403), (method, path)
