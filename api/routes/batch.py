"""Many requests of one client at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Router, post
from litestar.params import JSONBody

from api.auth.guards import signed_in
from api.database.functions import WRITTEN, BatchItem
from api.errors import BATCH_REFUSED, FieldError, ServiceError, from_postgres, invalid
from api.http.json_body import MAX_BATCH_BYTES, BatchRequest
from api.http.problems import problem
from api.http.responses import BODY_ERRORS, Answer, errors, read_transaction, success
from api.routes.parameters import Parts, in_utc, text
from api.schemas.batch import BatchItemRequest, BatchItemResult, BatchOrder, BatchResult
from api.schemas.common import Envelope, Row

ITEMS_PER_REQUEST = 20
"""How many items count as one more request of the user's, beside the one that brings them."""
MANY = 100
"""Results: to write more takes milliseconds."""


def batch_routes(parts: Parts) -> Router:
    """Return `/api/wallet/batch`."""
    single, wallets = parts.single, parts.wallets
    authenticate = signed_in(parts.tokens, parts.limits)

    async def admit(request: Request[Any, Any, Any]) -> None:
        await authenticate(request)
        # before the body is read, which may be large
        single.admission.require_room(request.user.user_id)

    @post(
        "/batch",
        status_code=200,
        operation_id="batch",
        summary="Batch",
        response_description="What became of each request",
        request_class=BatchRequest,
        request_max_body_size=MAX_BATCH_BYTES,
        responses=errors(
            *BODY_ERRORS, "unauthorized", "operators_only", "WA001", "WA002", "batch_refused", "busy", "timeout"
        ),
    )
    async def batch(request: BatchRequest, data: JSONBody[BatchOrder]) -> Answer[Envelope[BatchResult]]:
        """Run up to 1,000 requests on one wallet, in order and in one transaction; the body may have 1 MiB.

        Each has an outcome of its own. With `atomic`, one that is refused stops all: 409, with the same `results`.
        For the rate limit every twenty items count as a request, and so does every username.
        """
        user = request.user
        faults = [
            FieldError(f"requests[{place}].{field}", message)
            for place, item in enumerate(data.requests)
            if (found := _fault(item))
            for field, message in [found]
        ]
        if faults:
            raise invalid(*faults)
        wallet_id = await wallets.find(user, data.asset)
        for kind, let in (("topup", parts.let_top_up), ("refund", parts.let_refund)):
            if txn_ids := [item.txn_id for item in data.requests if item.type == kind]:
                await let(wallet_id, txn_ids, user.user_id)
        # a name is looked up, and its outcome tells whether there is such a user: as a single transfer would
        names = {item.to_username.lower() for item in data.requests if item.to_username is not None}
        if more := len(data.requests) // ITEMS_PER_REQUEST + len(names):
            parts.limits.user(user.user_id, more)
        items = [_item(place, item, wallet_id, user.user_id) for place, item in enumerate(data.requests)]
        rows = await single.requests(items, atomic=data.atomic)
        if len(rows) > MANY:
            await request.turn()
        undone = data.atomic and any(row["outcome"] not in WRITTEN for row in rows)
        request_id = request.scope["state"].get("request_id")
        results = [_result(item, row, request_id, undone=undone) for item, row in zip(data.requests, rows, strict=True)]
        if undone:
            raise ServiceError(BATCH_REFUSED, members={"results": results})
        return success("batch", BatchResult(results))

    return Router(
        "/api/wallet",
        route_handlers=[batch],
        before_request=admit,
        security=[{"bearer": []}],
        tags=["Wallet"],
    )


def _fault(item: BatchItemRequest) -> tuple[str, str] | None:
    """What does not fit the item's type and the database could not tell: two names for one argument."""
    if item.to_username is not None and item.to_wallet_id is not None:
        return "to_wallet_id", "exactly one of to_wallet_id and to_username must be given"
    if item.type == "refund" and item.hold_txn_id is not None:
        return "hold_txn_id", "is for a capture or void; a refund has an original_txn_id"
    if item.type != "refund" and item.original_txn_id is not None:
        return "original_txn_id", "is for a refund; a capture or void has a hold_txn_id"
    return None


def _item(place: int, item: BatchItemRequest, wallet_id: UUID, actor: UUID) -> BatchItem:
    return BatchItem(
        type=item.type,
        wallet_id=wallet_id,
        txn_id=item.txn_id,
        amount=item.amount,
        reference=item.reference,
        metadata=text(item.metadata),
        actor=actor,
        to_wallet_id=item.to_wallet_id,
        original_txn_id=item.original_txn_id or item.hold_txn_id,
        final=bool(item.final) if item.type == "capture" else item.final,
        expires_in=item.expires_in,
        effective_at=in_utc(f"requests[{place}].effective_at", item.effective_at),
        to_username=item.to_username,
    )


def _result(item: BatchItemRequest, row: Row, request_id: str | None, *, undone: bool) -> BatchItemResult:
    outcome = row["outcome"]
    if outcome == "replayed":
        return BatchItemResult(item.txn_id, "replayed", 200, read_transaction(row), None)
    if outcome == "ok":
        if undone:
            return BatchItemResult(item.txn_id, "rolled_back", 0, None, None)
        return BatchItemResult(item.txn_id, "ok", 201, read_transaction(row), None)
    refusal = from_postgres(outcome, row["detail"], row["hint"])
    if refusal is None:
        raise RuntimeError(f"unexpected outcome {outcome!r} from wallet_batch")
    return BatchItemResult(item.txn_id, "refused", refusal.kind.status, None, problem(refusal, request_id))
