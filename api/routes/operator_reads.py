"""What operators are shown of users, and of what was done. The database asks for the role, and records who was seen."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.enums import MediaType
from litestar.params import PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, operator
from api.database.requests import AuditFilters, Filters
from api.http.openapi import LOOK
from api.http.responses import JsonResponse, errors, success
from api.routes.history import End, ExactReference, Format, From, Kind, Start, StatementOperation, To
from api.routes.holds import HoldStatus
from api.routes.operator import OPERATOR_ERRORS, UserPath, WalletPath
from api.routes.parameters import (
    MAX_ID,
    CursorQuery,
    LimitQuery,
    MomentQuery,
    PlacesQuery,
    decode_cursor,
    decode_places,
    decode_uuid_cursor,
    encode_cursor,
    moment,
    named,
    number,
    optional_moment,
)
from api.routes.services import Services
from api.routes.statement_formats import statement_response
from api.schemas.envelope import Envelope
from api.schemas.fields import ASSET_PATTERN
from api.schemas.history import Statement
from api.schemas.holds import HoldPage
from api.schemas.inspection import (
    Action,
    AuditPage,
    InspectedHold,
    InspectedPage,
    InspectedTransaction,
    InspectedUser,
    InspectedWallet,
    SearchResult,
    UserPage,
)
from api.schemas.operator import TrialBalance

READ_ERRORS = (*OPERATOR_ERRORS, "validation", "timeout")
WALLET_ERRORS = (*READ_ERRORS, "not_found", "WA001")

AnyWalletPath = Annotated[UUID, PathParameter(description="A wallet, of a user or of the system.")]
NumberPath = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="The server's number, as a search has it.")]


def operator_read_routes(services: Services) -> Router:
    """Return where an operator begins: the search, and one user."""
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
        page = await database.search(q, request.user.user_id)
        return success("search", SearchResult(page.items, named(page.away)))

    @get(
        "/users/{user_id:uuid}",
        operation_id="inspectUser",
        summary="One user",
        responses=errors(*READ_ERRORS, "not_found", "WA029"),
    )
    async def inspect_user(request: AuthenticatedRequest, user_id: UserPath) -> JsonResponse[Envelope[InspectedUser]]:
        """Show a user with all wallets. On record: that the user was shown."""
        return success("user", await database.inspect_user(user_id, request.user.user_id))

    return Router(
        "/api/operator",
        route_handlers=[search, inspect_user],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[LOOK],
    )


def wallet_read_routes(services: Services) -> Router:
    """Return `/api/operator/wallets`, `/transactions` and `/holds` to read."""
    database = services.database

    @get(
        "/wallets/{wallet_id:uuid}",
        operation_id="inspectWallet",
        summary="One wallet",
        responses=errors(*WALLET_ERRORS),
    )
    async def inspect_wallet(
        request: AuthenticatedRequest, wallet_id: AnyWalletPath
    ) -> JsonResponse[Envelope[InspectedWallet]]:
        """Show a wallet: owner, balance, what is left of its limits, and who set its status. On record: the look."""
        return success("wallet", await database.inspect_wallet(wallet_id, request.user.user_id))

    @get(
        "/wallets/{wallet_id:uuid}/transactions",
        operation_id="inspectTransactions",
        summary="A wallet's history",
        response_description="A page, newest first",
        responses=errors(*WALLET_ERRORS, "WA024"),
    )
    async def inspect_transactions(
        request: AuthenticatedRequest,
        wallet_id: WalletPath,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        type: Kind = None,  # noqa: A002 - the parameter's name, which errors show
        start: From = None,
        end: To = None,
        reference: ExactReference = None,
    ) -> JsonResponse[Envelope[InspectedPage]]:
        """Page through a user's wallet as its owner does. On record: the look, without the filters."""
        filters = Filters(type, optional_moment("from", start), optional_moment("to", end), reference)
        before_seq = decode_cursor(cursor)
        page = await database.inspect_entries(wallet_id, limit, before_seq, filters, request.user.user_id)
        return success("transactions", InspectedPage(page.items, encode_cursor(page.next)))

    @get(
        "/wallets/{wallet_id:uuid}/holds",
        operation_id="inspectHolds",
        summary="A wallet's holds",
        response_description="A page, newest first",
        responses=errors(*WALLET_ERRORS, "WA024"),
    )
    async def inspect_holds(
        request: AuthenticatedRequest,
        wallet_id: WalletPath,
        status: HoldStatus = None,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
    ) -> JsonResponse[Envelope[HoldPage]]:
        """Page through the holds of a user's wallet as its owner does. On record: the look."""
        page = await database.inspect_holds(wallet_id, status, limit, decode_cursor(cursor), request.user.user_id)
        return success("holds", HoldPage(page.items, encode_cursor(page.next)))

    @get(
        "/wallets/{wallet_id:uuid}/statement",
        operation_id="inspectStatement",
        summary="A wallet's statement",
        response_description="All entries, oldest first, between two balances",
        media_type=MediaType.JSON,
        operation_class=StatementOperation,
        responses=errors(*WALLET_ERRORS, "WA002", "WA023", "WA036", "busy"),
    )
    async def inspect_statement(
        request: AuthenticatedRequest,
        wallet_id: WalletPath,
        start: Start,
        end: End,
        format: Format = None,  # noqa: A002 - as above
    ) -> JsonResponse[Envelope[Statement]]:
        """Stream the statement of a user's wallet as its owner gets it. On record: the look."""
        period = moment("from", start), moment("to", end)
        wallet = await database.inspect_wallet(wallet_id, request.user.user_id)
        lines = database.inspect_statement(wallet_id, *period, request.user.user_id)
        accept = request.headers.get("accept", "")
        return await statement_response(wallet, lines, format, accept, services.download_timeout)

    @get(
        "/transactions/{transaction_id:int}",
        operation_id="inspectTransaction",
        summary="One transaction",
        responses=errors(*READ_ERRORS, "not_found", "WA028"),
    )
    async def inspect_transaction(
        request: AuthenticatedRequest, transaction_id: NumberPath
    ) -> JsonResponse[Envelope[InspectedTransaction]]:
        """Show a transaction with entries, details, receipt, refunds, hold. On record: the look, at both sides."""
        return success(
            "transaction", await database.inspect_transaction(number(request, transaction_id), request.user.user_id)
        )

    @get(
        "/holds/{hold_id:int}",
        operation_id="inspectHold",
        summary="One hold",
        responses=errors(*READ_ERRORS, "not_found", "WA015"),
    )
    async def inspect_hold(request: AuthenticatedRequest, hold_id: NumberPath) -> JsonResponse[Envelope[InspectedHold]]:
        """Show a hold with what happened to it. On record: the look."""
        return success("hold", await database.inspect_hold(number(request, hold_id), request.user.user_id))

    return Router(
        "/api/operator",
        route_handlers=[
            *(inspect_wallet, inspect_transaction, inspect_hold),
            *(inspect_transactions, inspect_holds, inspect_statement),
        ],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[LOOK],
    )


