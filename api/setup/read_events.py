"""Gives an administrator events, for pipes: in order, and each once, also over restarts of the database."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from api.errors import CommandError, ServiceError
from api.events.cursors import read_cursor
from api.setup.deploy import DeployError, NoWalletsError, connected
from api.setup.status import printable_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

LATEST = "latest"
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
PAGE = 1000
LOOK_SECONDS = 0.1
WARN_SECONDS = 5.0
PAUSE_SECONDS = 1.0
READ = "select id, event::text from public.wallet_events($1, $2, $3, $4, $5, null, $6, $7)"

logger = logging.getLogger(__name__)


class EventsError(CommandError):
    """Events cannot be read so."""


class Wanted(NamedTuple):
    """Which events: `limit` None for all; `follow` for those to come, too."""

    follow: bool
    limit: int | None
    types: tuple[str, ...]
    wallet_id: UUID | None


async def read(url: str, after: str, wanted: Wanted, write: Callable[[str], object]) -> None:
    """Pass each event to `write`, as JSON, after a number, a cursor or `latest`. Raises EventsError, NoWalletsError."""
    reader = _Reader(after, wanted, write)
    lost = False
    while True:
        try:
            async with connected(url) as connection:
                if lost:
                    logger.warning("the database is back")
                    lost = False
                return await reader.run(connection)
        except DeployError as error:
            if not wanted.follow or not reader.begun or isinstance(error, NoWalletsError):
                raise
            if not lost:
                logger.warning("the database is away: %s", error)
                lost = True
            await asyncio.sleep(PAUSE_SECONDS)


class _Reader:
    """Where a reader is, over all its connections."""

    def __init__(self, after: str, wanted: Wanted, write: Callable[[str], object]) -> None:
        self.begun = False
        self._from_now = after == LATEST
        self._after, self._epoch = (0, None) if self._from_now else _position(after)
        self._left = wanted.limit
        self._wanted = wanted
        self._write = write

    async def run(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Read until there is no more, or for ever."""
        known: int | None = None
        while self._left is None or self._left > 0:
            try:
                mark = await connection.fetchrow("select * from public.wallet_event_mark($1)", known)
                if mark is None:
                    raise RuntimeError("no mark")
                if mark["fence"] is not None:
                    await _settled(connection, mark["fence"])
                    await self._read(connection, mark)
                    again = known is None and mark["up_to"] == 0
                    known = mark["up_to"]
                    if again:
                        continue  # an epoch that begins has no bound: the next mark has
            except asyncpg.UndefinedFunctionError:
                raise NoWalletsError from None
            except asyncpg.PostgresError as error:
                if not (error.sqlstate or "").startswith("WA"):
                    raise
                raise EventsError(_reason(error)) from None
            self.begun = True
            if not self._wanted.follow:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _read(self, connection: asyncpg.Connection[asyncpg.Record], mark: asyncpg.Record) -> None:
        up_to, fence = mark["up_to"], mark["fence"]
        if self._from_now:
            self._after = await connection.fetchval("select public.wallet_newest_event($1, $2)", up_to, fence)
            self._epoch, self._from_now = mark["epoch"], False
        types = self._wanted.types or None
        while self._left is None or self._left > 0:
            limit = PAGE if self._left is None else min(PAGE, self._left)
            rows = await connection.fetch(
                READ, self._after, up_to, fence, limit, types, self._wanted.wallet_id, self._epoch
            )
            for number, event in rows:
                if event is not None:
                    self._write(printable_json(event.replace("\n", " ").replace("\r", " ")))
                    self._left = None if self._left is None else self._left - 1
                self._after = number
            self._epoch = mark["epoch"]
            if not rows or self._after >= up_to:
                return


async def _settled(connection: asyncpg.Connection[asyncpg.Record], fence: int) -> None:
    waited, step, warned = 0.0, 0.002, False
    while not await connection.fetchval("select public.wallet_event_settled($1)", fence):
        if waited > WARN_SECONDS and not warned:
            logger.warning("events wait for a transaction that stays open: see pg_stat_activity")
            warned = True
        await asyncio.sleep(step)
        waited += step
        step = min(1.5 * step, LOOK_SECONDS)


def _position(after: str) -> tuple[int, int | None]:
    if NUMBER.fullmatch(after):
        return int(after), None
    try:
        epoch, number = read_cursor(after)
    except ServiceError:
        raise EventsError(f"--after takes the number of an event, a cursor, or {LATEST}, not {after!r}") from None
    return number, epoch


def _reason(error: asyncpg.PostgresError) -> str:
    """Say what the database refuses, with its values."""
    members: dict[str, Any] = json.loads(error.detail or "{}")
    if error.sqlstate == "WA041":
        return (
            f"the history of this database has changed: events that were read are gone. "
            f"Read on with --after {members['known']}"
        )
    told = f"{members['field']} {members['reason']}" if "reason" in members else str(error)
    return f"{told}: one of {', '.join(members['known'])}" if "known" in members else told


def short(event: str) -> str:
    """Return an event as a line for people."""
    told = json.loads(event)
    data: dict[str, Any] = told["data"]
    parts = [told["id"], told["time"], told["type"].removeprefix("pgwallet."), told["subject"]]
    if "amount" in data:
        parts.append(f"{Decimal(data['amount']).scaleb(-data['scale']):f} {data['asset']}")
    elif data["change"]:
        parts.append(json.dumps(data["change"]))
    return "  ".join(parts)
