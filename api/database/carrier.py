"""Carries transfers between databases: what one has debited another decides about, and the first one concludes.

Each step can be repeated: a decision is made once and kept, and what is concluded stays as it is. See ADR-010.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from api.cluster_map import number_of_row
from api.database.call_queue import NOT_REACHED
from api.database.pool import Pool
from api.errors import TIMEOUT, UNAVAILABLE, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from typing import Any

    import asyncpg

    from api.cluster_map import ClusterMap
    from api.database.functions import Database
    from api.database.pool import Argument
    from api.database.rows import Status
    from api.settings import Settings

PATIENCE: Final = 1.0
"""Seconds that a request waits for its transfer to arrive."""
LOOK_EVERY: Final = 1.0
ANSWER_SECONDS: Final = 5.0
"""For a decision of the recipients' database."""
LONGEST_PAUSE: Final = 60.0
PAGE: Final = 1000
"""What the functions take."""
MOST_FAULTS: Final = 8
"""Rows of a page that may be refused as what no outbox has, before the page is given up."""
CONNECTIONS: Final = 32
"""To a database, of each kind, made when they are needed: one for each database with which it exchanges transfers."""
LOCK: Final = 0x7067_7778
"""With the destination: of whoever carries from this database to that one."""

_LOCKED: Final = "select pg_advisory_xact_lock($1, $2)"
# moments as text: asyncpg takes the first one of the year 1 for -infinity
_OUTBOX: Final = (
    "select transaction_id, from_wallet_id, to_wallet_id, amount, asset, reference, metadata, effective_at::text"
    " from public.wallet_outbox($1, $2, $3, $4)"
)
_RECEIVE: Final = (
    "select * from public.wallet_receive($1, $2, $3, $4, $5, $6, $7, $8::text[]::timestamptz[], p_skip_locked => true)"
)
_CONCLUDE: Final = "select * from public.wallet_conclude($1, $2, true)"
_DESTINATIONS: Final = "select * from public.wallet_outbox_destinations()"
_ERASED: Final = "select transaction_id from public.wallet_erased_outbox($1, $2)"
_ERASE: Final = "select public.wallet_erase_received($1)"
_CONCLUDE_ERASURES: Final = "select public.wallet_conclude_erasures($1)"
_COLUMNS: Final = (
    "transaction_id",
    "from_wallet_id",
    "to_wallet_id",
    "amount",
    "asset",
    "reference",
    "metadata",
    "effective_at",
)

log = structlog.get_logger("pgwallet.carrier")


class Doors(NamedTuple):
    """The connections of the role wallet_relay to a database: for what it sends, and for what it receives.

    Who sends holds one while the other side decides: with one pool for both, two databases could wait for each other.
    """

    url: str
    sending: Pool
    receiving: Pool


