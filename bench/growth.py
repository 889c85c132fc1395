"""Section (f): what a call costs on a wallet with a long history."""

import tempfile
import time
from pathlib import Path

from bench.cluster import Database
from bench.pgbench import medians
from bench.plan import FIRST, LEDGER_ROWS, WALLETS
from bench.report import Goal
from bench.run import Run

SECTION = "(f) growth: median time of a call on one connection, against the same call on a short history"
GOAL = Goal("<=", 1.2)
LOOKS = "(f) what operators see: median time of a call on one connection"
LOOK_GOAL = Goal("<=", 5, " ms")

CARE = "(f) what a large ledger needs"
LARGE = ("wallet.transactions", "wallet.ledger")
INDEXES = "select array_agg(i.indexrelid::regclass::text) from pg_index i where i.indrelid = $1::text::regclass"

# the empty wallets of seed.sql
READ_SHORT, WRITE_SHORT, PAGED_SHORT, LONG = range(FIRST + WALLETS, FIRST + WALLETS + 4)
PAGE = 50

TOPUP = "select * from wallet_topup({wallet}, gen_random_uuid(), 100, p_actor => {actor})"
SPEND = "select * from wallet_spend({wallet}, gen_random_uuid(), 100, p_actor => {actor})"
BALANCE = "select * from wallet_balance({wallet}, {actor})"
BALANCE_AT = "select * from wallet_balance_at({wallet}, now() - interval '1 hour', {actor})"
# a moment in the middle of the long history
BALANCE_THEN = "select * from wallet_balance_at({wallet}, now() - make_interval(secs => {middle}), {actor})"
FIRST_PAGE = "select * from wallet_entries({wallet}, 50, p_actor => {actor})"
DEEP_PAGE = "select * from wallet_entries({wallet}, 50, {deep}, p_actor => {actor})"

# Each call, and the wallet with a short history for it. Compared pages are equally full.
CALLS = {
    "wallet_topup": (TOPUP, WRITE_SHORT),
    "wallet_spend": (SPEND, WRITE_SHORT),
    "wallet_balance": (BALANCE, READ_SHORT),
    "wallet_balance_at, an hour ago": (BALANCE_AT, READ_SHORT),
    "wallet_balance_at, half of the history ago": (BALANCE_THEN, READ_SHORT),
    "wallet_entries, first page of 50": (FIRST_PAGE, PAGED_SHORT),
    "wallet_entries, page of 50 from the middle": (DEEP_PAGE, PAGED_SHORT),
}


def measure(run: Run, database: Database) -> None:
    """Give some wallets of `database` a history and time all calls on them, at random, on one connection."""
    plan = run.plan
    entries = plan.growth_entries
    run.say(f"growth: writing a history of {entries:,} entries")
    _add(database, [READ_SHORT, WRITE_SHORT], 1)
    _add(database, [PAGED_SHORT], 2 * PAGE)
    _add(database, [LONG], entries)
    database.execute("vacuum analyze", "checkpoint")
    _time(run, database, "")
    _look(run, database, "")
    _read_reports(run, database)
    if run.growth:
        _fill(run, database)
        rows = database.value("select count(*) from wallet.ledger")
        more = f"; {rows / 1e6:.1f} million ledger rows"
        _time(run, database, more)
        _look(run, database, more)
        _read_reports(run, database)
        _care(run, database, more)


def _time(run: Run, database: Database, more: str) -> None:
    entries = run.plan.growth_entries
    scripts = {}
    for name, (call, short) in CALLS.items():
        scripts[f"{name} short"] = _script(call, short, 2 * PAGE)
        scripts[f"{name} long"] = _script(call, LONG, entries)
    run.say(f"growth: timing {len(scripts)} calls{more}")
    with tempfile.TemporaryDirectory(dir=run.cluster.folder) as folder:
        times = medians(database, scripts, Path(folder), run.plan.growth_seconds)
    for name, (_, short) in CALLS.items():
        few = "1 entry" if short != PAGED_SHORT else f"{2 * PAGE} entries"
        before, after = times[f"{name} short"], times[f"{name} long"]
        run.report.add(SECTION + more, f"{name}: {few}", before, "ms")
        run.report.add(
            SECTION + more, f"{name}: {entries:,} entries", after, "ms", against=few, ratio=after / before, goal=GOAL
        )


