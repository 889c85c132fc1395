"""Metrics for Prometheus, of the service as a whole: the workers write into memory that they share.

Litestar's plugin looks every series up anew in each request, makes a label of any method that a client invents, and
knows no queues, pools and errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import prometheus_client.multiprocess
import prometheus_client.values
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue

from api import __version__
from api.telemetry.log_config import log_writer

if TYPE_CHECKING:
    import collections
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from prometheus_client.core import Metric

    WaitingCounts = Callable[[], Mapping[str, int]]

SAMPLED_EVERY: Final = 1.0
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MEMORY: Final = Path("/proc/self/statm")
ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Measured(Protocol):
    """A database, as far as it is measured."""

    def waiting(self) -> Mapping[str, int]:
        """How many requests wait, and where."""

    def connections(self) -> Mapping[str, Mapping[str, int]]:
        """How many connections each pool has, by state."""


class Databases(Protocol):
    """All databases, by number."""

    @property
    def members(self) -> Mapping[int, Measured]:
        """Each of them."""

    def take_counts(self) -> Counted:
        """What was written since the last call of this."""


class Counted(Protocol):
    """What one process wrote, see `api.database.counts`."""

    volume: collections.defaultdict[tuple[str, str], list[int]]
    refused_items: collections.Counter[str]
    sign_ups: int


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
    """What worker `number` measures. `files` are as in `share`; None for a process on its own."""

    def __init__(self, files: Mapping[str, int] | None = None, number: int = 0) -> None:
        self._files = files
        self._worker = str(number)
        self._dropped = 0
        self._cpu = 0.0
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
            ["place", "database"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.dropped_lines = Counter(
            "pgwallet_log_lines_dropped", "Lines of the log that could not be written", registry=self._registry
        )
        self.connections = Gauge(
            "pgwallet_connections",
            "Database connections",
            ["pool", "state", "database"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )

        self.streams = Gauge(
            "pgwallet_event_streams",
            "Streams of events that are open, and requests that wait for events",
            ["kind"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        volume = ["type", "asset"]
        self.transactions = Counter(
            "pgwallet_transactions", "Transactions that were written", volume, registry=self._registry
        )
        self.amounts = Counter("pgwallet_transaction_minor_units", "Their amounts", volume, registry=self._registry)
        self.refused_items = Counter(
            "pgwallet_batch_refusals", "Items of batches that were refused", ["code"], registry=self._registry
        )
        self.sign_ups = Counter("pgwallet_signups", "Users who signed up", registry=self._registry)
        self.cpu = Counter(
            "pgwallet_process_cpu_seconds", "Processor time of a worker", ["worker"], registry=self._registry
        )
        self.memory = Gauge(
            "pgwallet_process_resident_memory_bytes",
            "Memory of a worker",
            ["worker"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def page(self, facts: Mapping[int, Mapping[str, Any] | None]) -> bytes:
        """Return all metrics in Prometheus's text format. Call it in a thread: it reads the memory of all workers.

        `facts` are those of each database; None for one that does not answer.
        """
        return generate_latest(self._series()) + generate_latest(Facts(facts))

    def families(self) -> Iterable[Metric]:
        """Return all metrics, of all workers. Call it in a thread, as `page`."""
        return self._series().collect()

    def _series(self) -> CollectorRegistry | Merged:
        return self._registry if self._files is None else Merged(list(self._files))

    @contextlib.asynccontextmanager
    async def sampling(
        self,
        databases: Databases,
        streams: WaitingCounts,
    ) -> AsyncIterator[None]:
        """Note every second how many requests wait at each place, each pool's connections by state, and what was done.

        And how many streams are open, by kind.
        """
        task = asyncio.create_task(self._sample(databases, streams))
        try:
            yield
        finally:
            task.cancel()
            self.add(databases.take_counts())

    async def _sample(
        self,
        databases: Databases,
        streams: WaitingCounts,
    ) -> None:
        while True:
            self.add(databases.take_counts())
            self._note_process()
            for database, member in databases.members.items():
                for place, number in member.waiting().items():
                    self.waiting.labels(place, database).set(number)
                for pool, states in member.connections().items():
                    for state, number in states.items():
                        self.connections.labels(pool, state, database).set(number)
            for kind, number in streams().items():
                self.streams.labels(kind).set(number)
            await asyncio.sleep(SAMPLED_EVERY)

    def add(self, counted: Counted) -> None:
        """Count what was written."""
        for key, (number, amount) in counted.volume.items():
            self.transactions.labels(*key).inc(number)
            self.amounts.labels(*key).inc(amount)
        for code, number in counted.refused_items.items():
            self.refused_items.labels(code).inc(number)
        self.sign_ups.inc(counted.sign_ups)

    def _note_process(self) -> None:
        """Note what this process uses. prometheus_client's collector would also list every open file, each time."""
        before, self._dropped = self._dropped, log_writer().dropped
        self.dropped_lines.inc(self._dropped - before)
        earlier, self._cpu = self._cpu, time.process_time()
        self.cpu.labels(self._worker).inc(self._cpu - earlier)
        with contextlib.suppress(OSError):  # only Linux has it
            pages = int(MEMORY.read_bytes().split()[1])
            self.memory.labels(self._worker).set(pages * os.sysconf("SC_PAGE_SIZE"))


