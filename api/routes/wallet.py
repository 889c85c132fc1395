"""The signed-in user's wallet: balance, top-up, spend, history."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Annotated

import asyncpg
from litestar import Router, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, QueryParameter
from msgspec import Raw

from api.auth import AuthenticatedRequest, Principal, Tokens, signed_in
from api.database import Database, Mutation
from api.errors import FieldError, invalid
from api.routes.answers import BODY_ERRORS, Answer, errors, success
from api.schemas import Balance, Entry, EntryPage, Envelope, Transaction, TransactionRequest, reader

MUTATION_ERRORS = (*BODY_ERRORS, "unauthorized", "WA002", "WA004", "WA006", "busy", "timeout")
REPLAY = {200: ResponseSpec(Envelope[Transaction], generate_examples=False, description="A replay: the first result")}
MAX_SEQ = 2**63 - 1

Mutate = Callable[[Mutation], Awaitable[asyncpg.Record]]

read_balance = reader(Balance)
read_transaction = reader(Transaction)


def wallet_routes(database: Database, mutate: Mutate, tokens: Tokens) -> Router:
    """Return `/api/wallet`. `mutate` runs what moves money: alone, or in a batch with others."""

    @get("/balance", operation_id="getBalance", summary="Balance", responses=errors("unauthorized"))
    async def balance(request: AuthenticatedRequest) -> Answer[Envelope[Balance]]:
        """Show the balance now."""
        user = request.user
        row = await database.balance(user.wallet_id, user.user_id)
        return success("balance", read_balance(row))

    @post(
        "/topup",
        operation_id="topUp",
        summary="Top up",
        response_description="The wallet was credited",
        responses=REPLAY | errors(*MUTATION_ERRORS),
    )
    async def topup(request: AuthenticatedRequest, data: JSONBody[TransactionRequest]) -> Answer[Envelope[Transaction]]:
        """Credit the wallet. Safe to send again with the same `txn_id`: it happens once."""
        row = await mutate(_mutation("topup", request.user, data))
        return _recorded("topped up", read_transaction(row))

    @post(
        "/spend",
        operation_id="spend",
        summary="Spend",
        response_description="The wallet was debited",
        responses=REPLAY | errors(*MUTATION_ERRORS, "WA003"),
    )
    async def spend(request: AuthenticatedRequest, data: JSONBody[TransactionRequest]) -> Answer[Envelope[Transaction]]:
        """Debit the wallet, never below zero. Safe to send again with the same `txn_id`: it happens once."""
        row = await mutate(_mutation("spend", request.user, data))
        return _recorded("spent", read_transaction(row))

    @get(
        "/transactions",
        operation_id="listTransactions",
        summary="History",
        response_description="A page, newest first",
        responses=errors("validation", "unauthorized"),
    )
    async def transactions(
        request: AuthenticatedRequest,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Entries in the page.")] = 50,
        cursor: Annotated[
            str | None, QueryParameter(max_length=64, description="`next_cursor` of the page before.")
        ] = None,
    ) -> Answer[Envelope[EntryPage]]:
        """Page through the wallet's ledger entries, newest first. Pages stay as they are while new entries arrive."""
        user = request.user
        before_seq = None if cursor is None else _seq(cursor)
        rows = await database.entries(user.wallet_id, limit + 1, before_seq, user.user_id)
        items = [
            Entry(
                id=row["id"],
                txn_id=row["txn_id"],
                type=row["type"],
                amount=row["amount"],
                balance=row["balance"],
                reference=row["reference"],
                metadata=Raw((row["metadata"] or "null").encode()),
                created_at=row["created_at"],
            )
            for row in rows[:limit]
        ]
        next_cursor = _cursor(rows[limit - 1]["seq"]) if len(rows) > limit else None
        return success("transactions", EntryPage(items, next_cursor))

    return Router(
        "/api/wallet",
        route_handlers=[balance, topup, spend, transactions],
        before_request=signed_in(tokens),
        security=[{"bearer": []}],
        tags=["Wallet"],
    )


def _mutation(kind: str, user: Principal, data: TransactionRequest) -> Mutation:
    return Mutation(kind, user.wallet_id, data.txn_id, data.amount, data.reference, _text(data.metadata), user.user_id)


def _recorded(message: str, transaction: Transaction) -> Answer[Envelope[Transaction]]:
    """201 for what was written now, 200 for what was on record already."""
    if transaction.replayed:
        return success("already on record", transaction)
    return success(message, transaction, 201)


def _text(value: Raw) -> str | None:
    """JSON as it was sent, None for none."""
    return bytes(value).decode() or None


def _cursor(seq: int) -> str:
    return urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _seq(cursor: str) -> int:
    """Read a cursor back. Raises ServiceError (422) for one that this service did not make."""
    try:
        digits = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seq = int(digits) if digits.isdigit() else 0
    except ValueError:
        seq = 0
    if not 0 < seq <= MAX_SEQ or _cursor(seq) != cursor:
        raise invalid(FieldError("cursor", "is not a cursor of this service"))
    return seq
