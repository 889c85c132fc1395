"""The shapes of what operators ask for, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from api.schemas.fields import (
    MAX_AMOUNT,
    OPERATOR_ID,
    ORIGINAL_TXN_ID,
    RESET_TOKEN,
    TEXT_PATTERN,
    USER_ID,
    Amount,
    Asset,
    Available,
    Away,
    BalanceAmount,
    CreatedAt,
    EffectiveAt,
    JsonObject,
    Receipt,
    Scale,
    Status,
    TransactionType,
    TxnId,
    WalletId,
)
from api.schemas.transactions import DetailedRequest

Reason = Annotated[
    str,
    Meta(min_length=1, max_length=256, pattern=TEXT_PATTERN, description="Kept on record.", examples=["trying it out"]),
]
PreviousStatus = Annotated[Status, Meta(examples=["frozen"])]
# Litestar leaves a minimum of 0 out of the schema of a field that can be null.
FROM_ZERO = {"extra": {"minimum": 0}}
LimitAmount = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_AMOUNT,
        description="Minor units; null is no limit.",
        examples=[1000],
        extra_json_schema=FROM_ZERO,
    ),
]


class StatusRequest(Struct, forbid_unknown_fields=True):
    """The status that a wallet is to have."""

    status: Status
    reason: Reason


class StatusChange(Struct):
    """What changed."""

    wallet_id: WalletId
    status: Status
    previous_status: PreviousStatus
    reason: Reason
    changed_at: CreatedAt


class ErasureRequest(Struct, forbid_unknown_fields=True):
    """Why a user is erased."""

    reason: Annotated[Reason, Meta(description="Kept on record: it should not name the person.")]


class Erasure(Struct):
    """Who was erased, and of how many transactions and holds the details."""

    user_id: Annotated[UUID, Meta(examples=[USER_ID])]
    username: Annotated[str, Meta(description="The name from now on.", examples=[f"erased-{USER_ID}"])]
    transactions: Annotated[int, Meta(examples=[12])]
    holds: Annotated[int, Meta(examples=[0])]
    erased_at: CreatedAt


class KindLimits(Struct, forbid_unknown_fields=True):
    """The limits of one kind of transaction."""

    per_transaction: LimitAmount | None = None
    per_day: LimitAmount | None = None
    per_30_days: LimitAmount | None = None


class LimitsByKind(Struct, forbid_unknown_fields=True):
    """Kinds with limits; `spend` counts captures, `transfer` what is sent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "topup": None,
        "spend": {"per_transaction": None, "per_day": 1_000_000, "per_30_days": None},
        "transfer": None,
    }

    topup: KindLimits | None = None
    spend: KindLimits | None = None
    transfer: KindLimits | None = None


class LimitsRequest(Struct, forbid_unknown_fields=True):
    """All limits of a wallet: what is left out ends, `floor` is 0 then."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"max_balance": None}

    limits: Annotated[LimitsByKind, Meta(examples=[{"spend": {"per_day": 1_000_000}}])] = field(
        default_factory=LimitsByKind
    )
    floor: Annotated[
        int, Meta(ge=-MAX_AMOUNT, le=0, description="The lowest balance: below 0 is an overdraft.", examples=[0])
    ] = 0
    max_balance: (
        Annotated[
            int,
            Meta(ge=0, le=MAX_AMOUNT, description="Minor units.", examples=[100000], extra_json_schema=FROM_ZERO),
        ]
        | None
    ) = None
    reason: Reason | None = None


class WalletLimits(Struct):
    """The limits as set."""

    wallet_id: WalletId
    limits: LimitsByKind
    floor: Annotated[int, Meta(description="The lowest balance: below 0 is an overdraft.", examples=[0])]
    max_balance: Annotated[int | None, Meta(description="Minor units; null is no maximum of its own.", examples=[None])]


class FundRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """An operator's top-up."""

    txn_id: TxnId
    amount: Amount


class GiveBackRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """An operator's refund."""

    txn_id: TxnId
    original_txn_id: Annotated[
        UUID, Meta(description="The `txn_id` of the spend or capture.", examples=[ORIGINAL_TXN_ID])
    ]
    amount: (
        Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Without: all that is left.", examples=[100])] | None
    ) = None


class AdjustmentRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A correction of a balance."""

    txn_id: TxnId
    amount: Annotated[
        int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT, description="Positive credits, negative debits.", examples=[1])
    ]
    reason: Reason
    metadata: JsonObject = field(default_factory=Raw)
    effective_at: EffectiveAt | None = None


class Adjustment(Struct):
    """The result of an adjustment: like any mutation's, with a signed amount."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: TxnId
    wallet_id: WalletId
    type: Annotated[TransactionType, Meta(examples=["adjustment"])]
    amount: Annotated[int, Meta(description="Signed, in minor units.", examples=[1])]
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    available: Available
    replayed: Annotated[bool, Meta(description="Already on record: nothing was written now.", examples=[False])]
    created_at: CreatedAt
    receipt: Receipt


class AccountBalance(Struct):
    """One line of the trial balance, in minor units."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"entries": 1, "debit": 100, "credit": 0, "balance": -100}

    account: Annotated[str, Meta(description="`users`, or what a system account collects.", examples=["topup"])]
    entries: int
    debit: int
    credit: int
    balance: int


class TrialBalance(Struct):
    """The system accounts and all user wallets together: they net to zero."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "at": None,
        "away": UNSET,
        "accounts": [
            AccountBalance.EXAMPLE | {"account": "topup"},
            {"account": "users", "entries": 1, "debit": 0, "credit": 100, "balance": 100},
        ],
    }

    asset: Asset
    at: Annotated[datetime | None, Meta(description="Only what was recorded before; null is all.")]
    accounts: list[AccountBalance]
    balance: Annotated[int, Meta(description="The sum of the accounts' balances: 0.", examples=[0])]
    away: Away | UnsetType = UNSET


class RejectionRequest(Struct, forbid_unknown_fields=True):
    """Why a request is rejected."""

    reason: Annotated[Reason, Meta(description="Kept on record: it should not name the person.")]


class Confirmation(Struct):
    """An operator's request that needs another operator's confirmation: nothing moves before."""

    EXAMPLE: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("original_txn_id", "effective_at", "decided_by", "decided_at", "reason", "transaction_id")
    )

    id: Annotated[int, Meta(description="The server's number of the confirmation.", examples=[5])]
    status: Annotated[Literal["waiting", "confirmed", "rejected"], Meta(examples=["waiting"])]
    type: Annotated[Literal["adjustment", "refund"], Meta(examples=["adjustment"])]
    wallet_id: WalletId
    username: Annotated[str, Meta(description="Whose wallet it is, as stored now.", examples=["alice"])]
    txn_id: TxnId
    original_txn_id: Annotated[UUID | None, Meta(description="Of a refund: the `txn_id` of the spend or capture.")]
    amount: Annotated[
        int | None,
        Meta(description="As in the request: signed, in minor units; null for all that is left.", examples=[-5000]),
    ]
    expected: Annotated[
        int, Meta(description="What it moves, in minor units, as known when it was asked for.", examples=[5000])
    ]
    asset: Asset
    scale: Scale
    reference: Annotated[
        str | None, Meta(description="Of an adjustment: why it is asked for.", examples=["charged twice"])
    ]
    metadata: JsonObject
    effective_at: datetime | None
    actor: Annotated[UUID, Meta(description="The operator who asks.", examples=[OPERATOR_ID])]
    actor_username: Annotated[str, Meta(description="As stored now.", examples=["olga"])]
    created_at: CreatedAt
    decided_by: Annotated[UUID | None, Meta(description="Who confirmed or rejected it; null for an administrator.")]
    decided_at: datetime | None
    reason: Annotated[str | None, Meta(description="Why it was rejected.")]
    transaction_id: Annotated[int | None, Meta(description="The `id` of the transaction that it became.")]


class ConfirmationPage(Struct):
    """A page of confirmations, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Confirmation]
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]
    away: Away | UnsetType = UNSET


class PasswordResetRequest(Struct, forbid_unknown_fields=True):
    """Why a user gets a password reset token, and for how long it is valid."""

    reason: Annotated[Reason, Meta(description="Kept on record: it should not name the person.")]
    expires_in: Annotated[int, Meta(ge=60, le=86400, description="Seconds.", examples=[3600])] = 3600


class PasswordResetToken(Struct):
    """A one-time token, shown once: the user sets another password with it."""

    user_id: Annotated[UUID, Meta(examples=[USER_ID])]
    token: Annotated[str, Meta(description="For `POST /api/auth/reset`.", examples=[RESET_TOKEN])]
    expires_at: Annotated[CreatedAt, Meta(examples=["2026-11-22T13:00:00.123456Z"])]
