"""Group commit: mutations that arrive together share one transaction, so one flush to disk answers them all.

One batch is in flight per process, and no timer delays anything: what queues up meanwhile goes with the next one. The
batch never waits for a wallet that somebody else holds; items of such wallets are retried one by one, in order, on a
few connections of their own, so that one held wallet stalls only itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from api.errors import BUSY, TIMEOUT, UNAVAILABLE, ServiceError, from_postgres

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from uuid import UUID

    import asyncpg

    from api.database import Mutation

MAX_ITEMS: Final = 1000
"""What `wallet_batch` takes."""


class Calls(Protocol):
    """The database calls that group commit needs."""

    async def batch(self, mutations: Sequence[Mutation]) -> Sequence[asyncpg.Record]:
        """Run them in one transaction without waiting for locks; a row with its `outcome` for each."""

    async def mutate(self, mutation: Mutation) -> asyncpg.Record:
        """Run one, waiting for its lock. Raises ServiceError."""


class Pending:
    """A mutation and who waits for its answer."""

    __slots__ = ("answer", "mutation")

    def __init__(self, mutation: Mutation, answer: asyncio.Future[asyncpg.Record]) -> None:
        self.mutation = mutation
        self.answer = answer

    def settle(self, row: asyncpg.Record) -> None:
        """Answer with the row's result or its refusal. A client that has gone needs no answer."""
        if self.answer.done():
            return
        outcome = row["outcome"]
        if outcome in {"ok", "replayed"}:
            self.answer.set_result(row)
        else:
            refusal = from_postgres(outcome, row["detail"], row["hint"])
            self.fail(refusal or RuntimeError(f"unexpected outcome {outcome!r} from wallet_batch"))

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        if not self.answer.done():
            self.answer.set_exception(error)


class GroupCommit:
    """Coalesces the mutations of one process. `calls` runs the batches, `retries` the items of held wallets."""

    def __init__(self, calls: Calls, retries: Calls) -> None:
        self._calls = calls
        self._retries = retries
        self._queue: deque[Pending] = deque()
        self._held: dict[UUID, deque[Pending]] = {}
        self._running = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def mutate(self, mutation: Mutation) -> asyncpg.Record:
        """Run the mutation in the next batch; when this returns, it is on disk. Raises ServiceError."""
        pending = Pending(mutation, asyncio.get_running_loop().create_future())
        waiting = self._held.get(mutation.wallet_id)
        if waiting is not None:
            waiting.append(pending)  # behind those of its wallet that came before
        else:
            self._queue.append(pending)
            if not self._running:
                self._running = True
                self._start(self._drain())
        return await pending.answer

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        # no await between finding the queue empty and giving up the slot: a request that arrives sees one or the other
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_ITEMS))]
            await self._run(batch)
        self._running = False

    async def _run(self, batch: list[Pending]) -> None:
        """Run a batch; one that fails as a whole is halved until the item at fault stands alone."""
        try:
            rows = await self._calls.batch([pending.mutation for pending in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, every waiting request must hear of it
            if len(batch) == 1 or (isinstance(error, ServiceError) and error.kind in {TIMEOUT, UNAVAILABLE}):
                for pending in batch:
                    pending.fail(error)
                return
            middle = len(batch) // 2
            await self._run(batch[:middle])
            await self._run(batch[middle:])
            return
        for pending, row in zip(batch, rows, strict=True):
            if row["outcome"] == "busy":
                self._hold(pending)
            else:
                pending.settle(row)

    def _hold(self, pending: Pending) -> None:
        wallet_id = pending.mutation.wallet_id
        waiting = self._held.get(wallet_id)
        if waiting is not None:
            waiting.append(pending)
            return
        # what is queued for this wallet came later, and must stay behind it
        later = [other for other in self._queue if other.mutation.wallet_id == wallet_id]
        self._held[wallet_id] = waiting = deque([pending, *later])
        if later:
            self._queue = deque(other for other in self._queue if other.mutation.wallet_id != wallet_id)
        self._start(self._retry(wallet_id, waiting))

    async def _retry(self, wallet_id: UUID, waiting: deque[Pending]) -> None:
        """Work off one held wallet. Once it stays held past the lock timeout, all that wait for it hear so."""
        while waiting:
            pending = waiting.popleft()
            if pending.answer.done():
                continue
            try:
                row = await self._retries.mutate(pending.mutation)
            except Exception as error:  # noqa: BLE001 - as above
                pending.fail(error)
                if isinstance(error, ServiceError) and error.kind in {BUSY, TIMEOUT, UNAVAILABLE}:
                    for other in waiting:
                        other.fail(ServiceError(error.kind))
                    waiting.clear()
            else:
                if not pending.answer.done():
                    pending.answer.set_result(row)
        del self._held[wallet_id]
