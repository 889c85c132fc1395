"""Requests that arrive together share one call of the database.

Group commit: mutations share one transaction, so one flush to disk answers them all. One batch is in flight per
process, and no timer delays anything: what queues up meanwhile goes with the next one. The batch never waits for a
wallet that somebody else holds; the items of such a wallet are run together, in order, on connections of their own that
wait for its lock, so that one held wallet stalls only itself. Balances are read together in the same way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

from api.database.admission import Admission
from api.errors import BUSY, TIMEOUT, UNAVAILABLE, ServiceError, from_postgres

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from uuid import UUID

    import asyncpg

    from api.database.functions import Mutation

T = TypeVar("T")

MAX_ITEMS: Final = 1000
"""What `wallet_batch` and `wallet_balances` take."""
NOT_ANSWERED: Final = frozenset({BUSY, TIMEOUT, UNAVAILABLE})
"""The database did not get to it: trying a part of it would only wait again."""


class Calls(Protocol):
    """The database calls that are shared."""

    async def batch(self, mutations: Sequence[Mutation], *, wait: bool) -> Sequence[asyncpg.Record]:
        """Run them in one transaction; a row with its `outcome` for each. `wait`: for wallets that others hold."""


class Pending(Generic[T]):
    """A request and who waits for its answer."""

    __slots__ = ("answer", "request", "tries")

    def __init__(self, request: T) -> None:
        self.request = request
        self.tries = 0
        self.answer: asyncio.Future[asyncpg.Record] = asyncio.get_running_loop().create_future()

    def succeed(self, row: asyncpg.Record) -> None:
        """Answer with a row. A client that has gone needs no answer."""
        if not self.answer.done():
            self.answer.set_result(row)

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Tasks:
    """Background work that must not be collected before it is done."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run it beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Line(Generic[T]):
    """A queue with one call in flight: what waits when it comes back goes with the next one."""

    def __init__(self, run: Callable[[list[Pending[T]]], Awaitable[None]]) -> None:
        self.queue: deque[Pending[T]] = deque()
        self.limit = MAX_ITEMS
        self._run = run
        self._running = False
        self._tasks = Tasks()

    def join(self, pending: Pending[T]) -> None:
        """Stand in line."""
        self.queue.append(pending)
        if not self._running:
            self._running = True
            self._tasks.start(self._drain())

    async def _drain(self) -> None:
        # no await between finding the queue empty and giving up the slot: a request that arrives sees one or the other
        while self.queue:
            await self._run(take(self.queue, self.limit))
        self._running = False


def take(queue: deque[Pending[T]], limit: int) -> list[Pending[T]]:
    """Take from the front what the next call is to carry."""
    return [queue.popleft() for _ in range(min(len(queue), limit))]


