"""Calls to PostgreSQL: bounded, repeated where that is safe and helps, with errors that callers can understand."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import asyncpg

from api.database.admission import Admission
from api.database.connections import LOCK_TRIES, LOST, Connections, was_ended
from api.errors import BUSY, TIMEOUT, ServiceError, from_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
    from datetime import datetime

    from api.database.connections import Pooled
    from api.settings import Settings

    Argument = str | int | float | UUID | datetime | Sequence[Any] | None

T = TypeVar("T")

PING_SECONDS: Final = 2.0
STREAMED_ROWS: Final = 500
"""What a stream holds in memory at a time."""
ITEMS_PER_REQUEST: Final = 20
"""How many items of a batch take the room of one request where requests wait."""
QUICK_SECONDS: Final = 0.1
"""How long a call waits for a lock before it waits in the pool of patient calls."""
WARN_SECONDS: Final = 60.0

# A plan from before a deploy (0A000).
_STALE: Final = (asyncpg.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError)
# PostgreSQL undid all of the call, in favour of another session.
_CONTENDED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_TRIES: Final = {"40001": 4, "40P01": 4, "55P03": LOCK_TRIES}
_PAUSE: Final = 0.01
"""The longest pause before the second try, in seconds; it doubles with each."""


class Pool(Connections):
    """Runs calls on its connections, and bounds how many wait for one.

    A call waits for a wallet that another session holds as long as the lock timeout. With a `patient` pool it waits
    `QUICK_SECONDS`, and then there.
    """

    def __init__(
        self,
        settings: Settings,
        size: int,
        *,
        patient: Pool | None = None,
        held: bool = False,
        silent: bool = False,
        standby: bool = False,
        number: int | None = None,
    ) -> None:
        timeout = settings.lock_timeout
        lock_timeout = min(timeout, QUICK_SECONDS) if patient else timeout
        super().__init__(
            settings, size, lock_timeout=lock_timeout, held=held, silent=silent, standby=standby, number=number
        )
        self.admission = Admission(settings.queue_size)
        self._patient = patient
        self._warned = -WARN_SECONDS

    async def ping(self) -> None:
        """Make one round trip to a server that can write. Raises ServiceError when that takes more than two seconds."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.run(_require_writable, admitted=True)
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
        self,
        call: str,
        *arguments: Argument,
        touches: Sequence[Hashable] = (),
        again: bool = True,
        admitted: bool = False,
    ) -> asyncpg.Record:
        """Run a call that returns one row; `touches`, `again` and `admitted` as in `run`. Raises ServiceError."""
        row = await self.run(
            lambda connection: connection.fetchrow(call, *arguments),
            touches=(*touches, *_parties(arguments)),
            again=again,
            admitted=admitted,
        )
        if row is None:
            raise RuntimeError(f"no row from: {call}")
        return row

    async def stream(
        self,
        read: Callable[[asyncpg.Record], T],
        call: str,
        *arguments: Argument,
        first: Callable[[Pooled], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[list[T], None]:
        """Run a call and yield its rows in pieces, made by `read`, through a cursor of the server. Raises ServiceError.

        At most half of the connections stream at a time, one for each user. Close the generator when done with it.
        `first` is run before the call, in the same transaction.
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
                    if first is not None:
                        await first(connection)
                    # asyncpg's own cursors need named statements, which a transaction pooler loses
                    await connection.execute(f"declare stream no scroll cursor for {call}", *arguments)
                    while rows := await connection.fetch(f"fetch {STREAMED_ROWS} from stream"):
                        yield [read(row) for row in rows]
                except asyncpg.DataError:
                    raise
                except TimeoutError as error:
                    connection.terminate()
                    raise ServiceError(TIMEOUT) from error
                except LOST as error:
                    raise self._away(error) from error
                except asyncpg.PostgresError as error:
                    raise self._refusal(error) from error
                finally:
                    await _end(connection)
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
        """Run on a connection. Raises ServiceError for every failure that the caller or the server's state explains.

        `touches` are the wallets whose locks it may wait for and, last, the user or address that it is for.
        `size` is how many requests it stands for. `again` repeats it after a lost connection. `admitted`: another queue
        has admitted it. `keep` makes it one transaction, which is committed if `keep` accepts the result.
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
        """Return `run`, within a transaction if it must be one."""
        if keep is None and not self._pooler:
            return run

        async def whole(connection: Pooled) -> T:
            await connection.execute(self._begin)
            try:
                result = await run(connection)
            except (TimeoutError, asyncio.CancelledError, *LOST):
                raise  # the transaction ends with the connection
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
        """Run; once more after a lost connection or a stale plan, and again after contention."""
        replaced = False
        ended = 0
        while True:
            async with self._borrowed(touches, size) as connection:
                try:
                    return await self._attempt(connection, self._transaction(run, keep))
                except _STALE:
                    if replaced:
                        raise
                    replaced = True
                except (*LOST, asyncpg.ReadOnlySQLTransactionError) as error:
                    # who ends one session often ends all of a database: each is found out once
                    ended += was_ended(error)
                    more = not replaced or (was_ended(error) and ended <= self._size)
                    await self._judge(error, again=again and more, replaced=replaced)
                    replaced = True
                except _CONTENDED as error:
                    tries += 1
                    if self._patient is not None and isinstance(error, asyncpg.LockNotAvailableError):
                        patient = self._patient
                        break
                    if tries >= _TRIES[error.sqlstate]:
                        raise ServiceError(BUSY) from error
            if tries:
                # random, so that two calls that deadlocked do not meet again
                await asyncio.sleep(random.uniform(0, _PAUSE * 2**tries))  # noqa: S311
        return await patient._persist(run, touches, size, again=again, keep=keep, tries=tries)  # noqa: SLF001 - another Pool

    async def _judge(self, error: Exception, *, again: bool, replaced: bool) -> None:
        """Return if another connection may succeed. Raises ServiceError otherwise."""
        if isinstance(error, asyncpg.DataError):
            raise error  # an argument of the wrong type: a mistake in this service
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            # nothing was written, and no connection to this server can write: after a switchover another one does
            await self._leave_server()
            again = not replaced
        if not again:
            raise self._away(error) from error

    async def _attempt(self, connection: Pooled, run: Callable[[Pooled], Awaitable[T]]) -> T:
        """Run once. Raises ServiceError, or one of LOST, _STALE and _CONTENDED: another try may succeed."""
        try:
            return await run(connection)
        except TimeoutError as error:
            connection.terminate()
            raise ServiceError(TIMEOUT) from error
        except asyncio.CancelledError:
            # asyncpg's pool would first wait for the server to confirm the cancellation
            connection.terminate()
            raise
        except asyncpg.InternalClientError:
            # it is not closed yet: the second attempt would get the same connection
            connection.terminate()
            raise
        except (*LOST, *_STALE, *_CONTENDED, asyncpg.ReadOnlySQLTransactionError):
            raise
        except asyncpg.PostgresError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: asyncpg.PostgresError) -> Exception:
        """Return the ServiceError of an error of the server. A missing statement was prepared in another session."""
        if isinstance(error, asyncpg.InvalidSQLStatementNameError) and time.monotonic() - self._warned >= WARN_SECONDS:
            self._warned = time.monotonic()
            self._log.error("a prepared statement is gone: behind a transaction pooler set PGWALLET_POOLER=transaction")
        return from_postgres(error.sqlstate or "", error.detail, error.hint) or error


def _parties(arguments: Sequence[Argument]) -> tuple[Hashable, ...]:
    """Return the wallet or user that a call is about, its first argument, and the user or address that it is for."""
    ends = (arguments[0], arguments[-1]) if len(arguments) > 1 else arguments
    return tuple(end for end in ends if isinstance(end, (UUID, str)))


async def _end(connection: Pooled) -> None:
    """End the transaction of a stream: the next call on this connection must not find it, and a look is on record."""
    try:
        if not connection.is_closed():
            await connection.execute("commit")
    except BaseException as error:
        connection.terminate()
        if not isinstance(error, LOST):
            raise


async def _require_writable(connection: Pooled) -> None:
    if await connection.fetchval("select current_setting('transaction_read_only')") == "on":
        raise asyncpg.ReadOnlySQLTransactionError("the server is read only")
