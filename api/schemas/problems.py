"""Refusals with members of their own, a shape for each, so that a client reads their values with types.

They are for the documents: what is sent is made of the detail of the database's error, see `from_postgres()`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from api.schemas.envelope import Problem
from api.schemas.fields import (
    KEY_ID,
    WALLET_ID,
    Asset,
    Available,
    BalanceAmount,
    CreatedAt,
    Held,
    HoldTxnId,
    Scale,
    Username,
    WalletId,
)

Requested = Annotated[int, Meta(description="What the request asks for, in minor units.", examples=[5000])]
Left = Annotated[int, Meta(description="The most that can be asked for, in minor units.", examples=[150])]


class AmountProblem(Problem, kw_only=True):
    """What refusals of an amount say besides it."""

    wallet_id: WalletId | UnsetType = UNSET
    asset: Asset | UnsetType = UNSET
    scale: Scale | UnsetType = UNSET


class InsufficientFunds(AmountProblem, kw_only=True):
    """The request asks for more than there is to spend."""

    code: Literal["WA003"]
    requested: Requested
    available: Available
    balance: BalanceAmount


class BalanceLimitExceeded(AmountProblem, kw_only=True):
    """The balance would rise above its maximum. What another user's wallet has is not told."""

    code: Literal["WA006"]
    maximum: Annotated[int, Meta(description="The most that the wallet can hold.", examples=[100000])] | UnsetType = (
        UNSET
    )
    requested: Requested | UnsetType = UNSET
    available: Available | UnsetType = UNSET
    balance: BalanceAmount | UnsetType = UNSET


class UnknownRecipient(Problem, kw_only=True):
    """Nobody has this name or wallet: the one that the request gives."""

    code: Literal["WA009"]
    asset: Asset | UnsetType = UNSET
    to_username: Username | UnsetType = UNSET
    to_wallet_id: Annotated[UUID, Meta(description="The recipient's wallet.", examples=[WALLET_ID])] | UnsetType = UNSET


class OtherAsset(Problem, kw_only=True):
    """The recipient's wallet holds another asset than the sender's."""

    code: Literal["WA011"]
    asset: Annotated[Asset, Meta(description="Code of the sender's asset.")]


class WalletInactive(AmountProblem, kw_only=True):
    """The wallet is frozen or closed. What another user's wallet has is not told."""

    code: Literal["WA012", "WA013"]
    requested: Requested | UnsetType = UNSET
    available: Available | UnsetType = UNSET
    balance: BalanceAmount | UnsetType = UNSET


class LimitExceeded(AmountProblem, kw_only=True):
    """The amount would pass a limit of the wallet."""

    code: Literal["WA014"]
    kind: Annotated[Literal["topup", "spend", "transfer"], Meta(description="What is limited.", examples=["spend"])]
    limit: Annotated[Literal["per_transaction", "per_day", "per_30_days"], Meta(examples=["per_day"])]
    maximum: Annotated[int, Meta(description="The limit, in minor units.", examples=[1000])]
    left: Left


class HoldEnded(Problem, kw_only=True):
    """The hold was captured, voided, or has expired."""

    code: Literal["WA016", "WA017", "WA018"]
    hold_txn_id: HoldTxnId | UnsetType = UNSET
    expires_at: CreatedAt | UnsetType = UNSET


class CaptureAboveHold(AmountProblem, kw_only=True):
    """The hold has less left than the capture asks for."""

    code: Literal["WA019"]
    requested: Requested
    left: Left


class RefundAboveRest(AmountProblem, kw_only=True):
    """Earlier refunds left less than this one asks for."""

    code: Literal["WA020"]
    requested: Requested
    left: Left


class WalletNotEmpty(AmountProblem, kw_only=True):
    """A wallet closes only when it is empty."""

    code: Literal["WA022"]
    balance: BalanceAmount
    held: Held
    in_transit: Annotated[
        int | UnsetType,
        Meta(description="What is on its way to another database and may come back, in minor units.", examples=[50]),
    ] = UNSET


class TooManyHolds(Problem, kw_only=True):
    """The wallet has as many open holds as it can have."""

    code: Literal["WA025"]
    wallet_id: WalletId | UnsetType = UNSET
    maximum: Annotated[int, Meta(description="How many holds can be open.", examples=[100])]


class UnknownAsset(Problem, kw_only=True):
    """There is no asset with this code."""

    code: Literal["WA026"]
    asset: Annotated[str, Meta(description="As the request gives it.", examples=["XYZ"])]


