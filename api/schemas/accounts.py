"""Sign-up, sign-in and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from api.schemas.fields import (
    RESET_TOKEN,
    USER_ID,
    AccessToken,
    Asset,
    CreatedAt,
    ExpiresIn,
    Password,
    Scale,
    Username,
    WalletId,
)
from api.schemas.wallets import OwnWallet


class Credentials(Struct, forbid_unknown_fields=True):
    """Who signs up or in."""

    username: Username
    password: Password


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The password of now and the one to come."""

    current_password: Password
    new_password: Password


class PasswordReset(Struct, forbid_unknown_fields=True):
    """A password reset token and the password to come."""

    token: Annotated[
        str,
        Meta(pattern="^[A-Za-z0-9_-]{43}$", description="As an operator handed it over.", examples=[RESET_TOKEN]),
    ]
    new_password: Password


class Session(Struct):
    """A signed-in user."""

    id: Annotated[UUID, Meta(description="The user.", examples=[USER_ID])]
    username: Annotated[str, Meta(examples=["alice"])]
    wallet_id: WalletId
    access_token: AccessToken
    token_type: Literal["Bearer"]
    expires_in: ExpiresIn


class Account(Struct):
    """A new user with wallet and sign-up bonus, signed in."""

    id: Annotated[UUID, Meta(description="The user.", examples=[USER_ID])]
    username: Annotated[str, Meta(examples=["alice"])]
    wallet_id: WalletId
    asset: Asset
    scale: Scale
    balance: Annotated[int, Meta(description="The sign-up bonus, in minor units.", examples=[1000])]
    available: Annotated[int, Meta(description="What can be spent now, in minor units.", examples=[1000])]
    access_token: AccessToken
    token_type: Literal["Bearer"]
    expires_in: ExpiresIn


class SignedOut(Struct):
    """Which tokens are valid no more: the one of this request, or all of the user."""

    ended: Literal["token", "all"]


class Me(Struct):
    """The signed-in user, as stored now."""

    id: Annotated[UUID, Meta(description="The user.", examples=[USER_ID])]
    username: Annotated[str, Meta(examples=["alice"])]
    role: Literal["user", "operator"]
    created_at: CreatedAt
    last_sign_in_at: Annotated[
        datetime | None, Meta(description="To a minute; null: none since the account was opened.")
    ]
    wallets: list[OwnWallet]
