"""What the routes are made of, and how they read what clients send."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta, Raw

from api.auth.tokens import Tokens
from api.database.functions import Database, Details, Mutation
from api.errors import INVALID_CURSOR, OPERATORS_ONLY, FieldError, ServiceError, invalid
from api.http.rate_limit import Limits
from api.routes.wallet_ids import Wallets
from api.schemas.common import ASSET_PATTERN, DetailedRequest

if TYPE_CHECKING:
    import asyncpg

MAX_SEQ = 2**63 - 1

AssetQuery = Annotated[
    str | None,
    QueryParameter(pattern=ASSET_PATTERN, description="Which of the user's wallets; the default one without."),
]
MomentQuery = Annotated[str | None, QueryParameter(format="date-time", description="RFC 3339 with an offset.")]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=200, description="Items in the page.")]
CursorQuery = Annotated[str | None, QueryParameter(max_length=64, description="`next_cursor` of the page before.")]


class Parts(NamedTuple):
    """What routes use. `mutate` runs top-ups and spends, `balance` reads balances: alone or together with others.

    `single` has connections of its own, for calls that may wait for a wallet: they take none from the others.
    """

    database: Database
    single: Database
    mutate: Callable[[Mutation], Awaitable[asyncpg.Record]]
    balance: Callable[[UUID, UUID], Awaitable[asyncpg.Record]]
    tokens: Tokens
    limits: Limits
    wallets: Wallets
    self_topup: bool
    self_refund: bool
    download_timeout: float

    async def let_top_up(self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> None:
        """Raise ServiceError (403) where top-ups are left to operators; those on record are answered again."""
        if not self.self_topup:
            await self._let_repeat("top up a wallet", wallet_id, txn_ids, actor)

    async def let_refund(self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> None:
        """Raise ServiceError (403) where refunds are left to operators; those on record are answered again."""
        if not self.self_refund:
            await self._let_repeat("refund a transaction", wallet_id, txn_ids, actor)

    async def _let_repeat(self, what: str, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> None:
        if len(await self.single.recorded(wallet_id, txn_ids, actor)) < len(set(txn_ids)):
            raise ServiceError(OPERATORS_ONLY, f"Only an operator can {what} of this service.")


def text(value: Raw) -> str | None:
    """JSON as it was sent, None for none."""
    return bytes(value).decode() or None


def json(value: str | None) -> Raw:
    """JSON as it is stored, null for none."""
    return Raw((value or "null").encode())


def details(data: DetailedRequest) -> Details:
    """Read what every transaction can carry. Raises ServiceError (422)."""
    return Details(data.reference, text(data.metadata), in_utc("effective_at", data.effective_at))


def in_utc(field: str, moment: datetime | None) -> datetime | None:
    """Return the moment in UTC. Raises ServiceError (422) where that is before the year 1 or after 9999."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise invalid(FieldError(field, "is out of range")) from None


def moment(field: str, value: str) -> datetime:
    """Read a query parameter. Raises ServiceError (422) unless it is RFC 3339 with an offset."""
    try:
        found = in_utc(field, msgspec.convert(value, Annotated[datetime, Meta(tz=True)]))
    except msgspec.ValidationError:
        found = None
    if found is None:
        raise invalid(FieldError(field, "must be RFC 3339 with an offset, like 2026-11-22T12:00:00Z; write + as %2B"))
    return found


def optional_moment(field: str, value: str | None) -> datetime | None:
    """Read a query parameter that may be missing. Raises ServiceError (422)."""
    return None if value is None else moment(field, value)


def cursor_at(place: int) -> str:
    """Spell a place in a list as an opaque cursor."""
    return urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> int | None:
    """Read a cursor back. Raises ServiceError (WA024) for one that this service did not make."""
    if cursor is None:
        return None
    try:
        digits = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = int(digits) if digits.isdigit() else 0
    except ValueError:
        place = 0
    if not 0 < place <= MAX_SEQ or cursor_at(place) != cursor:
        fault = FieldError("cursor", "is not a cursor of this service")
        raise ServiceError(INVALID_CURSOR, "Use the cursor that the page before returned, or none.", [fault])
    return place
