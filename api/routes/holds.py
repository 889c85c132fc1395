"""Holds: money set aside, then captured or released."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, signed_in
from api.database.requests import Details
from api.http.openapi import BY_KEYS, KeyedOperation
from api.http.responses import MUTATION_ERRORS, REPLAY, JsonResponse, errors, recorded, success
from api.routes.parameters import AssetQuery, CursorQuery, LimitQuery, decode_cursor, details, encode_cursor, text
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.holds import CaptureRequest, HoldPage, HoldRequest, VoidRequest
from api.schemas.transactions import Transaction

SETTLED = ("not_found", "WA015", "WA016", "WA017", "WA018")

HoldStatus = Annotated[
    Literal["open", "expired", "captured", "voided"] | None, QueryParameter(description="Only these.")
]
HoldPath = Annotated[UUID, PathParameter(description="The `txn_id` of the hold.")]


def hold_routes(services: Services) -> Router:
    """Return `/api/wallet/holds`."""
    database, wallet_ids = services.database, services.wallet_ids

    @post(
        operation_id="placeHold",
        operation_class=KeyedOperation,
        summary="Hold",
        response_description="The money is set aside",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA003", "WA025"),
    )
    async def hold(request: AuthenticatedRequest, data: JSONBody[HoldRequest]) -> JsonResponse[Envelope[Transaction]]:
        """Set money aside: it stays in the balance, but only a capture of this hold can take it."""
        user = request.user
        wallet_id = await wallet_ids.find(request, data.asset)
        more = Details(data.reference, text(data.metadata), None)
        transaction = await database.hold(
            wallet_id, data.txn_id, data.amount, data.expires_in, more, user.user_id, user.key_id
        )
        return recorded("held", transaction)

    @get(
        operation_id="listHolds",
        summary="Holds",
        response_description="A page, newest first",
        responses=errors("validation", "unauthorized", "WA001", "WA024", "timeout"),
    )
    async def holds(
        request: AuthenticatedRequest,
        status: HoldStatus = None,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        asset: AssetQuery = None,
    ) -> JsonResponse[Envelope[HoldPage]]:
        """Page through the wallet's holds, newest first."""
        user = request.user
        before_id = decode_cursor(cursor)
        wallet_id = await wallet_ids.find(request, asset)
        page = await database.holds(wallet_id, status, limit, before_id, user.user_id, user.key_id)
        return success("holds", HoldPage(page.items, encode_cursor(page.next)))

    @post(
        "/{txn_id:uuid}/capture",
        operation_id="captureHold",
        operation_class=KeyedOperation,
        summary="Capture a hold",
        response_description="The wallet was debited",
        responses=REPLAY | errors(*MUTATION_ERRORS, *SETTLED, "WA019"),
    )
    async def capture(
        request: AuthenticatedRequest, txn_id: HoldPath, data: JSONBody[CaptureRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Take what a hold set aside, or a part of it."""
        user = request.user
        wallet_id = await wallet_ids.find(request, data.asset)
        transaction = await database.capture(
            wallet_id, data.txn_id, txn_id, data.amount, details(data), user.user_id, user.key_id, final=data.final
        )
        return recorded("captured", transaction)

    @post(
        "/{txn_id:uuid}/void",
        operation_id="voidHold",
        operation_class=KeyedOperation,
        summary="Void a hold",
        response_description="What was left of the hold is free again",
        responses=REPLAY | errors(*MUTATION_ERRORS, *SETTLED),
    )
    async def void(
        request: AuthenticatedRequest, txn_id: HoldPath, data: JSONBody[VoidRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Release what is left of a hold: it can never be captured afterwards."""
        user = request.user
        wallet_id = await wallet_ids.find(request, data.asset)
        return recorded("voided", await database.void(wallet_id, data.txn_id, txn_id, user.user_id, user.key_id))

    return Router(
        "/api/wallet/holds",
        route_handlers=[hold, holds, capture, void],
        before_request=signed_in(services.tokens, services.limits, keys=True),
        security=BY_KEYS,
        tags=["Holds"],
    )
