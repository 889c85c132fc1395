"""The application: everything the other modules make, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.exceptions import NotFoundException
from litestar.middleware._internal.cors import CORSMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from api import logs
from api.auth import Tokens
from api.batching import Balances, GroupCommit
from api.database import Database
from api.decoding import MAX_BODY_BYTES, JsonRequest, StrictJson
from api.direct import Direct
from api.errors import EXCEPTION_HANDLERS
from api.headers import DOCS_PAGE, SecurityHeaders
from api.limits import Limits, RateLimit, Table
from api.metrics import Metrics, Place, RequestMetrics, Sized
from api.passwords import Passwords
from api.revocations import Revocations
from api.routes.answers import problem_examples
from api.routes.auth import auth_routes
from api.routes.batch import batch_routes
from api.routes.health import health_routes
from api.routes.history import history_routes
from api.routes.holds import hold_routes
from api.routes.metrics import metrics_route
from api.routes.operator import operator_routes
from api.routes.parts import Parts
from api.routes.session import session_routes
from api.routes.wallet import wallet_routes
from api.routes.wallets import wallets_routes
from api.signin import SignIn
from api.sweep import sweeping
from api.wallets import Wallets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from litestar.types import ASGIApp

    from api.settings import Settings

API_VERSION = "1.0"
SINGLE_CONNECTIONS = 8


class DocsPage(OpenAPIRenderPlugin):
    """Our own page: Litestar's plugins load theirs from a CDN, and this one must work without internet."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page, which reads openapi.json by itself."""
        del request, openapi_schema
        return DOCS_PAGE.read_bytes()


async def no_page_of_its_own(response: Response[Any]) -> Response[Any]:
    """Litestar's documentation router answers unknown paths with an HTML page: here it is a problem as everywhere."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response


def _allow_what_is_there(app: Litestar) -> None:
    """Where two handlers share a path, Litestar's answer to OPTIONS names only the methods of the first.

    It makes that answer when the first is registered, and offers no way to make it anew.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            handler, _ = route.route_handler_map["OPTIONS"]
            handler._fn = route.create_options_handler(route.path).fn  # noqa: SLF001


def create_app(settings: Settings, shared: Path | None = None) -> Litestar:
    """Build the service. Needs `settings.api_url` and `settings.jwt_secret`; the database may be away.

    `shared` is the folder that it shares with other worker processes; None where there are none.
    """
    if settings.api_url is None or settings.jwt_secret is None:
        raise ValueError("the service needs api_url and jwt_secret")
    logs.configure(settings.log_level)
    database = Database(settings, pool_size=settings.pool_size, lock_timeout=settings.lock_timeout)
    single = Database(settings, pool_size=SINGLE_CONNECTIONS, lock_timeout=settings.lock_timeout)
    passwords = Passwords(settings.bcrypt_cost)
    metrics = Metrics(shared)
    sign_in = SignIn(database, passwords)
    limits = Limits(settings.rate_limit, Table(shared and shared / "limits"), settings.jwt_secret.encode())
    tokens = Tokens([settings.jwt_secret, *settings.jwt_previous_secrets], database, admit=limits.user)
    group = GroupCommit(Sized(database, metrics), Sized(single, metrics), limit=settings.queue_size)
    balances = Balances(database.balances, database.balance, limit=settings.queue_size)
    own = Database(settings, pool_size=1, lock_timeout=settings.lock_timeout, silent=True)
    revocations = Revocations(own, tokens)
    pools = {"shared": database, "single": single}
    waiting: dict[str, Place] = {"mutations": group, "balances": balances, **pools}
    parts = Parts(
        database=database,
        single=single,
        mutate=group.mutate if settings.group_commit else database.mutate,
        balance=balances.balance if settings.group_commit else database.balance,
        tokens=tokens,
        wallets=Wallets(database),
        self_topup=settings.self_topup,
        self_refund=settings.self_refund,
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await database.open()
        await single.open()
        try:
            async with revocations.followed(), sweeping(single), metrics.sampling(waiting, pools):
                yield
        finally:
            passwords.close()
            await single.close()
            await database.close()

    app = Litestar(
        route_handlers=[
            auth_routes(database, passwords, sign_in, tokens),
            session_routes(database, passwords, sign_in, tokens),
            wallet_routes(parts),
            wallets_routes(parts),
            hold_routes(parts),
            history_routes(parts),
            batch_routes(parts),
            operator_routes(parts),
            health_routes(database),
            metrics_route(metrics, database, settings.metrics_token),
        ],
        lifespan=[lifespan],
        request_class=JsonRequest,
        dto=StrictJson,
        return_dto=None,
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="pgwallet",
            version=API_VERSION,
            description="A digital wallet. Amounts are whole numbers of minor units; times are RFC 3339 in UTC.",
            openapi_router=Router(
                "/api/docs",
                route_handlers=[],
                after_request=no_page_of_its_own,
                include_in_schema=False,
                dto=None,
                return_dto=None,
            ),
            render_plugins=[DocsPage(path="/"), JsonRenderPlugin(path="/openapi.json")],
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")},
                examples=problem_examples(),
            ),
            use_handler_docstrings=True,
        ),
    )
    _allow_what_is_there(app)
    app.asgi_handler = around(Direct(app.asgi_handler, app), settings, limits, metrics)
    return app


def around(app: ASGIApp, settings: Settings, limits: Limits, metrics: Metrics) -> ASGIApp:
    """Put what every request passes around the application, the innermost first."""
    if settings.rate_limit:
        app = RateLimit(app, limits)
    if settings.cors_origins:
        # around the limits: a browser shows the page a refusal only with these headers
        app = CORSMiddleware(app, cors(settings.cors_origins))
    app = SecurityHeaders(app, hsts=settings.hsts)
    return logs.RequestLog(RequestMetrics(app, metrics))


def cors(origins: Sequence[str]) -> CORSConfig:
    """Let scripts of these origins call the API and read what tells when to try again; tokens are no cookies."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
        expose_headers=["Retry-After", "X-Request-Id"],
    )
