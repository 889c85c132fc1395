"""Puts the pages together: one router with its middleware, the static files, and what a lost visitor sees."""

from __future__ import annotations

import mimetypes
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from litestar import Response, Router

from api.http.docs_page import asset
from api.http.problems import problem_response
from api.pages.cross_site import cross_site
from api.pages.routes.accounts import account_pages
from api.pages.routes.wallet import wallet_pages
from api.pages.site import HERE, Site

if TYPE_CHECKING:
    from litestar import Request
    from litestar.handlers import HTTPRouteHandler
    from litestar.template import TemplateConfig
    from litestar.types import ControllerRouterHandler, ExceptionHandler

    from api.auth.accounts import Accounts
    from api.routes.services import Services

PROGRAMS: Final = ("/api", "/metrics")


class Pages(NamedTuple):
    """What Litestar has to be given."""

    routes: list[ControllerRouterHandler]
    templates: TemplateConfig[Any]
    not_found: ExceptionHandler[Any]


def pages(services: Services, accounts: Accounts, jwt_secret: str) -> Pages:
    """Build the pages. Handlers are closures because Litestar copies other callables deeply."""
    files = static_files()
    site = Site(services, accounts, {name: path for name, (path, _) in files.items()})

    def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return site.failed(request, error)

    def not_found(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Answer a browser that found nothing with a page, and programs with a problem."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if request.scope["path"].startswith(PROGRAMS) or not wants_page:
            return problem_response(request, error)
        return site.failed(request, error)

    router = Router(
        "/",
        route_handlers=[*account_pages(site), *wallet_pages(site)],
        middleware=[cross_site(jwt_secret)],
        exception_handlers={Exception: failed},
        include_in_schema=False,
        dto=None,
        return_dto=None,
    )
    statics = Router("/", route_handlers=[route for _, route in files.values()], include_in_schema=False, dto=None)
    return Pages([router, statics], site.templates, not_found)


def static_files() -> dict[str, tuple[str, HTTPRouteHandler]]:
    """Return path and route of each file, at a path that changes with the content: browsers keep it for good."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        content = file.read_bytes()
        path = f"/static/{blake2b(content, digest_size=8).hexdigest()}/{file.name}"
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        found[file.name] = path, asset(path, content, media_type)
    return found
