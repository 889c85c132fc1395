"""Bounds on what waits, in all and for each who asks: nobody can take all of a queue, or all that it is queued for."""

from __future__ import annotations

import asyncio
from bisect import insort
from itertools import count
from typing import TYPE_CHECKING

from api.errors import OVERLOADED, ServiceError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Admission:
    """Counts the requests that are in: `limit` at most, and of anyone no more than there is room left for others.

    One alone gets half, two get a third each, and so on: whoever comes next finds room.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self.refused = 0
        """How many, ever."""
        self._inside_of: dict[Hashable, int] = {}

    def require_room(self, who: Hashable) -> None:
        """Raise ServiceError (503) where there is no room for another request of `who`."""
        room = self.limit - self.inside
        if room <= 0 or self._inside_of.get(who, 0) > room:
            self.refused += 1
            raise ServiceError(OVERLOADED)

    def enter(self, who: Hashable, size: int = 1) -> None:
        """Let a request in, which takes the room of `size`. Raises ServiceError (503)."""
        inside, room = self._inside_of.get(who, 0), self.limit - self.inside
        if room <= 0 or inside > room:
            self.refused += 1
            raise ServiceError(OVERLOADED)
        self.inside += size
        self._inside_of[who] = inside + size

    def leave(self, who: Hashable, size: int = 1) -> None:
        """Make the room free again."""
        self.inside -= size
        left = self._inside_of.pop(who) - size
        if left:
            self._inside_of[who] = left


class Turns:
    """Gives out `places`, one after the other to each who waits, `most` of them at a time for any one reason.

    The reasons are what a caller may have to wait for there: a wallet, a user. The last of them is who asks, and gets
    the next turn after as many of the others' as their `size` says.
    """

    def __init__(self, places: int, most: int) -> None:
        self._free = self._places = places
        self._most = most
        self._taken: dict[Hashable, int] = {}
        self._waiting: list[tuple[int, int, Sequence[Hashable], asyncio.Future[None]]] = []
        self._arrivals = count()
        self._now = 0
        self._next: dict[Hashable, int] = {}

    @property
    def taken(self) -> bool:
        """Whether anyone has a place."""
        return self._free < self._places

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def enter(self, reasons: Sequence[Hashable], patience: float | None, size: int = 1) -> None:
        """Wait for a place, `patience` seconds at most (None: as long as it takes). Raises TimeoutError."""
        if self.enter_at_once(reasons):
            return
        who = reasons[-1] if reasons else None
        start = max(self._now, self._next.get(who, 0))
        self._next[who] = start + size
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (start, next(self._arrivals), reasons, given)
        insort(self._waiting, waiter)
        try:
            async with asyncio.timeout(patience):
                await given
        except BaseException:
            if given.cancelled():
                self._waiting.remove(waiter)
            else:
                # it came in the same moment
                self.leave(reasons)
            raise
        finally:
            if not self._waiting:
                self._next.clear()

    def enter_at_once(self, reasons: Sequence[Hashable]) -> bool:
        """Take a place if there is one to be had without waiting."""
        if not self._free or (reasons and not self._open(reasons)):
            return False
        self._take(reasons)
        return True

    def leave(self, reasons: Sequence[Hashable]) -> None:
        """Give the place back, to whoever's turn it is."""
        self._free += 1
        for reason in reasons:
            left = self._taken.pop(reason) - 1
            if left:
                self._taken[reason] = left
        if self._waiting:
            self._hand_out()

    def _hand_out(self) -> None:
        place = 0
        while self._free and place < len(self._waiting):
            start, _, reasons, given = self._waiting[place]
            if given.done() or not self._open(reasons):
                place += 1
                continue
            del self._waiting[place]
            self._now = start
            self._take(reasons)
            given.set_result(None)

    def _open(self, reasons: Sequence[Hashable]) -> bool:
        return all(self._taken.get(reason, 0) < self._most for reason in reasons)

    def _take(self, reasons: Sequence[Hashable]) -> None:
        self._free -= 1
        for reason in reasons:
            self._taken[reason] = self._taken.get(reason, 0) + 1
