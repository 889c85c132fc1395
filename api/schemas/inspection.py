"""What operators are shown: users, what a search finds, the record of operators' actions, verifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from api.schemas.fields import (
    KEY_ID,
    OPERATOR_ID,
    TXN_ID,
    USER_ID,
    WALLET_ID,
    Amount,
    Asset,
    Away,
    BalanceAmount,
    CreatedAt,
    JsonObject,
    PostedKind,
    Receipt,
    Scale,
    Status,
    TransactionType,
    WalletId,
)
from api.schemas.history import Entry
from api.schemas.holds import Hold
from api.schemas.operator import PreviousStatus
from api.schemas.wallets import LimitsLeftByKind, Wallet

UserId = Annotated[UUID, Meta(examples=[USER_ID])]
StoredName = Annotated[str, Meta(description="As stored; `erased-…` of an erased user.", examples=["alice"])]
Role = Annotated[Literal["user", "operator"], Meta(examples=["user"])]
HoldStatus = Annotated[Literal["open", "expired", "captured", "voided"], Meta(examples=["open"])]
RequestId = Annotated[UUID, Meta(description="The `txn_id` of the request.", examples=[TXN_ID])]
StoredReference = Annotated[str | None, Meta(examples=["order 17"])]
ErasedAt = Annotated[datetime | None, Meta(description="Since when nobody is behind it.", examples=[None])]
LastSignIn = Annotated[datetime | None, Meta(description="To a minute; null: none on record.")]
NextCursor = Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]
WalletKind = Annotated[Literal["user", "system"], Meta(examples=["user"])]
Purpose = Annotated[
    str | None,
    Meta(
        description="Of a system wallet: which transactions have their other entry there (`spend`: the merchants).",
        examples=[None],
    ),
]
Owner = Annotated[UUID | None, Meta(description="Null: a system wallet.", examples=[USER_ID])]
OwnerName = Annotated[str | None, Meta(description="As stored; `erased-…` of an erased user.", examples=["alice"])]
Actor = Annotated[
    UUID | None, Meta(description="The operator; null: an administrator of the database.", examples=[OPERATOR_ID])
]
ActorName = Annotated[str | None, Meta(examples=["olga"])]
TransactionNumber = Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
Action = Literal[
    "read",
    "status",
    "limits",
    "topup",
    "adjustment",
    "refund",
    "propose",
    "confirm",
    "reject",
    "password_reset_created",
    "password_reset",
    "role",
    "erase",
    "export",
    "webhook_created",
    "webhook_changed",
    "webhook_paused",
    "webhook_resumed",
    "webhook_secret",
    "webhook_replayed",
    "webhook_tested",
    "webhook_retried",
    "webhook_deleted",
    "verify",
    "key_created",
    "key_revoked",
    "login_recorded",
    "login_removed",
    "prune",
    "retention",
]
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

    id: TransactionNumber
    txn_id: RequestId
    wallet_id: WalletId
    user_id: UserId
    username: StoredName
    type: Annotated[PostedKind, Meta(examples=["topup"])]
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

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Found]
    away: Away | UnsetType = UNSET


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

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[StoredUser]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class AuditRow(Struct):
    """What an operator did, or whom they looked at."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"transaction_id": None, "webhook_id": None, "key_id": None}

    id: Annotated[int, Meta(examples=[7])]
    actor: Actor
    actor_username: ActorName
    action: Annotated[Action, Meta(description="What was done; `read`: somebody was shown.", examples=["status"])]
    user_id: Annotated[UUID | None, Meta(description="Whom it was about.", examples=[USER_ID])]
    username: Annotated[str | None, Meta(description="As stored now.", examples=["alice"])]
    wallet_id: Annotated[UUID | None, Meta(description="Null: no wallet in particular.", examples=[WALLET_ID])]
    reason: Annotated[
        str | None,
        Meta(description="Of what moved money: its reference, until the user is erased.", examples=["court order"]),
    ]
    before: Annotated[
        Facts, Meta(description="What was so before, where that is on record.", examples=[{"status": "active"}])
    ]
    after: Annotated[Facts, Meta(description="What is so since then.")]
    transaction_id: Annotated[int | None, Meta(description="The transaction that it made.", examples=[42])]
    webhook_id: Annotated[UUID | None, Meta(description="The webhook that it was done with, or to.")]
    key_id: Annotated[UUID | None, Meta(description="The key that was made or revoked.")]
    asset: Annotated[str | None, Meta(description="Of the wallet.", examples=["UC"])]
    scale: Annotated[int | None, Meta(description="Of the asset: amounts in it are minor units.", examples=[0])]
    created_at: CreatedAt


