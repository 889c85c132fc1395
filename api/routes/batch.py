"""Many requests of one client at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Router, post
from litestar.params import JSONBody

from api.auth.guards import count, signed_in
from api.auth.tokens import Principal, unauthorized
from api.database.requests import BatchItem
from api.errors import BATCH_REFUSED, KEY_NOT_VALID, UNAUTHORIZED, FieldError, ServiceError, invalid
from api.http.json_body import MAX_BATCH_BYTES, BatchRequest
from api.http.openapi import BY_KEYS
from api.http.problems import problem
from api.http.responses import BODY_ERRORS, JsonResponse, errors, success
from api.routes.parameters import in_utc, text
from api.routes.services import Services
from api.schemas.batch import BatchItemRequest, BatchItemResult, BatchOrder, BatchResult
from api.schemas.envelope import Envelope
from api.schemas.transactions import Transaction

ITEMS_PER_REQUEST = 20
"""Items of a batch that count as one more request for the rate limit."""
MANY = 100
"""Writing the results of more items takes milliseconds: other requests get a turn before."""


def batch_routes(services: Services) -> Router:
    """Return `/api/wallet/batch`."""
    database, wallet_ids = services.database, services.wallet_ids
    authenticate = signed_in(services.tokens, services.limits, keys=True)

    async def admit(request: Request[Any, Any, Any]) -> None:
        await authenticate(request)
        # before the body is read, which may be large
        database.require_room(request.user.user_id)

    @post(
        "/batch",
        status_code=200,
        operation_id="runBatch",
        summary="Batch",
        response_description="What became of each request",
        request_class=BatchRequest,
        request_max_body_size=MAX_BATCH_BYTES,
        responses=errors(
            *BODY_ERRORS, "unauthorized", "operators_only", "WA001", "WA002", "batch_refused", "busy", "timeout"
        ),
    )
    async def batch(request: BatchRequest, data: JSONBody[BatchOrder]) -> JsonResponse[Envelope[BatchResult]]:
        """Run up to 1,000 requests on one wallet, in order and in one transaction; the body may have 1 MiB.

        Each has an outcome of its own. With `atomic`, one that is refused stops all: 409, with the same `results`.
        For the rate limit every twenty items count as a request, and so does every username.
        """
        user = request.user
        faults = [
            FieldError(f"requests[{index}].{field}", message)
            for index, item in enumerate(data.requests)
            if (found := _fault(item))
            for field, message in [found]
        ]
        if faults:
            raise invalid(*faults)
        request.scope["state"]["items"] = len(data.requests)
        wallet_id = await wallet_ids.find(request, data.asset)
        for kind, let in (("topup", services.let_top_up), ("refund", services.let_refund)):
            if txn_ids := [item.txn_id for item in data.requests if item.type == kind]:
                await let(wallet_id, txn_ids, user.user_id, user.key_id)
        # each username counts, as in a single transfer: the outcome tells whether there is such a user
        names = {item.to_username.lower() for item in data.requests if item.to_username is not None}
        if more := len(data.requests) // ITEMS_PER_REQUEST + len(names):
            count(services.limits, user, more)
        items = [_item(index, item, wallet_id, user) for index, item in enumerate(data.requests)]
        outcomes = await database.batch(items, atomic=data.atomic)
        _require_key(outcomes)
        if len(outcomes) > MANY:
            await request.turn()
        undone = data.atomic and any(isinstance(outcome, ServiceError) for outcome in outcomes)
        request_id = request.scope["state"].get("request_id")
        results = [
            _result(item.txn_id, outcome, request_id, undone=undone)
            for item, outcome in zip(data.requests, outcomes, strict=True)
        ]
        if undone:
            raise ServiceError(BATCH_REFUSED, members={"results": results})
        return success("batch", BatchResult(results))

    return Router(
        "/api/wallet",
        route_handlers=[batch],
        before_request=admit,
        security=BY_KEYS,
        tags=["Wallet"],
    )


def _require_key(outcomes: Sequence[Transaction | ServiceError]) -> None:
    """Raise ServiceError (401) where a key ended before the batch."""
    if all(isinstance(outcome, ServiceError) and outcome.kind is UNAUTHORIZED for outcome in outcomes):
        raise unauthorized(KEY_NOT_VALID)


def _fault(item: BatchItemRequest) -> tuple[str, str] | None:
    """Return the field at fault and why. The database cannot tell: two fields are one argument there."""
    if item.to_username is not None and item.to_wallet_id is not None:
        return "to_wallet_id", "must be given, or to_username, and not both"
    if item.type == "refund" and item.hold_txn_id is not None:
        return "hold_txn_id", "is for a capture or void; a refund has an original_txn_id"
    if item.type != "refund" and item.original_txn_id is not None:
        return "original_txn_id", "is for a refund; a capture or void has a hold_txn_id"
    return None


def _item(index: int, item: BatchItemRequest, wallet_id: UUID, user: Principal) -> BatchItem:
    return BatchItem(
        type=item.type,
        wallet_id=wallet_id,
        txn_id=item.txn_id,
        amount=item.amount,
        reference=item.reference,
        metadata=text(item.metadata),
        actor=user.user_id,
        to_wallet_id=item.to_wallet_id,
        original_txn_id=item.original_txn_id or item.hold_txn_id,
        final=bool(item.final) if item.type == "capture" else item.final,
        expires_in=item.expires_in,
        effective_at=in_utc(f"requests[{index}].effective_at", item.effective_at),
        to_username=item.to_username,
        key_id=user.key_id,
    )


def _result(
    txn_id: UUID, outcome: Transaction | ServiceError, request_id: str | None, *, undone: bool
) -> BatchItemResult:
    if isinstance(outcome, ServiceError):
        return BatchItemResult(txn_id, "refused", outcome.kind.status, None, problem(outcome, request_id))
    if outcome.replayed:
        return BatchItemResult(txn_id, "replayed", 200, outcome, None)
    if undone:
        return BatchItemResult(txn_id, "rolled_back", 0, None, None)
    return BatchItemResult(txn_id, "ok", 201, outcome, None)
