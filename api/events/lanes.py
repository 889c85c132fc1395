"""Which events of a webhook may be sent now: those of one wallet in order, many wallets at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import datetime


@dataclass(slots=True, eq=False)
class Event:
    """An event that is not delivered. `due` is of the monotonic clock; 0: at once."""

    id: int
    wallets: Sequence[Hashable]
    happened_at: datetime | None
    stored: bool = False
    """Whether it is in the backlog, so that the position can pass it."""
    attempts: int = 0
    first_at: datetime | None = None
    due: float = 0.0
    under_way: bool = False
    blocked: int = field(default=0, repr=False)
    """In how many lanes an earlier event waits."""


class Lanes:
    """One lane for each wallet; a transfer is in two. `together`: one lane for all, for deliveries of many events."""

    def __init__(self, *, together: bool) -> None:
        self.pending: dict[int, Event] = {}
        """Those that are not in the backlog, in order."""
        self._together = together
        self._events: dict[int, Event] = {}
        self._lanes: dict[Hashable, deque[Event]] = {}
        self._ready: tuple[list[int], list[int]] = ([], [])
        """Heaps of what may be sent now: what is pending, what is stored."""
        self._timers: list[tuple[float, int]] = []

    @property
    def stored(self) -> int:
        """How many are in the backlog."""
        return len(self._events) - len(self.pending)

    def oldest(self) -> Event | None:
        """Return the first event that is not delivered, as far as that is known."""
        return next(iter(self._events.values()), None)

    def add(self, event: Event) -> None:
        """Take an event in, after all earlier ones of its wallets."""
        if event.id in self._events:
            return
        self._events[event.id] = event
        if not event.stored:
            self.pending[event.id] = event
        for lane in self._lanes_of(event):
            before = self._lanes.setdefault(lane, deque())
            event.blocked += bool(before)
            before.append(event)
        self._offer(event)

    def take(self, size: int, now: float, *, fresh: bool, stored: bool = True) -> list[Event]:
        """Return what may be sent now, in one delivery of at most `size`; the earliest first, [] for nothing.

        `fresh`: events of which no attempt failed may be among them; `stored`: those of the backlog, too.
        """
        while self._timers and self._timers[0][0] <= now:
            due, number = heappop(self._timers)
            if (event := self._events.get(number)) and event.due == due:
                event.due = 0.0
                self._offer(event)
        first = min(
            filter(
                None, (self._peek(heap) for heap, wanted in zip(self._ready, (fresh, stored), strict=True) if wanted)
            ),
            default=None,
        )
        if first is None:
            return []
        event = self._events[first]
        heappop(self._ready[event.stored])
        found = list(islice(self._lanes[None], size)) if self._together else [event]
        for each in found:
            each.under_way = True
        return found

    def coming(self, most: int) -> Iterator[int]:
        """Return the ids of those that come next, if nothing fails."""
        return islice(self.pending, most)

    def settle(self, event: Event) -> None:
        """Forget an event that is delivered or given up: what waits behind it may be sent."""
        del self._events[event.id]
        self.pending.pop(event.id, None)
        for lane in self._lanes_of(event):
            behind = self._lanes[lane]
            behind.popleft()
            if behind:
                behind[0].blocked -= 1
                self._offer(behind[0])
            else:
                del self._lanes[lane]

    def defer(self, event: Event, due: float) -> None:
        """Let an event wait in the backlog until it is `due`, and what is behind it, too."""
        event.under_way, event.due = False, due
        self.store(event)
        self._offer(event)

    def store(self, event: Event) -> None:
        """Note that an event is in the backlog."""
        event.stored = True
        self.pending.pop(event.id, None)

    def hasten(self) -> None:
        """Make everything due now."""
        self._timers.clear()
        for event in self._events.values():
            if event.due:
                event.due = 0.0
                self._offer(event)

    def next_due(self) -> float | None:
        """Return when the next event that waits for its time is due."""
        return self._timers[0][0] if self._timers else None

    def overtaken(self, most: int) -> list[Event]:
        """Return pending events that wait behind one of the backlog: they must go there for the position to pass."""
        behind = (
            event
            for event in self.pending.values()
            if event.blocked and any(self._lanes[lane][0].stored for lane in event.wallets)
        )
        return list(islice(behind, max(0, most)))

    def _lanes_of(self, event: Event) -> Sequence[Hashable]:
        return (None,) if self._together else event.wallets

    def _offer(self, event: Event) -> None:
        if event.blocked or event.under_way:
            return
        if event.due:
            heappush(self._timers, (event.due, event.id))
        else:
            heappush(self._ready[event.stored], event.id)

    def _peek(self, heap: list[int]) -> int | None:
        """Return the first of the heap that is still to be sent."""
        while heap:
            event = self._events.get(heap[0])
            if event is not None and not event.under_way and not event.due and self._ready[event.stored] is heap:
                return heap[0]
            heappop(heap)
        return None
