"""The only module that talks to PostgreSQL: one typed method per SQL function, time limits, retries."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import structlog

from api.errors import TIMEOUT, UNAVAILABLE, ServiceError, from_postgres

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from api.settings import Settings

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Argument = str | int | UUID | None

T = TypeVar("T")

PING_SECONDS: Final = 2.0

log = structlog.get_logger("pgwallet.database")

# Its connection died under the statement. Repeating it is safe: reads change nothing, and a mutation's txn_id finds the
# first result if there was one.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    OSError,
)
# A plan from before a deploy (0A000).
_STALE = (asyncpg.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError)


_MUTATIONS: Final = {
    name: f"select * from public.wallet_{name}($1, $2, $3, $4, $5, $6)"  # noqa: S608 - the names are ours
    for name in ("topup", "spend")
}
_BATCH: Final = "select * from public.wallet_batch($1, $2, $3, $4, $5, $6, $7, p_skip_locked => true)"


class Mutation(NamedTuple):
    """A request that moves money. `amount` in minor units, `metadata` JSON text, `actor` the user it is made for."""

    type: str
    wallet_id: UUID
    txn_id: UUID
    amount: int
    reference: str | None
    metadata: str | None
    actor: UUID


class Database:
    """A pool of connections as `wallet_api`. It is made without a server and finds one whenever there is one.

    `lock_timeout` is how long a call waits for a wallet that another session holds, in seconds.
    """

    def __init__(self, settings: Settings, *, pool_size: int, lock_timeout: float) -> None:
        self._settings = settings
        self._pool_size = pool_size
        self._lock_timeout = lock_timeout
        self._acquire_timeout = settings.acquire_timeout
        self._pool: asyncpg.Pool[asyncpg.Record]
        self._away_since: float | None = None

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
        try:
            await asyncio.wait_for(self._pool.close(), self._settings.shutdown_timeout)
        except TimeoutError:
            self._pool.terminate()

    async def register(self, username: str, password_hash: str) -> asyncpg.Record:
        """`wallet_register`: a new user with wallet and bonus. Errors: WA002, WA005."""
        # not repeated on a lost connection: if the first attempt was written, the second would say "name taken"
        return await self._row("select * from public.wallet_register($1, $2)", username, password_hash, again=False)

    async def credentials(self, username: str) -> asyncpg.Record | None:
        """`wallet_credentials`: user_id, username, wallet_id, password_hash; None for an unknown name."""
        return await self._call(
            lambda connection: connection.fetchrow("select * from public.wallet_credentials($1)", username)
        )

    async def principal(self, user_id: UUID) -> asyncpg.Record | None:
        """`wallet_principal`: user_id, username, role, wallet_id as stored now; None for an unknown id."""
        return await self._call(
            lambda connection: connection.fetchrow("select * from public.wallet_principal($1)", user_id)
        )

    async def balance(self, wallet_id: UUID, actor: UUID) -> asyncpg.Record:
        """`wallet_balance`: the balance now. Errors: WA001."""
        return await self._row("select * from public.wallet_balance($1, $2)", wallet_id, actor)

    async def mutate(self, mutation: Mutation) -> asyncpg.Record:
        """`wallet_topup` or `wallet_spend`, by the mutation's type. Errors: WA001, WA002, WA003, WA004, WA006."""
        return await self._row(_MUTATIONS[mutation.type], *mutation[1:])

    async def batch(self, mutations: Sequence[Mutation]) -> Sequence[asyncpg.Record]:
        """`wallet_batch`: one transaction, which waits for no lock; a row with its `outcome` for each, in order."""
        columns = [list(column) for column in zip(*mutations, strict=True)]
        return await self._call(lambda connection: connection.fetch(_BATCH, *columns))

    async def entries(
        self, wallet_id: UUID, limit: int, before_seq: int | None, actor: UUID
    ) -> Sequence[asyncpg.Record]:
        """`wallet_entries`: the newest `limit` entries below `before_seq`; metadata as JSON text. Errors: WA001."""
        call = "select * from public.wallet_entries($1, $2, $3, $4)"
        return await self._call(lambda connection: connection.fetch(call, wallet_id, limit, before_seq, actor))

    async def ping(self) -> None:
        """Make one round trip. Raises ServiceError when that takes more than two seconds."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._call(lambda connection: connection.fetchval("select 1"))
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None

    async def _row(self, call: str, *arguments: Argument, again: bool = True) -> asyncpg.Record:
        row = await self._call(lambda connection: connection.fetchrow(call, *arguments), again=again)
        if row is None:
            raise RuntimeError(f"no row from: {call}")
        return row

    async def _call(self, run: Callable[[Connection], Awaitable[T]], *, again: bool = True) -> T:
        """Run on a pooled connection; once more where the connection turned out to be dead or its plan stale.

        Raises ServiceError for everything that the caller or the state of the server explains.
        """
        for last in (False, True):
            connection = await self._acquire()
            try:
                return await self._run(connection, run)
            except _STALE:
                if last:
                    raise
            except _LOST as error:
                if isinstance(error, asyncpg.DataError):
                    raise  # an argument of the wrong type: our fault
                if last or not again:
                    raise self._away(error) from error
            finally:
                await self._pool.release(connection)
        raise AssertionError("the second attempt returns or raises")

    async def _run(self, connection: Connection, run: Callable[[Connection], Awaitable[T]]) -> T:
        """Run once. Raises ServiceError, or one of _LOST and _STALE, after which a second attempt may succeed."""
        try:
            return await run(connection)
        except TimeoutError as error:
            connection.terminate()
            raise ServiceError(TIMEOUT) from error
        except asyncio.CancelledError:
            # the pool would first wait for the server to confirm that the statement is cancelled
            connection.terminate()
            raise
        except (*_LOST, *_STALE):
            raise
        except asyncpg.PostgresError as error:
            raise from_postgres(error.sqlstate or "", error.detail, error.hint) or error from error

    async def _acquire(self) -> Connection:
        """A connection, made if need be. Raises ServiceError (503), whatever keeps us from having one."""
        try:
            connection = await self._pool.acquire(timeout=self._acquire_timeout)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise self._away(error) from error
        if self._away_since is not None:
            log.info("database is back", away_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        return connection

    def _away(self, error: Exception) -> ServiceError:
        """Log the first of many failures, so that an outage is one line and not one per request."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning("database is away", reason=f"{type(error).__name__}: {error}")
        return ServiceError(UNAVAILABLE)


async def _leave_as_is(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Skip asyncpg's reset query."""
