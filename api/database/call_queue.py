"""A queue of requests that share calls of the database."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from api.errors import BUSY, TIMEOUT, UNAVAILABLE, ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Call = Callable[[list[Any]], Awaitable[None]]

Q = TypeVar("Q")
R = TypeVar("R")

MAX_ITEMS: Final = 1000
"""What `wallet_batch` and `wallet_balances` take."""
NOT_REACHED: Final = frozenset({BUSY, TIMEOUT, UNAVAILABLE})
"""The database did not get to the call: parts of it would only wait again."""


class Pending(Generic[Q, R]):
    """A request, and the future that its caller waits for."""

    __slots__ = ("request", "result", "tries")

    def __init__(self, request: Q) -> None:
        self.request = request
        self.tries = 0
        self.result: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: R | Exception) -> None:
        """Return or raise it to the caller, unless the client has gone."""
        if not self.result.done():
            if isinstance(outcome, Exception):
                self.result.set_exception(outcome)
            else:
                self.result.set_result(outcome)


class CallQueue(Generic[Q, R]):
    """Runs `call` with all requests that wait, one call at a time: what arrives meanwhile goes with the next one.

    `call` settles what it is given, and `name` is what traces call it. If it raises instead, the requests are called
    again by halves, so that the one at fault ends up alone and hears of it. If the database did not get to the call,
    all its requests hear so; and with `together`, all others in the queue, too. `when_empty` is called when no request
    is left.
    """

    pending: ClassVar[type[Pending[Any, Any]]] = Pending
    """`api.database.traced` has another one, and another `around`, which it puts here before queues are made."""

    def __init__(
        self,
        call: Callable[[list[Pending[Q, R]]], Awaitable[None]],
        name: str = "shared call",
        *,
        together: bool = False,
        when_empty: Callable[[], object] = lambda: None,
    ) -> None:
        self._call = self.around(name, call)
        self._together = together
        self._when_empty = when_empty
        self._waiting: deque[Pending[Q, R]] = deque()
        self._size = MAX_ITEMS
        # the event loop does not keep its tasks
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    def around(_name: str, call: Call) -> Call:
        """Return what is called in place of `call`."""
        return call

    def add(self, request: Q) -> asyncio.Future[R]:
        """Queue a request, and return the future of its result."""
        pending: Pending[Q, R] = self.pending(request)
        self._waiting.append(pending)
        self._start()
        return pending.result

    def move(self, other: CallQueue[Q, R], which: Callable[[Q], bool]) -> None:
        """Move requests to another queue, in order."""
        moved = [pending for pending in self._waiting if which(pending.request)]
        self._waiting = deque(pending for pending in self._waiting if not which(pending.request))
        other._waiting.extend(moved)
        other._start()

    def put_back(self, group: Sequence[Pending[Q, R]]) -> None:
        """Queue requests of the running call again, before all that came later."""
        self._waiting.extendleft(reversed(group))

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._size))]
            try:
                await self._call(group)
            except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
                self._fail(group, error)
            else:
                self._size = MAX_ITEMS
        # no await since the queue was found empty: a request that arrives finds the task at work, or none
        self._task = None
        self._when_empty()

    def _fail(self, group: list[Pending[Q, R]], error: Exception) -> None:
        reached = not (isinstance(error, ServiceError) and error.kind in NOT_REACHED)
        if reached and len(group) > 1:
            self.put_back(group)
            self._size = len(group) // 2
            return
        if not reached and self._together:
            group = [*group, *self._waiting]
            self._waiting.clear()
        for pending in group:
            pending.settle(error)
        self._size = MAX_ITEMS
