"""How far it is safe to read events: one fence at a time in a process, for all who read. See ADR-008."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import asdict

from api.database.requests import Bound
from api.errors import UNAVAILABLE, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from api.database.functions import Database

LOOK_SECONDS: Final = 0.02
FENCE_SECONDS: Final = 0.1
"""Between two fences: each of them takes an xid of the whole cluster."""
FIRST_STEP, LONGEST_STEP = 0.002, 0.1
WARN_SECONDS: Final = 5.0
WARN_AGAIN_SECONDS: Final = 60.0
LONGEST_PAUSE: Final = 2.0

log = structlog.get_logger("pgwallet.events")


class Bounds:
    """Looks for new events while somebody listens or asks, draws fences, and tells everybody when one has passed.

    The database may be away: whoever asks is told, and whoever listens waits.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        """A database that has moved is another one here, under the same number."""
        self.latest: Bound | None = None
        """None before the first fence has passed, and after the database was away."""
        self._listeners = 0
        self._asking: set[asyncio.Future[Bound]] = set()
        self._listening: set[asyncio.Future[None]] = set()
        self._wanted = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the context is open. Whoever asks later is told that the service stops."""
        self.start()
        try:
            yield
        finally:
            await self.stop()

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Work no more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail(self._asking)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Keep `latest` new while the context is open."""
        self._listeners += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._listeners -= 1

    async def newer(self, seen: Bound | None) -> Bound:
        """Wait for a bound that is another one than `seen`: there may be new events."""
        with self.listening():
            while self.latest is None or self.latest == seen:
                changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._listening.add(changed)
                try:
                    await changed
                finally:
                    self._listening.discard(changed)
            return self.latest

    async def fresh(self, patience: float) -> Bound | None:
        """Return a bound behind which is everything that was committed before this call. Raises ServiceError.

        If that takes more than `patience` seconds, because a transaction stays open, return the latest one, if any.
        """
        if self._closed:
            raise ServiceError(UNAVAILABLE)
        answer: asyncio.Future[Bound] = asyncio.get_running_loop().create_future()
        self._asking.add(answer)
        self._wanted.set()
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            return self.latest
        finally:
            self._asking.discard(answer)

    async def _run(self) -> None:
        pause = 0.0
        # a cancellation can be lost: asyncio.wait_for, in which a connection is acquired, drops one that comes together
        # with its result (until Python 3.12)
        while not self._closed:
            await self._wanted.wait()
            self._wanted.clear()
            asking, self._asking = self._asking, set()
            if not asking and not self._listeners:
                continue
            try:
                rest = await self._look(asking)
                pause = 0.0
            except ServiceError:
                # the database is away, as requests notice: a fence of before is worth nothing
                rest = pause = min(2 * pause + LOOK_SECONDS, LONGEST_PAUSE)
                self.latest = None
            except Exception:  # the loop must go on
                log.exception("events cannot be followed")
                rest = pause = LONGEST_PAUSE
                self.latest = None
            finally:
                self._fail(asking)
            if rest:
                await asyncio.sleep(rest)
            elif self._listeners:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._wanted.wait()
            if self._listeners or self._asking:
                self._wanted.set()

    async def _look(self, asking: set[asyncio.Future[Bound]]) -> float:
        """Draw a fence if there is anything new, wait until it has passed, tell. Returns for how long to draw none."""
        loop = asyncio.get_running_loop()
        latest = self.latest
        mark = await self.database.event_mark(latest and latest.up_to)
        if mark.fence is not None and mark.up_to == 0:
            # no event yet; or an epoch that has just begun, and then the next mark is good
            again = await self.database.event_mark(0)
            mark = mark if again.fence is None else again
        if mark.fence is None:
            if latest is None:
                raise RuntimeError("a mark without a fence, though nothing was known")
        else:
            drawn = loop.time()
            if not await self._passed(mark.fence, asking):
                return 0.0
            self.latest = latest = Bound(mark.up_to, mark.fence, mark.epoch)
            changed, self._listening = self._listening, set()
            for one in changed:
                if not one.done():
                    one.set_result(None)
        for answer in asking:
            if not answer.done():
                answer.set_result(latest)
        return 0.0 if mark.fence is None else max(0.0, drawn + FENCE_SECONDS - loop.time())

    async def _passed(self, fence: int, asking: set[asyncio.Future[Bound]]) -> bool:
        """Wait until the fence has passed. False when nobody wants to know any more."""
        loop = asyncio.get_running_loop()
        began, step, warn_after = loop.time(), FIRST_STEP, WARN_SECONDS
        while not await self.database.event_settled(fence):
            waited = loop.time() - began
            if waited > warn_after:
                warn_after = waited + WARN_AGAIN_SECONDS
                holders = [asdict(holder) for holder in await self.database.fence_holders(fence)]
                log.warning("events wait for a transaction that stays open", seconds=round(waited, 1), holders=holders)
            await asyncio.sleep(step)
            step = min(1.5 * step, LONGEST_STEP)
            if not self._listeners and not self._asking and all(answer.done() for answer in asking):
                return False
        return True

    @staticmethod
    def _fail(asking: set[asyncio.Future[Bound]]) -> None:
        for answer in asking:
            if not answer.done():
                answer.set_exception(ServiceError(UNAVAILABLE))
