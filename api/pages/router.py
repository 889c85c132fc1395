"""Puts the pages together: one router with its middleware, the static files, and what a lost visitor sees."""

from __future__ import annotations

import mimetypes
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

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
    from litestar.types import ControllerRouterHandler

    from api.auth.accounts import Accounts
    from api.routes.services import Services

PROGRAMS: Final = ("/api", "/metrics")


class Pages:
    """The pages: what Litestar has to be given."""

    def __init__(self, services: Services, accounts: Accounts, jwt_secret: str) -> None:
        files = static_files()
        self._site = Site(services, accounts, {name: path for name, (path, _) in files.items()})
        pages = [*account_pages(self._site), *wallet_pages(self._site)]
        router = Router(
            "/",
            route_handlers=pages,
            middleware=[cross_site(jwt_secret)],
            exception_handlers={Exception: self._failed},
            include_in_schema=False,
            dto=None,
            return_dto=None,
        )
        statics = Router("/", route_handlers=[route for _, route in files.values()], include_in_schema=False, dto=None)
        self.routes: list[ControllerRouterHandler] = [router, statics]
        self.templates: TemplateConfig[Any] = self._site.templates

    def _failed(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return self._site.failed(request, error)

    def not_found(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Answer a browser that found nothing with a page, and programs with a problem."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if request.scope["path"].startswith(PROGRAMS) or not wants_page:
            return problem_response(request, error)
        return self._site.failed(request, error)


def static_files() -> dict[str, tuple[str, HTTPRouteHandler]]:
    """Return path and route of each file, at a path that changes with the content: browsers keep it for good."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        content = file.read_bytes()
        path = f"/static/{blake2b(content, digest_size=8).hexdigest()}/{file.name}"
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        found[file.name] = path, asset(path, content, media_type)
    return found
