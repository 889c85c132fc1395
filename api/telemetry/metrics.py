"""Metrics for Prometheus, of the service as a whole: every worker writes into memory that they share.

Litestar's plugin is not used: it looks every series up anew in each request, labels any method that a client invents,
and does not know queues, pools and refusals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import prometheus_client.multiprocess
import prometheus_client.values
from litestar.enums import ScopeType
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue

from api.http.request_log import outlet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from api.server.shared_memory import Shared

    WaitingCounts = Callable[[], Mapping[str, int]]
    ConnectionCounts = Callable[[], Mapping[str, Mapping[str, int]]]

SAMPLED_EVERY: Final = 1.0
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# clients can invent others, and each combination of labels is kept for good
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
NO_ROUTE: Final = "none"


def share(shared: Shared, number: int) -> None:
    """Make all metrics of this process those of worker `number`, who continues where its predecessor ended."""
    names = shared.names()

    class Mapped(MmapedDict):
        """prometheus_client's file in shared memory: by the name that it gives it, which says what is in it."""

        def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
            super().__init__(f"/dev/fd/{names[filename]}", read_mode)  # type: ignore[no-untyped-call]

        @staticmethod
        def read_all_values_from_file(filename: str) -> Any:
            return MmapedDict.read_all_values_from_file(f"/dev/fd/{names[filename]}")  # type: ignore[no-untyped-call]

    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ""
    prometheus_client.values.MmapedDict = Mapped  # type: ignore[attr-defined]
    prometheus_client.multiprocess.MmapedDict = Mapped  # type: ignore[attr-defined]
    # the place that prometheus_client reads, by a module-level name, whenever a series is made
    prometheus_client.values.ValueClass = MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


class Metrics:
    """What is measured. `shared` is where the workers share it; None: this process is all there is."""

    def __init__(self, shared: Shared | None = None) -> None:
        self._shared = shared
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
        """Write everything in Prometheus's text format. Reads the memory of all workers: not for the event loop."""
        return self._series() + generate_latest(Facts(verification, up=database_up))

    def _series(self) -> bytes:
        if self._shared is None:
            return generate_latest(self._registry)
        return generate_latest(Merged(list(self._shared.names())))

    @contextlib.asynccontextmanager
    async def sampling(self, waiting: WaitingCounts, connections: ConnectionCounts) -> AsyncIterator[None]:
        """Meanwhile note every second how much waits, and for what."""
        task = asyncio.create_task(self._sample(waiting, connections))
        try:
            yield
        finally:
            task.cancel()

    async def _sample(self, waiting: WaitingCounts, connections: ConnectionCounts) -> None:
        dropped = 0
        while True:
            before, dropped = dropped, outlet().dropped
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
    """What a scrape finds out by itself, from one row of the database."""

    def __init__(self, verification: Mapping[str, float] | None, *, up: bool) -> None:
        self._verification = verification
        self._up = up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield them; nothing of a verification where there was none, or where the database does not say."""
        yield GaugeMetricFamily("pgwallet_database_up", "Whether the database answers", value=self._up)
        if self._verification is not None:
            for column, meaning in (
                ("age_seconds", "How long ago the last verification ended"),
                ("violations", "How many violations the last verification found"),
                ("seconds", "How long the last verification took"),
            ):
                value = self._verification[column]
                yield GaugeMetricFamily(f"pgwallet_verification_{column}", meaning, value=value)


class RequestMetrics:
    """ASGI: counts and times every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics
        # prometheus_client's own way to a series takes as long as counting in it
        self._series: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            key = (scope["method"], scope.get("path_template", NO_ROUTE), status)
            series = self._series.get(key)
            (series or self._add(*key)).observe(perf_counter() - started)
            if code := scope["state"].get("code"):
                self._metrics.refusals.labels(code).inc()

    def _add(self, method: str, route: str, status: int) -> Histogram:
        known = method if method in METHODS else OTHER
        series = self._metrics.requests.labels(known, route, str(status))
        if known is not OTHER:
            self._series[method, route, status] = series
        return series
