"""What operators do with any user's wallet. The database asks for the role again, and keeps a record."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post, put
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, operator, signed_in
from api.database.functions import Details, Limit
from api.http.responses import BODY_ERRORS, MUTATION_ERRORS, REPLAY, Answer, errors, recorded, success
from api.routes.parameters import MomentQuery, Parts, details, in_utc, optional_moment, text
from api.schemas.common import ASSET_PATTERN, Envelope, Transaction, reader
from api.schemas.operator import (
    AccountBalance,
    Adjustment,
    AdjustmentRequest,
    Erasure,
    ErasureRequest,
    FundRequest,
    GiveBackRequest,
    KindLimits,
    LimitsByKind,
    LimitsRequest,
    StatusChange,
    StatusRequest,
    TrialBalance,
    WalletLimits,
)

OPERATOR_ERRORS = ("unauthorized", "WA027")
WALLET_ERRORS = (*BODY_ERRORS, *OPERATOR_ERRORS, "not_found", "WA001", "WA002", "busy", "timeout")

UserPath = Annotated[UUID, PathParameter(description="A user.")]
WalletPath = Annotated[UUID, PathParameter(description="A user's wallet.")]

read_status = reader(StatusChange)
read_adjustment = reader(Adjustment)
read_erasure = reader(Erasure)


def operator_routes(parts: Parts) -> Router:
    """Return `/api/operator`."""
    single = parts.single
    # who is no operator any more may ask for the first result again: the database knows who did what
    repeats = signed_in(parts.tokens, parts.limits)

    @post(
        "/wallets/{wallet_id:uuid}/status",
        status_code=200,
        operation_id="setStatus",
        summary="Set a wallet's status",
        responses=errors(*WALLET_ERRORS, "WA022"),
    )
    async def set_status(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[StatusRequest]
    ) -> Answer[Envelope[StatusChange]]:
        """Freeze a wallet (credits only), close an empty one (nothing at all), or make it active again."""
        row = await single.set_status(wallet_id, data.status, data.reason, request.user.user_id)
        return success("status set", read_status(row))

    @put(
        "/wallets/{wallet_id:uuid}/limits",
        operation_id="setLimits",
        summary="Set a wallet's limits",
        responses=errors(*WALLET_ERRORS),
    )
    async def set_limits(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[LimitsRequest]
    ) -> Answer[Envelope[WalletLimits]]:
        """Replace all limits of a wallet. What moved in the last 30 days counts at once."""
        limits = [
            Limit(kind, given.per_transaction, given.per_day, given.per_30_days)
            for kind in LimitsByKind.__struct_fields__
            if (given := getattr(data.limits, kind)) is not None
        ]
        rows = await single.set_limits(wallet_id, limits, data.floor, data.max_balance, request.user.user_id)
        kinds = {
            row["kind"]: KindLimits(row["per_transaction"], row["per_day"], row["per_30_days"])
            for row in rows
            if row["kind"] is not None
        }
        first = rows[0]
        return success(
            "limits set", WalletLimits(wallet_id, LimitsByKind(**kinds), first["floor"], first["max_balance"])
        )

    @post(
        "/wallets/{wallet_id:uuid}/adjust",
        operation_id="adjust",
        before_request=repeats,
        summary="Adjust a balance",
        response_description="The balance is corrected",
        responses={
            200: ResponseSpec(Envelope[Adjustment], generate_examples=False, description="A replay: the first result")
        }
        | errors(*MUTATION_ERRORS, "WA003", "WA027", "not_found"),
    )
    async def adjust(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[AdjustmentRequest]
    ) -> Answer[Envelope[Adjustment]]:
        """Correct a balance, up or down, by a transaction against the adjustments account."""
        more = Details(data.reason, text(data.metadata), in_utc("effective_at", data.effective_at))
        row = await single.adjust(wallet_id, data.txn_id, data.amount, more, request.user.user_id)
        adjustment = read_adjustment(row)
        if adjustment.replayed:
            return success("already on record", adjustment)
        return success("adjusted", adjustment, 201)

    @post(
        "/wallets/{wallet_id:uuid}/topup",
        operation_id="fund",
        before_request=repeats,
        summary="Top up a wallet",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA027", "not_found"),
    )
    async def fund(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[FundRequest]
    ) -> Answer[Envelope[Transaction]]:
        """Credit a wallet, as on a payment provider's confirmation."""
        row = await single.fund(wallet_id, data.txn_id, data.amount, details(data), request.user.user_id)
        return recorded("topped up", row)

    @post(
        "/wallets/{wallet_id:uuid}/refund",
        operation_id="giveBack",
        before_request=repeats,
        summary="Refund a user's transaction",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA020", "WA021", "WA027", "WA028", "not_found"),
    )
    async def give_back(
        request: AuthenticatedRequest, wallet_id: WalletPath, data: JSONBody[GiveBackRequest]
    ) -> Answer[Envelope[Transaction]]:
        """Give a spend or capture back, in parts if need be: never more than it took."""
        row = await single.give_back(
            wallet_id, data.txn_id, data.original_txn_id, data.amount, details(data), request.user.user_id
        )
        return recorded("refunded", row)

    @post(
        "/users/{user_id:uuid}/erase",
        status_code=200,
        operation_id="eraseUser",
        summary="Erase a user",
        responses=errors(*BODY_ERRORS, *OPERATOR_ERRORS, "not_found", "WA002", "WA029", "WA030", "busy", "timeout"),
    )
    async def erase_user(
        request: AuthenticatedRequest, user_id: UserPath, data: JSONBody[ErasureRequest]
    ) -> Answer[Envelope[Erasure]]:
        """Erase the person: name, password, and the details of their transactions, for good. The money stays."""
        return success("erased", read_erasure(await single.erase_user(user_id, data.reason, request.user.user_id)))

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
    ) -> Answer[Envelope[TrialBalance]]:
        """Show the system accounts and the sum of all user wallets, which net to zero. Reads the whole ledger."""
        moment = optional_moment("at", at)
        rows = await single.trial_balance(asset, moment, request.user.user_id)
        accounts = [
            AccountBalance(row["account"], row["entries"], int(row["debit"]), int(row["credit"]), int(row["balance"]))
            for row in rows
        ]
        total = sum(account.balance for account in accounts)
        return success("trial balance", TrialBalance(asset, moment, accounts, total))

    return Router(
        "/api/operator",
        route_handlers=[set_status, set_limits, adjust, fund, give_back, erase_user, trial_balance],
        before_request=operator(parts.tokens, parts.limits),
        security=[{"bearer": []}],
        tags=["Operators"],
    )
