"""Brings sign-outs of all processes to this process's cache of verified tokens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from api.cluster_map import number_of
from api.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.auth.tokens import Tokens
    from api.database.functions import Database

POLL_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 2.0
TRUSTED_SECONDS: Final = 5.0
"""How long the cache is trusted without news. With the last call's patience a revoked token lives 8 seconds at most."""

log = structlog.get_logger("pgwallet.revocations")


class UsersOf:
    """All users of one database."""

    def __init__(self, database: Database, number: int) -> None:
        self._database, self._number = database, number

    def __contains__(self, user_id: object) -> bool:
        """Whether the user lives there."""
        if not isinstance(user_id, UUID):
            return False
        member = self._database.members.get(self._number)
        # one that has left the map has its users by their ids alone
        return number_of(user_id) == self._number if member is None else self._database.of(user_id) is member


class Revocations:
    """Follows the revocations of each database."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens
        self._followed: dict[int, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow revocations while the context is open."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            tasks = [watch, *self._followed.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        """Follow the databases that there are: one that does not answer leaves the tokens of its own users in doubt."""
        while True:
            members = self._database.members
            for number in members.keys() - self._followed.keys():
                self._followed[number] = asyncio.create_task(Follower(self._database, number, self._tokens).follow())
            for number in self._followed.keys() - members.keys():
                self._followed.pop(number).cancel()
                self._tokens.forget(UsersOf(self._database, number))
            await asyncio.sleep(POLL_SECONDS)


class Follower:
    """Asks a database four times a second which users' tokens were revoked, and has those verified again."""

    def __init__(self, database: Database, number: int, tokens: Tokens) -> None:
        self._database, self._number = database, number
        self._tokens = tokens
        self._next: int | None = None
        self._seen: set[int] = set()

    async def follow(self) -> None:
        """Follow until it is cancelled."""
        heard = time.monotonic()
        while True:
            asked = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._catch_up()
                heard = asked
            except (ServiceError, TimeoutError):
                pass  # the database is away, as requests notice
            except Exception:  # the loop must go on: whoever signed out must stay out
                log.exception("revocations cannot be read")
            if asked - heard > TRUSTED_SECONDS:
                self._tokens.forget(UsersOf(self._database, self._number))
            await asyncio.sleep(POLL_SECONDS)

    async def _catch_up(self) -> None:
        member = self._database.members.get(self._number)
        if member is None:
            return  # it has left the map, and nobody follows it a moment later
        before = self._next
        news = await member.revocations(before)
        self._next = news.next
        revoked: dict[int, UUID] = dict(zip(news.ids, news.user_ids, strict=True))
        fresh = revoked.keys() - self._seen
        self._seen = set(revoked)
        if before is None or news.next < before:
            # the time before is unknown, or the database was put back to an earlier state
            self._tokens.forget(UsersOf(self._database, self._number))
        elif fresh:
            self._tokens.forget({revoked[number] for number in fresh})
