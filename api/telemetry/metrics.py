"""Metrics for Prometheus, of the service as a whole: the workers write into memory that they share.

Litestar's plugin looks every series up anew in each request, makes a label of any method that a client invents, and
knows no queues, pools and errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any, Final

import prometheus_client.multiprocess
import prometheus_client.values
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue

from api.telemetry.log_config import log_writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    WaitingCounts = Callable[[], Mapping[str, int]]
    ConnectionCounts = Callable[[], Mapping[str, Mapping[str, int]]]

SAMPLED_EVERY: Final = 1.0
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def share(files: Mapping[str, int], number: int) -> None:
    """Make all metrics of this process those of worker `number`, which goes on where its predecessor ended.

    `files` has the descriptor of each of the files that prometheus_client would make.
    """

    class Mapped(MmapedDict):
        """Opens the shared memory that stands for a file of prometheus_client."""

        def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
            super().__init__(f"/dev/fd/{files[filename]}", read_mode)  # type: ignore[no-untyped-call]

        @staticmethod
        def read_all_values_from_file(filename: str) -> Any:
            return MmapedDict.read_all_values_from_file(f"/dev/fd/{files[filename]}")  # type: ignore[no-untyped-call]

    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ""
    prometheus_client.values.MmapedDict = Mapped  # type: ignore[attr-defined]
    prometheus_client.multiprocess.MmapedDict = Mapped  # type: ignore[attr-defined]
    # prometheus_client looks this name up whenever it makes a series
    prometheus_client.values.ValueClass = MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


class Metrics:
    """What is measured. `files` are as in `share`; None for a process on its own."""

    def __init__(self, files: Mapping[str, int] | None = None) -> None:
        self._files = files
        self._registry = CollectorRegistry()
        self.requests = Histogram(
            "pgwallet_http_request_seconds",
            "Requests by route, and how long their answers took",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.refusals = Counter(
            "pgwallet_refusals", "Requests that were answered with an error", ["code"], registry=self._registry
        )
        self.batches = Histogram(
            "pgwallet_batch_items",
            "Requests that share a transaction",
            buckets=ITEMS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "pgwallet_waiting",
            "Requests that wait",
            ["place"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.dropped_lines = Counter(
            "pgwallet_log_lines_dropped", "Lines of the log that could not be written", registry=self._registry
        )
        self.connections = Gauge(
            "pgwallet_connections",
            "Database connections",
            ["pool", "state"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def page(self, verification: Mapping[str, float] | None, *, database_up: bool) -> bytes:
        """Return all metrics in Prometheus's text format. Call it in a thread: it reads the memory of all workers."""
        return self._series() + generate_latest(Facts(verification, up=database_up))

    def _series(self) -> bytes:
        if self._files is None:
            return generate_latest(self._registry)
        return generate_latest(Merged(list(self._files)))

    @contextlib.asynccontextmanager
    async def sampling(self, waiting: WaitingCounts, connections: ConnectionCounts) -> AsyncIterator[None]:
        """Note every second how many requests wait at each place, and each pool's connections by state."""
        task = asyncio.create_task(self._sample(waiting, connections))
        try:
            yield
        finally:
            task.cancel()

    async def _sample(self, waiting: WaitingCounts, connections: ConnectionCounts) -> None:
        dropped = 0
        while True:
            before, dropped = dropped, log_writer().dropped
            self.dropped_lines.inc(dropped - before)
            for place, number in waiting().items():
                self.waiting.labels(place).set(number)
            for pool, states in connections().items():
                for state, number in states.items():
                    self.connections.labels(pool, state).set(number)
            await asyncio.sleep(SAMPLED_EVERY)


class Merged:
    """The series of all workers."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def collect(self) -> Any:
        """Add them up."""
        return MultiProcessCollector.merge(self._names)  # type: ignore[no-untyped-call]


class Facts:
    """What the database says at each scrape."""

    def __init__(self, verification: Mapping[str, float] | None, *, up: bool) -> None:
        self._verification = verification
        self._up = up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, those of the last verification only where one is known."""
        yield GaugeMetricFamily("pgwallet_database_up", "Whether the database answers", value=self._up)
        if self._verification is not None:
            for column, meaning in (
                ("age_seconds", "How long ago the last verification ended"),
                ("violations", "How many violations the last verification found"),
                ("seconds", "How long the last verification took"),
            ):
                value = self._verification[column]
                yield GaugeMetricFamily(f"pgwallet_verification_{column}", meaning, value=value)
