"""The signed-in user's wallet: balance, and what moves money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Router, get, post
from litestar.params import JSONBody

from api.auth.guards import AuthenticatedRequest, signed_in
from api.database.requests import Mutation
from api.errors import FieldError, invalid
from api.http.fast_path import DIRECT
from api.http.openapi import BY_KEYS, KeyedOperation
from api.http.responses import MUTATION_ERRORS, REPLAY, JsonResponse, errors, recorded, success, success_of_age
from api.routes.parameters import AssetQuery, MaxAgeQuery, MomentQuery, accepted, details, in_utc, moment, text
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.transactions import RefundRequest, Transaction, TransactionRequest, TransferRequest
from api.schemas.wallets import Balance, BalanceAt

if TYPE_CHECKING:
    from uuid import UUID

    from api.auth.tokens import Principal
    from api.database.functions import Database
    from api.database.standby import Age


def wallet_routes(services: Services) -> Router:
    """Return `/api/wallet`."""
    database, wallet_ids = services.database, services.wallet_ids

    @get(
        "/balance",
        operation_id="getBalance",
        opt=DIRECT,
        summary="Balance",
        responses=errors("validation", "unauthorized", "WA001", "WA023", "WA036", "busy", "timeout"),
    )
    async def balance(
        request: AuthenticatedRequest, asset: AssetQuery = None, at: MomentQuery = None, max_age: MaxAgeQuery = 0
    ) -> JsonResponse[Envelope[Balance | BalanceAt]]:
        """Show the balance now, or with `at` that of everything recorded before a moment."""
        user = request.user
        wallet_id = await wallet_ids.find(request, asset)
        if at is None and not max_age:
            return success("balance", await database.balance(wallet_id, user.user_id, user.key_id))
        age = accepted(max_age)
        return success_of_age("balance", await _balance(database, wallet_id, at, user, age), age)

    @post(
        "/topup",
        operation_id="topUp",
        operation_class=KeyedOperation,
        opt=DIRECT,
        summary="Top up",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "operators_only"),
    )
    async def topup(
        request: AuthenticatedRequest, data: JSONBody[TransactionRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Credit the wallet. Safe to send again with the same `txn_id`: it happens once."""
        asked = await mutation("topup", request, data)
        await services.let_top_up(asked.wallet_id, [asked.txn_id], asked.actor, asked.key_id)
        return recorded("topped up", await database.mutate(asked))

    @post(
        "/spend",
        operation_id="spend",
        operation_class=KeyedOperation,
        opt=DIRECT,
        summary="Spend",
        response_description="The wallet was debited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA003"),
    )
    async def spend(
        request: AuthenticatedRequest, data: JSONBody[TransactionRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Debit the wallet, never below its floor. Safe to send again with the same `txn_id`: it happens once."""
        return recorded("spent", await database.mutate(await mutation("spend", request, data)))

    async def mutation(kind: str, request: AuthenticatedRequest, data: TransactionRequest) -> Mutation:
        user = request.user
        if data.asset is None:  # as `find` does it, without a coroutine
            wallet_id = user.wallet_id
            request.scope["state"]["wallet_id"] = user.wallet_text
        else:
            wallet_id = await wallet_ids.find(request, data.asset)
        moment = None if data.effective_at is None else in_utc("effective_at", data.effective_at)
        metadata = text(data.metadata)
        return Mutation(
            kind, wallet_id, data.txn_id, data.amount, data.reference, metadata, user.user_id, moment, user.key_id
        )

    @post(
        "/transfer",
        operation_id="transfer",
        operation_class=KeyedOperation,
        summary="Transfer",
        response_description="The money is in the other wallet",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA003", "WA009", "WA010", "WA011"),
    )
    async def transfer(
        request: AuthenticatedRequest, data: JSONBody[TransferRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Move money to another user's wallet of the same asset. Safe to send again with the same `txn_id`.

        To a wallet of another database of the service it may still be on its way: then `delivery` says so.
        """
        user = request.user
        to = data.to_wallet_id or data.to_username
        if to is None or (data.to_wallet_id is not None and data.to_username is not None):
            raise invalid(FieldError("to_wallet_id", "must be given, or to_username, and not both"))
        wallet_id = await wallet_ids.find(request, data.asset)
        transaction = await database.transfer(
            wallet_id, data.txn_id, data.amount, to, details(data), user.user_id, user.key_id
        )
        return recorded("transferred", transaction)

    @post(
        "/refund",
        operation_id="refund",
        operation_class=KeyedOperation,
        summary="Refund",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "operators_only", "WA020", "WA021", "WA028"),
    )
    async def refund(
        request: AuthenticatedRequest, data: JSONBody[RefundRequest]
    ) -> JsonResponse[Envelope[Transaction]]:
        """Give a spend or capture back, in parts if need be: never more than it took."""
        user = request.user
        wallet_id = await wallet_ids.find(request, data.asset)
        await services.let_refund(wallet_id, [data.txn_id], user.user_id, user.key_id)
        transaction = await database.refund(
            wallet_id, data.txn_id, data.original_txn_id, data.amount, details(data), user.user_id, user.key_id
        )
        return recorded("refunded", transaction)

    return Router(
        "/api/wallet",
        route_handlers=[balance, topup, spend, transfer, refund],
        before_request=signed_in(services.tokens, services.limits, keys=True),
        security=BY_KEYS,
        tags=["Wallet"],
    )


async def _balance(
    database: Database, wallet_id: UUID, at: str | None, user: Principal, age: Age | None
) -> Balance | BalanceAt:
    """Read a balance: the one of now only the primary has."""
    if at is None:
        return await database.balance(wallet_id, user.user_id, user.key_id)
    return await database.balance_at(wallet_id, moment("at", at), user.user_id, age, user.key_id)
