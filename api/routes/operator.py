"""What operators do with any user's wallet. The database asks for the role again, and keeps a record."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Annotated
from uuid import UUID

from litestar import Router, post, put
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from api.auth.guards import AuthenticatedRequest, operator, signed_in
from api.auth.tokens import reset_token_hash
from api.database.requests import Correction, Details
from api.http.openapi import ACT, KeyedOperation
from api.http.responses import BODY_ERRORS, MUTATION_ERRORS, REPLAY, JsonResponse, errors, proposed, recorded, success
from api.routes.parameters import details, in_utc, text
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.operator import (
    Adjustment,
    AdjustmentRequest,
    Confirmation,
    Erasure,
    ErasureRequest,
    FundRequest,
    GiveBackRequest,
    LimitsRequest,
    PasswordResetRequest,
    PasswordResetToken,
    StatusChange,
    StatusRequest,
    WalletLimits,
)
from api.schemas.transactions import Transaction

OPERATOR_ERRORS = ("unauthorized", "WA027")
WAITS = {
    202: ResponseSpec(
        Envelope[Confirmation],
        generate_examples=False,
        description="Above `PGWALLET_FOUR_EYES`: nothing moved, it waits for another operator's confirmation",
    )
}
WALLET_ERRORS = (*BODY_ERRORS, *OPERATOR_ERRORS, "not_found", "WA001", "WA002", "WA038", "busy", "timeout")
USER_ERRORS = (*BODY_ERRORS, *OPERATOR_ERRORS, "not_found", "WA002", "WA029", "WA038", "busy", "timeout")

UserPath = Annotated[UUID, PathParameter(description="A user.")]
WalletPath = Annotated[UUID, PathParameter(description="A user's wallet.")]


def operator_routes(services: Services) -> Router:
    """Return `/api/operator`."""
    database = services.database
    # a former operator may repeat a request and get its first result: the database knows whose request it was
    repeats = signed_in(services.tokens, services.limits)

    @post(
        "/wallets/{wallet_id:uuid}/status",
        status_code=200,
        operation_id="setStatus",
        summary="Set a wallet's status",
        responses=errors(*WALLET_ERRORS, "WA022"),
    )
    async def set_status(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[StatusRequest]
    ) -> JsonResponse[Envelope[StatusChange]]:
        """Freeze a wallet (credits only), close an empty one (nothing at all), or make it active again."""
        change = await database.set_status(wallet_id, data.status, data.reason, request.user.user_id)
        return success("status set", change)

    @put(
        "/wallets/{wallet_id:uuid}/limits",
        operation_id="setLimits",
        summary="Set a wallet's limits",
        responses=errors(*WALLET_ERRORS),
    )
    async def set_limits(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[LimitsRequest]
    ) -> JsonResponse[Envelope[WalletLimits]]:
        """Replace all limits of a wallet, `floor` and `max_balance`: what is left out ends (`floor` is 0 then).

        Look at the wallet first, and send all that is to stay. What moved in the last 30 days counts at once.
        """
        return success("limits set", await database.set_limits(wallet_id, data, request.user.user_id))

    @post(
        "/wallets/{wallet_id:uuid}/adjust",
        operation_id="adjustBalance",
        operation_class=KeyedOperation,
        before_request=repeats,
        summary="Adjust a balance",
        response_description="The balance is corrected",
        responses={
            200: ResponseSpec(Envelope[Adjustment], generate_examples=False, description="A replay: the first result")
        }
        | WAITS
        | errors(*MUTATION_ERRORS, "WA003", "WA027", "WA038", "WA040", "not_found"),
    )
    async def adjust(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[AdjustmentRequest]
    ) -> JsonResponse[Envelope[Adjustment]]:
        """Correct a balance, up or down, by a transaction against the adjustments account."""
        more = Details(data.reason, text(data.metadata), in_utc("effective_at", data.effective_at))
        asked = Correction("adjustment", wallet_id, data.txn_id, None, data.amount, more, request.user.user_id)
        waits = await services.propose(asked)
        return proposed(waits) if waits else recorded("adjusted", await database.adjust(asked))

    @post(
        "/wallets/{wallet_id:uuid}/topup",
        operation_id="topUpForUser",
        operation_class=KeyedOperation,
        before_request=repeats,
        summary="Top up a wallet",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA027", "WA038", "not_found"),
    )
    async def fund(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[FundRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Credit a wallet, as on a payment provider's confirmation."""
        transaction = await database.fund(wallet_id, data.txn_id, data.amount, details(data), request.user.user_id)
        return recorded("topped up", transaction)

    @post(
        "/wallets/{wallet_id:uuid}/refund",
        operation_id="refundForUser",
        operation_class=KeyedOperation,
        before_request=repeats,
        summary="Refund a user's transaction",
        response_description="The wallet was credited",
        responses=REPLAY
        | WAITS
        | errors(*MUTATION_ERRORS, "WA020", "WA021", "WA027", "WA028", "WA038", "WA040", "not_found"),
    )
    async def give_back(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[GiveBackRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Give a spend or capture back, in parts if need be: never more than it took."""
        more, actor = details(data), request.user.user_id
        asked = Correction("refund", wallet_id, data.txn_id, data.original_txn_id, data.amount, more, actor)
        waits = await services.propose(asked)
        return proposed(waits) if waits else recorded("refunded", await database.give_back(asked))

    @post(
        "/users/{user_id:uuid}/password-reset",
        operation_id="createPasswordReset",
        summary="Make a password reset token",
        response_description="The token, which is shown once",
        responses=errors(*USER_ERRORS),
    )
    async def create_password_reset(
        request: AuthenticatedRequest, user_id: UserPath, data: JSONBody[PasswordResetRequest]
    ) -> JsonResponse[Envelope[PasswordResetToken]]:
        """Make a one-time token for a user who forgot the password; an earlier token ends.

        An operator's password is reset by an administrator alone (WA038).
        """
        token = token_urlsafe(32) + database.mark(user_id)
        expires_at = await database.create_password_reset(
            user_id, reset_token_hash(token), data.reason, data.expires_in, request.user.user_id
        )
        return success("password reset token made", PasswordResetToken(user_id, token, expires_at), 201)

    @post(
        "/users/{user_id:uuid}/erase",
        status_code=200,
        operation_id="eraseUser",
        summary="Erase a user",
        responses=errors(*USER_ERRORS, "WA030"),
    )
    async def erase_user(
        request: AuthenticatedRequest, user_id: UserPath, data: JSONBody[ErasureRequest]
    ) -> JsonResponse[Envelope[Erasure]]:
        """Erase the person: name, password, and the details of their transactions. The money stays.

        It cannot be undone.
        """
        return success("erased", await database.erase_user(user_id, data.reason, request.user.user_id))

    return Router(
        "/api/operator",
        route_handlers=[
            set_status,
            set_limits,
            fund,
            give_back,
            adjust,
            create_password_reset,
            erase_user,
        ],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[ACT],
    )
