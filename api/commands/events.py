"""`pgwallet events`: events for pipes, in order and each once, also over restarts of the database."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import click

from api.cluster_map import number_of_row
from api.commands.output import printable_json, tell
from api.errors import CommandError, ServiceError
from api.events.cursors import Cursor, Cursors, read_cursors
from api.setup.administrator import administrators
from api.setup.deploy import DeployError, NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from uuid import UUID

    from api.settings import Settings

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


async def read(urls: Mapping[int, str], after: str, wanted: Wanted, write: Callable[[str], object]) -> None:
    """Pass each event to `write`, as JSON, after a number, a cursor or `latest`. Raises EventsError, NoWalletsError.

    Of several databases each is in its order, and an event's number is of its database: then that alone is read. What
    ends says by which cursor all are read on.
    """
    places = _places(after, urls)
    left = _Left(wanted.limit)
    if len(urls) == 1:
        ((number, url),) = urls.items()
        return await _read(url, _Reader(places[number], wanted, left, write), wanted)
    readers = {number: _Reader(place, wanted, left, write) for number, place in places.items()}
    try:
        async with asyncio.TaskGroup() as tasks:
            for number, reader in readers.items():
                tasks.create_task(_named(number, _read(urls[number], reader, wanted)))
    except* CommandError as errors:
        raise errors.exceptions[0] from None
    finally:
        if after == LATEST or not NUMBER.fullmatch(after) or int(after) == 0:
            logger.warning("read on with --after %s", Cursors({n: reader.cursor for n, reader in readers.items()}))
    return None


async def _named(number: int, reading: Awaitable[None]) -> None:
    """Read one of several databases. Raises EventsError that names it."""
    try:
        await reading
    except CommandError as error:
        raise EventsError(f"database {number}: {error}") from None


async def _read(url: str, reader: _Reader, wanted: Wanted) -> None:
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


class _Left:
    """How many events are still wanted, of all databases together; None: all."""

    def __init__(self, number: int | None) -> None:
        self.number = number

    def __bool__(self) -> bool:
        return self.number is None or self.number > 0

    def page(self) -> int:
        return PAGE if self.number is None else min(PAGE, self.number)

    def take(self) -> bool:
        """Take one, if there is one."""
        if self.number is None:
            return True
        self.number -= 1
        return self.number >= 0


class _Reader:
    """Where a reader of one database is, over all its connections."""

    def __init__(
        self, place: tuple[int, int | None] | None, wanted: Wanted, left: _Left, write: Callable[[str], object]
    ) -> None:
        self.begun = False
        self._from_now = place is None
        self._after, self._epoch = place or (0, None)
        self._left = left
        self._wanted = wanted
        self._write = write

    @property
    def cursor(self) -> Cursor:
        """After what was read."""
        return Cursor(self._epoch or 0, self._after)

    async def run(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Read until there is no more, or for ever."""
        known: int | None = None
        while self._left:
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
        while self._left:
            limit = self._left.page()
            rows = await connection.fetch(
                READ, self._after, up_to, fence, limit, types, self._wanted.wallet_id, self._epoch
            )
            self._epoch = mark["epoch"]
            for number, event in rows:
                if event is not None:
                    if not self._left.take():
                        return
                    self._write(printable_json(event.replace("\n", " ").replace("\r", " ")))
                self._after = number
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


def _places(after: str, numbers: Iterable[int]) -> dict[int, tuple[int, int | None] | None]:
    """Return after which event each database is read: its id and epoch; None: from now on."""
    several = list(numbers)
    if after == LATEST:
        return dict.fromkeys(several)
    if NUMBER.fullmatch(after):
        event = int(after)
        if len(several) == 1 or event == 0:
            return dict.fromkeys(several, (event, None))
        if (of := number_of_row(event)) not in several:
            raise EventsError(f"--after {after} is no event of a database of this cluster")
        return {of: (event, None)}
    try:
        cursors = read_cursors(after)
    except ServiceError:
        raise EventsError(f"--after takes the number of an event, a cursor, or {LATEST}, not {after!r}") from None
    if len(several) == 1 and cursors.keys() - {*several}:
        raise EventsError(f"--after {after} is the cursor of several databases: set PGWALLET_CLUSTER")
    return {
        number: (cursors.at(number).id, cursors.at(number).epoch if number in cursors else None) for number in several
    }


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


@click.command()
@click.option("--follow", is_flag=True, help="Go on with those to come, also when the database was restarted")
@click.option("--after", default="0", metavar="N|CURSOR", help="After this event; `latest`: from now on. Without: all")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="End after so many")
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only these, like transaction.topup; repeatable")
@click.option("--wallet", type=click.UUID, metavar="ID", help="Only of this wallet")
@click.option("--json", "whole", is_flag=True, help="Whole events, one a line")
@click.pass_obj
def events(
    settings: Settings,
    *,
    follow: bool,
    after: str,
    limit: int | None,
    types: tuple[str, ...],
    wallet: UUID | None,
    whole: bool,
) -> None:
    """Print what happened, in order: nothing is missed, and nothing comes twice."""
    wanted = Wanted(follow, limit, types, wallet)

    def write(event: str) -> None:
        tell(event if whole else short(event))

    try:
        with administrators(settings, "events") as urls:
            asyncio.run(read(urls, after, wanted, write))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