def record_read_routes(services: Services) -> Router:
    """Return what operators read of all users, of the record of their actions, and of the ledger as a whole."""
    database = services.database

    @get("/users", operation_id="listUsers", summary="Users", responses=errors(*READ_ERRORS, "WA024"))
    async def users(
        request: AuthenticatedRequest, limit: LimitQuery = 50, cursor: CursorQuery = None
    ) -> JsonResponse[Envelope[UserPage]]:
        """Page through the users, newest first. On record: who was shown."""
        page = await database.users(limit, decode_uuid_cursor(cursor), request.user.user_id)
        return success("users", UserPage(page.items, encode_cursor(page.next), named(page.away)))

    @get(
        "/audit",
        operation_id="listAudit",
        summary="Audit: who did what, and who looked",
        responses=errors(*READ_ERRORS, "WA024"),
    )
    async def audit(
        request: AuthenticatedRequest,
        limit: LimitQuery = 50,
        cursor: PlacesQuery = None,
        user_id: Annotated[UUID | None, QueryParameter(description="Only about this user.")] = None,
        wallet_id: Annotated[UUID | None, QueryParameter(description="Only of this wallet.")] = None,
        actor: Annotated[UUID | None, QueryParameter(description="Only by this operator.")] = None,
        action: Annotated[Action | None, QueryParameter(description="Only of this kind.")] = None,
    ) -> JsonResponse[Envelope[AuditPage]]:
        """Page through what operators did, and whom they looked at (`read`), newest first.

        With more than one filter, or for `read` alone, a page examines 1,000 rows: it can be short or empty, and goes
        on with `next_cursor`.
        """
        filters = AuditFilters(user_id, wallet_id, actor, action)
        page = await database.audit(filters, limit, decode_places(cursor), request.user.user_id)
        return success("audit", AuditPage(page.items, encode_cursor(page.next), named(page.away)))

    @get(
        "/trial-balance",
        operation_id="getTrialBalance",
        summary="Trial balance",
        responses=errors(*OPERATOR_ERRORS, "validation", "WA023", "WA026", "WA036", "timeout"),
    )
    async def trial_balance(
        request: AuthenticatedRequest,
        asset: Annotated[str, QueryParameter(pattern=ASSET_PATTERN, description="Code of the asset.")] = "UC",
        at: MomentQuery = None,
    ) -> JsonResponse[Envelope[TrialBalance]]:
        """Show the system accounts and the sum of all user wallets, which net to zero. Reads the whole ledger."""
        moment = optional_moment("at", at)
        page = await database.trial_balance(asset, moment, request.user.user_id)
        total = sum(account.balance for account in page.items)
        return success("trial balance", TrialBalance(asset, moment, page.items, total, named(page.away)))

    return Router(
        "/api/operator",
        route_handlers=[users, audit, trial_balance],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[LOOK],
    )