class AuditPage(Struct):
    """A page of the record, newest first; with filters it can be short or empty and yet not the last."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[AuditRow]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class RecordedVerification(Struct):
    """A recorded verification: of `pgwallet verify`, or of one that an operator started."""

    id: Annotated[int, Meta(examples=[3])]
    ended_at: CreatedAt
    seconds: Annotated[float, Meta(description="How long it took.", examples=[4.2])]
    violations: Annotated[int, Meta(description="How many it found.", examples=[0])]


class VerificationPage(Struct):
    """A page of the verifications, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[RecordedVerification]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class VerificationRun(Struct):
    """A verification that an operator started, and how far it is."""

    id: Annotated[int, Meta(examples=[7])]
    status: Annotated[
        Literal["running", "finished", "interrupted"],
        Meta(description="`interrupted`: it ended without a result. Start another.", examples=["finished"]),
    ]
    actor: Actor
    actor_username: ActorName
    started_at: CreatedAt
    ended_at: Annotated[
        datetime | None,
        Meta(
            description="Null while it runs; of an interrupted one: when it was last heard of.",
            examples=["2026-11-22T12:00:00.123456Z"],
        ),
    ]
    seconds: Annotated[float | None, Meta(description="How long it took; null without a result.", examples=[4.2])]
    violations: Annotated[int | None, Meta(description="How many it found; null without a result.", examples=[0])]
    warnings: Annotated[int | None, Meta(description="How much it found that is odd and no violation.", examples=[0])]
    rule: Annotated[str | None, Meta(description="The part of the rules that is judged now.", examples=[None])]
    rules_done: Annotated[int, Meta(description="How many parts are judged.", examples=[9])]
    rules: Annotated[int | None, Meta(description="Of how many; null: not known yet.", examples=[9])]
    part: Annotated[
        float | None, Meta(description="How much of `rule` is judged, about: 0 to 1; null: not known.", examples=[None])
    ]
    error: Annotated[str | None, Meta(description="Why it was interrupted, if that is known.", examples=[None])]


class VerificationFinding(Struct):
    """A violation, or what is odd: then its name begins with `warning: `."""

    violation: Annotated[str, Meta(examples=["hash"])]
    wallet_id: Annotated[UUID | None, Meta(examples=[WALLET_ID])]
    seq: Annotated[int | None, Meta(description="Of the entry in its wallet.", examples=[3])]
    transaction_id: Annotated[int | None, Meta(examples=[42])]
    detail: Annotated[str, Meta(examples=["the entry, its transaction or its details are not what was hashed"])]


class VerificationRunDetails(VerificationRun):
    """A verification with what it found."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"started": UNSET, "away": UNSET}

    findings: Annotated[list[VerificationFinding], Meta(description="The first 100.")]
    started: (
        Annotated[
            list[int],
            Meta(description="Of a cluster: the verifications that were started with it, one in each database."),
        ]
        | UnsetType
    ) = UNSET
    away: Away | UnsetType = UNSET


class VerificationRunPage(Struct):
    """A page of the verifications that operators started, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[VerificationRun]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class StatusRecord(Struct):
    """A change of a wallet's status."""

    status: Status
    previous_status: PreviousStatus
    reason: Annotated[str, Meta(examples=["cleared up"])]
    actor: Actor
    actor_username: ActorName
    changed_at: CreatedAt


class InspectedWallet(Struct):
    """A wallet as it is now. One of the system has a purpose, no owner, and no balance that is kept: these are null."""

    wallet_id: WalletId
    kind: WalletKind
    purpose: Purpose
    user_id: Owner
    username: OwnerName
    asset: Asset
    scale: Scale
    status: Status
    balance: Annotated[int | None, Meta(description="Everything in the wallet, in minor units.", examples=[1100])]
    held: Annotated[int | None, Meta(description="What open holds set aside, in minor units.", examples=[0])]
    available: Annotated[int | None, Meta(description="What can be spent now, in minor units.", examples=[1100])]
    floor: Annotated[int | None, Meta(description="The lowest balance: below 0 is an overdraft.", examples=[0])]
    max_balance: Annotated[
        int | None, Meta(description="Minor units; null is no maximum of its own.", examples=[100000])
    ]
    limits: LimitsLeftByKind
    status_history: Annotated[list[StatusRecord], Meta(description="Newest first, at most 50.")]
    created_at: CreatedAt


class UsedKey(Struct):
    """The key of a machine that did it, in place of the user."""

    id: Annotated[UUID, Meta(examples=[KEY_ID])]
    name: Annotated[str | None, Meta(examples=["shop"])]
    prefix: Annotated[str | None, Meta(examples=["pgw_plJ3nmyC"])]


ByKey = Annotated[UsedKey | None, Meta(description="Null: no key did it. Shown to operators.")]