def _look(run: Run, database: Database, more: str) -> None:
    """Time what an operator is shown from a txn_id or a reference, anywhere in the ledger, without its wallet."""
    actor = f"00000000-0000-0000-0001-0000000{FIRST}"
    wallet = f"00000000-0000-0000-0000-0000000{FIRST}"
    database.execute(
        f"update wallet.users set role = 'operator' where id = '{actor}'",
        f"select wallet_topup('{wallet}', gen_random_uuid(), 1, 'order ' || n) from generate_series(1, 1000) n",
    )
    number = database.value("select id from wallet.transactions order by id desc offset 2000 limit 1")
    txn_id = database.value(f"select txn_id from wallet.transactions where id = {number}")
    holder = database.value(f"select wallet_id from wallet.transactions where id = {number}")
    calls = {
        "wallet_search by a txn_id": f"wallet_search('{txn_id}', '{actor}')",
        "wallet_search by a reference": f"wallet_search('order 500', '{actor}')",
        "wallet_search by the beginning of a name": f"wallet_search('bench-1', '{actor}')",
        "wallet_inspect_transaction": f"wallet_inspect_transaction({number}, '{actor}')",
        "wallet_inspect_wallet": f"wallet_inspect_wallet('{holder}', '{actor}')",
        "wallet_inspect_entries": f"wallet_inspect_entries('{holder}', 50, p_actor => '{actor}')",
    }
    run.say(f"growth: timing what operators see{more}")
    scripts = {name: f"select * from {call};\n" for name, call in calls.items()}
    with tempfile.TemporaryDirectory(dir=run.cluster.folder) as folder:
        times = medians(database, scripts, Path(folder), run.plan.growth_seconds)
    for name, took in times.items():
        run.report.add(LOOKS + more, name, took, "ms", goal=LOOK_GOAL)


def _read_reports(run: Run, database: Database) -> None:
    """Time each view of the reports, read whole."""
    millions = database.value("select count(*) from wallet.transactions") / 1e6
    views = database.value("select array_agg(v.viewname::text) from pg_views v where v.schemaname = 'reporting'")
    run.say(f"growth: reading {len(views)} reports")
    for view in sorted(views):
        took = _seconds(database, f"create temporary table read as select * from reporting.{view}")
        run.report.add(f"(f) reports: a view read whole; {millions:.1f} million transactions", view, took, "s")


def _care(run: Run, database: Database, more: str) -> None:
    """Say how large the tables and their indexes are, also once those are built anew, and how long it takes."""
    run.say(f"growth: what a large ledger needs{more}")
    for table in LARGE:
        rows = database.value(f"select count(*) from {table}")

        def add(name: str, value: float, unit: str, table: str = table) -> None:
            run.report.add(CARE + more, f"{table}: {name}", value, unit)

        add("a row", database.value(f"select pg_relation_size('{table}')") / rows, "bytes")
        for statement in ("vacuum (freeze)", "vacuum", "analyze"):
            add(f"{statement}, {rows:,} rows", _seconds(database, f"{statement} {table}"), "s")
        for index in database.value(INDEXES, table):
            size = f"select pg_relation_size('{index}')"
            add(f"{index}, a row", database.value(size) / rows, "bytes")
            add(
                f"{index}, built anew beside other work", _seconds(database, f"reindex index concurrently {index}"), "s"
            )
            add(f"{index}, a row, then", database.value(size) / rows, "bytes")


def _seconds(database: Database, statement: str) -> float:
    started = time.monotonic()
    database.execute(statement)
    return time.monotonic() - started


def _script(call: str, number: int, entries: int) -> str:
    wallet, actor = (f"'00000000-0000-0000-{kind}-0000000{number}'::uuid" for kind in ("0000", "0001"))
    middle = entries // 2
    return call.format(wallet=wallet, actor=actor, middle=middle, deep=middle + 1) + ";\n"


def _add(database: Database, numbers: list[int], entries: int) -> None:
    """Give these wallets, which must have none, this many entries of a million each, a second apart."""
    wallets = ", ".join(f"'00000000-0000-0000-0000-0000000{number}'" for number in numbers)
    database.execute(f"select bench.add_history(array[{wallets}]::uuid[], {entries}, 1000000)")


def _fill(run: Run, database: Database) -> None:
    """Fill the ledger up with histories of wallets that nobody calls."""
    missing = LEDGER_ROWS - database.value("select count(*) from wallet.ledger")
    each = 1000
    wallets = missing // 2 // each
    run.say(f"growth: writing {wallets:,} more wallets with {each:,} entries each, for some minutes")
    identity = "('00000000-0000-0000-0002-0000000' || n)::uuid"
    numbers = f"generate_series({FIRST}, {FIRST + wallets - 1}) as n"
    users = f"select {identity}, 'filler-' || n, '-' from {numbers}"
    owned = f"select {identity}, {identity}, 'UC', 'user' from {numbers}"
    database.execute(
        f"insert into wallet.users (id, username, password_hash) {users}",
        f"insert into wallet.wallets (id, owner_id, asset, kind) {owned}",
    )
    step = 200
    for start in range(FIRST, FIRST + wallets, step):
        some = f"generate_series({start}, {min(start + step, FIRST + wallets) - 1}) as n"
        database.execute(f"select bench.add_history(array(select {identity} from {some}), {each}, 100)")
    database.execute("vacuum analyze", "checkpoint")
