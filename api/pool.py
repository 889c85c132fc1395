"""Connections to PostgreSQL as `wallet_api`: time limits, lost connections, and errors that callers can understand."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg
import structlog

from api.admission import Admission
from api.errors import BUSY, TIMEOUT, UNAVAILABLE, ServiceError, from_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from api.settings import Settings

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Argument = str | int | UUID | datetime | Sequence[Any] | None

T = TypeVar("T")

PING_SECONDS: Final = 2.0
STREAMED_ROWS: Final = 500
"""What a stream holds in memory at a time."""

log = structlog.get_logger("pgwallet.database")

# Its connection died under the statement. Repeating it is safe: reads change nothing, and a mutation's txn_id finds the
# first result if there was one.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    # the server has said farewell, and the end of the connection has not been noticed yet
    asyncpg.InternalClientError,
    OSError,
)
# A plan from before a deploy (0A000).
_STALE = (asyncpg.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError)
# PostgreSQL undid all of it, in favour of another session. A lock was waited for as long as a request may wait for one,
# so that is tried once more at most.
_CONTENDED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_TRIES: Final = {"40001": 4, "40P01": 4, "55P03": 2}
_PAUSE: Final = 0.01
"""The longest pause before the second try, in seconds; it doubles with each."""


class Pool:
    """A pool of connections as `wallet_api`. It is made without a server and finds one whenever there is one.

    `lock_timeout` is how long a call waits for a wallet that another session holds, in seconds. A bounded number of
    calls waits for a connection. `silent`: another pool tells the log when the database is away.
    """

    def __init__(self, settings: Settings, *, pool_size: int, lock_timeout: float, silent: bool = False) -> None:
        self._settings = settings
        self._pool_size = pool_size
        self.admission = Admission(settings.queue_size)
        self._lock_timeout = lock_timeout
        self._silent = silent
        self._acquire_timeout = settings.acquire_timeout
        self._pool: asyncpg.Pool[asyncpg.Record]
        self._kept: list[Connection] = []
        self._waiting = 0
        self._closing = False
        self._away_since: float | None = None
        # a stream keeps its connection until the client has read it all: others must find some left
        self._streams = asyncio.Semaphore(max(1, pool_size // 2))

    async def open(self) -> None:
        """Make the pool in the running event loop. Connects nowhere yet."""
        statement_ms = int(self._settings.statement_timeout * 1000)
        self._pool = await asyncpg.create_pool(
            self._settings.api_url,
            min_size=0,
            max_size=self._pool_size,
            max_inactive_connection_lifetime=0,
            timeout=self._acquire_timeout,
            # the server's own limit answers first; this one is for a server that does not answer at all
            command_timeout=self._settings.statement_timeout + 1,
            # our functions leave nothing behind in a session, so there is nothing to undo after every call
            reset=_leave_as_is,
            server_settings={
                "application_name": "pgwallet",
                "statement_timeout": str(statement_ms),
                "lock_timeout": str(int(self._lock_timeout * 1000)),
                "idle_in_transaction_session_timeout": str(statement_ms),
            },
        )

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        self._closing = True
        while self._kept:
            await self._pool.release(self._kept.pop())
        try:
            await asyncio.wait_for(self._pool.close(), self._settings.shutdown_timeout)
        except TimeoutError:
            self._pool.terminate()

    def connections(self) -> dict[str, int]:
        """How many are in use, and how many are idle."""
        idle = self._pool.get_idle_size() + sum(not _lost(connection) for connection in self._kept)
        return {"idle": idle, "in_use": self._pool.get_size() - idle}

    async def ping(self) -> None:
        """Make one round trip. Raises ServiceError when that takes more than two seconds."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.run(lambda connection: connection.fetchval("select 1"))
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None

    async def rows(self, call: str, *arguments: Argument, admitted: bool = False) -> Sequence[asyncpg.Record]:
        """Run a call and return all its rows. Raises ServiceError."""
        return await self.run(lambda connection: connection.fetch(call, *arguments), admitted=admitted)

    async def row(self, call: str, *arguments: Argument, again: bool = True) -> asyncpg.Record:
        """Run a call that returns one row; `again`: once more where the connection was lost. Raises ServiceError."""
        row = await self.run(lambda connection: connection.fetchrow(call, *arguments), again=again)
        if row is None:
            raise RuntimeError(f"no row from: {call}")
        return row

    async def stream(self, call: str, *arguments: Argument) -> AsyncGenerator[Sequence[asyncpg.Record], None]:
        """Run a call and yield its rows in pieces, through a cursor of the server. Raises ServiceError.

        At most half of the pool streams at a time. Close the generator when done with it.
        """
        with self.admission:
            await self._stream_slot()
        try:
            connection = await self._acquire()
            try:
                async with connection.transaction():
                    cursor = await connection.cursor(call, *arguments)
                    while rows := await cursor.fetch(STREAMED_ROWS):
                        yield rows
            except asyncpg.DataError:
                raise
            except TimeoutError as error:
                connection.terminate()
                raise ServiceError(TIMEOUT) from error
            except _LOST as error:
                raise self._away(error) from error
            except asyncpg.PostgresError as error:
                raise from_postgres(error.sqlstate or "", error.detail, error.hint) or error from error
            finally:
                await self._pool.release(connection)
        finally:
            self._streams.release()

    async def _stream_slot(self) -> None:
        try:
            await asyncio.wait_for(self._streams.acquire(), self._acquire_timeout)
        except TimeoutError:
            raise ServiceError(UNAVAILABLE) from None

    async def run(self, run: Callable[[Connection], Awaitable[T]], *, again: bool = True, admitted: bool = False) -> T:
        """Run on a pooled connection. `again`: once more where it was lost; `admitted`: by another bound than ours.

        Raises ServiceError for everything that the caller or the state of the server explains.
        """
        with nullcontext() if admitted else self.admission:
            return await self._persist(run, again=again)

    async def _persist(self, run: Callable[[Connection], Awaitable[T]], *, again: bool) -> T:
        """Run; once more where the connection was dead or its plan stale, and again where others stood in the way."""
        replaced, tries = False, 0
        while True:
            connection = await self._acquire()
            try:
                return await self._attempt(connection, run)
            except _STALE:
                if replaced:
                    raise
                replaced = True
            except _LOST as error:
                if isinstance(error, asyncpg.DataError):
                    raise  # an argument of the wrong type: our fault
                if replaced or not again:
                    raise self._away(error) from error
                replaced = True
            except _CONTENDED as error:
                tries += 1
                if tries >= _TRIES[error.sqlstate]:
                    raise ServiceError(BUSY) from error
            finally:
                await self._release(connection)
            if tries:
                # a random one: two that stood in each other's way do not meet again
                await asyncio.sleep(random.uniform(0, _PAUSE * 2**tries))  # noqa: S311

    async def _attempt(self, connection: Connection, run: Callable[[Connection], Awaitable[T]]) -> T:
        """Run once. Raises ServiceError, or one of _LOST, _STALE and _CONTENDED, after which another may succeed."""
        try:
            return await run(connection)
        except TimeoutError as error:
            connection.terminate()
            raise ServiceError(TIMEOUT) from error
        except asyncio.CancelledError:
            # the pool would first wait for the server to confirm that the statement is cancelled
            connection.terminate()
            raise
        except asyncpg.InternalClientError:
            # not yet closed, it would be the one that the second attempt gets
            connection.terminate()
            raise
        except (*_LOST, *_STALE, *_CONTENDED):
            raise
        except asyncpg.PostgresError as error:
            raise from_postgres(error.sqlstate or "", error.detail, error.hint) or error from error

    async def _acquire(self) -> Connection:
        """A connection, made if need be. Raises ServiceError (503), whatever keeps us from having one."""
        connection = await self._kept_connection() or await self._pooled_connection()
        if self._away_since is not None:
            log.info("database is back", away_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        return connection

    async def _kept_connection(self) -> Connection | None:
        while self._kept:
            connection = self._kept.pop()
            if not _lost(connection):
                return connection
            await self._pool.release(connection)
        return None

    async def _pooled_connection(self) -> Connection:
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._acquire_timeout)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise self._away(error) from error
        finally:
            self._waiting -= 1

    async def _release(self, connection: Connection) -> None:
        """Keep the connection for the next call where nobody waits for it.

        asyncpg's pool starts two tasks to take one back and hand it out again, which costs more than a call itself.
        """
        if self._waiting or self._closing or _lost(connection):
            await self._pool.release(connection)
        else:
            self._kept.append(connection)

    def _away(self, error: Exception) -> ServiceError:
        """Log the first of many failures, so that an outage is one line and not one per request."""
        if self._away_since is None and not self._silent:
            self._away_since = time.monotonic()
            log.warning("database is away", reason=f"{type(error).__name__}: {error}")
        return ServiceError(UNAVAILABLE)


async def _leave_as_is(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Skip asyncpg's reset query."""


def _lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already
