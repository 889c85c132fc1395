"""The shapes of client batches."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, field

from api.schemas.envelope import Problem
from api.schemas.fields import (
    MAX_AMOUNT,
    TXN_ID,
    EffectiveAt,
    JsonObject,
    Reference,
    TxnId,
    Username,
    WalletId,
    WhichAsset,
)
from api.schemas.problems import Refusal
from api.schemas.transactions import Transaction

MAX_ITEMS = 1000

ItemType = Literal["topup", "spend", "transfer", "hold", "capture", "void", "refund"]


class BatchItemRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """One request: the fields that the call of its type takes."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "type": "topup",
        **dict.fromkeys(
            ("to_wallet_id", "to_username", "original_txn_id", "hold_txn_id", "final", "expires_in"), UNSET
        ),
    }

    type: ItemType
    txn_id: TxnId
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Minor units.", examples=[100])] | None = None
    to_wallet_id: WalletId | None = None
    to_username: Username | None = None
    original_txn_id: Annotated[UUID, Meta(description="Refunds: what to give back.")] | None = None
    hold_txn_id: Annotated[UUID, Meta(description="Captures and voids: the hold.")] | None = None
    final: bool | None = None
    expires_in: Annotated[int, Meta(ge=1, le=31_536_000, description="Holds: seconds.")] | None = None
    reference: Reference | None = None
    metadata: JsonObject = field(default_factory=Raw)
    effective_at: EffectiveAt | None = None


class BatchOrder(Struct, forbid_unknown_fields=True, kw_only=True):
    """Up to 1,000 requests on one wallet."""

    requests: Annotated[
        list[BatchItemRequest],
        Meta(
            min_length=1,
            max_length=MAX_ITEMS,
            description="Take effect in this order.",
            examples=[[{"type": "topup", "txn_id": TXN_ID, "amount": 100}]],
        ),
    ]
    atomic: Annotated[bool, Meta(description="All or nothing.", examples=[True])] = False
    asset: WhichAsset | None = None


class BatchItemResult(Struct):
    """What became of one request."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"problem": None}

    txn_id: Annotated[UUID, Meta(examples=[TXN_ID])]
    outcome: Annotated[
        Literal["ok", "replayed", "refused", "rolled_back"],
        Meta(description="`rolled_back`: nothing wrong with it, but the atomic batch was refused.", examples=["ok"]),
    ]
    status: Annotated[int, Meta(description="HTTP status of the single call; 0 for `rolled_back`.", examples=[201])]
    result: Annotated[Transaction | None, Meta(description="As the single call answers it.")]
    problem: Refusal


class BatchResult(Struct):
    """What became of each request, in their order."""

    results: list[BatchItemResult]


class BatchRefused(Problem, kw_only=True):
    """An item of an atomic batch was refused, so that nothing of it was written."""

    code: Literal["batch_refused"]
    results: list[BatchItemResult]
