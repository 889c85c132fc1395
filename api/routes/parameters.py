"""How routes read what clients send: query parameters, cursors, moments, and the details of a transaction."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Raw, UnsetType

from api.cluster_map import NUMBERS
from api.database.requests import Details, Places
from api.database.standby import MAX_AGE, Age
from api.errors import INVALID_CURSOR, NOT_FOUND, FieldError, ServiceError, invalid
from api.schemas.fields import ASSET_PATTERN
from api.schemas.transactions import DetailedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.auth.guards import AuthenticatedRequest
    from api.database.requests import Before

P = TypeVar("P", int, UUID, Places)

MAX_POSITION = 2**63 - 1
MAX_ID = 2**53 - 1
"""Of what is numbered: an OpenAPI document holds no larger whole number exactly, nor do many JSON readers."""

AssetQuery = Annotated[
    str | None,
    QueryParameter(pattern=ASSET_PATTERN, description="Which of the user's wallets; the default one without."),
]
MomentQuery = Annotated[str | None, QueryParameter(format="date-time", description="RFC 3339 with an offset.")]
MaxAgeQuery = Annotated[
    int,
    QueryParameter(
        ge=0,
        le=MAX_AGE,
        description="A standby may answer, as things were at most so many seconds ago: the header `Age` says how many. "
        "0: as they are now.",
    ),
]
LimitQuery = Annotated[int, QueryParameter(ge=1, le=200, description="Items in the page.")]
CursorQuery = Annotated[str | None, QueryParameter(max_length=64, description="`next_cursor` of the page before.")]
PlacesQuery = Annotated[str | None, QueryParameter(max_length=8000, description="`next_cursor` of the page before.")]
"""Of a list over all databases."""


def text(value: Raw) -> str | None:
    """JSON as it was sent, None for none."""
    return bytes(value).decode() or None


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


def accepted(max_age: int) -> Age | None:
    """Return how old the answer may be; None for none but what is now."""
    return Age(max_age) if max_age else None


def optional_moment(field: str, value: str | None) -> datetime | None:
    """Read a query parameter that may be missing. Raises ServiceError (422)."""
    return None if value is None else moment(field, value)


def encode_cursor(position: Before | UUID) -> str | None:
    """Spell a position in a list as an opaque cursor; None stays None."""
    return None if position is None else urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """Read a cursor back. Raises ServiceError (WA024) for one that this service did not make."""
    return None if cursor is None else _decode(cursor, int, lambda position: 0 < position <= MAX_POSITION)


def decode_places(cursor: str | None) -> Before:
    """Read back the cursor of a list over all databases. Raises ServiceError (WA024) as `decode_cursor` does."""
    try:
        return decode_cursor(cursor)
    except ServiceError:
        return _decode(cursor or "", _places)


def _places(text: str) -> Places:
    """Read what `Places` spells. Raises ValueError."""
    before = {int(number): int(row) for number, _, row in (part.partition(":") for part in text.split(","))}
    if not all(0 <= number < NUMBERS and 0 < row <= MAX_POSITION for number, row in before.items()):
        raise ValueError
    return Places(before)


def decode_uuid_cursor(cursor: str | None) -> UUID | None:
    """Read back the cursor of a list that UUIDs order. Raises ServiceError (WA024) as `decode_cursor` does."""
    return None if cursor is None else _decode(cursor, UUID)


def _decode(cursor: str, read: Callable[[str], P], is_valid: Callable[[P], bool] = lambda _: True) -> P:
    with suppress(ValueError):
        position = read(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
        if is_valid(position) and encode_cursor(position) == cursor:
            return position
    fault = FieldError("cursor", "is not a cursor of this service")
    raise ServiceError(INVALID_CURSOR, "Use the cursor that the page before returned, or none.", [fault])


def named(away: Sequence[int]) -> list[int] | UnsetType:
    """Return the databases that are away as an answer has them: left out where there are none."""
    return list(away) or UNSET


def number(request: AuthenticatedRequest, found: int) -> int:
    """Return the number that the path has. Raises ServiceError (404) for `+1`, `1_0` and other spellings."""
    if str(found) not in request.scope["path"].split("/"):
        raise ServiceError(NOT_FOUND)
    return found
