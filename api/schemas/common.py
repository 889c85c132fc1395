"""The shapes of requests and answers. OpenAPI is generated from them, so every field says what it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar
from uuid import UUID

from msgspec import Meta, Raw, Struct, field

from api.errors import FieldError

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

MAX_AMOUNT = 9_007_199_254_740_991
TXN_ID = "018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77"
WALLET_ID = "018f6b5e-0000-7000-8000-00000000a11c"
USER_ID = "018f6b5e-0000-7000-8000-0000000000a1"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1aWQiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105

Username = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_.-]{3,64}$",
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
ASSET_PATTERN = "^[A-Z][A-Z0-9]{1,11}$"
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
        pattern="^[^\\u0000]*$",
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
TransactionKind = Literal["bonus", "topup", "spend", "transfer", "capture", "refund", "adjustment"]
Scale = Annotated[int, Meta(description="Decimal places: one unit is 10^scale minor units.", examples=[0])]
BalanceAmount = Annotated[int, Meta(description="Everything in the wallet, in minor units.", examples=[1100])]
Available = Annotated[int, Meta(description="What can be spent now, in minor units.", examples=[1100])]
WalletId = Annotated[UUID, Meta(examples=[WALLET_ID])]
AccessToken = Annotated[str, Meta(description="JWT for `Authorization: Bearer`.", examples=[TOKEN])]
ExpiresIn = Annotated[int, Meta(description="Seconds.", examples=[86400])]
CreatedAt = Annotated[datetime, Meta(description="RFC 3339, UTC.", examples=["2026-11-22T12:00:00.123456Z"])]
Receipt = Annotated[
    str | None,
    Meta(
        description="The hash of the wallet's entry, over all entries before it too, in hex: what is altered or "
        "removed later contradicts it. Null for what posts nothing.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
TransactionType = Annotated[str, Meta(description="`bonus`, `topup`, `spend`, …", examples=["topup"])]
# Raw JSON: numbers pass exactly as they were written, in both directions.
JsonObject = Annotated[
    Raw,
    Meta(
        description="A JSON object of at most 4 KiB.",
        examples=[{"order": 17}],
        extra_json_schema={"extra": {"type": ["object", "null"]}},
    ),
]


class Credentials(Struct, forbid_unknown_fields=True):
    """Who signs up or in."""

    username: Username
    password: Password


class DetailedRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every transaction can carry. All of it is part of the request that a replay must match."""

    reference: Reference | None = None
    metadata: JsonObject = field(default_factory=Raw)
    effective_at: EffectiveAt | None = None


class TransactionRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A top-up or spend."""

    txn_id: TxnId
    amount: Amount
    asset: WhichAsset | None = None


class TransferRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A transfer: exactly one of `to_username` and `to_wallet_id`."""

    txn_id: TxnId
    amount: Amount
    to_username: Username | None = None
    to_wallet_id: Annotated[UUID, Meta(description="The recipient's wallet.", examples=[WALLET_ID])] | None = None
    asset: WhichAsset | None = None


class RefundRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """A refund of a spend or capture."""

    txn_id: TxnId
    original_txn_id: Annotated[UUID, Meta(description="The `txn_id` of the spend or capture.", examples=[TXN_ID])]
    amount: (
        Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Without: all that is left.", examples=[100])] | None
    ) = None
    asset: WhichAsset | None = None


class HoldRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Money to set aside."""

    txn_id: TxnId
    amount: Amount
    expires_in: (
        Annotated[int, Meta(ge=1, le=31_536_000, description="Seconds; 7 days without.", examples=[3600])] | None
    ) = None
    reference: Reference | None = None
    metadata: JsonObject = field(default_factory=Raw)
    asset: WhichAsset | None = None


class CaptureRequest(DetailedRequest, forbid_unknown_fields=True, kw_only=True):
    """What to take of a hold."""

    txn_id: TxnId
    amount: (
        Annotated[
            int,
            Meta(ge=1, le=MAX_AMOUNT, description="Without: all that is left, and the hold closes.", examples=[100]),
        ]
        | None
    ) = None
    final: Annotated[bool, Meta(description="Release what this leaves of the hold.", examples=[True])] = False
    asset: WhichAsset | None = None


class VoidRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The release of a hold."""

    txn_id: TxnId
    asset: WhichAsset | None = None


class WalletRequest(Struct, forbid_unknown_fields=True):
    """Which wallet to open."""

    asset: AssetCode


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


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The password of now and the one to come."""

    current_password: Password
    new_password: Password


class SignedOut(Struct):
    """Which tokens are valid no more: the one of this request, or all of the user."""

    ended: Literal["token", "all"]


class Balance(Struct):
    """The balance now."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    held: Held
    available: Available
    status: Status


