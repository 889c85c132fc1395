"""Keys of machines, as operators make, look at and revoke them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.schemas.fields import KEY_ID, OPERATOR_ID, TEXT_PATTERN, USER_ID, USERNAME_PATTERN, Away, CreatedAt
from api.schemas.inspection import NextCursor

KEY_SECRET = "pgw_plJ3nmyCDGBKInavdOK15jsl8xvWEBZr5kQgQ9qbQf8"  # noqa: S105
NETWORK_PATTERN = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"
MOST_CALLS = 1_000_000

Scope = Literal["read", "spend", "topup", "transfer", "hold", "refund"]
KeyName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=TEXT_PATTERN,
        description="What people call the key. It stays on record.",
        examples=["shop"],
    ),
]
Scopes = Annotated[
    list[Scope],
    Meta(
        min_length=1,
        max_length=6,
        description="What it may do. `read`: balances, histories, statements, holds and the own stream; `hold`: also "
        "capture and void.",
        examples=[["read", "spend", "refund"]],
    ),
]
Subject = Annotated[
    str, Meta(pattern=USERNAME_PATTERN, description="A user: the id, or the username.", examples=["alice"])
]
Network = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=43,
        pattern=NETWORK_PATTERN,
        description="An address or a network of IPv4 or IPv6.",
        examples=["203.0.113.0/24"],
    ),
]
CallsPerMinute = Annotated[
    int, Meta(ge=1, le=MOST_CALLS, description="Without: `PGWALLET_KEY_RATE_LIMIT`.", examples=[600])
]


class KeyRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A key to make. Nothing of it can be changed later: another right is another key."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "subjects": ["alice"],
        "all_users": False,
        "networks": None,
        "expires_at": None,
    }

    name: KeyName
    scopes: Scopes
    subjects: (
        Annotated[
            list[Subject],
            Meta(min_length=1, max_length=1000, description="For whom it acts; operators are never among them."),
        ]
        | None
    ) = None
    all_users: Annotated[
        bool, Meta(description="In place of `subjects`: for every user who is no operator, also of later.")
    ] = False
    networks: (
        Annotated[list[Network], Meta(min_length=1, max_length=100, description="Where it may be used from.")] | None
    ) = None
    expires_at: (
        Annotated[
            datetime,
            Meta(tz=True, description="RFC 3339 with an offset. Without: never.", examples=["2027-11-22T12:00:00Z"]),
        ]
        | None
    ) = None
    calls_per_minute: CallsPerMinute | None = None


class Key(Struct):
    """A key, without its secret. In a cluster: as all databases have it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"missing": UNSET, "away": UNSET}

    id: Annotated[UUID, Meta(examples=[KEY_ID])]
    name: Annotated[str, Meta(examples=["shop"])]
    prefix: Annotated[
        str, Meta(description="The first 12 characters of its secret, to tell keys apart.", examples=[KEY_SECRET[:12]])
    ]
    scopes: Annotated[list[Scope], Meta(description="What it may do.", examples=[["read", "refund", "spend"]])]
    all_users: Annotated[bool, Meta(description="Whether it acts for all users.", examples=[False])]
    user_ids: Annotated[list[UUID] | None, Meta(description="For whom it acts; null: all users.", examples=[[USER_ID]])]
    networks: Annotated[list[str] | None, Meta(description="Null: from anywhere.", examples=[None])]
    calls_per_minute: Annotated[int | None, Meta(description="Null: as the service is set.", examples=[600])]
    expires_at: Annotated[datetime | None, Meta(description="Null: never.", examples=[None])]
    created_at: CreatedAt
    created_by: Annotated[UUID | None, Meta(description="Null: an administrator.", examples=[OPERATOR_ID])]
    revoked_at: Annotated[datetime | None, Meta(description="Null: it is not revoked.", examples=[None])]
    last_used_at: Annotated[datetime | None, Meta(description="To a minute or two; null: never.", examples=[None])]
    missing: (
        Annotated[list[int], Meta(description="Databases that do not have it: revoke it and make another.")] | UnsetType
    ) = UNSET
    away: Away | UnsetType = UNSET


class KeyWithSecret(Key, kw_only=True):
    """A key with the secret that whoever uses it sends."""

    secret: Annotated[str, Meta(description="For `Authorization: Bearer`. It is shown once.", examples=[KEY_SECRET])]


class KeyPage(Struct):
    """A page of the keys, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Key]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET
