"""What moves money, and its result."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from api.schemas.fields import (
    ANOTHER_WALLET_ID,
    MAX_AMOUNT,
    ORIGINAL_TXN_ID,
    Amount,
    Asset,
    Available,
    BalanceAmount,
    CreatedAt,
    Delivery,
    EffectiveAt,
    JsonObject,
    Receipt,
    Reference,
    Scale,
    TransactionType,
    TxnId,
    Username,
    WalletId,
    WhichAsset,
)


class DetailedRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every transaction can carry. All of it is part of the request that a replay must match."""

    reference: Reference | None = None
    metadata: JsonObject = field(default_factory=Raw)
    effective_at: EffectiveAt | None = None


class TransactionRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A top-up or spend."""

    txn_id: TxnId
    amount: Amount
    asset: WhichAsset | None = None


class TransferRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A transfer: exactly one of `to_username` and `to_wallet_id`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"to_username": "bob", "to_wallet_id": UNSET}

    txn_id: TxnId
    amount: Amount
    to_username: Username | None = None
    to_wallet_id: Annotated[UUID, Meta(description="The recipient's wallet.", examples=[ANOTHER_WALLET_ID])] | None = (
        None
    )
    asset: WhichAsset | None = None


class RefundRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A refund of a spend or capture."""

    txn_id: TxnId
    original_txn_id: Annotated[
        UUID, Meta(description="The `txn_id` of the spend or capture.", examples=[ORIGINAL_TXN_ID])
    ]
    amount: (
        Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Without: all that is left.", examples=[100])] | None
    ) = None
    asset: WhichAsset | None = None


class Transaction(Struct):
    """The result of a mutation, with the balance right after it; the same for every replay but for `replayed`."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: TxnId
    wallet_id: WalletId
    type: TransactionType
    amount: Amount
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    available: Available
    replayed: Annotated[bool, Meta(description="Already on record: nothing was written now.", examples=[False])]
    created_at: CreatedAt
    receipt: Receipt
    delivery: Delivery | UnsetType = UNSET
