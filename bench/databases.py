"""Section (m): a request's processor time over several databases, and against an earlier version on one."""

import contextlib
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from api.cluster_map import ClusterMap, Member
from api.urls import on_socket
from bench import earlier, over_http, wrk
from bench.cluster import BenchError, Database, script
from bench.cpu import Cost, cost
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import bench_users, serving, write_tokens
from bench.wrk import Users

SECTION = "(m) processor time per request over several databases, workers + their sessions in PostgreSQL"
AGAINST_BEFORE = "(m) processor time per request on one database, workers + their sessions in PostgreSQL"
SIZES = (1, 2, 4)
PER_DATABASE = 32
"""Connections for each database, where the load for each is the same."""
TOTAL = 128
GOALS = {"topup": Goal("<=", 1.25)}
BEFORE_GOALS = {"topup": Goal("<=", 1.03)}
KINDS = ("topup", "balance")


def measure(run: Run) -> None:
    """Load one, two and four databases with as many requests for each, and with as many in all."""
    if not wrk.installed() or not Path("/proc/self/schedstat").exists():
        run.report.note("Section (m) needs wrk, and processor times in /proc: it was skipped.")
        return
    with contextlib.ExitStack() as stack:
        databases = [stack.enter_context(_database(run, number)) for number in range(max(SIZES))]
        ways, users = {}, {}
        for size in SIZES:
            homes = stack.enter_context(_joined(run, databases[:size]))
            ways[f"{size}"] = {**run.service, **({"PGWALLET_CLUSTER": str(homes)} if size > 1 else {})}
            users[size] = Users(write_tokens(run.cluster.folder, bench_users(), size), 1, size * len(bench_users()))
        services = stack.enter_context(serving(databases[0], run.cluster.folder, ways))
        points = {}
        for kind in KINDS:
            for size in SIZES:
                for connections in sorted({PER_DATABASE * size, TOTAL}):
                    points[f"{kind} {size} {connections}"] = partial(
                        cost, services[f"{size}"], databases, users[size], run.plan.http_seconds, kind, connections
                    )
        for size in SIZES:
            cost(services[f"{size}"], databases, users[size], 1, "topup", TOTAL)
        found = interleave(points, rounds(run.plan.rounds, 3 * run.plan.http_budget), run.say)
    for kind in KINDS:
        alike, total = f"{kind} 1 {PER_DATABASE}", f"{kind} 1 {TOTAL}"
        for size in SIZES:
            name = "1 database" if size == 1 else f"{size} databases"
            for connections, base, words in (
                (PER_DATABASE * size, alike, "1 database, as many for each"),
                (TOTAL, total, "1 database, as many in all"),
            ):
                _report(
                    run, SECTION, f"{_figure(kind, connections)}, {name}", found[f"{kind} {size} {connections}"],
                    found[base] if size > 1 else None, words, GOALS.get(kind) if base == alike else None,
                )  # fmt: skip


def against(run: Run, checkout: Path) -> None:
    """Load this version and an earlier one, each on a database that its own migrations made."""
    python = earlier.interpreter(checkout)
    kinds = [("topup", PER_DATABASE), ("topup", TOTAL), ("balance", TOTAL)]
    users = Users(write_tokens(run.cluster.folder, bench_users()), 1, len(bench_users()))
    with (
        run.cluster.clone(earlier.NOW) as now,
        earlier.migrated(run, checkout) as before,
        serving(before, run.cluster.folder, {earlier.BEFORE: run.service}, python) as old,
        serving(now, run.cluster.folder, {earlier.NOW: run.service}) as new,
    ):
        sides = ((earlier.BEFORE, old[earlier.BEFORE], before), (earlier.NOW, new[earlier.NOW], now))
        points = {}
        for kind, connections in kinds:
            for name, service, database in sides:
                points[f"{name}: {_figure(kind, connections)}"] = partial(
                    cost, service, [database], users, run.plan.http_seconds, kind, connections
                )
        for _, service, database in sides:
            cost(service, [database], users, 1, "topup", TOTAL)
        found = interleave(points, rounds(3 * run.plan.rounds, 3 * run.plan.http_budget), run.say)
    commit = earlier.commit_of(checkout)
    for kind, connections in kinds:
        figure = _figure(kind, connections)
        base = found[f"{earlier.BEFORE}: {figure}"]
        _report(run, AGAINST_BEFORE, f"{figure}, {commit}", base)
        _report(
            run, AGAINST_BEFORE, f"{figure}, now", found[f"{earlier.NOW}: {figure}"], base, commit,
            BEFORE_GOALS.get(kind),
        )  # fmt: skip


def _report(
    run: Run,
    section: str,
    figure: str,
    costs: list[Cost],
    base: list[Cost] | None = None,
    against: str = "",
    goal: Goal | None = None,
) -> None:
    sums = [sum(one) for one in costs]
    row = run.report.add(
        section,
        figure,
        statistics.median(sums),
        "µs",
        against=against if base is not None else "",
        ratio=ratio(sums, [sum(one) for one in base]) if base is not None else None,
        goal=goal if base is not None else None,
        samples=costs,
    )
    shares = (statistics.median(one.workers for one in costs), statistics.median(one.sessions for one in costs))
    row.measured = f"{shares[0]:.0f} + {shares[1]:.0f} µs"


def _figure(kind: str, connections: int) -> str:
    return f"{over_http.NAMES[kind]}, {connections} connections"


def seed(number: int) -> str:
    """Return the SQL that makes the bench users of the database of this number."""
    text = script("seed")
    if number == 0:
        return text
    for kind in ("0001", "0000"):
        old = f"('00000000-0000-0000-{kind}-0000000' || n)"
        if old not in text:
            raise BenchError(f"bench/sql/seed.sql makes no ids like {old}")
        text = text.replace(old, f"('00000000-0000-8000-8{kind[1:]}-0000' || n || '{number:03x}')")
    return text.replace("'00000000-0000-0000-0000-000000020000'", "'00000000-0000-8000-8000-000020000000'")


@contextlib.contextmanager
def _database(run: Run, number: int) -> Iterator[Database]:
    """Make a database with its number and its bench users; that of number 0 is a clone as in all other sections."""
    name = f"of-{number}"
    if number == 0:
        with run.cluster.clone(name) as database:
            yield database
        return
    database = run.cluster.migrated(name)
    try:
        database.execute(
            f"select public.wallet_join_cluster({number}::smallint, '[[{number}]]')",
            seed(number),
            "vacuum analyze",
            "checkpoint",
        )
        yield database
    finally:
        run.cluster.drop(name)


@contextlib.contextmanager
def _joined(run: Run, databases: list[Database]) -> Iterator[Path]:
    """Write the map of these databases, between which nobody registers and nothing is sent meanwhile."""
    password = run.cluster.password
    databases[0].execute(f"alter role wallet_relay login password '{password}'")
    members = tuple(
        Member(number, api_url=one.api_url, relay_url=on_socket(one.socket, "wallet_relay", password, one.name))
        for number, one in enumerate(databases)
    )
    file = run.cluster.folder / f"cluster-{len(databases)}.toml"
    file.write_text(ClusterMap(members, (tuple(range(len(databases))),)).text(), encoding="utf-8")
    yield file
