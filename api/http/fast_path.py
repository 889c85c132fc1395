"""Calls the hottest routes without Litestar's layers between a request and its handler.

A route with `opt=DIRECT` is a route like any other, also in the documentation. A plain request for it takes the short
way: the same `before_request` hook, request class, DTO, handler and error handler do the work. Every other request,
also one for the same path, goes to Litestar's router.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_204_NO_CONTENT

from api.errors import BAD_REQUEST, ServiceError
from api.http.problems import problem_response, send_problem

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler
    from litestar.types import HTTPScope, Message, Receive, Send

    from api.http import HttpApp

DIRECT: Final = {"direct": True}
MAX_PATH: Final = 256
MAX_QUERY: Final = 4096
"""Room for a reference of 256 characters in any script, percent-encoded."""
MAX_HOST: Final = 255
PLAIN_HOST: Final = re.compile(rb"[A-Za-z0-9.:-]{0,%d}" % MAX_HOST)


class Direct:
    """ASGI: answers requests for the direct routes of `litestar`, and passes all others on to `app`."""

    def __init__(self, app: HttpApp, litestar: Litestar) -> None:
        self._app = app
        self._routes: dict[tuple[str, str], HttpApp] = {
            (method, route.path): shortcut(handler, route.path)
            for route in litestar.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if handler.opt.get("direct")
            for method in handler.http_methods
        }
        # Litestar answers OPTIONS with the methods of a path's first handler (litestar#4169), and without HEAD
        self._allowed = {
            route.path_format: ", ".join(sorted(route.methods)).replace("GET", "GET, HEAD").encode()
            for route in litestar.routes
            if isinstance(route, HTTPRoute)
        }

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Take the short way where there is one."""
        app = None
        if not scope["query_string"] and plain_host(scope):
            app = self._routes.get((scope["method"], scope["path"]))
        if app is None:
            app = self._long_way(scope)
        await app(scope, receive, send)

    def _long_way(self, scope: HTTPScope) -> HttpApp:
        if "refusal" in scope["state"]:
            return refused
        if fault := too_long(scope):
            scope["state"]["refusal"] = ServiceError(BAD_REQUEST, fault)
            return refused
        return {"HEAD": self._head, "OPTIONS": self._options}.get(scope["method"], self._app)

    async def _options(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS as Litestar does, with all methods of the path."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTP_204_NO_CONTENT:
                others = [(name, value) for name, value in message["headers"] if name != b"allow"]
                message["headers"] = [*others, (b"allow", self._allowed[scope["path_template"]])]
            await send(message)

        await self._app(scope, receive, complete)

    async def _head(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer as GET, without the body. A stream is not read to its end."""
        ended = False

        async def headless(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.body":
                if ended:
                    return
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        asked: Any = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, headless)
        finally:
            # the log reads route and user from the scope
            cast("dict[str, Any]", scope).update(asked, method="HEAD")


async def refused(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer what could not be read as a request with a problem, as all other errors."""
    await send_problem(scope["state"]["refusal"], scope, receive, send)


def shortcut(handler: HTTPRouteHandler, path: str) -> HttpApp:
    """Return what answers a request without a query. Raises ValueError for a route that has more than is run here."""
    parts = {
        "guards": handler.resolve_guards(),
        "dependencies": handler.resolve_dependencies(),
        "middleware": handler.resolve_middleware(),
        "after_response": handler.resolve_after_response(),
        "response_headers": handler.resolve_response_headers(),
        "response_cookies": handler.resolve_response_cookies(),
        "cache": handler.cache,
    }
    if unknown := [name for name, value in parts.items() if value]:
        raise ValueError(f"{path} cannot be direct, because of its {', '.join(unknown)}")
    call: Any = handler.fn
    authenticate: Any = handler.resolve_before_request()
    request_class = handler.resolve_request_class()
    dto: Any = handler.resolve_data_dto() if "data" in handler.parsed_fn_signature.parameters else None

    async def run(scope: HTTPScope, receive: Receive, send: Send) -> None:
        scope["route_handler"], scope["path_template"] = handler, path
        request = request_class(scope, receive, send)
        try:
            await authenticate(request)
            if dto is None:
                found = await call(request=request)
            else:
                found = await call(request=request, data=dto(request).decode_bytes(await request.body()))
            response = found.to_asgi_response(None, request)
        except Exception as error:  # noqa: BLE001 - as Litestar's outermost layer does it
            response = problem_response(request, error).to_asgi_response(None, request)
        await response(scope, receive, send)

    return run


def plain_host(scope: HTTPScope) -> bool:
    """Whether the Host header, if any, is surely valid. Litestar judges all others."""
    for name, value in scope["headers"]:
        if name == b"host":
            return PLAIN_HOST.fullmatch(value) is not None
    return True


def too_long(scope: HTTPScope) -> str | None:
    """Say what is longer than any route needs. Litestar caches a thousand paths, queries and hosts, whole."""
    if len(scope["path"]) > MAX_PATH:
        return f"The path may have at most {MAX_PATH} characters."
    if len(scope["query_string"]) > MAX_QUERY:
        return f"The query may have at most {MAX_QUERY} bytes."
    if any(name == b"host" and len(value) > MAX_HOST for name, value in scope["headers"]):
        return f"The Host header may have at most {MAX_HOST} bytes."
    return None
