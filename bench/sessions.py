"""Section (i), without the service: the processor time of one call in its PostgreSQL session."""

import asyncio
import random
import statistics
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from bench.cluster import ROOT, Database
from bench.plan import FIRST, WALLETS
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run

SECTION = "(i) processor time of a session in PostgreSQL, one client"
TOPUP = "select * from wallet_topup($1, $2, 100, p_actor => $3)"
BATCH = (
    "select * from wallet_batch(array_fill('topup'::text, array[cardinality($1::uuid[])]), $1::uuid[], $2::uuid[],"
    " array_fill(100::bigint, array[cardinality($1::uuid[])]), null, null, $3::uuid[])"
)
FLOOR = "one-row insert + commit"
CALLS = {"wallet_topup": 1, "wallet_batch of 50, an item": 50, "wallet_batch of 1,000, an item": 1000}
UNCHAINED = "without the hash chain"
# how much the chain may cost calls and batches
GOALS = {1: Goal("<=", 1.10), 50: Goal("<=", 1.20), 1000: Goal("<=", 1.20)}
ITEMS = 4000


def measure(run: Run, database: Database) -> None:
    """Make some thousand calls of each kind in turn, and the same in a database that computes no hashes."""
    with run.cluster.clone("unchained") as unchained:
        unchained.execute(_without_hashing())
        points = {FLOOR: partial(_cost, database, 0)}
        for name, size in CALLS.items():
            points[f"{name}, {UNCHAINED}"] = partial(_cost, unchained, size)
            points[name] = partial(_cost, database, size)
        found = interleave(points, rounds(2 * run.plan.rounds, run.plan.http_budget), run.say)
    for name, costs in found.items():
        size = CALLS.get(name, 0)
        against, bare = (UNCHAINED, found[f"{name}, {UNCHAINED}"]) if size else ("", [])
        run.report.add(
            SECTION,
            name,
            statistics.median(costs),
            "µs",
            against=against,
            ratio=ratio(costs, bare) if size else None,
            goal=GOALS.get(size),
            samples=costs,
        )


def _without_hashing() -> str:
    """Return the function that hashes entries, with the arguments of its file, but a body of 32 zero bytes."""
    text = (ROOT / "db" / "functions" / "ledger" / "entry_hash.sql").read_text(encoding="utf-8")
    head, _, rest = text.partition("$$")
    _, _, tail = rest.partition("$$")
    return f"{head}$$ select '\\x{'00' * 32}'::bytea $${tail}"


def _cost(database: Database, size: int) -> float:
    return asyncio.run(_measured(database, size))


async def _measured(database: Database, size: int) -> float:
    """Return microseconds for each item, in batches of `size`; 1: single calls; 0: the floor's inserts."""
    connection = await asyncpg.connect(database.api_url if size else database.url)
    try:
        call = _call(connection, size)
        # plans are made in the first calls
        for _ in range(20):
            await call()
        file = Path(f"/proc/{connection.get_server_pid()}/schedstat")
        before = _used(file)
        times = ITEMS // max(size, 1)
        for _ in range(times):
            await call()
        return (_used(file) - before) / (times * max(size, 1))
    finally:
        await connection.close()


def _call(connection: "asyncpg.Connection[asyncpg.Record]", size: int) -> Callable[[], Awaitable[Any]]:
    if size == 0:
        return lambda: connection.fetch("insert into bench.one_row (amount) values (100)")

    def arguments() -> list[Any]:
        numbers = [random.randrange(FIRST, FIRST + WALLETS) for _ in range(size)]
        wallets, owners = (
            [UUID(f"00000000-0000-0000-{kind}-0000000{n}") for n in numbers] for kind in ("0000", "0001")
        )
        txn_ids = [uuid4() for _ in numbers]
        return [wallets[0], txn_ids[0], owners[0]] if size == 1 else [wallets, txn_ids, owners]

    return lambda: connection.fetch(TOPUP if size == 1 else BATCH, *arguments())


def _used(file: Path) -> float:
    return int(file.read_text(encoding="ascii").split()[0]) / 1000
