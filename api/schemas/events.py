"""Events, as pages, streams and webhooks have them: CloudEvents 1.0 in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from api.schemas.fields import (
    ANOTHER_WALLET_ID,
    TXN_ID,
    USER_ID,
    WALLET_ID,
    Amount,
    Asset,
    Away,
    CreatedAt,
    ExpiresAt,
    JsonObject,
    PostedKind,
    Receipt,
    Scale,
    WalletId,
)

SYSTEM_WALLET_ID = "00000000-0000-4000-8000-000000000001"
SOURCE = "urn:uuid:018f6b5d-0000-7000-8000-00000000d00d"
CURSOR = "ASkYM2QAAAAAAAAAKg"
LONGEST_CURSOR = 7680
"""Characters: of 411 databases, and still a header and an address that servers take."""
CURSOR_PATTERN = f"[A-Za-z0-9_-]{{18}}|Ag[A-Za-z0-9_-]{{18,{LONGEST_CURSOR - 2}}}"

TransactionEventName = Literal[
    "transaction.bonus",
    "transaction.topup",
    "transaction.spend",
    "transaction.transfer",
    "transaction.capture",
    "transaction.refund",
    "transaction.adjustment",
    "transaction.received",
    "transaction.returned",
]
HoldEventName = Literal["hold.opened", "hold.voided", "hold.expired"]
AccountEventName = Literal[
    "user.signed_up",
    "user.role_changed",
    "user.erased",
    "wallet.opened",
    "wallet.status_changed",
    "wallet.limits_changed",
]
EventName = Literal[TransactionEventName, HoldEventName, AccountEventName]
"""The name of an event, without `pgwallet.` before it, as filters take it."""

EntryPurpose = Annotated[
    PostedKind | None,
    Meta(description="Of a system wallet: what it collects. Null for a user's.", examples=[None]),
]
Signed = Annotated[int, Meta(description="Signed, in minor units: negative leaves the wallet.", examples=[100])]
BalanceAfter = Annotated[
    int | None, Meta(description="After it, in minor units; null in a system wallet.", examples=[1100])
]
StoredReference = Annotated[str | None, Meta(examples=["order 17"])]


class EventEntry(Struct):
    """One side of a transaction."""

    wallet_id: WalletId
    seq: Annotated[int, Meta(description="Its place in a user's wallet.", examples=[2])]
    amount: Signed
    balance: BalanceAfter
    purpose: EntryPurpose


class TransactionData(Struct):
    """A transaction: the entry of its wallet, as history shows it, and all entries that the reader may see.

    An operator sees both sides: it is shown from the side of the wallet that asked for it. A user sees the own side.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "entries": [
            {"wallet_id": WALLET_ID, "seq": 2, "amount": 100, "balance": 1100, "purpose": None},
            {"wallet_id": SYSTEM_WALLET_ID, "seq": 42, "amount": -100, "balance": None, "purpose": "topup"},
        ],
    }

    id: Annotated[int, Meta(description="The server's number of the transaction; the event's id.", examples=[42])]
    txn_id: Annotated[UUID, Meta(description="Of the request.", examples=[TXN_ID])]
    wallet_id: WalletId
    type: Annotated[PostedKind, Meta(examples=["topup"])]
    amount: Signed
    balance: Annotated[int, Meta(description="After it, in minor units.", examples=[1100])]
    asset: Asset
    scale: Scale
    reference: StoredReference
    metadata: JsonObject
    counterparty_wallet_id: Annotated[
        UUID | None, Meta(description="The other side of a transfer.", examples=[None, ANOTHER_WALLET_ID])
    ]
    original_txn_id: Annotated[
        UUID | None, Meta(description="Of a refund, or of a transfer that came back.", examples=[None])
    ]
    hold_txn_id: Annotated[UUID | None, Meta(description="Of a capture: its hold.", examples=[None])]
    effective_at: Annotated[datetime | None, Meta(description="As the request gave it.", examples=[None])]
    created_at: CreatedAt
    receipt: Receipt
    entries: list[EventEntry]