class GroupCommit:
    """Coalesces the mutations of one process. `calls` runs the batches, `patient` those that wait for a held wallet.

    A wallet found held is mostly in another worker's batch, and free in a moment: its requests go first in the next
    batch, `tries` times, before they wait. From then on until none waits, the line has no request of that wallet.
    At most `limit` requests are unanswered at a time, and of each user no more than there is room for others'.
    `observe` is told the size of each batch.
    """

    def __init__(
        self,
        calls: Calls,
        patient: Calls,
        *,
        limit: int = MAX_ITEMS,
        tries: int = 2,
        observe: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.admission = Admission(limit)
        self._calls = calls
        self._patient = patient
        self._tries = tries
        self._observe = observe
        self._line: Line[Mutation] = Line(self._run)
        self._held: dict[UUID, deque[Pending[Mutation]]] = {}
        self._tasks = Tasks()

    async def mutate(self, mutation: Mutation) -> asyncpg.Record:
        """Run the mutation in the next batch; when this returns, it is on disk. Raises ServiceError."""
        self.admission.enter(mutation.actor)
        try:
            pending = Pending(mutation)
            waiting = self._held.get(mutation.wallet_id)
            if waiting is None:
                self._line.join(pending)
            else:
                # behind those of its wallet that came before
                waiting.append(pending)
            return await pending.answer
        finally:
            self.admission.leave(mutation.actor)

    async def _run(self, batch: list[Pending[Mutation]]) -> None:
        """Run a batch without waiting for locks."""
        busy = []
        self._observe(len(batch))
        try:
            rows = await self._calls.batch([pending.request for pending in batch], wait=False)
            for pending, row in zip(batch, rows, strict=True):
                if row["outcome"] == "busy":
                    busy.append(pending)
                else:
                    settle(pending, row)
        except Exception as error:  # noqa: BLE001 - whatever it is, every waiting request must hear of it
            self._line.limit = put_back(batch, error, self._line.queue)
            return
        self._line.limit = MAX_ITEMS
        # first back in line, all of them: what is queued came later, and must stay behind
        self._line.queue.extendleft(reversed(busy))
        for wallet_id in {pending.request.wallet_id for pending in busy if pending.tries == self._tries}:
            self._hold(wallet_id)
        for pending in busy:
            pending.tries += 1

    def _hold(self, wallet_id: UUID) -> None:
        """Let all that are in line for this wallet wait for its lock instead."""
        self._held[wallet_id] = waiting = deque(
            pending for pending in self._line.queue if pending.request.wallet_id == wallet_id
        )
        others = [pending for pending in self._line.queue if pending.request.wallet_id != wallet_id]
        self._line.queue.clear()
        self._line.queue.extend(others)
        self._tasks.start(self._wait_for(wallet_id, waiting))

    async def _wait_for(self, wallet_id: UUID, waiting: deque[Pending[Mutation]]) -> None:
        """Work off one held wallet. Once it stays held past the lock timeout, all that wait for it hear so."""
        limit = MAX_ITEMS
        while waiting:
            batch = [pending for pending in take(waiting, limit) if not pending.answer.done()]
            if not batch:
                continue
            self._observe(len(batch))
            try:
                rows = await self._patient.batch([pending.request for pending in batch], wait=True)
                for pending, row in zip(batch, rows, strict=True):
                    settle(pending, row)
            except Exception as error:  # noqa: BLE001 - as above
                limit = put_back(batch, error, waiting)
                if not_answered(error):
                    while waiting:
                        waiting.popleft().fail(error)
                continue
            limit = MAX_ITEMS
        del self._held[wallet_id]


def put_back(batch: list[Pending[Mutation]], error: Exception, queue: deque[Pending[Mutation]]) -> int:
    """Put a batch that failed as a whole back in line, and return how many to run next: half of them.

    So the item at fault ends up alone, and hears of it. Where the database did not get to the batch, all hear of it.
    """
    if len(batch) > 1 and not not_answered(error):
        queue.extendleft(reversed(batch))
        return len(batch) // 2
    for pending in batch:
        pending.fail(error)
    return MAX_ITEMS


def settle(pending: Pending[Mutation], row: asyncpg.Record) -> None:
    """Answer with the row's result or its refusal."""
    outcome = row["outcome"]
    if outcome in {"ok", "replayed"}:
        pending.succeed(row)
    else:
        refusal = from_postgres(outcome, row["detail"], row["hint"])
        pending.fail(refusal or RuntimeError(f"unexpected outcome {outcome!r} from wallet_batch"))


def not_answered(error: Exception) -> bool:
    """Whether the database did not get to a request, rather than refuse it."""
    return isinstance(error, ServiceError) and error.kind in NOT_ANSWERED


class Holder(NamedTuple):
    """Whose balance of which wallet."""

    wallet_id: UUID
    actor: UUID


class Balances:
    """Reads the balances that are asked for at the same time in one call."""

    def __init__(
        self,
        together: Callable[[Sequence[Holder]], Awaitable[Sequence[asyncpg.Record]]],
        alone: Callable[[UUID, UUID], Awaitable[asyncpg.Record]],
        *,
        limit: int = MAX_ITEMS,
    ) -> None:
        self.admission = Admission(limit)
        self._together = together
        self._alone = alone
        self._line: Line[Holder] = Line(self._run)

    async def balance(self, wallet_id: UUID, actor: UUID) -> asyncpg.Record:
        """Read a balance: as of after this call began. Raises ServiceError."""
        self.admission.enter(actor)
        try:
            pending = Pending(Holder(wallet_id, actor))
            self._line.join(pending)
            return await pending.answer
        finally:
            self.admission.leave(actor)

    async def _run(self, batch: list[Pending[Holder]]) -> None:
        try:
            rows = await self._together([pending.request for pending in batch])
            for row in rows:
                batch[row["ordinal"] - 1].succeed(row)
        except Exception as error:  # noqa: BLE001 - every waiting request must hear of it
            for pending in batch:
                pending.fail(error)
            return
        for pending in batch:
            if not pending.answer.done():
                # it has no row: the single call says why
                try:
                    pending.succeed(await self._alone(*pending.request))
                except Exception as error:  # noqa: BLE001 - as above
                    pending.fail(error)
