"""Puts the doors together: hospitals on one application, insurers' callbacks on another, operators' probes on a third."""

from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.door.handlers import Handlers
from gateway.claims.door.openapi import openapi_document
from gateway.claims.door.problems import FAMILY, answer_errors
from gateway.claims.partners.registry import Registry
from gateway.kernel.errors import NotFound
from gateway.store.api import Read
from gateway.telemetry.metrics import Metrics

MOST_BYTES = 16 * 1024 * 1024
"""The largest body a hospital may send: 10,000 fee lines fit with room to spare."""
MOST_CALLBACK_BYTES = 8 * 1024 * 1024


def hospital_app(handlers: Handlers, metrics: Metrics, schemas: Path, formats: tuple[str, ...]) -> web.Application:
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[metered("hospital", metrics), answer_errors])
    document = msgspec.json.encode(openapi_document(formats))

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=document, headers={"Content-Type": "application/json"})

    app.router.add_post("/v1/claims", handlers.submit)
    app.router.add_post("/v1/claims/{format}", handlers.submit)
    app.router.add_get("/v1/orders/{order_id}", handlers.order)
    app.router.add_get("/v1/events", handlers.events)
    app.router.add_get("/openapi.json", openapi)
    app.router.add_static("/schemas", schemas / "canonical")
    return app


def partner_app(callbacks: Callbacks, registry: Registry, metrics: Metrics) -> web.Application:
    """Insurers call ``/partners/<code>/<path>``; a seal, not an address, says who they are."""
    app = web.Application(client_max_size=MOST_CALLBACK_BYTES, middlewares=[metered("partner", metrics), answer_errors])

    async def receive(request: web.Request) -> web.Response:
        partner = registry.get(request.match_info["code"])
        if partner is None:
            raise NotFound("no such partner", code="partner-unknown")
        body = await request.read()
        came = {name.lower(): value for name, value in request.headers.items()}
        reply, sealed = await callbacks.receive(partner, "/" + request.match_info["path"], body, came)
        headers = {**reply.headers, **sealed.headers, "Content-Type": sealed.content_type or reply.content_type}
        return web.Response(status=reply.status, body=sealed.body, headers=headers)

    app.router.add_post("/partners/{code}/{path:.+}", receive)
    return app


def operator_app(metrics: Metrics, ready: Callable[[], bool], read: Read) -> web.Application:
    app = web.Application(middlewares=[answer_errors])

    async def show_metrics(_: web.Request) -> web.Response:
        body, headers = await read(metrics.render)
        return web.Response(body=body, headers=headers)

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def is_ready(_: web.Request) -> web.Response:
        good = ready()
        return web.Response(text="ready\n" if good else "not ready\n", status=200 if good else 503)

    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", is_ready)
    return app


def metered(door: str, metrics: Metrics) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        resource = request.match_info.route.resource
        metrics.http(door, resource.canonical if resource is not None else "other", response.status)
        family = response.get(FAMILY)
        if family is not None:
            metrics.refused(family)
        return response

    return count
