"""Puts the doors together: hospitals on one application, insurers' callbacks on another."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.door.bodies import Bodies, Room
from gateway.claims.door.entrance import Entrance
from gateway.claims.door.feed import Feed
from gateway.claims.door.handlers import GUARANTEES, POLICIES, Handlers
from gateway.claims.door.openapi import openapi_document
from gateway.claims.door.parts import Part
from gateway.claims.door.problems import add_explanations, require_plain_bytes
from gateway.claims.door.refusals import REFUSALS, Refusals
from gateway.claims.partners.registry import Registry
from gateway.kernel.errors import NotFound
from gateway.telemetry.metrics import Metrics
from gateway.wire.politeness import vouch_for

MOST_CALLBACK_BYTES = 8 * 1024 * 1024


def hospital_app(
    handlers: Handlers,
    feed: Feed,
    parts: Iterable[Part],
    entrance: Entrance,
    metrics: Metrics,
    schemas: Path,
    formats: tuple[str, ...],
) -> web.Application:
    """``parts`` are groups of further routes."""
    refusals = Refusals("hospital", metrics)
    app = web.Application(middlewares=[metered(refusals, feed.mark), entrance.enter])
    app[REFUSALS] = refusals
    document = msgspec.json.encode(openapi_document(formats))

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=document, headers={"Content-Type": "application/json"})

    app.router.add_post("/v1/claims", handlers.submit)
    app.router.add_post("/v1/claims/{format}", handlers.submit)
    app.router.add_post(GUARANTEES, handlers.submit)
    app.router.add_post(POLICIES, handlers.submit)
    app.router.add_get("/v1/orders/{order_id}", handlers.order)
    app.router.add_get("/v1/events", handlers.events)
    for part in (feed, *parts):
        part.add_to(app)
    add_explanations(app)
    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/schemas/{name}", published(schemas / "canonical"))
    return app


def published(folder: Path) -> Handler:
    """The folder's files by their names, read once: what is asked for never becomes a path."""
    files = {file.name: file.read_bytes() for file in folder.glob("*.json")}

    async def schema(request: web.Request) -> web.StreamResponse:
        body = files.get(request.match_info["name"])
        if body is None:
            raise NotFound("no such schema", code="not-found")
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    return schema


def partner_app(callbacks: Callbacks, registry: Registry, metrics: Metrics, bodies: Bodies) -> web.Application:
    """Insurers call ``/partners/<code>/<path>``; a seal, not an address, says who they are."""
    app = web.Application(middlewares=[metered(Refusals("partner", metrics))])

    async def receive(request: web.Request) -> web.Response:
        partner = registry.get(request.match_info["code"])
        if partner is None:
            raise NotFound("no such partner", code="partner-unknown")
        with Room(bodies, request.remote or "", MOST_CALLBACK_BYTES) as room:
            body = await room.read(request)
            came = {name.lower(): value for name, value in request.headers.items()}
            reply, sealed = await callbacks.receive(partner, "/" + request.match_info["path"], body, came)
        vouch_for(request)
        headers = {**reply.headers, **sealed.headers, "Content-Type": sealed.content_type or reply.content_type}
        return web.Response(status=reply.status, body=sealed.body, headers=headers)

    app.router.add_post("/partners/{code}/{path:.+}", receive)
    add_explanations(app)
    return app


def metered(refusals: Refusals, mark: Callable[[web.Request, web.StreamResponse], None] | None = None) -> Middleware:
    """Every request gets an answer, and every answer is counted. ``mark`` adds to each what it shall say besides."""
    door, metrics = refusals.door, refusals.metrics

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            require_plain_bytes(request)
            response = await handler(request)
        except Exception as wrong:
            response = refusals.answer(request, wrong)
        resource = request.match_info.route.resource
        metrics.http(door, resource.canonical if resource is not None else "other", response.status)
        if mark is not None:
            mark(request, response)
        return response

    return count
