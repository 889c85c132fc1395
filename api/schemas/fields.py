"""The fields of requests and answers. OpenAPI is generated from them, so every field says what it holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Raw

MAX_AMOUNT = 9_007_199_254_740_991
TXN_ID = "018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77"
ORIGINAL_TXN_ID = "018f6b5d-1b2c-7d00-8e4f-6a7b8c9d0e1f"
WALLET_ID = "018f6b5e-0000-7000-8000-00000000a11c"
ANOTHER_WALLET_ID = "018f6b5e-0000-7000-8000-000000000b0b"
RESET_TOKEN = "hGFXbU0gTqKjS1sEo7dLm2vYc9wZ4nRa8pQeJtIuBxk"  # noqa: S105
USER_ID = "018f6b5e-0000-7000-8000-0000000000a1"
OPERATOR_ID = "018f6b5e-0000-7000-8000-0000000000c1"
KEY_ID = "018f6b5e-0000-7000-8000-00000000ae11"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1aWQiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105
USERNAME_PATTERN = "^[A-Za-z0-9_.-]{3,64}$"
ASSET_PATTERN = "^[A-Z][A-Z0-9]{1,11}$"
RECEIPT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RECEIPT_PATTERN = "^[0-9a-f]{64}$"
TEXT_PATTERN = "^[^\\u0000]*$"
RESET_TOKEN_PATTERN = r"^[A-Za-z0-9_-]{43}(\.[0-9]{1,4})?$"  # noqa: S105
"""`api/http/wording.py` says in words what each of them asks for."""

Username = Annotated[
    str,
    Meta(
        pattern=USERNAME_PATTERN,
        description="3 to 64 of letters, digits, `_`, `.` and `-`; folded to lower case. Nothing that reads as a UUID.",
        examples=["alice"],
    ),
]
Password = Annotated[
    str, Meta(min_length=1, max_length=1024, description="8 to 72 bytes in UTF-8.", examples=["password123"])
]
TxnId = Annotated[
    UUID,
    Meta(
        description="The client's idempotency key, unique within the wallet: the same request again answers 200 with "
        "the first result; another request with the same id is refused (WA004).",
        examples=[TXN_ID],
    ),
]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Minor units of the asset, above 0.", examples=[100])]
Asset = Annotated[str, Meta(description="Code of the asset.", examples=["UC"])]
AssetCode = Annotated[str, Meta(pattern=ASSET_PATTERN, description="Code of the asset.", examples=["UC"])]
WhichAsset = Annotated[
    str,
    Meta(pattern=ASSET_PATTERN, description="Which of the user's wallets; the default one without.", examples=["UC"]),
]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        pattern=TEXT_PATTERN,
        description="Free text, without U+0000.",
        examples=["order 17"],
    ),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.", examples=["2025-01-01T00:00:00Z"])]
EffectiveAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="When it happened in the client's world: RFC 3339 with an offset, not in the future. Shown, never "
        "computed with.",
        examples=["2025-01-01T00:00:00Z"],
    ),
]
Held = Annotated[int, Meta(description="What open holds set aside, in minor units.", examples=[0])]
Status = Annotated[Literal["active", "frozen", "closed"], Meta(examples=["active"])]
HoldTxnId = Annotated[UUID, Meta(description="The `txn_id` of the hold.", examples=[TXN_ID])]
RequestKind = Literal["bonus", "topup", "spend", "transfer", "capture", "refund", "adjustment"]
TransactionKind = Literal[RequestKind, "returned"]
"""As histories show it. A transfer that another database refused is `returned` to its sender."""
PostedKind = Literal[TransactionKind, "received"]
"""As it is recorded: a transfer from another database is `received`, which histories show as a transfer."""
Scale = Annotated[int, Meta(description="Decimal places: one unit is 10^scale minor units.", examples=[0])]
BalanceAmount = Annotated[int, Meta(description="Everything in the wallet, in minor units.", examples=[1100])]
Available = Annotated[int, Meta(description="What can be spent now, in minor units.", examples=[1100])]
WalletId = Annotated[UUID, Meta(examples=[WALLET_ID])]
AccessToken = Annotated[str, Meta(description="JWT for `Authorization: Bearer`.", examples=[TOKEN])]
ExpiresIn = Annotated[int, Meta(description="Seconds.", examples=[86400])]
CreatedAt = Annotated[datetime, Meta(description="RFC 3339, UTC.", examples=["2026-11-22T12:00:00.123456Z"])]
ExpiresAt = Annotated[datetime, Meta(description="RFC 3339, UTC.", examples=["2026-11-29T12:00:00.123456Z"])]
Receipt = Annotated[
    str | None,
    Meta(
        description="The hash of the wallet's entry, over all entries before it too, in hex: what is altered or "
        "removed later contradicts it. Null for what posts nothing.",
        examples=[RECEIPT],
    ),
]
Delivery = Annotated[
    Literal["pending", "delivered", "returned"],
    Meta(
        description="Only of a transfer to a wallet of another database of the service: whether the money is there, "
        "or has come back because that wallet refused it. Pending: ask for the transaction again.",
        examples=["delivered"],
    ),
]
TransactionType = Annotated[Literal[RequestKind, "hold", "void"], Meta(examples=["topup"])]
"""Of what is requested: a hold or void posts no transaction."""
# Raw JSON: numbers pass exactly as they were written, in both directions.
JsonObject = Annotated[
    Raw,
    Meta(
        description="A JSON object of at most 4 KiB.",
        examples=[{"order": 17}],
        extra_json_schema={"extra": {"type": ["object", "null"]}},
    ),
]
Away = Annotated[
    list[int],
    Meta(
        description="Databases of a cluster that did not answer: what they have is missing. Left out where all did.",
        examples=[[2]],
    ),
]
