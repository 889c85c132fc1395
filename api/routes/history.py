"""The wallet's past: entries by pages, one transaction, and statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Router, get
from litestar.enums import MediaType
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, signed_in
from api.database.requests import Filters
from api.http.openapi import BY_KEYS, Documented
from api.http.responses import JsonResponse, errors, success, success_of_age
from api.routes.parameters import (
    MAX_ID,
    AssetQuery,
    CursorQuery,
    LimitQuery,
    MaxAgeQuery,
    accepted,
    decode_cursor,
    encode_cursor,
    moment,
    optional_moment,
)
from api.routes.services import Services
from api.routes.statement_formats import CSV, statement_response
from api.schemas.envelope import Envelope
from api.schemas.fields import RECEIPT_PATTERN, TEXT_PATTERN, TransactionKind
from api.schemas.history import EntryPage, ReceiptCheck, RequestedEntry, Statement, Verdict

From = Annotated[
    str | None,
    QueryParameter(name="from", format="date-time", description="Recorded then or later: RFC 3339 with an offset."),
]
To = Annotated[
    str | None, QueryParameter(name="to", format="date-time", description="Recorded before: RFC 3339 with an offset.")
]
Kind = Annotated[TransactionKind | None, QueryParameter(description="Only these.")]
Start = Annotated[str, QueryParameter(name="from", format="date-time", description="Recorded then or later.")]
End = Annotated[str, QueryParameter(name="to", format="date-time", description="Recorded before.")]
TransactionId = Annotated[int, QueryParameter(ge=1, le=MAX_ID, description="The `id` of the transaction.")]
KeptReceipt = Annotated[
    str, QueryParameter(pattern=RECEIPT_PATTERN, description="As it was answered, or as an event had it.")
]
Format = Annotated[Literal["json", "csv"] | None, QueryParameter(description="Without: as `Accept` prefers.")]
ExactReference = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=256, pattern=TEXT_PATTERN, description="Only with exactly this one."),
]


@dataclass
class StatementOperation(Documented):
    """Documents that the same path answers CSV too."""

    def __post_init__(self) -> None:
        """Add the media type."""
        super().__post_init__()
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            response.content[CSV] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


def history_routes(services: Services) -> Router:
    """Return `/api/wallet/transactions`, `/api/wallet/receipt` and `/api/wallet/statement`."""
    database, wallet_ids = services.database, services.wallet_ids

    @get(
        "/transactions",
        operation_id="listTransactions",
        summary="History",
        response_description="A page, newest first",
        responses=errors("validation", "unauthorized", "WA001", "WA024", "timeout"),
    )
    async def transactions(
        request: AuthenticatedRequest,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        type: Kind = None,  # noqa: A002 - the parameter's name, which errors show
        start: From = None,
        end: To = None,
        reference: ExactReference = None,
        asset: AssetQuery = None,
        max_age: MaxAgeQuery = 0,
    ) -> JsonResponse[Envelope[EntryPage]]:
        """Page through the wallet's ledger entries, newest first. Pages stay as they are while new entries arrive.

        With `type` or `reference` a page looks at a bounded number of entries: it can be short or empty, and goes on
        with `next_cursor`.
        """
        user = request.user
        before_seq = decode_cursor(cursor)
        filters = Filters(type, optional_moment("from", start), optional_moment("to", end), reference)
        wallet_id = await wallet_ids.find(request, asset)
        age = accepted(max_age)
        page = await database.entries(wallet_id, limit, before_seq, filters, user.user_id, age, user.key_id)
        return success_of_age("transactions", EntryPage(page.items, encode_cursor(page.next)), age)

    @get(
        "/transactions/{txn_id:uuid}",
        operation_id="getTransaction",
        summary="One transaction",
        responses=errors("unauthorized", "not_found", "validation", "WA001", "WA028", "timeout"),
    )
    async def transaction(
        request: AuthenticatedRequest,
        txn_id: Annotated[UUID, PathParameter(description="The `txn_id` of the transaction.")],
        asset: AssetQuery = None,
        max_age: MaxAgeQuery = 0,
    ) -> JsonResponse[Envelope[RequestedEntry]]:
        """Show a transaction that the user requested: a received transfer is in the sender's wallet."""
        user = request.user
        wallet_id = await wallet_ids.find(request, asset)
        age = accepted(max_age)
        entry = await database.transaction(wallet_id, txn_id, user.user_id, age, user.key_id)
        await services.tell_delivery(wallet_id, entry, user.user_id)
        return success_of_age("transaction", entry, age)

    @get(
        "/statement",
        operation_id="getStatement",
        summary="Statement",
        response_description="All entries, oldest first, between two balances",
        media_type=MediaType.JSON,
        operation_class=StatementOperation,
        responses=errors("validation", "unauthorized", "WA001", "WA002", "WA023", "WA036", "busy", "timeout"),
    )
    async def statement(
        request: AuthenticatedRequest,
        start: Start,
        end: End,
        format: Format = None,  # noqa: A002 - as above
        asset: AssetQuery = None,
        max_age: MaxAgeQuery = 0,
    ) -> JsonResponse[Envelope[Statement]]:
        """Stream a statement, as JSON or CSV. It adds up, and the same statement never changes later."""
        user = request.user
        wallet_id = await wallet_ids.find(request, asset)
        period = moment("from", start), moment("to", end)
        wallet = await database.balance(wallet_id, user.user_id, user.key_id)
        age = accepted(max_age)
        lines = database.statement(wallet_id, *period, user.user_id, age, user.key_id)
        accept = request.headers.get("accept", "")
        return await statement_response(wallet, lines, format, accept, services.download_timeout, age)

    @get(
        "/receipt",
        operation_id="checkReceipt",
        summary="Check a receipt",
        responses=errors("validation", "unauthorized", "WA001", "timeout"),
    )
    async def receipt(
        request: AuthenticatedRequest,
        id: TransactionId,  # noqa: A002 - the parameter's name, which errors show
        receipt: KeptReceipt,
        asset: AssetQuery = None,
    ) -> JsonResponse[Envelope[ReceiptCheck]]:
        """Hold a receipt that you kept against what is on record now: what is altered or removed contradicts it."""
        user = request.user
        wallet_id = await wallet_ids.find(request, asset)
        verdict = await database.verify_entry(wallet_id, id, receipt, user.user_id, user.key_id)
        return success("receipt", ReceiptCheck(id, receipt, msgspec.convert(verdict, Verdict)))

    return Router(
        "/api/wallet",
        route_handlers=[transactions, transaction, receipt, statement],
        before_request=signed_in(services.tokens, services.limits, keys=True),
        security=BY_KEYS,
        tags=["History"],
    )
