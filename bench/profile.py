"""Section (o): which statements of a call its time in PostgreSQL goes to, as pg_stat_statements has them."""

from typing import NamedTuple

from bench.batches import PLANNED_ONCE
from bench.cluster import cluster
from bench.pgbench import rate
from bench.plan import WALLETS
from bench.run import Run
from bench.single import ALL

SECTION = "(o) where the time of a call goes in PostgreSQL, one client; each part against the call"
EXTENSION = "pg_stat_statements"
BATCH = {"width": WALLETS, "step": 0}
CALLS = {
    "wallet_topup": ("topup", ALL),
    "wallet_batch of 50": ("batch", {"size": 50, **BATCH}),
    "wallet_batch of 1,000": ("batch", {"size": 1000, **BATCH}),
}
STATEMENTS = f"""
select array_agg(
  row(s.toplevel, s.calls, 1000 * s.total_exec_time, regexp_replace(s.query, '\\s+', ' ', 'g'))
  order by s.total_exec_time desc
)
from {EXTENSION} s
join pg_database d on d.oid = s.dbid
where d.datname = current_database()
"""
SHOWN = 64
"""Characters of a statement."""
LEAST = 0.01
"""A smaller part of a call is not shown on its own."""


class Statement(NamedTuple):
    """What was spent on a statement, in microseconds of all its calls; `by_client`: no function made it."""

    by_client: bool
    calls: int
    spent: float
    text: str


def measure(run: Run) -> None:
    """Call on a server of its own, because what counts statements costs something, and is loaded at the start."""
    with cluster(preload=EXTENSION) as server, server.clone("profile") as database:
        database.execute(
            f"create extension {EXTENSION}", f"alter database profile set {EXTENSION}.track = 'all'", "checkpoint"
        )
        for name, (script, variables) in CALLS.items():
            run.say(f"profile of {name}")
            database.execute(f"select {EXTENSION}_reset()")
            once, seconds = PLANNED_ONCE if script == "batch" else "", run.plan.single_seconds
            rate(database, script, clients=1, seconds=seconds, service=True, settings=once, **variables)
            _report(run, name, [Statement(*row) for row in database.value(STATEMENTS)])


def _report(run: Run, name: str, statements: list[Statement]) -> None:
    call = max((found for found in statements if found.by_client), key=lambda found: found.calls)
    whole = call.spent / call.calls
    run.report.add(SECTION, name, whole, "µs")
    rest = whole
    for found in statements:
        each = found.spent / call.calls
        if not found.by_client and each >= LEAST * whole:
            rest -= each
            run.report.add(SECTION, f"  {found.text[:SHOWN]}", each, "µs", ratio=each / whole)
    run.report.add(SECTION, "  the rest: PL/pgSQL, hashes, statements set up", rest, "µs", ratio=rest / whole)
