"""Section (e): a transaction's size on disk."""

from bench.pgbench import transact
from bench.report import Goal
from bench.run import Run
from bench.single import ALL

SECTION = "(e) size"
# every table of the wallet with its indexes, free space and visibility maps
SIZE = """
select sum(pg_total_relation_size(c.oid))
from pg_class c
where c.relnamespace = 'wallet'::regnamespace and c.relkind = 'r'
"""


def measure(run: Run) -> None:
    """Divide the growth of all tables and indexes, unvacuumed, by the transactions of single calls."""
    with run.cluster.clone("size") as database:
        before, count = database.value(SIZE), database.value("select count(*) from wallet.transactions")
        wanted = run.plan.size_transactions
        run.say(f"size: {wanted:,} top-ups")
        transact(database, "topup", clients=80, transactions=wanted, **ALL)
        written = database.value("select count(*) from wallet.transactions") - count
        each = float(database.value(SIZE) - before) / written
    name = f"all tables and indexes, after {written:,} top-ups by single calls"
    run.report.add(SECTION, name, each, "bytes per transaction", goal=Goal("<=", 470))
