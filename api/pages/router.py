"""Puts the pages together: one router with its middleware, the static files, and what a lost visitor sees."""

from __future__ import annotations

import mimetypes
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from litestar import Response, Router

from api.http.docs_page import asset
from api.http.problems import EXCEPTION_HANDLERS, problem_response, wants_page
from api.pages.cross_site import cross_site
from api.pages.routes.accounts import account_pages
from api.pages.routes.acts import act_pages
from api.pages.routes.care import care_pages
from api.pages.routes.console import console_pages
from api.pages.routes.history import history_pages
from api.pages.routes.holds import hold_pages
from api.pages.routes.keys import key_pages
from api.pages.routes.moves import move_pages
from api.pages.routes.statements import statement_pages
from api.pages.routes.wallet import wallet_pages
from api.pages.routes.watch import watch_pages
from api.pages.routes.webhooks import webhook_pages
from api.pages.site import HERE, Site

if TYPE_CHECKING:
    from litestar import Request
    from litestar.handlers import HTTPRouteHandler
    from litestar.template import TemplateConfig
    from litestar.types import ControllerRouterHandler, ExceptionHandler

    from api.auth.accounts import Accounts
    from api.routes.services import Services


class Pages(NamedTuple):
    """What Litestar has to be given."""

    routes: list[ControllerRouterHandler]
    templates: TemplateConfig[Any]
    lost: ExceptionHandler[Any]


def pages(services: Services, accounts: Accounts, jwt_secret: str) -> Pages:
    """Build the pages. Handlers are closures because Litestar copies other callables deeply."""
    files = static_files()
    site = Site(services, accounts, {name: path for name, (path, _) in files.items()})

    def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return site.failed(request, error)

    def lost(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Answer a browser that found no page with one, and programs with a problem."""
        return site.failed(request, error) if wants_page(request.scope) else problem_response(request, error)

    router = Router(
        "/",
        route_handlers=[
            *(*console_pages(site), *care_pages(site), *act_pages(site)),
            *(*watch_pages(site), *webhook_pages(site), *key_pages(site)),
            *(*account_pages(site), *wallet_pages(site), *move_pages(site), *hold_pages(site)),
            *(*history_pages(site), *statement_pages(site)),
        ],
        middleware=[cross_site(jwt_secret)],
        exception_handlers=dict.fromkeys(EXCEPTION_HANDLERS, failed),
        include_in_schema=False,
        dto=None,
        return_dto=None,
    )
    statics = Router("/", route_handlers=[route for _, route in files.values()], include_in_schema=False, dto=None)
    return Pages([router, statics], site.templates, lost)


def static_files() -> dict[str, tuple[str, HTTPRouteHandler]]:
    """Return path and route of each file, at a path that changes with the content: browsers keep it for good."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        content = file.read_bytes()
        path = f"/static/{blake2b(content, digest_size=8).hexdigest()}/{file.name}"
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        found[file.name] = path, asset(path, content, media_type)
    return found
