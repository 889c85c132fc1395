"""Connections to PostgreSQL as `wallet_api`: time limits, lost connections, and errors that callers can understand."""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from weakref import WeakSet

import asyncpg
import structlog

from api.admission import Admission
from api.errors import BUSY, TIMEOUT, UNAVAILABLE, ServiceError, from_postgres
from api.session import PINNED, TRIGGERED, Connection, set_all
from api.urls import for_asyncpg, parameter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from api.settings import Settings

    Pooled = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Argument = str | int | UUID | datetime | Sequence[Any] | None

T = TypeVar("T")

PING_SECONDS: Final = 2.0
STREAMED_ROWS: Final = 500
"""What a stream holds in memory at a time."""

WARN_EVERY: Final = 60.0

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

    Behind a transaction pooler every transaction may be on another session: each call is one transaction then, nothing
    has a name that outlives it, and every one pins what it depends on.
    """

    _all: ClassVar[WeakSet[Pool]] = WeakSet()

    def __init__(self, settings: Settings, *, pool_size: int, lock_timeout: float, silent: bool = False) -> None:
        self._settings = settings
        self._pool_size = pool_size
        self.admission = Admission(settings.queue_size)
        self._lock_timeout = lock_timeout
        self._silent = silent
        self._acquire_timeout = settings.acquire_timeout
        self._pool: asyncpg.Pool[asyncpg.Record]
        self._kept: list[Pooled] = []
        self._waiting = 0
        self._closing = False
        self._away_since: float | None = None
        self._keep_from = 0.0
        self._warned = -WARN_EVERY
        self._shared = settings.pooler == "transaction"
        statement_ms = int(settings.statement_timeout * 1000)
        pins = PINNED | {
            "statement_timeout": str(statement_ms),
            "lock_timeout": str(int(lock_timeout * 1000)),
            "idle_in_transaction_session_timeout": str(statement_ms),
        }
        self._session = TRIGGERED if self._shared else f"{set_all(pins)}; {TRIGGERED}"
        self._begin = f"begin isolation level read committed; {set_all(pins, local=True)}" if self._shared else "begin"
        # a stream keeps its connection until the client has read it all: others must find some left
        self._streams = asyncio.Semaphore(max(1, pool_size // 2))

    async def open(self) -> None:
        """Make the pool in the running event loop. Connects nowhere yet."""
        connect = for_asyncpg(self._settings.api_url or "")
        if not (parameter(connect["dsn"], "target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")):
            # of a server that cannot write, no connection is any use
            connect["target_session_attrs"] = "read-write"
        self._pool = await asyncpg.create_pool(
            **connect,
            connection_class=Connection,
            min_size=0,
            max_size=self._pool_size,
            max_inactive_connection_lifetime=0,
            timeout=self._acquire_timeout,
            # the server's own limit answers first; this one is for a server that does not answer at all
            command_timeout=self._settings.statement_timeout + 1,
            statement_cache_size=0 if self._shared else 100,
            # our functions leave nothing behind in a session, so there is nothing to undo after every call
            reset=_leave_as_is,
            init=self._prepare,
            server_settings={"application_name": "pgwallet"},
        )
        self._all.add(self)

    async def _prepare(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Make a new session independent of what the database and the role have for it."""
        await connection.execute(self._session)

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        self._closing = True
        self._all.discard(self)
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
        """Make one round trip to a server that can write. Raises ServiceError when that takes more than two seconds."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.run(_writable)
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
                await connection.execute(self._begin)
                # asyncpg's own cursors stand on named statements
                await connection.execute(f"declare stream no scroll cursor for {call}", *arguments)
                while rows := await connection.fetch(f"fetch {STREAMED_ROWS} from stream"):
                    yield rows
            except asyncpg.DataError:
                raise
            except TimeoutError as error:
                connection.terminate()
                raise ServiceError(TIMEOUT) from error
            except _LOST as error:
                raise self._away(error) from error
            except asyncpg.PostgresError as error:
                raise self._refusal(error) from error
            finally:
                try:
                    if not connection.is_closed():
                        await connection.execute("rollback")
                except BaseException as error:
                    # whoever gets it next must find no transaction of ours
                    connection.terminate()
                    if not isinstance(error, _LOST):
                        raise
                finally:
                    await self._pool.release(connection)
        finally:
            self._streams.release()

    async def _stream_slot(self) -> None:
        try:
            await asyncio.wait_for(self._streams.acquire(), self._acquire_timeout)
        except TimeoutError:
            raise ServiceError(UNAVAILABLE) from None

    async def run(
        self,
        run: Callable[[Pooled], Awaitable[T]],
        *,
        again: bool = True,
        admitted: bool = False,
        keep: Callable[[T], bool] | None = None,
    ) -> T:
        """Run on a pooled connection. `again`: once more where it was lost; `admitted`: by another bound than ours.

        `keep`: as one transaction, which is undone where it says so of the result. Raises ServiceError for everything
        that the caller or the state of the server explains.
        """
        if keep is not None or self._shared:
            run = self._transaction(run, keep)
        with nullcontext() if admitted else self.admission:
            return await self._persist(run, again=again)

    def _transaction(
        self, run: Callable[[Pooled], Awaitable[T]], keep: Callable[[T], bool] | None
    ) -> Callable[[Pooled], Awaitable[T]]:
        async def whole(connection: Pooled) -> T:
            await connection.execute(self._begin)
            try:
                result = await run(connection)
            except (TimeoutError, asyncio.CancelledError, *_LOST):
                raise  # the connection ends, and the transaction with it
            except BaseException:
                await connection.execute("rollback")
                raise
            await connection.execute("commit" if keep is None or keep(result) else "rollback")
            return result

        return whole

    async def _persist(self, run: Callable[[Pooled], Awaitable[T]], *, again: bool) -> T:
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
            except (*_LOST, asyncpg.ReadOnlySQLTransactionError) as error:
                await self._judge(error, again=again and not replaced, replaced=replaced)
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

    async def _judge(self, error: Exception, *, again: bool, replaced: bool) -> None:
        """Return where another connection may do better. Raises ServiceError."""
        if isinstance(error, asyncpg.DataError):
            raise error  # an argument of the wrong type: our fault
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            # nothing was written, and none of the connections to this server will do: another one writes now
            await self._leave_server()
            again = not replaced
        if not again:
            raise self._away(error) from error

    async def _attempt(self, connection: Pooled, run: Callable[[Pooled], Awaitable[T]]) -> T:
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
        except (*_LOST, *_STALE, *_CONTENDED, asyncpg.ReadOnlySQLTransactionError):
            raise
        except asyncpg.PostgresError as error:
            raise self._refusal(error) from error

    async def _acquire(self) -> Pooled:
        """A connection, made if need be. Raises ServiceError (503), whatever keeps us from having one."""
        connection = await self._kept_connection() or await self._pooled_connection()
        if self._away_since is not None:
            log.info("database is back", away_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        return connection

    async def _kept_connection(self) -> Pooled | None:
        while self._kept:
            connection = self._kept.pop()
            if not _lost(connection):
                return connection
            await self._pool.release(connection)
        return None

    async def _pooled_connection(self) -> Pooled:
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._acquire_timeout)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise self._away(error) from error
        finally:
            self._waiting -= 1

    async def _release(self, connection: Pooled) -> None:
        """Keep the connection for the next call where nobody waits for it.

        asyncpg's pool starts two tasks to take one back and hand it out again, which costs more than a call itself.
        """
        if self._waiting or self._closing or _lost(connection) or time.monotonic() < self._keep_from:
            await self._pool.release(connection)
        else:
            self._kept.append(connection)

    async def _leave_server(self) -> None:
        """Use no connection of any pool again that there is now."""
        for pool in list(self._all):
            await pool._pool.expire_connections()  # noqa: SLF001
            while pool._kept:  # noqa: SLF001
                await pool._pool.release(pool._kept.pop())  # noqa: SLF001
            # asyncpg tells old connections from new ones: until none in use can be an old one, it gets them all back
            pool._keep_from = time.monotonic() + pool._settings.statement_timeout + 1  # noqa: SLF001

    def _refusal(self, error: asyncpg.PostgresError) -> Exception:
        """Translate what the server says; a statement that it does not know has been prepared on another session."""
        if isinstance(error, asyncpg.InvalidSQLStatementNameError) and time.monotonic() - self._warned >= WARN_EVERY:
            self._warned = time.monotonic()
            log.error("a prepared statement is gone: behind a transaction pooler set PGWALLET_POOLER=transaction")
        return from_postgres(error.sqlstate or "", error.detail, error.hint) or error

    def _away(self, error: Exception) -> ServiceError:
        """Log the first of many failures, so that an outage is one line and not one per request."""
        if self._away_since is None and not self._silent:
            self._away_since = time.monotonic()
            log.warning("database is away", reason=f"{type(error).__name__}: {error}")
        return ServiceError(UNAVAILABLE)


async def _writable(connection: Pooled) -> None:
    if await connection.fetchval("select current_setting('transaction_read_only')") == "on":
        raise asyncpg.ReadOnlySQLTransactionError("the server is read only")


async def _leave_as_is(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Skip asyncpg's reset query."""


def _lost(connection: Pooled) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already