class HoldData(Struct):
    """What happened to a hold, except captures: those are transactions."""

    id: Annotated[int, Meta(description="The server's number of the hold.", examples=[3])]
    txn_id: Annotated[UUID, Meta(description="Of the hold.", examples=[TXN_ID])]
    wallet_id: WalletId
    event: Annotated[Literal["hold", "void", "expired"], Meta(examples=["hold"])]
    event_txn_id: Annotated[
        UUID | None, Meta(description="Of the request that did it; null where it expired.", examples=[TXN_ID])
    ]
    amount: Amount
    balance: Annotated[int | None, Meta(description="After it, in minor units.", examples=[1000])]
    available: Annotated[int | None, Meta(description="After it, in minor units.", examples=[900])]
    asset: Asset
    scale: Scale
    reference: StoredReference
    metadata: JsonObject
    expires_at: ExpiresAt
    created_at: CreatedAt


class AccountData(Struct):
    """What happened to a user or a wallet."""

    user_id: Annotated[UUID, Meta(examples=[USER_ID])]
    wallet_id: Annotated[UUID | None, Meta(description="Null for what happened to a user.", examples=[WALLET_ID])]
    asset: Annotated[str | None, Meta(description="Of the wallet.", examples=["UC"])]
    change: Annotated[
        dict[str, Any],
        Meta(
            description="What is so since then: status and previous_status, all limits, role and previous_role; empty "
            "where the name says it all.",
            examples=[{"status": "frozen", "previous_status": "active"}],
        ),
    ]
    created_at: CreatedAt


class CloudEvent(Struct):
    """What all events have around their data."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(description="The event's number: events are in its order.", examples=["42"])]
    source: Annotated[str, Meta(description="The database that it happened in.", examples=[SOURCE])]
    subject: Annotated[str, Meta(description="The id of the wallet; of the user where there is none.")]
    time: CreatedAt
    datacontenttype: Literal["application/json"]


class TransactionCloudEvent(CloudEvent):
    """A transaction was recorded."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"subject": WALLET_ID}

    type: Literal[
        "pgwallet.transaction.topup",
        "pgwallet.transaction.bonus",
        "pgwallet.transaction.spend",
        "pgwallet.transaction.transfer",
        "pgwallet.transaction.capture",
        "pgwallet.transaction.refund",
        "pgwallet.transaction.adjustment",
        "pgwallet.transaction.received",
        "pgwallet.transaction.returned",
    ]
    data: TransactionData


class HoldCloudEvent(CloudEvent):
    """Something happened to a hold."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"subject": WALLET_ID}

    type: Literal["pgwallet.hold.opened", "pgwallet.hold.voided", "pgwallet.hold.expired"]
    data: HoldData


class AccountCloudEvent(CloudEvent):
    """Something happened to a user or a wallet."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"subject": WALLET_ID, "type": "pgwallet.wallet.status_changed"}

    type: Literal[
        "pgwallet.user.signed_up",
        "pgwallet.user.role_changed",
        "pgwallet.user.erased",
        "pgwallet.wallet.opened",
        "pgwallet.wallet.status_changed",
        "pgwallet.wallet.limits_changed",
    ]
    data: AccountData


class EventPage(Struct):
    """Events in order, and the cursor from which the next page goes on."""

    ONE_OF: ClassVar[dict[str, tuple[type[Struct], ...]]] = {
        "items": (TransactionCloudEvent, HoldCloudEvent, AccountCloudEvent)
    }
    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Raw]
    next: Annotated[
        str,
        Meta(
            description="Give it as `after`. A page can be short or empty and yet not the last: there is more as long "
            "as this changes.",
            examples=[CURSOR],
        ),
    ]
    away: Away | UnsetType = UNSET
