"""Ledger entries, in pages and in statements."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from api.schemas.fields import (
    ANOTHER_WALLET_ID,
    RECEIPT,
    TXN_ID,
    Asset,
    CreatedAt,
    Delivery,
    JsonObject,
    Scale,
    TransactionKind,
    WalletId,
)

Verdict = Literal["ok", "altered", "rewritten", "removed"]


class Entry(Struct):
    """One ledger entry of the wallet."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: Annotated[UUID, Meta(examples=[TXN_ID])]
    type: Annotated[TransactionKind, Meta(examples=["transfer"])]
    amount: Annotated[int, Meta(description="Signed, in minor units: negative leaves the wallet.", examples=[-100])]
    balance: Annotated[int, Meta(description="After this entry, in minor units.", examples=[900])]
    reference: Annotated[str | None, Meta(examples=["order 17"])]
    metadata: JsonObject
    counterparty_wallet_id: Annotated[
        UUID | None, Meta(description="The other side of a transfer.", examples=[ANOTHER_WALLET_ID])
    ]
    counterparty_username: Annotated[str | None, Meta(description="Whose wallet that is.", examples=["bob"])]
    effective_at: Annotated[datetime | None, Meta(description="As the request gave it.", examples=[None])]
    created_at: CreatedAt


class RequestedEntry(Entry):
    """The ledger entry of a transaction that the user requested."""

    delivery: Delivery | UnsetType = UNSET


class OwnEntry(Entry):
    """One ledger entry with what only its wallet is shown: the receipt of the entry, and what follows from it."""

    receipt: str | None
    refundable: int | None
    hold_txn_id: UUID | None
    delivery: Delivery | UnsetType = UNSET


class ReceiptCheck(Struct):
    """What became of the entry that a receipt is of."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    receipt: Annotated[str, Meta(examples=[RECEIPT])]
    verdict: Annotated[
        Verdict,
        Meta(
            description="`ok`: it is on record as it was answered. `altered`: it was changed since. `rewritten`: this "
            "is not its receipt any more. `removed`: this wallet has no such transaction.",
            examples=["ok"],
        ),
    ]


class EntryPage(Struct):
    """A page of the wallet's history, newest first; with a filter it can be short or empty and yet not the last."""

    items: list[Entry]
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]


class Statement(Struct):
    """All entries from `from` until before `to`, oldest first: they lead from one balance to the other."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    start: Annotated[datetime, Meta(examples=["2026-11-01T00:00:00Z"])] = field(name="from")
    end: Annotated[datetime, Meta(examples=["2026-11-23T00:00:00Z"])] = field(name="to")
    opening_balance: Annotated[int, Meta(description="In minor units.", examples=[1000])]
    entries: list[Entry]
    closing_balance: Annotated[int, Meta(description="In minor units.", examples=[900])]
