"""Connections to PostgreSQL as `wallet_api`: time limits, lost connections, and errors that callers can understand."""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from uuid import UUID
from weakref import WeakSet

import asyncpg
import structlog

from api.database.admission import Admission, Turns
from api.errors import BUSY, OVERLOADED, TIMEOUT, UNAVAILABLE, ServiceError, from_postgres
from api.session import PINNED, TRIGGERED, Connection, set_all
from api.urls import for_asyncpg, parameter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Sequence
    from datetime import datetime

    from api.settings import Settings

    Pooled = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Argument = str | int | UUID | datetime | Sequence[Any] | None

T = TypeVar("T")

PING_SECONDS: Final = 2.0
STREAMED_ROWS: Final = 500
"""What a stream holds in memory at a time."""
ITEMS_PER_REQUEST: Final = 20
"""How many items of a batch take the room of one request where requests wait."""
LARGE_BATCH: Final = 100
"""Items: of what has more, one at a time works for a user, with pauses where others are at work."""
MOST_PAUSE: Final = 1.0
"""Seconds, however long a batch took."""
QUICK_SECONDS: Final = 0.1
"""How long a call waits for a lock where others wait for its connection."""
QUIET_SECONDS: Final = 10.0
"""The least between two lines of the log about the same shortage."""

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

    `lock_timeout` is how long a call waits for a wallet that another session holds, in seconds; with a pool for
    `patient` calls only the blink of an eye, and then there. A bounded number of calls waits for a connection, and a
    third of the pool works at a time on any one wallet, or for one user. `held`: this is the pool of patient calls, one
    for each wallet. `silent`: another pool tells the log when the database is away.

    Behind a transaction pooler every transaction may be on another session: each call is one transaction then, nothing
    has a name that outlives it, and every one pins what it depends on.
    """

    _all: ClassVar[WeakSet[Pool]] = WeakSet()

    def __init__(
        self,
        settings: Settings,
        *,
        pool_size: int,
        lock_timeout: float,
        patient: Pool | None = None,
        held: bool = False,
        silent: bool = False,
    ) -> None:
        self._settings = settings
        self._pool_size = pool_size
        self.admission = Admission(settings.queue_size)
        self._lock_timeout = min(lock_timeout, QUICK_SECONDS) if patient else lock_timeout
        self._patient = patient
        self._most = 1 if held else max(1, pool_size // 3)
        self._turns = Turns(pool_size, self._most)
        # who waits behind a call that waits for a lock waits as long
        self._patience = _TRIES["55P03"] * lock_timeout if held else settings.acquire_timeout
        self._impatient = BUSY if held else OVERLOADED
        self._silent = silent
        self._acquire_timeout = settings.acquire_timeout
        self._pool: asyncpg.Pool[asyncpg.Record]
        self._kept: list[Pooled] = []
        self._waiting = 0
        self._closing = False
        self._away_since: float | None = None
        self._short_since = -QUIET_SECONDS
        self._keep_from = 0.0
        self._warned = -WARN_EVERY
        self._shared = settings.pooler == "transaction"
        statement_ms = int(settings.statement_timeout * 1000)
        pins = PINNED | {
            "statement_timeout": str(statement_ms),
            "lock_timeout": str(max(1, int(self._lock_timeout * 1000))),
            "idle_in_transaction_session_timeout": str(statement_ms),
        }
        self._session = TRIGGERED if self._shared else f"{set_all(pins)}; {TRIGGERED}"
        self._begin = f"begin isolation level read committed; {set_all(pins, local=True)}" if self._shared else "begin"
        # a stream keeps its connection until the client has read it all: others must find some left
        self._streams = Turns(max(1, pool_size // 2), 1)

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
                await self.run(_writable, admitted=True)
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None

    async def rows(
        self, call: str, *arguments: Argument, touches: Sequence[Hashable] = (), size: int = 1, admitted: bool = False
    ) -> Sequence[asyncpg.Record]:
        """Run a call and return all its rows. Raises ServiceError. `touches`, `size` and `admitted` as in `run`."""
        touches = (*touches, *_parties(arguments))
        return await self.run(
            lambda connection: connection.fetch(call, *arguments), touches=touches, size=size, admitted=admitted
        )

    async def row(
        self, call: str, *arguments: Argument, touches: Sequence[Hashable] = (), again: bool = True
    ) -> asyncpg.Record:
        """Run a call that returns one row; `again`: once more where the connection was lost. Raises ServiceError."""
        touches = (*touches, *_parties(arguments))
        row = await self.run(lambda connection: connection.fetchrow(call, *arguments), touches=touches, again=again)
        if row is None:
            raise RuntimeError(f"no row from: {call}")
        return row

    async def stream(self, call: str, *arguments: Argument) -> AsyncGenerator[Sequence[asyncpg.Record], None]:
        """Run a call and yield its rows in pieces, through a cursor of the server. Raises ServiceError.

        At most half of the pool streams at a time, one for each user. Close the generator when done with it.
        """
        touches = _parties(arguments)
        who = touches[-1]
        self.admission.enter(who)
        try:
            await self._enter(self._streams, touches)
        finally:
            self.admission.leave(who)
        try:
            async with self._borrowed(touches) as connection:
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
                    await _roll_back(connection)
        finally:
            self._streams.leave(touches)

    async def run(
        self,
        run: Callable[[Pooled], Awaitable[T]],
        *,
        touches: Sequence[Hashable] = (),
        size: int = 1,
        again: bool = True,
        admitted: bool = False,
        keep: Callable[[T], bool] | None = None,
    ) -> T:
        """Run on a pooled connection. Raises ServiceError for all that the caller or the server's state explains.

        `touches` are the wallets whose locks it may wait for and the user, or address, that it is for: the last one.
        `size`: how many requests it is; `again`: once more where the connection was lost; `admitted`: by another bound
        than ours; `keep`: as one transaction, which is undone where it says so of the result.
        """
        if admitted:
            return await self._persist(run, touches, size, again=again, keep=keep)
        who = touches[-1] if touches else None
        room = -(-size // ITEMS_PER_REQUEST)
        self.admission.enter(who, room)
        try:
            return await self._persist(run, touches, size, again=again, keep=keep)
        finally:
            self.admission.leave(who, room)

    def _transaction(
        self, run: Callable[[Pooled], Awaitable[T]], keep: Callable[[T], bool] | None
    ) -> Callable[[Pooled], Awaitable[T]]:
        """As it is, or as a transaction where it must be one."""
        if keep is None and not self._shared:
            return run

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

    async def _persist(
        self,
        run: Callable[[Pooled], Awaitable[T]],
        touches: Sequence[Hashable],
        size: int,
        *,
        again: bool,
        keep: Callable[[T], bool] | None,
        tries: int = 0,
    ) -> T:
        """Run; once more where the connection was dead or its plan stale, and again where others stood in the way."""
        replaced = False
        while True:
            async with self._borrowed(touches, size) as connection:
                try:
                    return await self._attempt(connection, self._transaction(run, keep))
                except _STALE:
                    if replaced:
                        raise
                    replaced = True
                except (*_LOST, asyncpg.ReadOnlySQLTransactionError) as error:
                    await self._judge(error, again=again and not replaced, replaced=replaced)
                    replaced = True
                except _CONTENDED as error:
                    tries += 1
                    if self._patient is not None and isinstance(error, asyncpg.LockNotAvailableError):
                        patient = self._patient
                        break
                    if tries >= _TRIES[error.sqlstate]:
                        raise ServiceError(BUSY) from error
            if tries:
                # a random one: two that stood in each other's way do not meet again
                await asyncio.sleep(random.uniform(0, _PAUSE * 2**tries))  # noqa: S311
        return await patient._persist(run, touches, size, again=again, keep=keep, tries=tries)  # noqa: SLF001 - one like this

    @asynccontextmanager
    async def _borrowed(self, touches: Sequence[Hashable], size: int = 1) -> AsyncIterator[Pooled]:
        """A connection, when it is its turn. Raises ServiceError."""
        large = size > LARGE_BATCH and self._most > 1
        if large:
            touches = (*touches, *[touches[-1]] * (self._most - 1))  # the only one that works for its user
        if not self._turns.enter_at_once(touches):
            await self._enter(self._turns, touches, size)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            connection = await self._acquire()
            try:
                yield connection
            finally:
                await self._release(connection)
        finally:
            if large and any(pool._turns.taken for pool in self._all if pool is not self):  # noqa: SLF001
                # others have work for the server, too: it is theirs twice as long as this took before the user's next
                loop.call_later(min(2 * (loop.time() - began), MOST_PAUSE), self._turns.leave, touches)
            else:
                self._turns.leave(touches)

    async def _enter(self, turns: Turns, touches: Sequence[Hashable], size: int = 1) -> None:
        """Wait for a turn. Raises ServiceError (503), which is no fault of the database."""
        try:
            await turns.enter(touches, self._patience, size)
        except TimeoutError:
            if self._impatient is OVERLOADED and time.monotonic() - self._short_since > QUIET_SECONDS:
                self._short_since = time.monotonic()
                log.warning("no connection was free in time", pool_size=self._pool_size, waiting=turns.waiting)
            raise ServiceError(self._impatient) from None

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
            full = isinstance(error, asyncpg.TooManyConnectionsError)
            what = "database has no room for another connection" if full else "database is away"
            log.warning(what, reason=f"{type(error).__name__}: {error}")
        return ServiceError(UNAVAILABLE)


def _parties(arguments: Sequence[Argument]) -> tuple[Hashable, ...]:
    """Whom a call is about, its first argument, and whom it is for, its last: a wallet or user, a user or address."""
    ends = (arguments[0], arguments[-1]) if len(arguments) > 1 else arguments
    return tuple(end for end in ends if isinstance(end, (UUID, str)))


async def _roll_back(connection: Pooled) -> None:
    """End what a stream began. Whoever gets the connection next must find no transaction of ours."""
    try:
        if not connection.is_closed():
            await connection.execute("rollback")
    except BaseException as error:
        connection.terminate()
        if not isinstance(error, _LOST):
            raise


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
