"""Builds the application from what the other modules make."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Response, Router
from litestar.config.cors import CORSConfig
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from api import __version__
from api.auth.accounts import Accounts
from api.auth.keys import Keys
from api.auth.passwords import Passwords
from api.auth.revocations import Revocations
from api.auth.sign_in import SignIn
from api.auth.tokens import Tokens
from api.database.functions import Database
from api.database.verifier import Verifier
from api.events.hooks import Hooks
from api.events.networks import Networks
from api.events.secrets import SecretBox
from api.events.sources import Sources
from api.events.streams import Streams
from api.http.cors import Cors
from api.http.docs_page import DocsPage
from api.http.fast_path import Direct
from api.http.json_body import MAX_BODY_BYTES, JsonRequest, StrictJson
from api.http.openapi import CONTACT, INTRODUCTION, LICENSE, SERVERS, TAGS, DocumentRoutes, Structs, components
from api.http.problems import EXCEPTION_HANDLERS
from api.http.rate_limit import Limits, RateLimit, Table
from api.http.request_log import RequestLog
from api.http.request_metrics import RequestMetrics
from api.http.security_headers import SecurityHeaders
from api.routes.accounts import account_routes, session_routes
from api.routes.batch import batch_routes
from api.routes.confirmations import confirmation_routes
from api.routes.events import event_routes, own_event_routes
from api.routes.health import health_routes
from api.routes.history import history_routes
from api.routes.holds import hold_routes
from api.routes.keys import key_routes
from api.routes.metrics import metrics_route
from api.routes.operator import operator_routes
from api.routes.operator_reads import operator_read_routes, record_read_routes, wallet_read_routes
from api.routes.services import Services
from api.routes.verifications import verification_routes
from api.routes.wallet import wallet_routes
from api.routes.wallet_ids import WalletIds
from api.routes.wallets import wallets_routes
from api.routes.webhooks import delivery_routes, webhook_routes
from api.telemetry import log_config
from api.telemetry.activity import Activity
from api.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from litestar.types import Receive, Scope, Send

    from api.http import HttpApp
    from api.server.shared_memory import Shared
    from api.settings import Settings
    from api.telemetry.traces import Traces


async def no_page_of_its_own(response: Response[Any]) -> Response[Any]:
    """Answer unknown paths under /api/docs with a problem: Litestar's router would answer with an HTML page."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response


class Service:
    """ASGI: `litestar` behind the middleware of every request."""

    def __init__(self, litestar: Litestar, app: HttpApp, stop: Callable[[], None]) -> None:
        self.litestar = litestar
        self._app = app
        self.stop = stop
        """Ends what has no end: call it before requests in flight are waited for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and stop with the server."""
        if scope["type"] == ScopeType.HTTP:
            await self._app(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)


