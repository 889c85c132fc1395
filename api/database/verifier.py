"""Runs verifications that operators start: one at a time in a database, on a connection that no request waits for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg
import msgspec
import structlog

from api.database.connections import LOST, connecting
from api.database.each import ask
from api.errors import SQLSTATES, UNAVAILABLE, ServiceError, from_postgres
from api.session import PINNED, TRIGGERED, connect, set_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from api.database.functions import Database
    from api.settings import Settings

    Connection = asyncpg.Connection[asyncpg.Record]

NAME: Final = "pgwallet verification"
PROGRESS: Final = "pgwallet verification"
"""The text of the messages that tell how far it is."""
NOTED_EVERY: Final = 1.0
CLOSING_SECONDS: Final = 2.0
CLAIM_SECONDS: Final = 5.0
"""For what is done at once, on a server that answers."""
RUNS: Final = SQLSTATES["WA045"]
# A rule takes as long as the ledger is long, and one that ends by a timeout would count as a violation.
_PINS: Final = PINNED | {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    "client_min_messages": "debug1",
}
_BEGIN: Final = f"begin isolation level read committed; {set_all(_PINS, local=True)}; {TRIGGERED}"

log = structlog.get_logger("pgwallet.verifier")


class Progress(msgspec.Struct):
    """How far a verification is: which rule is judged, how many were, of how many; and how much of it, if known."""

    rule: str | None = None
    rules_done: int | None = None
    rules: int | None = None
    part: float | None = None


class Started(NamedTuple):
    """The verifications that were started, one in each database that has none under way; and who did not answer."""

    run_ids: list[int]
    away: list[int]


class Verifier:
    """Runs what this process was asked to start. What is on record of it is in the database alone.

    The transaction that verifies has the database's lock of verifications: whatever ends it lets the next one start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End what runs when the context ends; it is noted as interrupted."""
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self, actor: UUID) -> Started:
        """Start one in each database. Errors: WA027; WA045 where one runs in all of them."""
        async with self._starting:
            started = await ask(
                self._database.members, lambda member: self._start(member, actor), patience=None, lacking=(RUNS,)
            )
            return Started(list(started.found.values()), started.away)

    async def _start(self, database: Database, actor: UUID) -> int:
        connection = await self._connect(database.settings)
        try:
            holder = await connection.fetchval("select public.wallet_claim_verification()", timeout=CLAIM_SECONDS)
            run_id = await database.start_verification(holder, actor)
        except BaseException as error:
            connection.terminate()
            raise _refusal(error) from error
        task = asyncio.create_task(self._run(database, connection, run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run_id

    async def _connect(self, settings: Settings) -> Connection:
        """Begin the transaction that verifies. Raises ServiceError (503)."""
        try:
            connection: Connection = await connect(
                **connecting(settings, NAME), timeout=settings.acquire_timeout, statement_cache_size=0
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise ServiceError(UNAVAILABLE) from error
        try:
            await connection.execute(_BEGIN, timeout=CLAIM_SECONDS)
        except BaseException as error:
            connection.terminate()
            raise _refusal(error) from error
        return connection

    async def _run(self, database: Database, connection: Connection, run_id: int) -> None:
        told: asyncio.Queue[Progress] = asyncio.Queue()
        connection.add_log_listener(lambda _, message: _listen(told, message))
        noting = asyncio.create_task(self._note(database, run_id, told))
        reason = "the service was stopped"
        try:
            violations = await connection.fetchval("select public.wallet_run_verification($1)", run_id)
            await connection.execute("commit")
        except (*LOST, asyncpg.PostgresError) as error:
            # without the values of DETAIL
            reason = f"{type(error).__name__}: {error.args[0] if error.args else ''}"
            log.warning("a verification failed", run_id=run_id, reason=reason)
        else:
            reason = ""
            log.info("verified", run_id=run_id, violations=violations)
        finally:
            noting.cancel()
            # gives the lock back, before it is noted that nothing runs
            await _end(connection)
            if reason:
                with contextlib.suppress(ServiceError):  # without a note it is interrupted, too
                    await database.note_verification(run_id, error=reason)

    async def _note(self, database: Database, run_id: int, told: asyncio.Queue[Progress]) -> None:
        """Note the newest that was told, at most once in a while."""
        while True:
            newest = await told.get()
            while not told.empty():
                newest = _later(newest, told.get_nowait())
            with contextlib.suppress(ServiceError):  # the next note may succeed
                await database.note_verification(run_id, newest.rule, newest.rules_done, newest.rules, newest.part)
            await asyncio.sleep(NOTED_EVERY)


def _listen(told: asyncio.Queue[Progress], message: Any) -> None:
    if message.message == PROGRESS:
        told.put_nowait(msgspec.json.decode(message.detail, type=Progress))


def _later(before: Progress, after: Progress) -> Progress:
    """Return both: a part is of the rule that was named before it."""
    if after.rule is None:
        before.part = after.part
        return before
    return after


def _refusal(error: BaseException) -> BaseException:
    """Return what a caller can understand, if there is such a thing."""
    if isinstance(error, asyncpg.PostgresError):
        return from_postgres(error.sqlstate or "", error.detail, error.hint) or error
    return ServiceError(UNAVAILABLE) if isinstance(error, (*LOST, TimeoutError)) else error


async def _end(connection: Connection) -> None:
    """Close the connection, with what it still does."""
    try:
        await connection.close(timeout=CLOSING_SECONDS)
    except (*LOST, TimeoutError, asyncpg.PostgresError):
        connection.terminate()