class HoldEvent(Struct):
    """What happened to a hold: `expired` by itself, all else by a request."""

    event: Annotated[Literal["hold", "capture", "void", "expired"], Meta(examples=["hold"])]
    txn_id: Annotated[UUID | None, Meta(description="Of the request.", examples=[TXN_ID])]
    amount: Annotated[int, Meta(description="Set aside, taken or released, in minor units.", examples=[100])]
    transaction_id: Annotated[int | None, Meta(description="The transaction of a capture.", examples=[None])]
    balance: Annotated[int | None, Meta(description="After the request, in minor units.", examples=[1000])]
    available: Annotated[int | None, Meta(description="After the request, in minor units.", examples=[900])]
    created_at: CreatedAt
    key: ByKey | UnsetType = UNSET


class InspectedHold(Hold):
    """A hold, whose it is, and what happened to it."""

    wallet_id: WalletId
    user_id: UserId
    username: StoredName
    asset: Asset
    scale: Scale
    events: Annotated[list[HoldEvent], Meta(description="Newest first, at most 100.")]
    key: ByKey | UnsetType = UNSET


class InspectedLine(Entry):
    """One ledger entry of a user's wallet, as operators see it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"key": None}

    key: ByKey


class InspectedPage(Struct):
    """A page of a user's history, newest first; with a filter it can be short or empty and yet not the last."""

    items: list[InspectedLine]
    next_cursor: NextCursor


class InspectedEntry(Struct):
    """One of the two entries of a transaction."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "wallet_id": WALLET_ID,
        "kind": "user",
        "purpose": None,
        "user_id": USER_ID,
        "username": "alice",
        "seq": 2,
        "amount": -100,
        "balance": 900,
        "recorded_at": "2026-11-22T12:00:00.123456Z",
    }

    wallet_id: WalletId
    kind: WalletKind
    purpose: Purpose
    user_id: Owner
    username: OwnerName
    seq: Annotated[int, Meta(description="Its place in a user's wallet.", examples=[2])]
    amount: Annotated[int, Meta(description="Signed, in minor units: negative leaves the wallet.", examples=[-100])]
    balance: Annotated[
        int | None, Meta(description="After it, in minor units; null in a system wallet.", examples=[900])
    ]
    recorded_at: CreatedAt


class RefundOf(Struct):
    """A refund of the transaction."""

    id: TransactionNumber
    txn_id: RequestId
    amount: Amount
    created_at: CreatedAt


class Refunded(RefundOf):
    """What the transaction gave back."""

    type: TransactionType


class MadeBy(Struct):
    """The operator who made the transaction."""

    actor: Actor
    actor_username: ActorName
    created_at: CreatedAt


class InspectedTransaction(Struct):
    """A transaction with all that belongs to it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "type": "spend",
        "entries": [
            InspectedEntry.EXAMPLE,
            {
                "wallet_id": "00000000-0000-4000-8000-000000000003",
                "kind": "system",
                "purpose": "spend",
                "user_id": None,
                "username": None,
                "seq": 1,
                "amount": 100,
                "balance": None,
                "recorded_at": "2026-11-22T12:00:00.123456Z",
            },
        ],
        "refunds": [],
        **dict.fromkeys(
            ("effective_at", "counterparty_wallet_id", "counterparty_username", "original", "hold", "operator", "key")
        ),
    }

    id: TransactionNumber
    txn_id: RequestId
    wallet_id: Annotated[UUID, Meta(description="Whose request it was.", examples=[WALLET_ID])]
    type: Annotated[PostedKind, Meta(examples=["topup"])]
    amount: Annotated[int, Meta(description="Minor units, above 0; of an adjustment signed.", examples=[100])]
    asset: Asset
    scale: Scale
    reference: StoredReference
    metadata: JsonObject
    effective_at: Annotated[datetime | None, Meta(description="As the request gave it.")]
    counterparty_wallet_id: Annotated[UUID | None, Meta(description="The recipient's wallet of a transfer.")]
    counterparty_username: Annotated[str | None, Meta(description="Whose wallet that is.", examples=["bob"])]
    receipt: Receipt
    refundable: Annotated[
        int | None, Meta(description="What is left to refund; null: no spend or capture.", examples=[100])
    ]
    entries: list[InspectedEntry]
    refunds: Annotated[list[RefundOf], Meta(description="Newest first, at most 100.")]
    original: Annotated[Refunded | None, Meta(description="Of a refund.")]
    hold: Annotated[InspectedHold | None, Meta(description="Of a capture.")]
    operator: Annotated[MadeBy | None, Meta(description="Null: its user made it.")]
    created_at: CreatedAt
    key: ByKey = None
