"""A door answers a fixed path the short way; nobody outside can tell, and whatever is not fixed goes the library's way."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler

from gateway.wire.listen import listen
from gateway.wire.straight import Straight


@web.middleware
async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        answer = await handler(request)
    except web.HTTPException as wrong:
        answer = web.Response(status=wrong.status, headers={"Allow": wrong.headers.get("Allow", "")})
    answer.headers["Went"] = f"outer {answer.headers.get('Went', '')}"
    return answer


@web.middleware
async def inner(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    answer.headers["Went"] = "inner"
    return answer


async def fixed(request: web.Request) -> web.Response:
    resource = request.match_info.route.resource
    assert resource is not None
    return web.json_response([request.method, resource.canonical, dict(request.match_info), await request.text()])


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = web.Application(middlewares=[outer, inner])
    app.router.add_post("/v1/claims", fixed)
    app.router.add_get("/v1/claims", fixed)
    app.router.add_post("/v1/claims/{format}", fixed)
    runner = web.AppRunner(app, access_log=None)
    port = await listen(runner, "127.0.0.1", 0, None)
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_a_fixed_path_passes_all_middlewares_in_their_order(address: str) -> None:
    async with ClientSession() as client:
        for body in ("a", "b"):
            answer = await client.post(f"{address}/v1/claims?x=1", data=body)
            assert await answer.json() == ["POST", "/v1/claims", {}, body]
            assert answer.headers["Went"] == "outer inner"


async def test_methods_are_told_apart(address: str) -> None:
    async with ClientSession() as client:
        assert (await (await client.get(f"{address}/v1/claims")).json())[0] == "GET"
        assert (await client.head(f"{address}/v1/claims")).status == 200
        refused = await client.put(f"{address}/v1/claims", data="a")
        assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD,POST")


async def test_a_path_with_a_variable_and_a_path_that_is_none_are_searched(address: str) -> None:
    async with ClientSession() as client:
        told = await (await client.post(f"{address}/v1/claims/fhir", data="a")).json()
        assert told == ["POST", "/v1/claims/{format}", {"format": "fhir"}, "a"]
        for path in ("/v1/claims/", "/v1", "/v1//claims", "/V1/claims"):
            assert (await client.post(address + path, data="a")).status == 404


async def test_a_sender_who_waits_for_leave_gets_it(address: str) -> None:
    async with ClientSession() as client, asyncio.timeout(5):
        answer = await client.post(f"{address}/v1/claims", data="a", expect100=True)
        assert answer.status == 200


async def test_only_paths_without_variables_are_known_beforehand() -> None:
    app = web.Application()
    app.router.add_post("/v1/claims", fixed)
    app.router.add_post("/v1/claims/{format}", fixed)

    assert list(Straight(app)._fixed) == [("POST", "/v1/claims")]