class Way:
    """From one database to another: one round at a time, and what comes meanwhile goes with the next one."""

    def __init__(self, carrier: Carrier, origin: int, destination: int) -> None:
        self.origin, self.destination = origin, destination
        self._carrier = carrier
        self._due = False
        self._awaited: dict[int, asyncio.Future[Status | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._not_before = 0.0

    def look(self) -> None:
        """Carry what is in transit, unless that failed a short time ago."""
        if time.monotonic() >= self._not_before:
            self._start()

    def bring(self, transaction_id: int) -> asyncio.Future[Status | None]:
        """Carry a transfer that was just written; returns its status, None where that is not known."""
        awaited = self._awaited.get(transaction_id)
        if awaited is None:
            awaited = self._awaited[transaction_id] = asyncio.get_running_loop().create_future()
        self._start()
        return awaited

    def _start(self) -> None:
        self._due = True
        if self._task is None:
            self._task = self._carrier.start(self._work())

    async def _work(self) -> None:
        try:
            while self._due:
                self._due = False
                awaited, self._awaited = self._awaited, {}
                try:
                    await self._carrier.round(self, awaited)
                except ServiceError as error:
                    self._fail(error.kind.code)
                except Exception:  # the next look may succeed
                    log.exception("transfers cannot be carried", origin=self.origin, destination=self.destination)
                    self._fail("internal")
                else:
                    if self._pause:
                        log.info("transfers arrive again", origin=self.origin, destination=self.destination)
                    self._pause = self._not_before = 0.0
                finally:
                    for future in awaited.values():
                        _settle(future, None)
        finally:
            self._task = None
            for future in self._awaited.values():
                _settle(future, None)

    def _fail(self, code: str) -> None:
        if not self._pause:
            log.warning("transfers do not arrive", origin=self.origin, destination=self.destination, code=code)
        self._pause = min(2 * self._pause or LOOK_EVERY, LONGEST_PAUSE)
        self._not_before = time.monotonic() + self._pause


class Carrier:
    """Carries for one process. Others carry, too: a lock of the sender's database lets one at a time use each way."""

    def __init__(self, settings: Settings, members: Mapping[int, Database], current: Callable[[], ClusterMap]) -> None:
        self._settings = settings
        self._members = members
        self._current = current
        self._doors: dict[int, Doors] = {}
        self._opening = asyncio.Lock()
        self._ways: dict[tuple[int, int], Way] = {}
        self._looking: dict[int, asyncio.Task[None]] = {}
        self._erasing: set[Way] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry what is in transit while the context is open: what was not brought at once, for whatever reason."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            tasks = [watch, *self._looking.values(), *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(_close(doors) for doors in self._doors.values()), return_exceptions=True)

    async def bring(self, transaction_id: int, destination: int) -> Status | None:
        """Try to carry a transfer that was just written; its status, None where it is not known in time."""
        arriving = self._way(number_of_row(transaction_id), destination).bring(transaction_id)
        done, _ = await asyncio.wait([arriving], timeout=PATIENCE)
        return arriving.result() if done else None

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it until it ends, or the service does."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def round(self, way: Way, awaited: Mapping[int, asyncio.Future[Status | None]]) -> None:
        """Carry all that is in transit on a way now, and tell those who wait what became of theirs."""
        after: tuple[Argument, Argument] = (None, None)
        while True:
            rows, concluded = await self._page(way, after)
            for row in concluded:
                if row["status"] != "pending" and (future := awaited.get(row["transaction_id"])):
                    _settle(future, row["status"])
            if len(rows) < PAGE:
                return
            # what cannot be concluded now must not keep back what comes after it
            after = rows[-1]["to_wallet_id"], rows[-1]["transaction_id"]

    async def _page(
        self, way: Way, after: tuple[Argument, Argument]
    ) -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
        async def carry(connection: Any) -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
            await connection.execute(_LOCKED, LOCK, way.destination)
            rows = await connection.fetch(_OUTBOX, way.destination, PAGE, *after)
            if not rows:
                return rows, []
            decided = await self._decided(way.destination, rows)
            if not decided:
                return rows, []
            ids, codes = [row["origin_id"] for row in decided], [row["code"] for row in decided]
            return rows, await connection.fetch(_CONCLUDE, ids, codes)

        origin = await self._door(way.origin)
        return await origin.sending.run(carry, again=False, keep=lambda _: True)

    async def _decided(self, destination: int, rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
        """Have transfers decided about; those that no outbox can have are left out, and logged."""
        faults: list[ServiceError] = []

        async def decide(part: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
            columns = [[row[name] for row in part] for name in _COLUMNS]
            try:
                return list(await self._ask(destination, _RECEIVE, *columns))
            except ServiceError as error:
                if error.kind in NOT_REACHED:
                    raise
                if len(part) == 1:
                    faults.append(error)
                    if len(faults) > MOST_FAULTS:
                        raise
                    log.error(  # noqa: TRY400 - it has no values of the details
                        "a transfer is refused as what no database sends",
                        transaction_id=part[0]["transaction_id"],
                        destination=destination,
                        detail=error.detail,
                    )
                    return []
            half = len(part) // 2
            return [*await decide(part[:half]), *await decide(part[half:])]

        return await decide(rows)

    async def _ask(self, number: int, call: str, *arguments: Argument) -> Sequence[asyncpg.Record]:
        door = await self._door(number)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await door.receiving.run(lambda connection: connection.fetch(call, *arguments))
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None

    async def _erase(self, way: Way) -> None:
        """Have details erased that the recipients' database has of what erased users sent."""
        origin = await self._door(way.origin)
        while True:
            rows = await origin.sending.rows(_ERASED, way.destination, PAGE)
            if ids := [row["transaction_id"] for row in rows]:
                await self._ask(way.destination, _ERASE, ids)
                await origin.sending.rows(_CONCLUDE_ERASURES, ids)
            if len(ids) < PAGE:
                return

    async def _watch(self) -> None:
        """Look for what is in transit in each database: one that does not answer delays no other."""
        while True:
            for number in self._members.keys() - self._looking.keys():
                self._looking[number] = asyncio.create_task(self._look(number))
            for number in self._looking.keys() - self._members.keys():
                self._looking.pop(number).cancel()
                if doors := self._doors.pop(number, None):
                    self.start(_close(doors))
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, number: int) -> None:
        while True:
            # the workers do not look at the same moment
            await asyncio.sleep(LOOK_EVERY * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                door = await self._door(number)
                for row in await door.sending.rows(_DESTINATIONS):
                    if row["destination"] in self._members:
                        way = self._way(number, row["destination"])
                        if row["has_transfers"]:
                            way.look()
                        if row["has_erasures"]:
                            self._start_erasing(way)
            except ServiceError:
                pass  # a database is away, as requests notice
            except Exception:  # the loop must go on: money is on its way
                log.exception("what is in transit cannot be read", database=number)

    def _start_erasing(self, way: Way) -> None:
        """Have erasures carried, unless that is under way: a database that is away must not hold up the looks."""

        async def erase() -> None:
            try:
                await self._erase(way)
            except ServiceError:
                pass  # at the next look
            except Exception:  # the next look may succeed
                log.exception("erasures cannot be carried", origin=way.origin, destination=way.destination)
            finally:
                self._erasing.discard(way)

        if way not in self._erasing:
            self._erasing.add(way)
            self.start(erase())

    def _way(self, origin: int, destination: int) -> Way:
        way = self._ways.get((origin, destination))
        if way is None:
            way = self._ways[origin, destination] = Way(self, origin, destination)
        return way

    async def _door(self, number: int) -> Doors:
        """Return the connections to a database, by the map of now. Raises ServiceError."""
        member = next((member for member in self._current().members if member.number == number), None)
        if member is None or member.relay_url is None:
            raise ServiceError(UNAVAILABLE)
        async with self._opening:
            doors = self._doors.get(number)
            if doors is None or doors.url != member.relay_url:
                if doors is not None:
                    self.start(_close(doors))
                settings = replace(self._settings, api_url=member.relay_url)
                sending, receiving = (Pool(settings, CONNECTIONS, number=number) for _ in range(2))
                for pool in (sending, receiving):
                    await pool.open()
                doors = self._doors[number] = Doors(member.relay_url, sending, receiving)
            return doors


async def _close(doors: Doors) -> None:
    await asyncio.gather(doors.sending.close(), doors.receiving.close())


def _settle(future: asyncio.Future[Status | None], status: Status | None) -> None:
    if not future.done():
        future.set_result(status)
