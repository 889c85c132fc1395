"""Wallets and their balances."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from api.schemas.fields import (
    Asset,
    AssetCode,
    Available,
    BalanceAmount,
    CreatedAt,
    Held,
    Moment,
    Scale,
    Status,
    WalletId,
)


class WalletRequest(Struct, forbid_unknown_fields=True):
    """Which wallet to open."""

    asset: AssetCode


class Wallet(Struct):
    """One of the user's wallets, as it is now."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    status: Status
    balance: BalanceAmount
    held: Held
    available: Available
    created_at: CreatedAt


class WalletList(Struct):
    """The user's wallets, by asset."""

    items: list[Wallet]


class Balance(Struct, tag_field="kind", tag="now"):
    """The balance now."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    held: Held
    available: Available
    status: Status


class BalanceAt(Struct, tag_field="kind", tag="at"):
    """The balance at a moment: the sum of what was recorded before it. It never changes later."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    at: Moment


class LimitLeft(Struct):
    """A limit of a wallet, in minor units."""

    maximum: Annotated[int, Meta(description="What may move.", examples=[1000])]
    used: Annotated[int, Meta(description="What has moved in the window.", examples=[850])]
    left: Annotated[int, Meta(description="What may still move now.", examples=[150])]


class KindLimitsLeft(Struct):
    """The limits of one kind of transaction; null is no limit. A window's edge is an hour."""

    per_transaction: LimitLeft | None = None
    per_day: LimitLeft | None = None
    per_30_days: LimitLeft | None = None


class LimitsLeftByKind(Struct):
    """Kinds with limits; `spend` counts captures, `transfer` what is sent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "topup": None,
        "spend": {
            "per_transaction": None,
            "per_day": {"maximum": 1000, "used": 850, "left": 150},
            "per_30_days": None,
        },
        "transfer": None,
    }

    topup: KindLimitsLeft | None = None
    spend: KindLimitsLeft | None = None
    transfer: KindLimitsLeft | None = None


class OwnWallet(Wallet):
    """One of the user's wallets, with what limits it."""

    floor: Annotated[int, Meta(description="The lowest balance: below 0 is an overdraft.", examples=[0])]
    max_balance: Annotated[
        int | None, Meta(description="Minor units; null is no maximum of its own.", examples=[100000])
    ]
    limits: LimitsLeftByKind


class AssetInfo(Struct):
    """What a wallet can hold."""

    code: Asset
    name: Annotated[str, Meta(examples=["User credits"])]
    scale: Scale


class AssetList(Struct):
    """All assets, by code."""

    items: list[AssetInfo]
