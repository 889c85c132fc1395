"""The databases whose events are read, each with how far that is safe: one, or those of a cluster."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from api.cluster_map import number_of
from api.errors import SQLSTATES, ServiceError
from api.events.bounds import Bounds
from api.events.cursors import Cursor, Cursors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from uuid import UUID

    from api.database.functions import Database

LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 2.0
"""How long a page waits for a transaction that stays open, before it shows what was final earlier."""
HISTORY_CHANGED: Final = SQLSTATES["WA041"]


class Sources:
    """Bounds by the number of their database. In a cluster they follow the map: also where a database moves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bounds = {number: Bounds(member) for number, member in database.members.items()}
        self.on_change: Callable[[], None] = lambda: None
        """Called when there are other databases than before."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the context is open."""
        for bounds in self.bounds.values():
            bounds.start()
        # one database is the only one that it will ever have
        follows = None if self._database in self._database.members.values() else asyncio.create_task(self._follow())
        try:
            yield
        finally:
            if follows is not None:
                follows.cancel()
                await asyncio.gather(follows, return_exceptions=True)
            await asyncio.gather(*(bounds.stop() for bounds in self.bounds.values()))

    def number_of(self, identifier: UUID) -> int:
        """Return the number of the database in which a user or a user's wallet lives."""
        number = number_of(identifier)
        return number if number in self.bounds else min(self.bounds)

    @contextlib.contextmanager
    def told(self, number: int) -> Iterator[None]:
        """Name the database in a refusal, where there are several."""
        try:
            yield
        except ServiceError as error:
            if len(self.bounds) == 1 or error.kind is not HISTORY_CHANGED:
                raise
            members = {**error.members, "database": number}
            raise ServiceError(error.kind, error.detail, error.errors, members, error.headers) from error

    @contextlib.asynccontextmanager
    async def with_resume(self, after: Cursors | None) -> AsyncIterator[None]:
        """Add to a refusal the cursor from which a client whose history has ended goes on. Raises ServiceError."""
        try:
            yield
        except ServiceError as error:
            known = error.members.get("known")
            number = error.members.get("database", next(iter(self.bounds)))
            if error.kind is not HISTORY_CHANGED or not isinstance(known, int) or not isinstance(number, int):
                raise
            bounds = self.bounds[number]
            bound = bounds.latest or await bounds.fresh(PATIENCE_SECONDS)
            if bound is None:
                raise
            resume = str(Cursors({**(after or {}), number: Cursor(bound.epoch, known)}))
            members = {**error.members, "resume": resume}
            raise ServiceError(error.kind, error.detail, error.errors, members, error.headers) from error

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            members = dict(self._database.members)
            changed = members.keys() != self.bounds.keys()
            for number in self.bounds.keys() - members.keys():
                await self.bounds.pop(number).stop()
            for number, member in members.items():
                if number in self.bounds:
                    self.bounds[number].database = member
                else:
                    self.bounds[number] = Bounds(member)
                    self.bounds[number].start()
            if changed:
                self.on_change()
