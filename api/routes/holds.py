"""Holds: money set aside, then captured or released."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, signed_in
from api.database.functions import Details
from api.http.responses import MUTATION_ERRORS, REPLAY, Answer, errors, recorded, success
from api.routes.parameters import AssetQuery, CursorQuery, LimitQuery, Parts, cursor_at, details, json, place_of, text
from api.schemas.common import CaptureRequest, Envelope, Hold, HoldPage, HoldRequest, Transaction, VoidRequest

SETTLED = ("not_found", "WA015", "WA016", "WA017", "WA018")

HoldPath = Annotated[UUID, PathParameter(description="The `txn_id` of the hold.")]


def hold_routes(parts: Parts) -> Router:
    """Return `/api/wallet/holds`."""
    single, wallets = parts.single, parts.wallets

    @post(
        operation_id="hold",
        summary="Hold",
        response_description="The money is set aside",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA003", "WA025"),
    )
    async def hold(request: AuthenticatedRequest, data: JSONBody[HoldRequest]) -> Answer[Envelope[Transaction]]:
        """Set money aside: it stays in the balance, but only a capture of this hold can take it."""
        user = request.user
        wallet_id = await wallets.find(user, data.asset)
        more = Details(data.reference, text(data.metadata), None)
        return recorded(
            "held", await single.hold(wallet_id, data.txn_id, data.amount, data.expires_in, more, user.user_id)
        )

    @get(
        operation_id="listHolds",
        summary="Holds",
        response_description="A page, newest first",
        responses=errors("validation", "unauthorized", "WA001", "WA024", "timeout"),
    )
    async def holds(
        request: AuthenticatedRequest,
        status: Annotated[
            Literal["open", "expired", "captured", "voided"] | None, QueryParameter(description="Only these.")
        ] = None,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        asset: AssetQuery = None,
    ) -> Answer[Envelope[HoldPage]]:
        """Page through the wallet's holds, newest first."""
        user = request.user
        before_id = place_of(cursor)
        rows = await single.holds(await wallets.find(user, asset), status, limit + 1, before_id, user.user_id)
        items = [
            Hold(
                id=row["id"],
                txn_id=row["txn_id"],
                status=row["status"],
                amount=row["amount"],
                captured=row["captured"],
                remaining=row["remaining"],
                reference=row["reference"],
                metadata=json(row["metadata"]),
                expires_at=row["expires_at"],
                created_at=row["created_at"],
            )
            for row in rows[:limit]
        ]
        return success("holds", HoldPage(items, cursor_at(items[-1].id) if len(rows) > limit else None))

    @post(
        "/{txn_id:uuid}/capture",
        operation_id="capture",
        summary="Capture a hold",
        response_description="The wallet was debited",
        responses=REPLAY | errors(*MUTATION_ERRORS, *SETTLED, "WA019"),
    )
    async def capture(
        request: AuthenticatedRequest, txn_id: HoldPath, data: JSONBody[CaptureRequest]
    ) -> Answer[Envelope[Transaction]]:
        """Take what a hold set aside, or a part of it."""
        user = request.user
        wallet_id = await wallets.find(user, data.asset)
        row = await single.capture(
            wallet_id, data.txn_id, txn_id, data.amount, details(data), user.user_id, final=data.final
        )
        return recorded("captured", row)

    @post(
        "/{txn_id:uuid}/void",
        operation_id="void",
        summary="Void a hold",
        response_description="What was left of the hold is free again",
        responses=REPLAY | errors(*MUTATION_ERRORS, *SETTLED),
    )
    async def void(
        request: AuthenticatedRequest, txn_id: HoldPath, data: JSONBody[VoidRequest]
    ) -> Answer[Envelope[Transaction]]:
        """Release what is left of a hold: it can never be captured afterwards."""
        user = request.user
        wallet_id = await wallets.find(user, data.asset)
        return recorded("voided", await single.void(wallet_id, data.txn_id, txn_id, user.user_id))

    return Router(
        "/api/wallet/holds",
        route_handlers=[hold, holds, capture, void],
        before_request=signed_in(parts.tokens, parts.limits),
        security=[{"bearer": []}],
        tags=["Holds"],
    )