class BalanceAt(Struct):
    """The balance at a moment: the sum of what was recorded before it. It never changes later."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    at: Moment


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


class Transaction(Struct):
    """The result of a mutation, with the balance right after it; the same for every replay but for `replayed`."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: TxnId
    wallet_id: WalletId
    type: TransactionType
    amount: Amount
    asset: Asset
    scale: Scale
    balance: BalanceAmount
    available: Available
    replayed: Annotated[bool, Meta(description="Already on record: nothing was written now.", examples=[False])]
    created_at: CreatedAt
    receipt: Receipt


class Entry(Struct):
    """One ledger entry of the wallet."""

    id: Annotated[int, Meta(description="The server's number of the transaction.", examples=[42])]
    txn_id: Annotated[UUID, Meta(examples=[TXN_ID])]
    type: TransactionType
    amount: Annotated[int, Meta(description="Signed, in minor units: negative leaves the wallet.", examples=[-100])]
    balance: Annotated[int, Meta(description="After this entry, in minor units.", examples=[900])]
    reference: Annotated[str | None, Meta(examples=["order 17"])]
    metadata: JsonObject
    counterparty_wallet_id: Annotated[UUID | None, Meta(description="The other side of a transfer.")]
    counterparty_username: Annotated[str | None, Meta(description="Whose wallet that is.", examples=["bob"])]
    effective_at: Annotated[datetime | None, Meta(description="As the request gave it.")]
    created_at: CreatedAt


class Hold(Struct):
    """Money set aside."""

    id: Annotated[int, Meta(description="The server's number of the hold.", examples=[3])]
    txn_id: HoldTxnId
    status: Annotated[Literal["open", "expired", "captured", "voided"], Meta(examples=["open"])]
    amount: Amount
    captured: Annotated[int, Meta(description="What captures took, in minor units.", examples=[0])]
    remaining: Annotated[int, Meta(description="What it still sets aside, in minor units.", examples=[100])]
    reference: Annotated[str | None, Meta(examples=["order 17"])]
    metadata: JsonObject
    expires_at: CreatedAt
    created_at: CreatedAt


class HoldPage(Struct):
    """A page of the wallet's holds, newest first."""

    items: list[Hold]
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]


class Statement(Struct):
    """All entries from `from` until before `to`, oldest first: they lead from one balance to the other."""

    wallet_id: WalletId
    asset: Asset
    scale: Scale
    start: Annotated[datetime, Meta(examples=["2025-01-01T00:00:00Z"])] = field(name="from")
    end: Annotated[datetime, Meta(examples=["2025-02-01T00:00:00Z"])] = field(name="to")
    opening_balance: BalanceAmount
    entries: list[Entry]
    closing_balance: BalanceAmount


class EntryPage(Struct):
    """A page of the wallet's history, newest first; with a filter it can be short or empty and yet not the last."""

    items: list[Entry]
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last one.", examples=["MTc"])]


class Check(Struct):
    """One thing the service depends on."""

    status: Literal["healthy", "unhealthy"]
    response_time: Annotated[float, Meta(description="Milliseconds.", examples=[0.8])]


class Health(Struct):
    """Whether the service can work."""

    status: Literal["healthy", "unhealthy"]
    timestamp: CreatedAt
    checks: dict[str, Check]


class Envelope(Struct, Generic[T]):
    """Every success but health comes in this envelope."""

    success: Literal[True]
    message: str
    data: T


class Problem(Struct):
    """Every error (RFC 9457). Further members depend on the code, like `available` for WA003."""

    type: Annotated[str, Meta(description="Where the code is documented.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="A sentence for people.")]
    code: Annotated[str, Meta(description="For programs: the SQLSTATE of a refusal, or a word.")]
    success: Literal[False]
    message: Annotated[str, Meta(description="Same as `detail`.")]
    request_id: Annotated[str | None, Meta(description="Same as the header X-Request-Id; the service logs it.")]
    errors: Annotated[list[FieldError], Meta(description="Which fields are at fault, where one is.")] = []


class Row(Protocol):
    """What a database row offers."""

    def __getitem__(self, column: str) -> Any:
        """Return a column by name."""


def reader(struct: type[S]) -> Callable[[Row], S]:
    """Return what makes a `struct` of a row: columns by name, so that a new column in SQL breaks nothing."""
    values = itemgetter(*struct.__struct_fields__)

    def read(row: Row) -> S:
        return struct(*values(row))

    return read
