"""Holds: money set aside."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

from api.schemas.fields import (
    MAX_AMOUNT,
    Amount,
    CreatedAt,
    ExpiresAt,
    HoldTxnId,
    JsonObject,
    Reference,
    TxnId,
    WhichAsset,
)
from api.schemas.transactions import DetailedRequest


class HoldRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Money to set aside."""

    txn_id: TxnId
    amount: Amount
    expires_in: (
        Annotated[int, Meta(ge=1, le=31_536_000, description="Seconds; 7 days without.", examples=[3600])] | None
    ) = None
    reference: Reference | None = None
    metadata: JsonObject = field(default_factory=Raw)
    asset: WhichAsset | None = None


class CaptureRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """What to take of a hold."""

    txn_id: TxnId
    amount: (
        Annotated[
            int,
            Meta(ge=1, le=MAX_AMOUNT, description="Without: all that is left, and the hold closes.", examples=[100]),
        ]
        | None
    ) = None
    final: Annotated[bool, Meta(description="Release what this leaves of the hold.", examples=[True])] = False
    asset: WhichAsset | None = None


class VoidRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The release of a hold."""

    txn_id: TxnId
    asset: WhichAsset | None = None


class Hold(Struct):
    """Money set aside."""

    id: Annotated[int, Meta(description="The server's number of the hold.", examples=[3])]
    txn_id: HoldTxnId
    status: Annotated[Literal["open", "expired", "captured", "voided"], Meta(examples=["open"])]
    amount: Amount
    captured: Annotated[int, Meta(description="What captures took, in minor units.", examples=[0])]
    remaining: Annotated[int, Meta(description="What it still sets aside, in minor units.", examples=[100])]
    reference: Annotated[str | None, Meta(examples=["order 17"])]
    metadata: JsonObject
    expires_at: ExpiresAt
    created_at: CreatedAt


class HoldPage(Struct):
    """A page of the wallet's holds, newest first."""

    items: list[Hold]
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]
