"""What operators are shown: users, what a search finds, the record of operators' actions, verifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Raw, Struct

from api.schemas.fields import (
    TXN_ID,
    USER_ID,
    WALLET_ID,
    Asset,
    BalanceAmount,
    CreatedAt,
    Scale,
    Status,
    TransactionType,
    WalletId,
)
from api.schemas.wallets import Wallet

UserId = Annotated[UUID, Meta(examples=[USER_ID])]
StoredName = Annotated[str, Meta(description="As stored; `erased-…` of an erased user.", examples=["alice"])]
Role = Annotated[Literal["user", "operator"], Meta(examples=["user"])]
HoldStatus = Annotated[Literal["open", "expired", "captured", "voided"], Meta(examples=["open"])]
RequestId = Annotated[UUID, Meta(description="The `txn_id` of the request.", examples=[TXN_ID])]
StoredReference = Annotated[str | None, Meta(examples=["order 17"])]
ErasedAt = Annotated[datetime | None, Meta(description="Since when nobody is behind it.")]
LastSignIn = Annotated[datetime | None, Meta(description="To a minute; null: none on record.")]
NextCursor = Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]
Facts = Annotated[Raw, Meta(examples=[{"status": "frozen"}], extra_json_schema={"extra": {"type": ["object", "null"]}})]


class FoundUser(Struct, tag_field="kind", tag="user"):
    """A user, found by id or by the beginning of the name."""

    user_id: UserId
    username: StoredName
    role: Role
    created_at: CreatedAt
    erased_at: ErasedAt


class FoundWallet(Struct, tag_field="kind", tag="wallet"):
    """A user's wallet, found by id."""

    wallet_id: WalletId
    user_id: UserId
    username: StoredName
    asset: Asset
    scale: Scale
    status: Status
    balance: BalanceAmount
    created_at: CreatedAt


class FoundTransaction(Struct, tag_field="kind", tag="transaction"):
    """A transaction, found by `txn_id` or reference: a transfer in both wallets."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: RequestId
    wallet_id: WalletId
    user_id: UserId
    username: StoredName
    type: TransactionType
    amount: Annotated[int, Meta(description="Signed, as it moved this wallet, in minor units.", examples=[-100])]
    asset: Asset
    scale: Scale
    reference: StoredReference
    created_at: CreatedAt


class FoundHold(Struct, tag_field="kind", tag="hold"):
    """A hold, found by its reference, or the `txn_id` of it, its captures or its void."""

    id: Annotated[int, Meta(description="The server's number of the hold.", examples=[3])]
    txn_id: Annotated[UUID, Meta(description="The `txn_id` with which it was made.", examples=[TXN_ID])]
    wallet_id: WalletId
    user_id: UserId
    username: StoredName
    status: HoldStatus
    amount: Annotated[int, Meta(description="What it set aside at first, in minor units.", examples=[100])]
    asset: Asset
    scale: Scale
    reference: StoredReference
    created_at: CreatedAt


Found = FoundUser | FoundWallet | FoundTransaction | FoundHold


class SearchResult(Struct):
    """At most 50 of what was found, exact names and ids first."""

    items: list[Found]


class StoredUser(Struct):
    """A user, as operators see one."""

    id: UserId
    username: StoredName
    role: Role
    created_at: CreatedAt
    last_sign_in_at: LastSignIn
    erased_at: ErasedAt


class InspectedUser(StoredUser):
    """A user, with the wallets."""

    wallets: list[Wallet]


class UserPage(Struct):
    """A page of the users, newest first."""

    items: list[StoredUser]
    next_cursor: NextCursor


class AuditRow(Struct):
    """What an operator did, or whom they looked at."""

    id: Annotated[int, Meta(examples=[7])]
    actor: Annotated[UUID | None, Meta(description="The operator; null: an administrator of the database.")]
    actor_username: Annotated[str | None, Meta(examples=["olga"])]
    action: Annotated[str, Meta(description="`read`, `status`, `limits`, `adjustment`, …", examples=["status"])]
    user_id: Annotated[UUID | None, Meta(description="Whom it was about.", examples=[USER_ID])]
    username: Annotated[str | None, Meta(description="As stored now.", examples=["alice"])]
    wallet_id: Annotated[UUID | None, Meta(description="Null: no wallet in particular.", examples=[WALLET_ID])]
    reason: Annotated[
        str | None,
        Meta(description="Of what moved money: its reference, until the user is erased.", examples=["court order"]),
    ]
    before: Annotated[Facts, Meta(description="What was so before, where that is on record.")]
    after: Annotated[Facts, Meta(description="What is so since then.")]
    transaction_id: Annotated[int | None, Meta(description="The transaction that it made.", examples=[42])]
    created_at: CreatedAt


class AuditPage(Struct):
    """A page of the record, newest first; with filters it can be short or empty and yet not the last."""

    items: list[AuditRow]
    next_cursor: NextCursor


class RecordedVerification(Struct):
    """A recorded run of `pgwallet verify`."""

    id: Annotated[int, Meta(examples=[3])]
    ended_at: CreatedAt
    seconds: Annotated[float, Meta(description="How long it took.", examples=[4.2])]
    violations: Annotated[int, Meta(description="How many it found.", examples=[0])]


class VerificationPage(Struct):
    """A page of the verifications, newest first."""

    items: list[RecordedVerification]
    next_cursor: NextCursor
