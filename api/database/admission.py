"""Bounds on waiting requests, in all and for each caller: no caller can take a whole queue, or all it is queued for."""

from __future__ import annotations

import asyncio
from bisect import insort
from itertools import count
from typing import TYPE_CHECKING

from api.errors import OVERLOADED, ServiceError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Admission:
    """Counts requests that have entered: `limit` at most, and of each caller no more than the room that is left.

    One caller alone gets half, two get a third each, and so on: the next one finds room.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self.refused = 0
        """How many requests found no room since the process began."""
        self._inside_of: dict[Hashable, int] = {}

    def require_room(self, who: Hashable) -> None:
        """Raise ServiceError (503) if there is no room for another request of `who`."""
        room = self.limit - self.inside
        if room <= 0 or self._inside_of.get(who, 0) > room:
            self.refused += 1
            raise ServiceError(OVERLOADED)

    def enter(self, who: Hashable, size: int = 1) -> None:
        """Let a request in that takes the room of `size` requests. Raises ServiceError (503)."""
        inside, room = self._inside_of.get(who, 0), self.limit - self.inside
        if room <= 0 or inside > room:
            self.refused += 1
            raise ServiceError(OVERLOADED)
        self.inside += size
        self._inside_of[who] = inside + size

    def leave(self, who: Hashable, size: int = 1) -> None:
        """Free the room of a request."""
        self.inside -= size
        left = self._inside_of.pop(who) - size
        if left:
            self._inside_of[who] = left


class Turns:
    """Hands `places` to waiting calls in turn, at most `most` at a time for any one key.

    The keys of a call are what it may have to wait for, such as a wallet, and last the user. After a call of `size`,
    a user's next one comes after that many calls of others.
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
        """Whether any place is taken."""
        return self._free < self._places

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    async def enter(self, keys: Sequence[Hashable], patience: float | None, size: int = 1) -> None:
        """Wait for a place, `patience` seconds at most (None: as long as it takes). Raises TimeoutError."""
        if self.enter_at_once(keys):
            return
        who = keys[-1] if keys else None
        start = max(self._now, self._next.get(who, 0))
        self._next[who] = start + size
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (start, next(self._arrivals), keys, given)
        insort(self._waiting, waiter)
        try:
            async with asyncio.timeout(patience):
                await given
        except BaseException:
            if given.cancelled():
                self._waiting.remove(waiter)
            else:
                # its turn came at the same moment
                self.leave(keys)
            raise
        finally:
            if not self._waiting:
                self._next.clear()

    def enter_at_once(self, keys: Sequence[Hashable]) -> bool:
        """Take a place if that takes no waiting."""
        if not self._free or (keys and not self._open(keys)):
            return False
        self._take(keys)
        return True

    def leave(self, keys: Sequence[Hashable]) -> None:
        """Give the place to the call whose turn it is."""
        self._free += 1
        for key in keys:
            left = self._taken.pop(key) - 1
            if left:
                self._taken[key] = left
        if self._waiting:
            self._hand_out()

    def _hand_out(self) -> None:
        index = 0
        while self._free and index < len(self._waiting):
            start, _, keys, given = self._waiting[index]
            if given.done() or not self._open(keys):
                index += 1
                continue
            del self._waiting[index]
            self._now = start
            self._take(keys)
            given.set_result(None)

    def _open(self, keys: Sequence[Hashable]) -> bool:
        return all(self._taken.get(key, 0) < self._most for key in keys)

    def _take(self, keys: Sequence[Hashable]) -> None:
        self._free -= 1
        for key in keys:
            self._taken[key] = self._taken.get(key, 0) + 1
