"""Sections (a) and (b): the floors of this machine, and single calls against them."""

import statistics
import time
from collections.abc import Callable
from functools import partial

from bench import pgledger
from bench.cluster import BenchError, Database
from bench.pgbench import rate
from bench.plan import FIRST, WALLETS, Plan
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run

FLOORS = "(a) floors: what this machine and PostgreSQL can do"
SINGLE = "(b) single calls, each a transaction of its own"
VERIFICATION = "(b) verification of what single calls left"
SIZE = "select pg_database_size(current_database())"
TEMPORARY = "select temp_bytes from pg_stat_database where datname = current_database()"

ALL = {"first": FIRST, "last": FIRST + WALLETS - 1}
HOT = {"first": FIRST, "last": FIRST}
CALLS = {
    "topup, uniform over 10,000 wallets": ("topup", ALL),
    "topup, all on one wallet": ("topup", HOT),
    "spend, uniform": ("spend", ALL),
    "balance, uniform": ("balance", ALL),
}
ONE_ROW = "one-row insert + commit"
UNIFORM = "topup, uniform over 10,000 wallets"


def measure(run: Run) -> None:
    """Run everything in turns; the goals are the project's for 20 clients."""
    standard = run.cluster.create("standard")
    standard.run("pgbench", "-i", "-q", "-s", str(run.plan.pgbench_scale))
    with run.cluster.clone("single") as database, pgledger.loaded(run) as peer:
        database.execute("checkpoint")
        points = _points(run.plan, database, standard)
        if peer is not None:
            points |= pgledger.points(peer, clients=run.plan.clients[-1], seconds=run.plan.single_seconds)
        found = interleave(points, rounds(run.plan.rounds, run.plan.single_budget), run.say)
        if run.plan.verify:
            _verify(run, database)
        _report(run, found)
        if peer is not None:
            pgledger.report_size(run, peer)
    run.cluster.drop("standard")


def _points(plan: Plan, database: Database, standard: Database) -> dict[str, Callable[[], float]]:
    most, seconds = plan.clients[-1], plan.single_seconds
    points: dict[str, Callable[[], float]] = {}
    for clients in plan.clients:
        floor = partial(rate, database, "one_row", clients=clients, seconds=seconds)
        points[f"{ONE_ROW}, {_clients(clients)}"] = floor
        for name, (script, wallets) in CALLS.items():
            if plan.brief and clients != most and name != UNIFORM:
                continue
            call = partial(rate, database, script, clients=clients, seconds=seconds, service=True)
            points[f"{name}, {_clients(clients)}"] = partial(call, **wallets)
    for name in plan.builtins:
        points[f"pgbench {name}, {_clients(most)}"] = partial(rate, standard, f"@{name}", clients=most, seconds=seconds)
    return points


def _report(run: Run, found: dict[str, list[float]]) -> None:
    report, most = run.report, run.plan.clients[-1]
    floors = [name for name in found if name.startswith((ONE_ROW, "pgbench"))]
    for name in floors:
        report.add(FLOORS, name, statistics.median(found[name]), "/s", samples=found[name])
    goals = {f"{UNIFORM}, {_clients(most)}": Goal(">=", 0.6)}
    names = [name for call in CALLS for name in found if name.startswith(f"{call}, ")]
    for name in names:
        rates, clients = found[name], name.rpartition(", ")[2]
        floor = f"{ONE_ROW}, {clients}"
        report.add(
            SINGLE,
            f"wallet_{name}",
            statistics.median(rates),
            "/s",
            # a read commits nothing
            against="" if name.startswith("balance") else floor,
            ratio=None if name.startswith("balance") else ratio(rates, found[floor]),
            goal=goals.get(name),
            samples=rates,
        )
    pgledger.report_rates(run, found, f"{UNIFORM}, {_clients(most)}")


def _verify(run: Run, database: Database) -> None:
    """Note that the measured ledger is sound. Raises BenchError when it is not."""
    entries = database.value("select count(*) from wallet.ledger")
    before, started = database.value(TEMPORARY), time.monotonic()
    faults = database.value("select count(*) from wallet_verify()")
    took = time.monotonic() - started
    if faults:
        raise BenchError(f"wallet_verify() finds {faults} violations in the ledger that single calls made")
    run.report.note(f"wallet_verify() found no violation in the {entries:,} ledger entries that section (b) left.")
    run.report.add(VERIFICATION, "wallet_verify", entries / took, "entries/s", goal=Goal(">=", 200_000, "/s"))
    written = 100 * float(database.value(TEMPORARY) - before) / float(database.value(SIZE))
    run.report.add(VERIFICATION, "temporary files", written, "% of the data", goal=Goal("<=", 10, " %"))


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number} clients"
