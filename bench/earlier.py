"""Section (k): this version beside an earlier one, from a checkout after `make install` (`--before DIR`)."""

import contextlib
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench import over_http, wrk
from bench.batches import PLANNED_ONCE
from bench.cluster import BenchError, Database
from bench.pgbench import rate
from bench.plan import FIRST, WALLETS
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import bench_users, serving, write_tokens
from bench.wrk import Load, Users

SECTION = "(k) this version, against an earlier one in the same run"
BEFORE, NOW = "before", "now"
# in force, as by default, but beyond wrk's reach
LIMITS = {"PGWALLET_RATE_LIMIT": "1000000"}


def measure(run: Run, checkout: Path) -> None:
    """Run the main points of (b), (c) and (d) on both versions in turn."""
    python = interpreter(checkout)
    with run.cluster.clone(NOW) as now, migrated(run, checkout) as before:
        databases = {BEFORE: before, NOW: now}
        found = interleave(_sql(run, databases), rounds(run.plan.rounds, run.plan.batch_budget), run.say)
        if wrk.installed():
            loads = _over_http(run, databases, python)
            found |= {name: [load.rate for load in some] for name, some in loads.items()}
    commit = commit_of(checkout)
    for name, rates in found.items():
        version, _, figure = name.partition(": ")
        if version == NOW:
            earlier = found[f"{BEFORE}: {figure}"]
            run.report.add(SECTION, f"{figure}, {commit}", statistics.median(earlier), "/s", samples=earlier)
            compared = ratio(rates, earlier)
            run.report.add(
                SECTION, f"{figure}, now", statistics.median(rates), "/s", against=commit, ratio=compared, samples=rates
            )


def interpreter(checkout: Path) -> str:
    """Return the Python of a checkout in which `make install` was run. Raises BenchError."""
    python = (checkout / ".venv" / "bin" / "python").absolute()
    if not python.exists():
        raise BenchError(f"--before needs a checkout with its .venv: run `make install` in {checkout}")
    return str(python)


@contextlib.contextmanager
def migrated(run: Run, checkout: Path) -> Iterator[Database]:
    """Make a database with the earlier version, and the bench wallets in it."""
    database = run.cluster.create(BEFORE)
    variables = {
        "DATABASE_URL": database.url,
        "PGWALLET_API_PASSWORD": database.password,
        "PGWALLET_DATA_DIR": str(run.cluster.folder / BEFORE),
    }
    try:
        done = subprocess.run(
            [checkout / ".venv" / "bin" / "pgwallet", "migrate"],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | variables,
        )
        if done.returncode != 0:
            raise BenchError(f"pgwallet migrate of {checkout} failed:\n{done.stderr[-2000:]}")
        seed = (checkout / "bench" / "sql" / "seed.sql").read_text(encoding="utf-8")
        database.execute(seed, "vacuum analyze", "checkpoint")
        yield database
    finally:
        run.cluster.drop(BEFORE)


def _sql(run: Run, databases: dict[str, Database]) -> dict[str, Callable[[], float]]:
    seconds = run.plan.single_seconds
    among_all = partial(rate, service=True, first=FIRST, last=FIRST + WALLETS - 1)
    points: dict[str, Callable[[], float]] = {}
    for clients in (1, 20):
        for script in ("topup", "spend"):
            for version, database in databases.items():
                call = partial(among_all, database, script, clients=clients, seconds=seconds)
                points[f"{version}: wallet_{script}, {clients} client{'s' if clients > 1 else ''}"] = call
    for size in (50, 1000):
        for version, database in databases.items():
            points[f"{version}: wallet_batch of {size:,}, 2 connections"] = partial(_batches, database, size, seconds)
    return points


def _batches(database: Database, size: int, seconds: int) -> float:
    apart = WALLETS // 2
    batch = partial(rate, database, "batch", clients=2, seconds=seconds, service=True, settings=PLANNED_ONCE)
    return size * batch(size=size, width=apart, step=apart)


def _over_http(run: Run, databases: dict[str, Database], python: str) -> dict[str, list[Load]]:
    """Load both services; this version's with rate limits in force."""
    folder, seconds = run.cluster.folder, run.plan.http_seconds
    users = Users(write_tokens(folder, bench_users()), 1, len(bench_users()))
    settings = run.service
    with (
        serving(databases[BEFORE], folder, {BEFORE: settings}, python) as earlier,
        serving(databases[NOW], folder, {NOW: LIMITS | settings}) as ours,
    ):
        services = earlier | ours
        points: dict[str, Callable[[], Load]] = {}
        for kind, connections in (("topup", 1), ("topup", 32), ("topup", 128), ("balance", 128)):
            for version, service in services.items():
                url = service.url + over_http.PATHS[kind]
                figure = over_http.figure(("default", kind, "spread", connections))
                points[f"{version}: {figure}"] = partial(
                    wrk.load, url, kind, users, connections=connections, seconds=seconds
                )
        for service in services.values():
            wrk.load(service.url + over_http.PATHS["topup"], "topup", users, connections=32, seconds=1)
        return interleave(points, rounds(run.plan.rounds, run.plan.http_budget), run.say)


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout, for people."""
    done = subprocess.run(
        ["git", "-C", str(checkout), "describe", "--always", "--tags"], check=False, capture_output=True, text=True
    )
    return done.stdout.strip() or "before"
