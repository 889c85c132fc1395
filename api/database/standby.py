"""Reads from a standby, for callers who say how old their answer may be."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import asyncpg
import structlog

from api.database.connections import LOST
from api.database.pool import PING_SECONDS, Pool
from api.errors import TIMEOUT, UNAVAILABLE, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from api.database.connections import Pooled
    from api.database.pool import Argument
    from api.settings import Settings

T = TypeVar("T")

CONNECTIONS: Final = 6
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at how far the primary is: an answer of a standby is at least about as old."""
MAX_AGE: Final = 3600
AVOID_SECONDS: Final = 5.0
"""A standby that does not answer is not asked again for so long."""

_POSITION: Final = "select * from public.wallet_wal_position()"

log = structlog.get_logger("pgwallet.database")


@dataclass(slots=True)
class Age:
    """How old an answer may be, in seconds; and once it is there, how old it is: 0 if the primary gave it."""

    most: int
    found: float = 0.0


class Mark(NamedTuple):
    """A moment of our clock, and where the primary's log ended then: all that was answered before lies before."""

    position: int
    moment: float


class UnfitError(Exception):
    """The standby cannot give this answer: the primary does."""


class Standby:
    """The pool of a standby, and how old what it says is.

    Once a second the primary is asked how far its log goes. A standby that has replayed up to there knows all that the
    primary had answered before, whether or not anything was written since, and whoever can reach whom. It must have the
    same line of history: after a failover one that has replayed more than the new primary had is of no use.
    """

    def __init__(self, settings: Settings, primary: Pool, number: int | None = None) -> None:
        timeout = min(settings.acquire_timeout, PING_SECONDS)
        own = replace(settings, api_url=settings.read_url, acquire_timeout=timeout)
        self._pool = Pool(own, CONNECTIONS, silent=True, standby=True, number=number)
        self._primary = primary
        self._log = log if number is None else log.bind(database=number)
        self._marks: deque[Mark] = deque(maxlen=int(MAX_AGE / LOOK_EVERY) + 1)
        self._epoch: int | None = None
        self._avoided_until = 0.0
        self._reason = ""
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make the pool in the running event loop, and begin to look at the primary."""
        await self._pool.open()
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._pool.close()

    def connections(self) -> dict[str, int]:
        """How many connections are in use, and how many are idle."""
        return self._pool.connections()

    async def rows(self, age: Age, call: str, *arguments: Argument) -> Sequence[asyncpg.Record] | None:
        """Return the rows, and in `age` how old they are; None where the primary must say it."""
        if self._avoided:
            return None

        async def run(connection: Pooled) -> Sequence[asyncpg.Record]:
            await self._judge(age, connection)
            try:
                return await connection.fetch(call, *arguments)
            except LOST:
                raise
            except asyncpg.PostgresError as error:
                # also what would be a refusal: the primary may know better by now
                raise UnfitError(error.sqlstate) from error

        try:
            found = await self._pool.run(run, touches=arguments[-1:], again=False)
        except (ServiceError, UnfitError) as error:
            self._note(age, error)
            return None
        self._tell("")
        return found

    async def stream(
        self, age: Age, read: Callable[[asyncpg.Record], T], call: str, *arguments: Argument
    ) -> AsyncGenerator[list[T], None]:
        """Yield as `Pool.stream` does, and set `age` before the first piece; nothing where the primary must say it.

        Raises ServiceError once there was a piece.
        """
        if self._avoided:
            return
        pieces = self._pool.stream(read, call, *arguments, first=partial(self._judge, age))
        begun = False
        async with contextlib.aclosing(pieces):
            try:
                async for piece in pieces:
                    begun = True
                    yield piece
            except (ServiceError, UnfitError, asyncpg.PostgresError) as error:
                if begun:
                    raise
                self._note(age, error)
            else:
                self._tell("")

    @property
    def _avoided(self) -> bool:
        return asyncio.get_running_loop().time() < self._avoided_until

    async def _judge(self, age: Age, connection: Pooled) -> None:
        """Set how old everything is that this server will say from now on. Raises UnfitError where that is too old."""
        async with asyncio.timeout(PING_SECONDS):
            try:
                row = await connection.fetchrow(_POSITION)
            except LOST:
                raise
            except asyncpg.PostgresError as error:
                # perhaps before a deploy has come here
                raise UnfitError(error.sqlstate) from error
        if row is None or not row["is_standby"]:
            connection.terminate()
            raise UnfitError("it is no standby any more")
        if row["epoch"] is None or row["epoch"] != self._epoch:
            raise UnfitError("it has another line of history")
        known = next((mark for mark in reversed(self._marks) if mark.position <= row["wal_position"]), None)
        if known is None:
            raise UnfitError("it is far behind")
        age.found = asyncio.get_running_loop().time() - known.moment
        if age.found > age.most:
            raise UnfitError("it is older than the caller accepts")

    def _note(self, age: Age, error: Exception) -> None:
        """Let the primary answer, and a server that does not answer alone for a while."""
        age.found = 0.0
        if isinstance(error, ServiceError) and error.kind in (UNAVAILABLE, TIMEOUT):
            self._avoided_until = asyncio.get_running_loop().time() + AVOID_SECONDS
            self._tell("it does not answer")

    def _tell(self, reason: str) -> None:
        """Log that the standby is away, once, and when it is back."""
        if reason and not self._reason:
            self._log.warning("the standby is not used: the primary answers", reason=reason)
        elif self._reason and not reason:
            self._log.info("the standby is used again")
        self._reason = reason

    async def _look(self) -> None:
        """Ask the primary how far it is, again and again. While it is away, what the standby has grows older."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            with contextlib.suppress(ServiceError):
                try:
                    row = await self._primary.row(_POSITION)
                    if row["epoch"] is None and not row["is_standby"]:
                        # nobody has read events since the failover
                        await self._primary.row("select public.wallet_event_mark()")
                    elif row["epoch"] is not None:
                        self._mark(row["epoch"], Mark(row["wal_position"], began))
                except asyncpg.PostgresError as error:
                    self._tell(f"the primary does not say how far it is: {error.sqlstate}")
            await asyncio.sleep(LOOK_EVERY)

    def _mark(self, epoch: int, mark: Mark) -> None:
        if epoch != self._epoch or (self._marks and mark.position < self._marks[-1].position):
            self._marks.clear()
            self._epoch = epoch
        if self._marks and mark.position == self._marks[-1].position:
            self._marks.pop()
        self._marks.append(mark)
