"""Wallets and their balances."""

from __future__ import annotations

from msgspec import Struct

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
