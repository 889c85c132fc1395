"""What operators see of the service: rates and counts of all workers, read while somebody looks and not otherwise."""

import asyncio
import os
import time
from collections.abc import Iterable

import pytest
from prometheus_client.core import Metric

from api.server import shared_memory
from api.telemetry import activity
from api.telemetry.activity import Activity, Reading, seen
from api.telemetry.metrics import Metrics

SAMPLES: list[tuple[str, dict[str, str], float]] = [
    ("pgwallet_http_request_seconds_count", {"route": "/"}, 6),
    ("pgwallet_http_request_seconds_count", {"route": "/api"}, 4),
    ("pgwallet_http_request_seconds_sum", {"route": "/api"}, 99),
    ("pgwallet_refusals_total", {"code": "WA003"}, 2),
    ("pgwallet_batch_refusals_total", {"code": "WA003"}, 1),
    ("pgwallet_transactions_total", {"type": "topup", "asset": "UC"}, 5),
    ("pgwallet_transactions_total", {"type": "topup", "asset": "USD"}, 1),
    ("pgwallet_waiting", {"place": "mutations"}, 7),
    ("pgwallet_connections", {"pool": "shared", "state": "idle"}, 3),
    ("pgwallet_event_streams", {"kind": "user"}, 2),
    ("pgwallet_process_cpu_seconds_total", {"worker": "0"}, 1.5),
    ("pgwallet_process_cpu_seconds_total", {"worker": "1"}, 0.5),
    ("pgwallet_webhook_events_behind", {"webhook": "a"}, 4),
    ("pgwallet_webhook_events_behind", {"webhook": "b"}, 5),
    ("pgwallet_webhook_oldest_seconds", {"webhook": "a"}, 8),
    ("pgwallet_webhook_oldest_seconds", {"webhook": "b"}, 3),
]


class Played(Metrics):
    """Metrics that a test plays, which count how often they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def families(self) -> Iterable[Metric]:
        self.read += 1
        family = Metric("all", "", "untyped")
        for name, labels, value in SAMPLES:
            family.add_sample(name, labels, value)
        return [family]


def test_a_reading_adds_up_what_all_workers_counted() -> None:
    async def scene() -> Reading:
        return (await Activity(Played()).look()).now

    now = asyncio.run(scene())
    assert (now.requests, now.processor, now.behind_events, now.behind_seconds) == (10, 2, 9, 8)
    assert now.refusals == {"WA003": 3}
    assert now.transactions == {"topup": 6}
    assert (now.waiting, now.connections, now.streams) == ({"mutations": 7}, {"shared idle": 3}, {"user": 2})


def test_the_first_look_shows_the_averages_since_the_start() -> None:
    now = Reading(at=220, requests=240, processor=60, transactions={"spend": 30, "topup": 90}, refusals={"WA003": 12})
    now.waiting = {"mutations": 2, "balances": 3}
    found = seen(100, [now])
    assert (found.since, found.over, found.history) == (120, 120, [])
    rates = found.rates
    assert (rates.requests, rates.transactions, rates.refusals) == (2, 1, 0.1)
    assert (rates.processor, rates.waiting) == (0.5, 5)
    assert [(one.name, one.total, one.a_minute) for one in found.transactions] == [("topup", 90, 45), ("spend", 30, 15)]
    assert [(one.name, one.total, one.a_minute) for one in found.refusals] == [("WA003", 12, 6)]


def test_later_looks_show_the_last_minute_and_what_came_before() -> None:
    readings = [Reading(at=1000 + 2 * place, requests=100 * place, refusals={"WA003": place}) for place in range(61)]
    found = seen(0, readings)
    assert (found.since, found.over) == (1120, 60)
    assert found.rates.requests == 50
    assert [(one.total, one.a_minute) for one in found.refusals] == [(60, 30)]
    assert len(found.history) == 60
    assert {rates.requests for rates in found.history} == {50}


def test_what_was_counted_by_processes_of_before_never_counts_below_zero() -> None:
    found = seen(
        0, [Reading(at=10, requests=100, refusals={"WA003": 4}), Reading(at=12, requests=1, refusals={"x": 1})]
    )
    assert found.rates.requests == 0
    assert [(one.name, one.a_minute) for one in found.refusals] == [("x", 30)]


def test_nothing_is_read_unless_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "READ_EVERY", 0.01)
    monkeypatch.setattr(activity, "LOOKS_LAST", 0.05)
    metrics = Played()

    async def scene() -> None:
        looked = Activity(metrics)
        async with looked.running():
            assert metrics.read == 0
            await looked.look()
            assert looked._task is not None
            # until it is over that somebody looked
            await looked._task
            assert metrics.read > 1
            assert len((await looked.look()).history) >= metrics.read - 2
        with pytest.raises(asyncio.CancelledError):
            await looked._task

    asyncio.run(scene())


def test_workers_share_the_readings() -> None:
    with shared_memory.made(1) as memory:

        async def scene() -> None:
            one, other = Activity(Played(), memory.activity), Activity(Played(), memory.activity)
            async with one.running(), other.running():
                first = await one.look()
                second = await other.look()
            assert second.now == first.now
            assert second.since == first.since

        asyncio.run(scene())


def test_half_of_what_a_killed_worker_wrote_is_forgotten() -> None:
    with shared_memory.made(1) as memory:

        async def scene() -> None:
            looked = Activity(Played(), memory.activity)
            async with looked.running():
                await looked.look()
                os.ftruncate(memory.activity, os.fstat(memory.activity).st_size - 5)
                found = await looked.look()
            assert (found.now.requests, found.history) == (10, [])
            assert found.since >= 0

        asyncio.run(scene())


def test_readings_of_the_last_five_minutes_are_kept() -> None:
    async def scene() -> None:
        looked = Activity(Played())
        now = time.monotonic()
        looked._own = [Reading(at=now - age) for age in (400, 301, 299, 2)]
        async with looked.running():
            found = await looked.look()
        assert [round(now - one.at) for one in found.history] == [2, 0]

    asyncio.run(scene())
