"""Pages of events, for who asks again and again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from api.errors import NOT_FINAL, SQLSTATES, ServiceError
from api.events.cursors import Cursor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from api.database.functions import Database
    from api.database.requests import Bound, EventFilters
    from api.database.rows import EventRow
    from api.events.bounds import Bounds

PATIENCE_SECONDS: Final = 2.0
"""How long a page waits for a transaction that stays open, before it shows what was final earlier."""

HISTORY_CHANGED: Final = SQLSTATES["WA041"]


class Asked(NamedTuple):
    """A page that is asked for. `after` None: from now on."""

    after: Cursor | None
    limit: int
    filters: EventFilters
    actor: UUID


class EventsPage(NamedTuple):
    """Events, the cursor from which the next page goes on, and whether it may have more of what was final."""

    items: list[EventRow]
    next: Cursor
    more: bool


async def page(database: Database, bounds: Bounds, asked: Asked) -> EventsPage:
    """Read a page that covers what was committed before. Raises ServiceError: NOT_FINAL, or what a read can raise.

    A full page needs no fence of its own: whoever reads all from the beginning does not wait for one each time.
    """
    bound, found = bounds.latest, None
    if bound is not None and asked.after is not None:
        found = await _read(database, bound, asked.after, asked)
        if len(found.items) == asked.limit:
            return found
    fresh = await bounds.fresh(PATIENCE_SECONDS)
    if fresh is None:
        raise ServiceError(NOT_FINAL)
    if found is not None and fresh == bound:
        return found
    after = asked.after or Cursor(fresh.epoch, await database.newest_event(fresh))
    return await _read(database, fresh, after, asked)


async def _read(database: Database, bound: Bound, after: Cursor, asked: Asked) -> EventsPage:
    found = await database.events(after.id, bound, asked.limit, asked.filters, after.epoch, asked.actor)
    at = found.items[-1].id if len(found.items) == asked.limit else found.next
    following = Cursor(bound.epoch, after.id if at is None else at)
    return EventsPage(found.items, following, at is not None and at < bound.up_to)


@contextlib.asynccontextmanager
async def with_resume(bounds: Bounds) -> AsyncIterator[None]:
    """Add to a refusal the cursor from which a client whose history has ended goes on. Raises ServiceError."""
    try:
        yield
    except ServiceError as error:
        known = error.members.get("known")
        if error.kind is not HISTORY_CHANGED or not isinstance(known, int):
            raise
        bound = bounds.latest or await bounds.fresh(PATIENCE_SECONDS)
        if bound is None:
            raise
        members = {**error.members, "resume": str(Cursor(bound.epoch, known))}
        raise ServiceError(error.kind, error.detail, error.errors, members, error.headers) from error