class TooManySignIns(Problem, kw_only=True):
    """Too many sign-ins failed, of the account or from the address."""

    code: Literal["WA033"]
    retry_after: Annotated[int, Meta(description="Seconds to wait; the same as the header Retry-After.", examples=[8])]


class AlreadyDecided(Problem, kw_only=True):
    """The request that needs two operators was confirmed or rejected before."""

    code: Literal["WA040"]
    decision: Annotated[Literal["confirmed", "rejected"], Meta(examples=["rejected"])]


class HistoryChanged(Problem, kw_only=True):
    """The position is of a history that ended before it: events that were read may be gone."""

    code: Literal["WA041"]
    after: Annotated[int, Meta(description="The id of the event that the cursor stands for.", examples=[73])]
    known: Annotated[
        int, Meta(description="The id of the last event that both histories have; 0 for none.", examples=[42])
    ]
    resume: (
        Annotated[str, Meta(description="The cursor to go on from, after `known`.", examples=["ASkYM2QAAAAAAAAAKg"])]
        | UnsetType
    ) = UNSET
    database: (
        Annotated[int, Meta(description="Of a cluster: the database whose history it is.", examples=[2])] | UnsetType
    ) = UNSET


class TooManyWebhooks(Problem, kw_only=True):
    """There are as many webhooks as there can be."""

    code: Literal["WA044"]
    maximum: Annotated[int, Meta(description="How many webhooks there can be.", examples=[100])]


class VerificationRuns(Problem, kw_only=True):
    """One verification runs at a time."""

    code: Literal["WA045"]
    run_id: Annotated[int | None, Meta(description="The one that runs.", examples=[7])]


class OtherHome(Problem, kw_only=True):
    """The service and the database do not know the same homes of names yet: try again."""

    code: Literal["WA046"]
    username: Annotated[str, Meta(description="The name, as it would be stored.", examples=["alice"])]
    home: Annotated[int, Meta(description="The number of the database in which the name lives.", examples=[3])]
    number: Annotated[int, Meta(description="The number of the database that was asked.", examples=[0])]


class KeyRefused(Problem, kw_only=True):
    """A key does not allow this. A user who is none of its users and one who does not exist are told alike."""

    code: Literal["WA047"]
    reason: Annotated[
        Literal["scope", "subject", "network", "route"],
        Meta(description="What stands against it; `route`: no key reaches this.", examples=["scope"]),
    ]
    scope: (
        Annotated[str | None, Meta(description="What the request needs; null: any.", examples=["spend"])] | UnsetType
    ) = UNSET
    key_id: Annotated[UUID, Meta(description="The key.", examples=[KEY_ID])] | UnsetType = UNSET


class TooManyKeys(Problem, kw_only=True):
    """There are as many keys that are not revoked as there can be."""

    code: Literal["WA049"]
    maximum: Annotated[int, Meta(description="How many there can be.", examples=[1000])]


class TooManyStreams(Problem, kw_only=True):
    """The user or the address has as many streams as they can have."""

    code: Literal["too_many_streams"]
    maximum: Annotated[int, Meta(description="How many streams they can have.", examples=[10])]


class NotInAll(Problem, kw_only=True):
    """A change of what all databases of a cluster have: one of them went away meanwhile."""

    code: Literal["partly"]
    done: Annotated[list[int], Meta(description="The databases in which it is done.", examples=[[0, 1]])]
    away: Annotated[list[int], Meta(description="Those in which it is not, or may not be.", examples=[[2]])]


REFUSALS: Final[tuple[type[Problem], ...]] = (
    InsufficientFunds,
    BalanceLimitExceeded,
    UnknownRecipient,
    OtherAsset,
    WalletInactive,
    LimitExceeded,
    HoldEnded,
    CaptureAboveHold,
    RefundAboveRest,
    WalletNotEmpty,
    TooManyHolds,
    UnknownAsset,
    TooManySignIns,
    AlreadyDecided,
    HistoryChanged,
    TooManyWebhooks,
    VerificationRuns,
    OtherHome,
    KeyRefused,
    TooManyKeys,
    TooManyStreams,
    NotInAll,
)
Refusal = Annotated[
    dict[str, object] | None,
    Meta(
        description="As the single call answers it.",
        examples=[None],
        extra_json_schema={
            "extra": {
                "one_of": [
                    *({"$ref": f"#/components/schemas/{refusal.__name__}"} for refusal in (*REFUSALS, Problem)),
                    {"type": "null"},
                ]
            }
        },
    ),
]
"""A refusal by the database inside another answer: `code` tells which one it is."""
