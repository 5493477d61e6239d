"""A request for a fixed path goes straight to its handler.

The library searches the routes, makes a match and stacks the middlewares anew for each request. Where a path has no variable
the outcome is always the same, so it is found once, when the door opens; everything else is left to the library.
"""

from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler


class Straight:
    """What ``app``, which is set up, answers a request; its ``handle`` stands in place of the application's own."""

    def __init__(self, app: web.Application) -> None:
        self._search = app._handle
        self._fixed: dict[tuple[str, str], tuple[web.UrlMappingMatchInfo, Handler]] = {}
        for route in app.router.routes():
            if isinstance(route.resource, web.PlainResource):
                match, handler = web.UrlMappingMatchInfo({}, route), route.handler
                match.add_app(app)
                match.freeze()
                for middleware in reversed(app.middlewares):
                    handler = partial(middleware, handler=handler)
                self._fixed[route.method, route.resource.canonical] = match, handler

    async def handle(self, request: web.Request) -> web.StreamResponse:
        fixed = self._fixed.get((request.method, request.rel_url.path_safe))
        if fixed is None or "Expect" in request.headers:
            return await self._search(request)
        request._match_info, handler = fixed
        return await handler(request)
