"""Health: for load balancers, orchestrators and people."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Literal

from litestar import Router, get
from litestar.openapi import ResponseSpec

from api.database.functions import Database
from api.errors import ServiceError
from api.http.responses import JsonResponse, errors
from api.schemas.envelope import Check, Health

ERRORS = errors()
UNHEALTHY = ERRORS | {503: ResponseSpec(Health, generate_examples=False, description="The database does not answer")}
# no limit is there for liveness, and no database behind it
ALIVE = {status: ERRORS[status] for status in (400, 405, 500)}


def health_routes(database: Database) -> Router:
    """Return `/api/health`."""

    async def check(member: Database) -> Check:
        started = time.perf_counter()
        word: Literal["healthy", "unhealthy"] = "healthy"
        try:
            await member.ping()
        except ServiceError:
            word = "unhealthy"
        return Check(word, round((time.perf_counter() - started) * 1000, 2))

    def answer(checks: dict[str, Check]) -> JsonResponse[Health]:
        word: Literal["healthy", "unhealthy"] = "unhealthy"
        if any(check.status == "healthy" for check in checks.values()):
            word = "healthy"
        return JsonResponse(Health(word, datetime.now(UTC), checks), 200 if word == "healthy" else 503)

    @get(operation_id="getHealth", summary="Health", responses=UNHEALTHY)
    async def health() -> JsonResponse[Health]:
        """Whether service and database work. Of several databases each is named; one that works is enough."""
        members = dict(database.members)
        names = ["database"] if len(members) == 1 else [f"database {number}" for number in members]
        checks = await asyncio.gather(*map(check, members.values()))
        return answer(dict(zip(names, checks, strict=True)))

    @get("/live", operation_id="getLiveness", summary="Liveness", responses=ALIVE)
    async def live() -> JsonResponse[Health]:
        """Whether the process answers; does not ask the database, so that its outage restarts no service."""
        return JsonResponse(Health("healthy", datetime.now(UTC), {}))

    @get("/ready", operation_id="getReadiness", summary="Readiness", responses=UNHEALTHY)
    async def ready() -> JsonResponse[Health]:
        """Whether requests can be served: send none here while it is not so. One database of several is enough."""
        return answer({"database": await check(database)})

    return Router("/api/health", route_handlers=[health, live, ready], tags=["Health"])
