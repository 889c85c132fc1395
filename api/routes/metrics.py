"""`/metrics`, for Prometheus: whoever has its token."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec.structs import asdict
from prometheus_client import CONTENT_TYPE_LATEST

from api.auth.tokens import unauthorized
from api.database.functions import Database
from api.errors import NOT_FOUND, ServiceError
from api.telemetry.metrics import Metrics


def metrics_route(metrics: Metrics, database: Database, token: str | None) -> HTTPRouteHandler:
    """Return the route; without a token there is nothing at its path."""
    expected = None if token is None else f"Bearer {token}".encode()

    @get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
    async def scrape(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Show the metrics of all workers."""
        if expected is None:
            raise ServiceError(NOT_FOUND)
        given = dict(request.scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, expected):
            raise unauthorized("The metrics have a token of their own.")
        metrics.add(database.take_counts())
        members = dict(database.members)
        facts = await asyncio.gather(*(facts_of(member, among=len(members)) for member in members.values()))
        page = await asyncio.to_thread(metrics.page, dict(zip(members, facts, strict=True)))
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return scrape


async def facts_of(member: Database, among: int) -> dict[str, Any] | None:
    """Return what a database says of itself, one `among` so many; None where it does not answer."""
    facts = None
    with contextlib.suppress(ServiceError):
        facts = asdict(await member.facts())
        facts["open_holds"] = await member.open_holds()
        facts["in_transit"] = await member.in_transit() if among > 1 else []
    return facts
