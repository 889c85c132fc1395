"""What operators are shown of users, and of what was done. The database asks for the role, and records who was seen."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import QueryParameter

from api.auth.guards import AuthenticatedRequest, operator
from api.database.requests import AuditFilters
from api.http.responses import JsonResponse, errors, success
from api.routes.operator import OPERATOR_ERRORS, UserPath
from api.routes.parameters import CursorQuery, LimitQuery, decode_cursor, decode_uuid_cursor, encode_cursor
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.inspection import AuditPage, InspectedUser, SearchResult, UserPage, VerificationPage

READ_ERRORS = (*OPERATOR_ERRORS, "validation", "timeout")


def operator_read_routes(services: Services) -> Router:
    """Return what `/api/operator` answers to GET, but for the trial balance."""
    database = services.database

    @get("/search", operation_id="search", summary="Search", responses=errors(*READ_ERRORS, "WA002"))
    async def search(
        request: AuthenticatedRequest,
        q: Annotated[
            str,
            QueryParameter(
                min_length=1,
                max_length=256,
                pattern="^[^\\u0000]*$",
                description="The beginning of a username, the id of a user or wallet, a `txn_id`, an exact reference.",
            ),
        ],
    ) -> JsonResponse[Envelope[SearchResult]]:
        """Find users, wallets, transactions and holds. On record: who was shown, not what was searched for."""
        return success("search", SearchResult(await database.search(q, request.user.user_id)))

    @get("/users", operation_id="listUsers", summary="Users", responses=errors(*READ_ERRORS, "WA024"))
    async def users(
        request: AuthenticatedRequest, limit: LimitQuery = 50, cursor: CursorQuery = None
    ) -> JsonResponse[Envelope[UserPage]]:
        """Page through the users, newest first. On record: who was shown."""
        page = await database.users(limit, decode_uuid_cursor(cursor), request.user.user_id)
        return success("users", UserPage(page.items, encode_cursor(page.next)))

    @get(
        "/users/{user_id:uuid}",
        operation_id="inspectUser",
        summary="One user",
        responses=errors(*READ_ERRORS, "not_found", "WA029"),
    )
    async def inspect_user(request: AuthenticatedRequest, user_id: UserPath) -> JsonResponse[Envelope[InspectedUser]]:
        """Show a user with all wallets. On record: that the user was shown."""
        return success("user", await database.inspect_user(user_id, request.user.user_id))

    @get("/audit", operation_id="listAudit", summary="Who did what", responses=errors(*READ_ERRORS, "WA024"))
    async def audit(
        request: AuthenticatedRequest,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        user_id: Annotated[UUID | None, QueryParameter(description="Only about this user.")] = None,
        wallet_id: Annotated[UUID | None, QueryParameter(description="Only of this wallet.")] = None,
        actor: Annotated[UUID | None, QueryParameter(description="Only by this operator.")] = None,
        action: Annotated[
            str | None, QueryParameter(pattern="^[a-z_]{1,32}$", description="Only of this kind.")
        ] = None,
    ) -> JsonResponse[Envelope[AuditPage]]:
        """Page through what operators did, and whom they looked at, newest first.

        With several filters, or for `read` alone, a page looks at a bounded number of rows: it can be short or empty,
        and goes on with `next_cursor`.
        """
        filters = AuditFilters(user_id, wallet_id, actor, action)
        page = await database.audit(filters, limit, decode_cursor(cursor), request.user.user_id)
        return success("audit", AuditPage(page.items, encode_cursor(page.next)))

    @get(
        "/verifications",
        operation_id="listVerifications",
        summary="Verifications",
        responses=errors(*READ_ERRORS, "WA024"),
    )
    async def verifications(
        request: AuthenticatedRequest, limit: LimitQuery = 50, cursor: CursorQuery = None
    ) -> JsonResponse[Envelope[VerificationPage]]:
        """Page through the recorded verifications of the ledger, newest first."""
        page = await database.verifications(limit, decode_cursor(cursor), request.user.user_id)
        return success("verifications", VerificationPage(page.items, encode_cursor(page.next)))

    return Router(
        "/api/operator",
        route_handlers=[search, users, inspect_user, audit, verifications],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=["Operators"],
    )
