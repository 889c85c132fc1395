"""Section (i): a request's processor time, which a busy machine changes less than the rate."""

import statistics
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import over_http, sessions, wrk
from bench.cluster import BenchError, Database
from bench.report import Goal
from bench.rounds import interleave, rounds
from bench.run import Run
from bench.service import Service, bench_users, serving, write_tokens
from bench.wrk import Users

SECTION = "(i) processor time per request: of the workers, and of their sessions in PostgreSQL"
GOALS = {("topup", 128): (Goal("<=", 50, " µs"), Goal("<=", 35, " µs"))}
"""Of the workers, and of the sessions."""
POINTS = [(kind, connections) for kind in ("live", "balance", "topup") for connections in (1, 32, 128)]
SESSIONS = "select array_agg(pid) from pg_stat_activity where usename = 'wallet_api' and datname = any ($1)"


class Cost(NamedTuple):
    """Microseconds per request."""

    workers: float
    sessions: float

    def __str__(self) -> str:
        return f"{self.workers:.0f} + {self.sessions:.0f} us"


def measure(run: Run, database: Database) -> None:
    """Load the service as in section (d), and read the processor time of its processes."""
    if not Path("/proc/self/schedstat").exists():
        run.report.note("Processor time is read from /proc, which is not here: (i) was skipped.")
        return
    sessions.measure(run, database)
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    users = Users(write_tokens(run.cluster.folder, bench_users()), 1, len(bench_users()))
    with serving(database, run.cluster.folder, {"cpu": run.service}) as services:
        service = services["cpu"]
        cost(service, [database], users, 1, "topup", 128)
        calls = {
            f"{kind}, {connections}": partial(
                cost, service, [database], users, run.plan.http_seconds, kind, connections
            )
            for kind, connections in POINTS
        }
        found = interleave(calls, rounds(run.plan.rounds, run.plan.http_budget), run.say)
    for (kind, connections), costs in zip(POINTS, found.values(), strict=True):
        figure = over_http.figure(("default", kind, "spread", connections))
        for place, whose in enumerate(Cost._fields):
            samples = [cost[place] for cost in costs]
            goal = GOALS[kind, connections][place] if (kind, connections) in GOALS else None
            if kind != "live" or whose == "workers":
                value = statistics.median(samples)
                run.report.add(SECTION, f"{figure}: {whose}", value, "µs", goal=goal, samples=samples)


def cost(service: Service, databases: list[Database], users: Users, seconds: int, kind: str, connections: int) -> Cost:
    """Load the service, and return what its workers and their sessions in these databases used for each request."""
    workers, backends = service.workers(), _backends(databases)
    before = _used(workers), _used(backends)
    url = service.url + over_http.PATHS[kind]
    load = wrk.load(url, kind, users, connections=connections, seconds=seconds)
    if not databases[0].value("select bench.quiet()"):
        raise BenchError("the service still works 20 s after its load")
    if load.errors:
        raise BenchError(f"{load.errors} of {load.requests} requests failed")
    backends = _backends(databases)
    used = _used(workers) - before[0], _used(backends) - before[1]
    return Cost(*(microseconds / max(load.requests, 1) for microseconds in used))


def _backends(databases: list[Database]) -> list[int]:
    """Return the processes of the service's sessions."""
    return list(databases[0].value(SESSIONS, [database.name for database in databases]) or [])


def _used(processes: Iterable[int]) -> float:
    """Return the processor time that these have used so far, in microseconds."""
    tasks = [task for process in processes for task in Path(f"/proc/{process}/task").iterdir()]
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1000 for task in tasks)
