"""Connections between calls: kept where nobody waits, handed on where somebody does, left where they were lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from api.database import Database as Calls
from api.settings import Settings
from tests.api.service import wait_until
from tests.database import Database

SIZE = 2


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Calls]:
    settings = Settings(api_url=database.api_url, jwt_secret="x" * 32, acquire_timeout=3, shutdown_timeout=60)
    calls = Calls(settings, pool_size=SIZE, lock_timeout=1)
    await calls.open()
    try:
        yield calls
    finally:
        await calls.close()


async def backend(calls: Calls, seconds: float = 0.0) -> int:
    """Ask which backend answers; it takes its time."""
    row = await calls.row("select pg_backend_pid() as pid, pg_sleep($1)", seconds)  # type: ignore[arg-type]
    return int(row["pid"])


def test_calls_one_after_the_other_use_one_connection(database: Database) -> None:
    async def scene() -> None:
        async with opened(database) as calls:
            assert len({await backend(calls) for _ in range(5)}) == 1
            assert calls.connections() == {"idle": 1, "in_use": 0}

    asyncio.run(scene())


def test_whoever_waits_for_a_connection_gets_the_next_that_is_free(database: Database) -> None:
    async def scene() -> None:
        async with opened(database) as calls:
            # more often than a connection is made: none of them may end while others wait
            for _ in range(3):
                pids = await asyncio.gather(*[backend(calls, 0.001) for _ in range(20 * SIZE)])
                assert len(set(pids)) == SIZE

    asyncio.run(scene())


def test_a_kept_connection_that_was_lost_is_replaced(database: Database, administrator: psycopg.Connection) -> None:
    async def scene() -> None:
        async with opened(database) as calls:
            lost = await asyncio.gather(*[backend(calls, 0.01) for _ in range(SIZE)])
            for pid in lost:
                administrator.execute("select pg_terminate_backend(%s, 5000)", [pid])
            found = await asyncio.gather(*[backend(calls, 0.01) for _ in range(SIZE)])
            assert not set(lost) & set(found)

    asyncio.run(scene())


def test_a_pool_closes_while_connections_are_kept_and_others_work(
    database: Database, administrator: psycopg.Connection
) -> None:
    async def scene() -> None:
        async with opened(database) as calls:
            await asyncio.gather(*[backend(calls, 0.01) for _ in range(SIZE)])
            working = asyncio.create_task(backend(calls, 0.3))
            await asyncio.sleep(0)
        assert await working

    asyncio.run(asyncio.wait_for(scene(), 20))
    left = "select from pg_stat_activity where usename = 'wallet_api' and datname = current_database()"
    wait_until(lambda: not administrator.execute(left).fetchall())
