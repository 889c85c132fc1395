"""Verifications of the ledger: the recorded ones, and those that operators start."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import PathParameter

from api.auth.guards import AuthenticatedRequest, operator
from api.http.openapi import ACT, LOOK
from api.http.responses import JsonResponse, errors, success
from api.routes.operator_reads import READ_ERRORS
from api.routes.parameters import MAX_ID, LimitQuery, PlacesQuery, decode_places, encode_cursor, named, number
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.inspection import VerificationPage, VerificationRunDetails, VerificationRunPage

RunPath = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="The number of a verification.")]


def verification_routes(services: Services) -> Router:
    """Return `/api/operator/verifications`."""
    database = services.database

    @get(
        "/",
        operation_id="listVerifications",
        tags=[LOOK],
        summary="Verifications",
        responses=errors(*READ_ERRORS, "WA024"),
    )
    async def verifications(
        request: AuthenticatedRequest, limit: LimitQuery = 50, cursor: PlacesQuery = None
    ) -> JsonResponse[Envelope[VerificationPage]]:
        """Page through the recorded verifications of the ledger, newest first."""
        page = await database.verifications(limit, decode_places(cursor), request.user.user_id)
        return success("verifications", VerificationPage(page.items, encode_cursor(page.next), named(page.away)))

    @post(
        "/",
        status_code=202,
        operation_id="startVerification",
        summary="Start a verification",
        responses=errors(*READ_ERRORS, "busy", "WA045"),
        tags=[ACT],
    )
    async def start(request: AuthenticatedRequest) -> JsonResponse[Envelope[VerificationRunDetails]]:
        """Judge the whole ledger as it is now, beside all other work. It takes as long as the ledger is long.

        One runs at a time. It ends without a result when the service is stopped. In a cluster one is started in each
        database, and the first is shown.
        """
        actor = request.user.user_id
        started = await services.verifier.start(actor)
        found = await database.verification_run(started.run_ids[0], actor)
        if len(database.members) > 1:
            found.started, found.away = started.run_ids, named(started.away)
        return success("verification started", found, 202)

    @get(
        "/runs",
        operation_id="listVerificationRuns",
        tags=[LOOK],
        summary="Verifications that operators started",
        responses=errors(*READ_ERRORS, "WA024"),
    )
    async def runs(
        request: AuthenticatedRequest, limit: LimitQuery = 50, cursor: PlacesQuery = None
    ) -> JsonResponse[Envelope[VerificationRunPage]]:
        """Page through the verifications that operators started, newest first, with how far each is."""
        page = await database.verification_runs(limit, decode_places(cursor), request.user.user_id)
        return success("verifications", VerificationRunPage(page.items, encode_cursor(page.next), named(page.away)))

    @get(
        "/runs/{run:int}",
        operation_id="getVerificationRun",
        tags=[LOOK],
        summary="One verification",
        responses=errors(*READ_ERRORS, "not_found"),
    )
    async def one(request: AuthenticatedRequest, run: RunPath) -> JsonResponse[Envelope[VerificationRunDetails]]:
        """Show a verification that an operator started: how far it is, and the first 100 things that it found."""
        return success("verification", await database.verification_run(number(request, run), request.user.user_id))

    return Router(
        "/api/operator/verifications",
        route_handlers=[verifications, start, runs, one],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
    )
