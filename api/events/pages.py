"""Pages of events, for who asks again and again."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from api.database.each import ask, away_error
from api.errors import NOT_FINAL, UNAVAILABLE, ServiceError
from api.events.cursors import Cursor, Cursors
from api.events.sources import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from api.database.requests import Bound, EventFilters
    from api.database.rows import EventRow
    from api.events.bounds import Bounds
    from api.events.sources import Sources

ANSWER_SECONDS: Final = 2 * PATIENCE_SECONDS
"""How long a page waits for each of several databases."""


class Asked(NamedTuple):
    """A page that is asked for. `after` None: from now on."""

    after: Cursors | None
    limit: int
    filters: EventFilters
    actor: UUID


class Part(NamedTuple):
    """Events of one database, the cursor from which its next page goes on, and whether it may have more."""

    items: list[EventRow]
    next: Cursor
    more: bool


class EventsPage(NamedTuple):
    """Events, the cursor from which the next page goes on, and whether it may have more of what was final.

    `away`: databases that did not answer. Their cursor is as it was.
    """

    items: list[EventRow]
    next: Cursors
    more: bool
    away: Sequence[int] = ()


class _Event(msgspec.Struct):
    time: str


_read_event = msgspec.json.Decoder(_Event).decode


async def page(sources: Sources, asked: Asked) -> EventsPage:
    """Read a page that covers what was committed before. Raises ServiceError: NOT_FINAL, or what a read can raise."""
    if len(sources.bounds) == 1:
        ((number, bounds),) = sources.bounds.items()
        found = await _part(bounds, asked, None if asked.after is None else asked.after.at(number))
        return EventsPage(found.items, Cursors({**(asked.after or {}), number: found.next}), found.more)

    async def read(number: int) -> Part:
        with sources.told(number):
            return await _part(sources.bounds[number], asked, None if asked.after is None else asked.after.at(number))

    answers = await ask({number: number for number in sources.bounds}, read, patience=ANSWER_SECONDS)
    if answers.away and asked.after is None:
        told = f"What comes from now on is not known of database {', '.join(map(str, answers.away))}, which is away."
        raise away_error(ServiceError(UNAVAILABLE, f"{told} Read after a cursor, or from the beginning."), answers.away)
    return merged(answers.found, asked, answers.away)


def merged(parts: Mapping[int, Part], asked: Asked, away: Sequence[int] = ()) -> EventsPage:
    """Merge the pages of several databases: each in its order, and among them by time."""
    listed = [[(_read_event(row.event).time, number, row) for row in part.items] for number, part in parts.items()]
    found = list(islice(merge(*listed, key=lambda one: one[0]), asked.limit))
    after = Cursors(asked.after or {})
    more = False
    for number, part in parts.items():
        taken = [row.id for _, of, row in found if of == number]
        whole = len(taken) == len(part.items)
        if whole:
            after[number] = part.next
        elif taken:
            after[number] = Cursor(part.next.epoch, taken[-1])
        more = more or part.more or not whole
    return EventsPage([row for _, _, row in found], after, more, away)


async def _part(bounds: Bounds, asked: Asked, after: Cursor | None) -> Part:
    """Read the page of one database.

    A full page needs no fence of its own: whoever reads all from the beginning does not wait for one each time.
    """
    bound, found = bounds.latest, None
    if bound is not None and after is not None:
        found = await _read(bounds, bound, after, asked)
        if len(found.items) == asked.limit:
            return found
    fresh = await bounds.fresh(PATIENCE_SECONDS)
    if fresh is None:
        raise ServiceError(NOT_FINAL)
    if found is not None and fresh == bound:
        return found
    after = after or Cursor(fresh.epoch, await bounds.database.newest_event(fresh))
    return await _read(bounds, fresh, after, asked)


async def _read(bounds: Bounds, bound: Bound, after: Cursor, asked: Asked) -> Part:
    found = await bounds.database.events(after.id, bound, asked.limit, asked.filters, after.epoch, asked.actor)
    at = found.items[-1].id if len(found.items) == asked.limit else found.next
    following = Cursor(bound.epoch, after.id if at is None else at)
    return Part(found.items, following, at is not None and at < bound.up_to)