class Lag(NamedTuple):
    """How far a webhook is behind: events that are not delivered, and the ages of the oldest of them in seconds.

    `seconds` leaves out those of which an attempt failed, and what waits behind them; `oldest` does not.
    """

    events: int
    seconds: float
    oldest: float


class RelayMetrics:
    """What the relay measures, in a process of its own: what it writes is in every page of the workers."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        webhook = ["webhook"]

        def gauge(name: str, meaning: str, labels: Sequence[str] = webhook) -> Gauge:
            return Gauge(f"pgwallet_{name}", meaning, labels, multiprocess_mode="livesum", registry=registry)

        self._leader = gauge("relay_leader", "Of how many databases this service's relay is the one that delivers", ())
        self._lags = (
            gauge("webhook_events_behind", "Events that are not delivered"),
            gauge("webhook_seconds_behind", "Age of the oldest event of which no attempt was made"),
            gauge("webhook_oldest_seconds", "Age of the oldest event that is not delivered"),
        )
        self._deliveries = Counter(
            "pgwallet_webhook_deliveries", "Attempts to deliver", [*webhook, "outcome"], registry=registry
        )
        self._events = Counter("pgwallet_webhook_events", "Events that were delivered", webhook, registry=registry)
        self._dead = Counter("pgwallet_webhook_dead_letters", "Events that were given up", webhook, registry=registry)
        self._sweeps = Counter(
            "pgwallet_sweeps", "Looks for holds that are due, which end them", ["database"], registry=registry
        )
        self._known: set[UUID] = set()
        self._noted: dict[int, Mapping[UUID, Lag]] = {}

    def note(self, lags: Mapping[UUID, Lag] | None, database: int = 0) -> None:
        """Note each webhook's lag while the relay leads; None when it does not. Those of several databases add up."""
        if lags is None:
            self._noted.pop(database, None)
        else:
            self._noted[database] = lags
        self._leader.set(len(self._noted))
        found: dict[UUID, Lag] = {}
        for noted in self._noted.values():
            for webhook, lag in noted.items():
                had = found.get(webhook, Lag(0, 0, 0))
                found[webhook] = Lag(
                    had.events + lag.events, max(had.seconds, lag.seconds), max(had.oldest, lag.oldest)
                )
        for webhook in self._known - found.keys():
            for gauge in self._lags:
                gauge.labels(webhook).set(0)
        self._known = set(found)
        for webhook, lag in found.items():
            for gauge, value in zip(self._lags, lag, strict=True):
                gauge.labels(webhook).set(value)

    def count(self, webhook: UUID, events: int, *, delivered: bool) -> None:
        """Count an attempt, and the events that it delivered."""
        self._deliveries.labels(webhook, "delivered" if delivered else "failed").inc()
        if delivered:
            self._events.labels(webhook).inc(events)

    def sweep(self, database: int = 0) -> None:
        """Count that the holds which were due are ended."""
        self._sweeps.labels(database).inc()

    def give_up(self, webhook: UUID) -> None:
        """Count a dead letter."""
        self._dead.labels(webhook).inc()


class Merged:
    """The series of all workers."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def collect(self) -> Any:
        """Add them up."""
        return MultiProcessCollector.merge(self._names)  # type: ignore[no-untyped-call]


class Facts:
    """What is known at each scrape: what runs here, and what each database says."""

    def __init__(self, facts: Mapping[int, Mapping[str, Any] | None]) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, those of the last verification only where one is known."""
        known = {number: facts for number, facts in self._facts.items() if facts is not None}
        versions = {
            "version": __version__,
            "python": platform.python_version(),
            "postgres": ", ".join(sorted({facts["postgres"] for facts in known.values() if "postgres" in facts})),
        }
        yield InfoMetricFamily("pgwallet_build", "What runs here", value=versions)
        up = GaugeMetricFamily("pgwallet_database_up", "Whether the database answers", labels=["database"])
        for number in self._facts:
            up.add_metric([str(number)], number in known)
        yield up
        for name, key, meaning in (
            ("holds_open", "open_holds", "Holds that are open"),
            ("verification_age_seconds", "age_seconds", "How long ago the last verification ended"),
            ("verification_violations", "violations", "How many violations the last verification found"),
            ("verification_seconds", "seconds", "How long the last verification took"),
        ):
            told = {number: facts[key] for number, facts in known.items() if facts.get(key) is not None}
            if told:
                family = GaugeMetricFamily(f"pgwallet_{name}", meaning, labels=["database"])
                for number, value in told.items():
                    family.add_metric([str(number)], value)
                yield family
        yield from in_transit(known)


def in_transit(known: Mapping[int, Mapping[str, Any]]) -> Iterator[Metric]:
    """Yield what is on its way between databases, where there are several."""
    rows = [(number, row) for number, facts in known.items() for row in facts.get("in_transit", ())]
    if not rows:
        return
    ways = ["database", "destination", "asset"]
    pending = GaugeMetricFamily("pgwallet_in_transit", "Transfers that are on their way", labels=ways)
    oldest = GaugeMetricFamily("pgwallet_in_transit_oldest_seconds", "Age of the oldest of them", labels=ways)
    for number, row in rows:
        way = [str(number), str(row.destination), row.asset]
        pending.add_metric(way, row.pending)
        oldest.add_metric(way, row.oldest_seconds)
    yield pending
    yield oldest
