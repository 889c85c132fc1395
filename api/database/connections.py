"""Connections to PostgreSQL as `wallet_api`: who gets one, what its session is like, and what becomes of lost ones."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from weakref import WeakSet

import asyncpg
import structlog

from api.database.admission import Turns
from api.errors import BUSY, OVERLOADED, UNAVAILABLE, ServiceError
from api.session import PINNED, TRIGGERED, Connection, attributes, connect, set_all
from api.urls import for_asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Sequence

    from api.settings import Settings

    Pooled = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

LOCK_TRIES: Final = 2
"""A call waits for a lock as long as a request may wait for one, so it is tried once more at most."""
LARGE_BATCH: Final = 100
"""Items: of batches with more, a user's run one at a time, with pauses while other calls are at work."""
MAX_PAUSE: Final = 1.0
"""Seconds, however long a batch took."""
FENCED_PAUSE: Final = 0.05
"""Seconds between two tries to get into a database that lets nobody in."""
WARN_SECONDS: Final = 10.0
"""The log hears of the same shortage once in this time."""

log = structlog.get_logger("pgwallet.database")

# The connection was lost. Repeating its statement is safe: reads change nothing, and a mutation's txn_id finds the
# first result if there was one.
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    # the server has ended the session, and asyncpg has not yet noticed
    asyncpg.InternalClientError,
    OSError,
)


