"""Group commit: mutations that arrive together share a transaction, so one flush to disk answers them all.

One transaction is in flight per process, and no timer delays anything: what arrives meanwhile goes with the next one.
A request that finds no other one in the process is a call by itself: that costs less than a group of one.
It never waits for a wallet that another session holds. The mutations of such a wallet run together, in order, on a
connection that waits for its lock, so that one held wallet stalls only itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from api.database.admission import Admission
from api.database.call_queue import CallQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from api.database.call_queue import Pending
    from api.database.requests import Mutation
    from api.errors import ServiceError
    from api.schemas.transactions import Transaction

    Group = list[Pending[Mutation, Transaction]]
    Queue = CallQueue[Mutation, Transaction]


class RunTogether(Protocol):
    """The call of the database."""

    async def __call__(
        self, mutations: Sequence[Mutation], *, wait: bool
    ) -> Sequence[Transaction | ServiceError | None]:
        """Run them in one transaction. Without `wait`, a mutation of a held wallet is not run: None is its outcome."""


class GroupCommit:
    """Groups the mutations of one process: runs them by `run`, or one alone by `run_alone`.

    Another process's transaction mostly holds a wallet only for a moment: mutations of a held wallet go first in the
    next transaction, `tries` times, before they wait for it. Until none of that wallet waits, all of them go there.
    At most `limit` mutations are unanswered at a time, and each user's leave room for others'.
    """

    def __init__(
        self, run: RunTogether, run_alone: Callable[[Mutation], Awaitable[Transaction]], *, limit: int, tries: int = 2
    ) -> None:
        self.admission = Admission(limit)
        self._run = run
        self._run_alone = run_alone
        self._tries = tries
        self._queue: Queue = CallQueue(self._commit, "group commit")
        self._held: dict[UUID, Queue] = {}

    async def mutate(self, mutation: Mutation) -> Transaction:
        """Run the mutation with the next transaction; when this returns, it is on disk. Raises ServiceError."""
        # the caller of a key is the machine, whoever it acts for
        caller = mutation.key_id or mutation.actor
        self.admission.enter(caller)
        try:
            if self.admission.inside == 1:
                return await self._run_alone(mutation)
            return await self._held.get(mutation.wallet_id, self._queue).add(mutation)
        finally:
            self.admission.leave(caller)

    async def _commit(self, group: Group) -> None:
        """Run a group without waiting for held wallets."""
        held = await self._settle(group, wait=False)
        self._queue.put_back(held)
        for wallet_id in {pending.request.wallet_id for pending in held if pending.tries == self._tries}:
            self._hold(wallet_id)
        for pending in held:
            pending.tries += 1

    def _hold(self, wallet_id: UUID) -> None:
        """Let all queued mutations of this wallet wait for its lock."""
        # together: when the wallet stays held past the lock timeout, all mutations that wait for it fail
        queue: Queue = CallQueue(
            self._wait, "group commit, held wallet", together=True, when_empty=lambda: self._held.pop(wallet_id)
        )
        self._held[wallet_id] = queue
        self._queue.move(queue, lambda mutation: mutation.wallet_id == wallet_id)

    async def _wait(self, group: Group) -> None:
        """Run a group of one held wallet, without those whose clients have gone."""
        if group := [pending for pending in group if not pending.result.done()]:
            await self._settle(group, wait=True)

    async def _settle(self, group: Group, *, wait: bool) -> Group:
        """Run a group, and return what was not run because its wallet is held."""
        outcomes = await self._run([pending.request for pending in group], wait=wait)
        held = []
        for pending, outcome in zip(group, outcomes, strict=True):
            if outcome is None:
                held.append(pending)
            else:
                pending.settle(outcome)
        return held
