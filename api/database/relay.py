"""What the relay asks of the database: the calls that are its alone, and the lock of the one that leads."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import asyncpg
from msgspec import Struct

from api.database.connections import connecting
from api.database.functions import Database
from api.database.rows import reader
from api.errors import UNAVAILABLE, ServiceError
from api.session import PINNED, connect, set_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from api.database.requests import Bound
    from api.settings import Settings

LOCK: Final = 0x7067_7772_656C_6179
"""Of the relay that leads: one for each database."""
NAME: Final = "pgwallet relay"
"""Of its session, which is idle in a transaction for as long as it leads, or waits to."""
STANDBY_SECONDS: Final = 1.0
PING_EVERY: Final = 2.0
PING_SECONDS: Final = 5.0


class ActiveWebhook(Struct, frozen=True):
    """A webhook to which events are delivered, as stored."""

    id: UUID
    url: str
    types: list[str] | None
    asset: str | None
    wallet_id: UUID | None
    batch_size: int
    secret: bytes | None
    previous_secret: bytes | None
    previous_until: datetime | None
    position: int
    version: int
    failures: int
    last_success_at: datetime | None


class EventRef(Struct, frozen=True):
    """That there is an event, and whose; `type` is None for a number that is none."""

    id: int
    type: str | None
    wallet_id: UUID | None
    counterparty_wallet_id: UUID | None
    asset: str | None
    happened_at: datetime | None


class Waiting(Struct, frozen=True):
    """An event of the backlog."""

    id: int
    type: str | None
    wallet_id: UUID | None
    counterparty_wallet_id: UUID | None
    happened_at: datetime | None
    attempts: int
    first_at: datetime | None
    next_at: datetime | None
    status: int | None
    error: str | None


class Deferred(NamedTuple):
    """An event that goes into the backlog, or is `dead`. With its id alone: it only waits."""

    id: int
    attempts: int = 0
    first_at: datetime | None = None
    next_at: datetime | None = None
    status: int | None = None
    error: str | None = None
    dead: bool = False


class Attempt(NamedTuple):
    """A row of the log of deliveries."""

    first_id: int
    last_id: int
    events: int
    number: int
    status: int | None
    error: str | None
    milliseconds: int
    answer: str


_read_webhook = reader(ActiveWebhook)
_read_ref = reader(EventRef)
_read_waiting = reader(Waiting)
_LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_PINS: Final = set_all(
    PINNED | {"statement_timeout": f"{PING_SECONDS:g}s", "idle_in_transaction_session_timeout": "0"}, local=True
)
_PROGRESS: Final = f"select public.wallet_relay_progress({', '.join(f'${n}' for n in range(1, 22))}) as noted"


class RelayDatabase(Database):
    """The relay's calls. Each raises ServiceError."""

    async def take(self) -> None:
        """`wallet_relay_take`: progress of the relay before this one is refused from now on."""
        await self._shared.row("select public.wallet_relay_take()")

    async def active_webhooks(self) -> list[ActiveWebhook]:
        """`wallet_relay_webhooks`."""
        return [_read_webhook(row) for row in await self._shared.rows("select * from public.wallet_relay_webhooks()")]

    async def backlog(self, webhook_id: UUID, limit: int) -> list[Waiting]:
        """`wallet_relay_backlog`: the oldest `limit`."""
        call = "select * from public.wallet_relay_backlog($1, $2)"
        return [_read_waiting(row) for row in await self._shared.rows(call, webhook_id, limit)]

    async def refs(self, after: int, bound: Bound, limit: int) -> list[EventRef]:
        """`wallet_relay_events`."""
        call = "select * from public.wallet_relay_events($1, $2, $3, $4)"
        return [_read_ref(row) for row in await self._events.rows(call, after, bound.up_to, bound.fence, limit)]

    async def described(self, ids: Sequence[int]) -> dict[int, str]:
        """`wallet_events_by_id`: these events as they are described now."""
        rows = await self._events.rows("select id, event from public.wallet_events_by_id($1)", ids)
        return {row["id"]: row["event"] for row in rows}

    async def progress(
        self,
        webhook: ActiveWebhook,
        position: int,
        failures: int,
        pause_reason: str | None,
        delivered: Sequence[int],
        deferred: Sequence[Deferred],
        attempts: Sequence[Attempt],
    ) -> bool:
        """`wallet_relay_progress`: False, and nothing is noted, where the webhook was changed meanwhile."""
        columns = [*_columns(deferred, len(Deferred._fields)), *_columns(attempts, len(Attempt._fields))]
        row = await self._shared.row(
            _PROGRESS, webhook.id, webhook.version, position, failures, pause_reason, delivered, *columns
        )
        return bool(row["noted"])

    async def give_secret(self, webhook_id: UUID, secret: bytes) -> None:
        """`wallet_relay_give_secret`: where there is none."""
        await self._shared.row("select public.wallet_relay_give_secret($1, $2)", webhook_id, secret)

    async def prune(self) -> None:
        """`wallet_prune_deliveries`."""
        await self._shared.row("select public.wallet_prune_deliveries()")

    async def prune_old(self) -> dict[str, int]:
        """`wallet_prune`, a step: how many rows of what were removed; nothing where nothing is old any more."""
        rows = await self._shared.rows("select subject, removed from public.wallet_prune() where removed > 0")
        return {row["subject"]: row["removed"] for row in rows}


def _columns(rows: Sequence[Deferred] | Sequence[Attempt], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


@contextlib.asynccontextmanager
async def leading(settings: Settings) -> AsyncIterator[asyncio.Event]:
    """Wait until no other relay leads, and lead until the context ends. Yields what is set when the lead is lost.

    The lock is a transaction's, so that a transaction pooler keeps it; it reads nothing, and holds no vacuum back.
    Raises ServiceError.
    """
    lost = asyncio.Event()
    connection = None
    try:
        try:
            connection = await connect(
                **connecting(settings, NAME),
                timeout=settings.acquire_timeout,
                command_timeout=PING_SECONDS,
                statement_cache_size=0,
            )
            connection.add_termination_listener(lambda _: lost.set())
            await connection.execute(f"begin; {_PINS}")
            while True:
                if await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
                    break
                await asyncio.sleep(STANDBY_SECONDS)
        except _LOST as error:
            raise ServiceError(UNAVAILABLE) from error
        watch = asyncio.create_task(_watch(connection))
        try:
            yield lost
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    finally:
        if connection is not None:
            connection.terminate()


async def _watch(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """End the connection when the server does not answer any more: it may have let another relay lead."""
    with contextlib.suppress(*_LOST):
        while True:
            await asyncio.sleep(PING_EVERY)
            await connection.execute("select")
    connection.terminate()