class Connections:
    """A bounded number of connections, lent to one call each. Made without a server, they find one when there is one.

    A third of them work at a time for any one wallet or user; `held`: one does, because each call waits for a wallet
    that another session holds. `silent`: other connections log that the database is away. `standby`: to a server that
    cannot write.

    Behind a transaction pooler every transaction may be on another session: then each call is one transaction, nothing
    has a name that outlives it, and every transaction sets what it depends on.
    """

    connection_class: ClassVar[type[Connection]] = Connection
    """`api.database.traced` has another one, which it puts here before connections are made."""
    _open: ClassVar[WeakSet[Connections]] = WeakSet()

    def __init__(
        self,
        settings: Settings,
        size: int,
        *,
        lock_timeout: float,
        held: bool = False,
        silent: bool = False,
        standby: bool = False,
        number: int | None = None,
    ) -> None:
        self._settings = settings
        self._attributes = "standby" if standby else "read-write"
        self._log = log if number is None else log.bind(database=number)
        self._size = size
        self._silent = silent
        self._most = 1 if held else max(1, size // 3)
        self._turns = Turns(size, self._most)
        # a stream keeps its connection until the client has read it all: half of them are left to others
        self._streams = Turns(max(1, size // 2), 1)
        # a call that waits behind one that waits for a lock waits as long
        self._patience = LOCK_TRIES * lock_timeout if held else settings.acquire_timeout
        self._shortage = BUSY if held else OVERLOADED
        self._shortage_logged = -WARN_SECONDS
        self._pool: asyncpg.Pool[asyncpg.Record]
        self._kept: list[Pooled] = []
        self._acquiring = 0
        self._closing = False
        self._away_since: float | None = None
        self._keep_from = 0.0
        # a session lasts for one transaction only
        self._pooler = settings.pooler == "transaction"
        statement_ms = str(int(settings.statement_timeout * 1000))
        pins = PINNED | {
            "statement_timeout": statement_ms,
            "lock_timeout": str(max(1, int(lock_timeout * 1000))),
            "idle_in_transaction_session_timeout": statement_ms,
        }
        self._session = TRIGGERED if self._pooler else f"{set_all(pins)}; {TRIGGERED}"
        self._begin = f"begin isolation level read committed; {set_all(pins, local=True)}" if self._pooler else "begin"

    async def open(self) -> None:
        """Make the pool in the running event loop. Connects nowhere yet."""
        self._pool = await asyncpg.create_pool(
            **self._arguments(),
            connect=cast("Any", connect),
            min_size=0,
            max_size=self._size,
            max_inactive_connection_lifetime=0,
            # our functions leave nothing behind in a session, so there is nothing to undo after every call
            reset=_leave_as_is,
            init=self._prepare,
        )
        self._open.add(self)

    def redirect(self, settings: Settings) -> None:
        """Make new connections elsewhere, also those for which calls wait: the database is on another server now."""
        self._settings = settings
        arguments = self._arguments()
        # the pool has a place of its own for the class
        del arguments["connection_class"]
        self._pool.set_connect_args(**arguments)

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments of every connection of the pool."""
        return {
            **connecting(self._settings, attrs=self._attributes),
            "connection_class": self.connection_class,
            "timeout": self._settings.acquire_timeout,
            # the server's own limit answers first; this one is for a server that does not answer at all
            "command_timeout": self._settings.statement_timeout + 1,
            "statement_cache_size": 0 if self._pooler else 100,
        }

    async def _prepare(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Make a new session independent of the settings that the database and the role have for it."""
        await connection.execute(self._session)

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        self._closing = True
        self._open.discard(self)
        while self._kept:
            await self._pool.release(self._kept.pop())
        try:
            await asyncio.wait_for(self._pool.close(), self._settings.shutdown_timeout)
        except TimeoutError:
            self._pool.terminate()

    def connections(self) -> dict[str, int]:
        """How many connections are in use, and how many are idle."""
        idle = self._pool.get_idle_size() + sum(not _is_lost(connection) for connection in self._kept)
        return {"idle": idle, "in_use": self._pool.get_size() - idle}

    @asynccontextmanager
    async def _borrowed(self, touches: Sequence[Hashable], size: int = 1) -> AsyncIterator[Pooled]:
        """Lend a connection when it is the call's turn; `touches` and `size` as in `Pool.run`. Raises ServiceError."""
        large = size > LARGE_BATCH and self._most > 1
        if large:
            touches = (*touches, *[touches[-1]] * (self._most - 1))  # all places of its user
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
            if large and any(other._turns.taken for other in self._others()):  # noqa: SLF001
                # the server has other work, too: it gets twice the time that this took before the user's next batch
                loop.call_later(min(2 * (loop.time() - began), MAX_PAUSE), self._turns.leave, touches)
            else:
                self._turns.leave(touches)

    async def _enter(self, turns: Turns, touches: Sequence[Hashable], size: int = 1) -> None:
        """Wait for a turn. Raises ServiceError (503) that does not blame the database."""
        try:
            await turns.enter(touches, self._patience, size)
        except TimeoutError:
            if self._shortage is OVERLOADED and time.monotonic() - self._shortage_logged > WARN_SECONDS:
                self._shortage_logged = time.monotonic()
                self._log.warning("no connection was free in time", pool_size=self._size, waiting=turns.waiting)
            raise ServiceError(self._shortage) from None

    async def _acquire(self) -> Pooled:
        """Take a connection, made if need be. Raises ServiceError (503)."""
        connection = await self._kept_connection() or await self._pooled_connection()
        if self._away_since is not None:
            self._log.info("database is back", away_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        return connection

    async def _kept_connection(self) -> Pooled | None:
        while self._kept:
            connection = self._kept.pop()
            if not _is_lost(connection):
                return connection
            await self._pool.release(connection)
        return None

    async def _pooled_connection(self) -> Pooled:
        self._acquiring += 1
        began = time.monotonic()
        try:
            while True:
                try:
                    return await self._pool.acquire(timeout=self._settings.acquire_timeout)
                except asyncpg.ObjectNotInPrerequisiteStateError as error:
                    # "not currently accepting connections": it moves to another server, which takes a second
                    if not is_fenced(error) or time.monotonic() - began > self._settings.acquire_timeout:
                        raise
                await asyncio.sleep(FENCED_PAUSE)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise self._away(error) from error
        finally:
            self._acquiring -= 1

    async def _release(self, connection: Pooled) -> None:
        """Keep the connection for the next call, unless another call waits for asyncpg's pool.

        To take one back and hand it out again, that pool starts two tasks, which cost more than a call itself.
        """
        if self._acquiring or self._closing or _is_lost(connection) or time.monotonic() < self._keep_from:
            await self._pool.release(connection)
        else:
            self._kept.append(connection)

    def _others(self) -> list[Connections]:
        """Return the other connections to the same database."""
        here = self._settings.api_url
        return [other for other in self._open if other is not self and other._settings.api_url == here]  # noqa: SLF001

    async def _leave_server(self) -> None:
        """Never use any of today's connections again: another server is the one that writes now."""
        for connections in (self, *self._others()):
            await connections._expire()  # noqa: SLF001

    async def _expire(self) -> None:
        await self._pool.expire_connections()
        while self._kept:
            await self._pool.release(self._kept.pop())
        # asyncpg knows which connections are old: it gets all of them back until no call can have an old one
        self._keep_from = time.monotonic() + self._settings.statement_timeout + 1

    def _away(self, error: Exception) -> ServiceError:
        """Return the 503, and log the first of many failures: an outage is one line, not one per request."""
        if self._away_since is None and not self._silent:
            self._away_since = time.monotonic()
            full = isinstance(error, asyncpg.TooManyConnectionsError)
            what = "database has no room for another connection" if full else "database is away"
            self._log.warning(what, reason=f"{type(error).__name__}: {error}")
        return ServiceError(UNAVAILABLE)


def connecting(settings: Settings, name: str = "pgwallet", attrs: str = "read-write") -> dict[str, Any]:
    """Return the arguments of every connection of the service, with `attrs` unless the address has others."""
    arguments = for_asyncpg(settings.api_url or "")
    if not attributes(arguments["dsn"]):
        # a connection to a server that cannot write is of no use
        arguments["target_session_attrs"] = attrs
    return {**arguments, "connection_class": Connection, "server_settings": {"application_name": name}}


def is_fenced(error: asyncpg.PostgresError) -> bool:
    """Whether the database lets nobody in, as `alter database … allow_connections false` makes it."""
    return error.sqlstate == "55000" and getattr(error, "severity_en", None) == "FATAL"


def was_ended(error: BaseException) -> bool:
    """Whether an administrator ended the session, as pg_terminate_backend() does; asyncpg may not have noticed yet."""
    ended = (asyncpg.AdminShutdownError, asyncpg.InternalClientError)
    return any(isinstance(one, ended) for one in (error, error.__cause__))


async def _leave_as_is(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Skip asyncpg's reset query."""


def _is_lost(connection: Pooled) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already