def create_app(settings: Settings, shared: Shared | None = None, number: int = 0) -> Service:
    """Build the service. Needs `settings.jwt_secret`, and `api_url` or `cluster`; the databases may be away.

    `shared` is the memory that worker `number` shares with the others; None where there are none.
    """
    if (settings.api_url is None and settings.cluster is None) or settings.jwt_secret is None:
        raise ValueError("the service needs jwt_secret, and api_url or cluster")
    log_config.configure(settings.log_level)
    # first: it decides what queues and connections are made of
    traces = traced() if settings.traces else None
    metrics = Metrics(shared.names() if shared else None, number)
    database = database_of(settings, metrics)
    passwords = Passwords(settings.bcrypt_cost)
    limits = Limits(settings.rate_limit, Table(shared and shared.limits), settings.jwt_secret.encode())
    keys = Keys(database, settings.key_rate_limit)
    tokens = Tokens([settings.jwt_secret, *settings.jwt_previous_secrets], database, keys)
    accounts = Accounts(database, passwords, SignIn(database, passwords), tokens)
    revocations = Revocations(database, tokens)
    box = SecretBox(settings.webhook_key) if settings.webhook_key else None
    sources = Sources(database)
    streams = Streams(sources)
    tokens.on_forget = streams.verify
    verifier = Verifier(database)
    activity = Activity(metrics, shared and shared.activity)
    services = Services(
        database=database,
        tokens=tokens,
        limits=limits,
        wallet_ids=WalletIds(database),
        self_topup=settings.self_topup,
        self_refund=settings.self_refund,
        four_eyes=settings.four_eyes,
        download_timeout=settings.download_timeout,
        sources=sources,
        streams=streams,
        verifier=verifier,
        hooks=Hooks(database, sources, box, Networks(settings.webhook_networks)),
        activity=activity,
    )

    site, handlers = None, {**EXCEPTION_HANDLERS}
    if settings.pages:
        from api.pages.router import pages

        site = pages(services, accounts, settings.jwt_secret)
        handlers |= dict.fromkeys((NotFoundException, MethodNotAllowedException), site.lost)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await database.open()
        try:
            beating = shared.beating(number) if shared else nullcontext()
            measuring = metrics.sampling(database, streams.numbers)
            async with (
                revocations.followed(),
                measuring,
                beating,
                sources.running(),
                streams.running(),
                verifier.running(),
                activity.running(),
                keys.running(),
            ):
                yield
        finally:
            passwords.close()
            await database.close()
            if traces is not None:
                await traces.close()

    litestar = Litestar(
        route_handlers=[
            account_routes(accounts, tokens),
            session_routes(database, accounts, tokens, limits),
            wallet_routes(services),
            wallets_routes(services),
            hold_routes(services),
            history_routes(services),
            batch_routes(services),
            operator_read_routes(services),
            wallet_read_routes(services),
            record_read_routes(services),
            verification_routes(services),
            confirmation_routes(services),
            operator_routes(services),
            webhook_routes(services),
            delivery_routes(services),
            key_routes(services),
            event_routes(services),
            own_event_routes(services),
            health_routes(database),
            metrics_route(metrics, database, settings.metrics_token),
            *(site.routes if site else ()),
        ],
        lifespan=[lifespan],
        plugins=[DocumentRoutes(), Structs()],
        request_class=JsonRequest,
        dto=StrictJson,
        return_dto=None,
        exception_handlers=handlers,
        template_config=site.templates if site else None,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="pgwallet",
            version=__version__,
            description=INTRODUCTION,
            openapi_router=Router(
                "/api/docs",
                route_handlers=[],
                after_request=no_page_of_its_own,
                include_in_schema=False,
                dto=None,
                return_dto=None,
            ),
            render_plugins=[DocsPage(path="/"), JsonRenderPlugin(path="/openapi.json")],
            contact=CONTACT,
            license=LICENSE,
            servers=SERVERS,
            tags=TAGS,
            components=components(),
            use_handler_docstrings=True,
        ),
    )
    app = around(Direct(litestar, litestar), settings, limits, metrics)
    if traces is not None:
        from api.http.request_traces import RequestTraces

        app = RequestTraces(app, traces.tracer)
    return Service(litestar, app, streams.stop)


def traced() -> Traces:
    """Begin to make spans. Raises SettingsError."""
    from api.database.traced import follow
    from api.telemetry.traces import Traces

    traces = Traces()
    follow(traces.tracer)
    return traces


def database_of(settings: Settings, metrics: Metrics) -> Database:
    """Return the database, or those of the map. Raises ClusterError."""
    if settings.cluster is None:
        return Database(settings, metrics.batches.observe)
    from api.database.cluster import Cluster

    return Cluster(settings, metrics.batches.observe)


def around(app: HttpApp, settings: Settings, limits: Limits, metrics: Metrics) -> HttpApp:
    """Wrap the application in the middleware of every request, the innermost first."""
    if settings.rate_limit:
        app = RateLimit(app, limits)
    if settings.cors_origins:
        # outside the limits: without these headers a page cannot read that it is over its limit
        app = Cors(app, cors(settings))
    app = SecurityHeaders(app, hsts=settings.hsts)
    return RequestLog(RequestMetrics(app, metrics))


def cors(settings: Settings) -> CORSConfig:
    """Allow the set origins to call the API and read some headers. No credentials: tokens are not cookies."""
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=list(settings.cors_headers),
        expose_headers=list(settings.cors_expose),
    )
