"""What the service does now, for operators who look: the metrics of all workers, read every two seconds while they do.

The readings of the last five minutes are in memory that the workers share, so that whichever worker answers shows the
same ones. Nobody looks: nothing is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from api.telemetry.metrics import Metrics

READ_EVERY: Final = 2.0
KEPT_SECONDS: Final = 300.0
LOOKS_LAST: Final = 60.0
"""Seconds after a look in which readings go on."""
SLACK: Final = 0.1
"""Of a timer that is early."""
MINUTE: Final = 60.0
_STARTED: Final = struct.Struct("d")
_SUMS: Final = {
    "pgwallet_http_request_seconds_count": "requests",
    "pgwallet_process_cpu_seconds_total": "processor",
    "pgwallet_webhook_events_total": "delivered",
    "pgwallet_webhook_events_behind": "behind_events",
}
_KINDS: Final = {
    "pgwallet_transactions_total": ("transactions", ["type"]),
    "pgwallet_refusals_total": ("refusals", ["code"]),
    "pgwallet_batch_refusals_total": ("refusals", ["code"]),
    "pgwallet_waiting": ("waiting", ["place"]),
    "pgwallet_connections": ("connections", ["pool", "state"]),
    "pgwallet_event_streams": ("streams", ["kind"]),
}
_READ_LIMIT: Final = 16 * 1024 * 1024


class Reading(Struct, array_like=True):
    """What had been counted by `at`, seconds of the clock that all processes of a machine share; and how many wait."""

    at: float
    requests: float = 0.0
    processor: float = 0.0
    delivered: float = 0.0
    transactions: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    connections: dict[str, float] = field(default_factory=dict)
    streams: dict[str, float] = field(default_factory=dict)
    behind_events: float = 0.0
    behind_seconds: float = 0.0


class Rates(Struct):
    """What happened in a second, on the average of so many before `at`; and how many waited then."""

    at: float
    seconds: float
    requests: float
    transactions: float
    refusals: float
    processor: float
    waiting: float


class Counted(Struct):
    """A kind of what is counted: since the start, and lately in a minute."""

    name: str
    total: int
    a_minute: float


class Seen(Struct):
    """What an operator is shown. `since` is the age of what is counted, `over` of what `a_minute` and rates are of."""

    since: float
    over: float
    now: Reading
    rates: Rates
    transactions: list[Counted]
    refusals: list[Counted]
    history: list[Rates]


class Activity:
    """The readings. `descriptor` is of memory that the workers share; without one they are of this process alone."""

    def __init__(self, metrics: Metrics, descriptor: int | None = None) -> None:
        self._metrics = metrics
        self._memory = descriptor
        self._own: list[Reading] = []
        self._own_start = time.monotonic()
        self._looked = 0.0
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        if descriptor is not None:
            with _locked(descriptor):
                if os.fstat(descriptor).st_size < _STARTED.size:
                    os.pwrite(descriptor, _STARTED.pack(self._own_start), 0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read nothing any more when the context ends."""
        try:
            yield
        finally:
            if self._task is not None:
                self._task.cancel()

    async def look(self) -> Seen:
        """Show what the service does now, and go on reading for a while."""
        self._looked = time.monotonic()
        readings = await self._read()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go_on())
        return seen(self._started(), readings)

    async def _go_on(self) -> None:
        while time.monotonic() - self._looked < LOOKS_LAST:
            await asyncio.sleep(READ_EVERY)
            await self._read()

    async def _read(self) -> list[Reading]:
        async with self._reading:
            # in a thread: it goes through the memory of all workers
            return await asyncio.to_thread(self._add)

    def _add(self) -> list[Reading]:
        """Return the readings of the last minutes, with a new one unless another worker has just made one."""
        with _locked(self._memory):
            readings = self._kept()
            now = time.monotonic()
            if not readings or now - readings[-1].at > READ_EVERY - SLACK:
                readings = [one for one in readings if now - one.at <= KEPT_SECONDS]
                readings.append(self._now(now))
                self._keep(readings)
        return readings

    def _started(self) -> float:
        if self._memory is None:
            return self._own_start
        (started,) = _STARTED.unpack(os.pread(self._memory, _STARTED.size, 0))
        return float(started)

    def _kept(self) -> list[Reading]:
        if self._memory is None:
            return self._own
        # a worker that is killed while it writes leaves half of them
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(os.pread(self._memory, _READ_LIMIT, _STARTED.size), type=list[Reading])
        return []

    def _keep(self, readings: list[Reading]) -> None:
        if self._memory is None:
            self._own = readings
            return
        os.ftruncate(self._memory, _STARTED.size)
        os.pwrite(self._memory, msgspec.json.encode(readings), _STARTED.size)

    def _now(self, at: float) -> Reading:
        reading = Reading(at)
        for family in self._metrics.families():
            for name, labels, value, *_ in family.samples:
                _note(reading, name, labels, value)
        return reading


def _note(reading: Reading, name: str, labels: dict[str, str], value: float) -> None:
    """Take up a sample of the metrics."""
    if name in _SUMS:
        setattr(reading, _SUMS[name], getattr(reading, _SUMS[name]) + value)
    elif name in _KINDS:
        attribute, told = _KINDS[name]
        found = getattr(reading, attribute)
        kind = " ".join(labels[label] for label in told)
        found[kind] = found.get(kind, 0.0) + value
    elif name == "pgwallet_webhook_oldest_seconds":
        reading.behind_seconds = max(reading.behind_seconds, value)


def seen(started: float, readings: list[Reading]) -> Seen:
    """Make of readings what is shown. With a single one rates are those since the start."""
    now = readings[-1]
    # the youngest that is a minute old
    before = next((one for one in reversed(readings[:-1]) if now.at - one.at >= MINUTE - SLACK), readings[0])
    if before is now:
        before = Reading(started)
    return Seen(
        since=now.at - started,
        over=now.at - before.at,
        now=now,
        rates=_rates(before, now),
        transactions=_counted(before.transactions, now.transactions, now.at - before.at),
        refusals=_counted(before.refusals, now.refusals, now.at - before.at),
        history=[_rates(one, next_one) for one, next_one in pairwise(readings)],
    )


def _rates(before: Reading, after: Reading) -> Rates:
    seconds = max(after.at - before.at, 0.001)

    def rate(now: float, then: float) -> float:
        return max(now - then, 0.0) / seconds

    return Rates(
        at=after.at,
        seconds=seconds,
        requests=rate(after.requests, before.requests),
        transactions=rate(sum(after.transactions.values()), sum(before.transactions.values())),
        refusals=rate(sum(after.refusals.values()), sum(before.refusals.values())),
        processor=rate(after.processor, before.processor),
        waiting=sum(after.waiting.values()),
    )


def _counted(before: dict[str, float], after: dict[str, float], seconds: float) -> list[Counted]:
    """Count by kind, what happened most often first."""
    minutes = max(seconds, 0.001) / MINUTE
    kinds = [
        Counted(name, round(total), max(total - before.get(name, 0.0), 0.0) / minutes)
        for name, total in after.items()
        if total
    ]
    return sorted(kinds, key=lambda kind: (-kind.total, kind.name))


@contextlib.contextmanager
def _locked(descriptor: int | None) -> Iterator[None]:
    """Keep other processes from reading and writing meanwhile; a process that dies gives the lock back."""
    if descriptor is None:
        yield
        return
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)
