"""Section (g), the SQL peer: https://github.com/pgr0ss/pgledger, from a checkout (`--pgledger DIR`)."""

import contextlib
import statistics
from collections.abc import Callable, Iterator
from functools import partial

from bench.cluster import BenchError, Database, script
from bench.pgbench import rate
from bench.plan import FIRST, WALLETS
from bench.report import Goal
from bench.rounds import ratio
from bench.run import Run

SECTION = "(g) pgledger, its pgledger_create_transfer in the same run"
UNIFORM = "pgledger, uniform over 10,000 accounts"
HOT = "pgledger, every transfer from one system account"
NAMES = (UNIFORM, HOT)
GOALS = {UNIFORM: Goal(">=", 5), HOT: Goal(">=", 9)}
FILES = ("vendor/scoville-pgsql-ulid/ulid-to-uuid.sql", "vendor/scoville-pgsql-ulid/uuid-to-ulid.sql", "pgledger.sql")


@contextlib.contextmanager
def loaded(run: Run) -> Iterator[Database | None]:
    """Make a database with pgledger and accounts; None without a checkout."""
    if run.pgledger is None:
        yield None
        return
    files = [run.pgledger / name for name in FILES]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise BenchError(f"--pgledger needs a checkout of pgledger; there is no {', '.join(missing)}")
    database = run.cluster.create("pgledger")
    try:
        for file in files:
            database.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", str(file.resolve()))
        database.execute(script("pgledger_accounts"), "vacuum analyze", "checkpoint")
        yield database
    finally:
        run.cluster.drop("pgledger")


def points(database: Database, *, clients: int, seconds: int) -> dict[str, Callable[[], float]]:
    """Return what to run in turns with our calls."""
    files = {UNIFORM: "pgledger_uniform", HOT: "pgledger_hot"}
    last = FIRST + WALLETS - 1
    return {
        name: partial(rate, database, file, clients=clients, seconds=seconds, first=FIRST, last=last)
        for name, file in files.items()
    }


def report_rates(run: Run, found: dict[str, list[float]], ours: str) -> None:
    """Add the peer's rates, and how many times as fast our top-ups are."""
    for name in NAMES:
        if name in found:
            rates = found[name]
            run.report.add(SECTION, name, statistics.median(rates), "/s", samples=rates)
            run.report.add(
                SECTION,
                f"wallet_{ours}",
                statistics.median(found[ours]),
                "/s",
                against=name,
                ratio=ratio(found[ours], rates),
                goal=GOALS[name],
            )


def report_size(run: Run, database: Database) -> None:
    """Add the peer's bytes per transfer after the run, with all tables and indexes."""
    size, transfers = (
        database.value(query)
        for query in (
            "select sum(pg_total_relation_size(c)) from unnest('{pgledger_transfers,pgledger_entries}'::regclass[]) c",
            "select count(*) from pgledger_transfers",
        )
    )
    run.report.add(SECTION, "pgledger, all tables and indexes", float(size) / transfers, "bytes per transfer")
