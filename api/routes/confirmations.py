"""Requests of operators that wait for a second one."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, operator, signed_in
from api.http.openapi import ACT, LOOK
from api.http.responses import BODY_ERRORS, JsonResponse, errors, recorded, success
from api.routes.operator import OPERATOR_ERRORS
from api.routes.parameters import MAX_ID, LimitQuery, PlacesQuery, decode_places, encode_cursor, named, number
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.operator import Adjustment, Confirmation, ConfirmationPage, RejectionRequest

DECISION_ERRORS = (*OPERATOR_ERRORS, "not_found", "validation", "WA002", "WA038", "WA039", "WA040", "busy", "timeout")
REQUEST_ERRORS = ("WA001", "WA003", "WA004", "WA006", "WA012", "WA013", "WA020", "WA021", "WA023", "WA028")

ConfirmationPath = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="A confirmation.")]


def confirmation_routes(services: Services) -> Router:
    """Return `/api/operator/confirmations`."""
    database = services.database

    @get(
        operation_id="listConfirmations",
        tags=[LOOK],
        summary="Requests that wait for a second operator",
        response_description="A page, newest first",
        responses=errors(*OPERATOR_ERRORS, "validation", "WA024", "timeout"),
    )
    async def confirmations(
        request: AuthenticatedRequest,
        status: Annotated[
            Literal["waiting", "confirmed", "rejected"] | None, QueryParameter(description="Only these.")
        ] = None,
        limit: LimitQuery = 50,
        cursor: PlacesQuery = None,
    ) -> JsonResponse[Envelope[ConfirmationPage]]:
        """Page through the adjustments and refunds that wait for another operator's confirmation, or waited."""
        page = await database.confirmations(status, limit, decode_places(cursor), request.user.user_id)
        return success("confirmations", ConfirmationPage(page.items, encode_cursor(page.next), named(page.away)))

    @post(
        "/{confirmation_id:int}/confirm",
        operation_id="confirm",
        tags=[ACT],
        # whoever confirmed it gets the transaction again, as an operator of before too: the database knows
        before_request=signed_in(services.tokens, services.limits),
        summary="Confirm a request",
        response_description="The request took effect, in the name of whoever asked",
        responses={
            200: ResponseSpec(Envelope[Adjustment], generate_examples=False, description="A replay: the first result")
        }
        | errors(*DECISION_ERRORS, *REQUEST_ERRORS),
    )
    async def confirm(
        request: AuthenticatedRequest, confirmation_id: ConfirmationPath
    ) -> JsonResponse[Envelope[Adjustment]]:
        """Let another operator's adjustment or refund take effect. If the wallet refuses it, it stays waiting."""
        which = number(request, confirmation_id)
        return recorded("confirmed", await database.confirm(which, request.user.user_id))

    @post(
        "/{confirmation_id:int}/reject",
        status_code=200,
        operation_id="reject",
        tags=[ACT],
        summary="Reject a request",
        responses=errors(*BODY_ERRORS, *DECISION_ERRORS),
    )
    async def reject(
        request: AuthenticatedRequest, confirmation_id: ConfirmationPath, data: JSONBody[RejectionRequest]
    ) -> JsonResponse[Envelope[Confirmation]]:
        """Reject a request that waits, one's own too: it can never be confirmed afterwards."""
        which = number(request, confirmation_id)
        return success("rejected", await database.reject(which, data.reason, request.user.user_id))

    return Router(
        "/api/operator/confirmations",
        route_handlers=[confirmations, confirm, reject],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
    )
