"""Section (j): top-ups while sign-ins flood the service, each for another user and from another address."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from bench import over_http, wrk
from bench.cluster import Database
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import Service, bench_users, serving, write_tokens
from bench.wrk import Load, Users

SECTION = "(j) top-ups over 32 connections during a flood of sign-ins; against none"
CONNECTIONS = 32
FLOODS = {
    "no sign-ins": 0,
    "sign-ins over 32 connections, as many as wait": 32,
    "sign-ins over 256 connections, most refused": 256,
}
BELIEVE = {"PGWALLET_TRUSTED_PROXIES": "127.0.0.1"}
"""From one address they would soon be throttled."""
BOUND = Goal("<=", 1000, " ms")


def measure(run: Run, database: Database) -> None:
    """Load the service with top-ups, with and without a flood beside them."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    users = Users(write_tokens(run.cluster.folder, bench_users()), 1, len(bench_users()))
    with serving(database, run.cluster.folder, {"signin": {**run.service, **BELIEVE}}) as services:
        service = services["signin"]
        calls = {
            name: partial(_load, service, users, connections, run.plan.http_seconds)
            for name, connections in FLOODS.items()
        }
        found = interleave(calls, rounds(run.plan.rounds, run.plan.http_budget), run.say)
    quiet = [load.rate for load in next(iter(found.values()))]
    for name, loads in found.items():
        middle = wrk.middle(loads)
        compared = ratio([load.rate for load in loads], quiet)
        against = {"against": "no sign-ins", "ratio": compared} if FLOODS[name] else {}
        run.report.add(
            SECTION,
            name,
            middle.rate,
            "/s",
            latency=middle.latency(),
            samples=[vars(load) for load in loads],
            **against,  # type: ignore[arg-type]
        )
        if FLOODS[name]:
            run.report.add(SECTION, "  its 99th percentile", middle.p99, "ms", goal=BOUND)


def _load(service: Service, users: Users, flooding: int, seconds: int) -> Load:
    with _flood(service, users, flooding, seconds + 3):
        url = service.url + over_http.PATHS["topup"]
        return wrk.load(url, "topup", users, connections=CONNECTIONS, seconds=seconds)


@contextmanager
def _flood(service: Service, users: Users, connections: int, seconds: int) -> Iterator[None]:
    """Let so many clients try passwords, from a second before the measurement to its end."""
    if not connections:
        yield
        return
    with ThreadPoolExecutor(1) as thread:
        url = service.url + "/api/auth/signin"
        flood = thread.submit(wrk.load, url, "signin", users, connections=connections, seconds=seconds)
        # the first of them find an empty queue
        wrk.load(service.url + over_http.PATHS["live"], "live", users, connections=1, seconds=1)
        yield
        flood.result()
