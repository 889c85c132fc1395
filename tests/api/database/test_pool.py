"""Connections between calls: kept where nobody waits, handed on where somebody does, left where they were lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import structlog

from api.database.pool import Pool as Calls
from api.errors import OVERLOADED, ServiceError
from api.settings import Settings
from tests.command import wait_until
from tests.database import Database

SIZE = 2


@asynccontextmanager
async def opened(database: Database, acquire_timeout: float = 3, size: int = SIZE, **more: Any) -> AsyncIterator[Calls]:
    settings = Settings(api_url=database.api_url, acquire_timeout=acquire_timeout, lock_timeout=10, shutdown_timeout=60)
    calls = Calls(settings, size, **more)
    await calls.open()
    try:
        yield calls
    finally:
        await calls.close()


async def backend(calls: Calls, seconds: float = 0.0) -> int:
    """Ask which backend answers; it takes its time."""
    row = await calls.row("select pg_backend_pid() as pid, pg_sleep($1)", seconds)
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


def test_calls_of_one_wallet_that_wait_for_its_lock_leave_connections_to_others(
    database: Database, administrator: psycopg.Connection
) -> None:
    """However many of them there are, and from however many users."""
    wait = "select $1::uuid, pg_advisory_xact_lock(7), $2::uuid"

    async def scene() -> None:
        async with opened(database) as calls:
            wallet = uuid4()
            administrator.execute("select pg_advisory_lock(7)")
            stuck = [asyncio.create_task(calls.row(wait, wallet, uuid4())) for _ in range(20)]
            other = "select $1::uuid as wallet, $2::uuid"
            async with asyncio.timeout(10):
                for _ in range(3):
                    await calls.row(other, uuid4(), uuid4())
            assert not any(task.done() for task in stuck)
            administrator.execute("select pg_advisory_unlock(7)")
            await asyncio.gather(*stuck)

    asyncio.run(scene())


def test_a_pool_that_is_used_up_is_no_database_that_is_away(
    database: Database,
) -> None:
    async def scene() -> list[BaseException | int]:
        async with opened(database, acquire_timeout=1) as calls:
            return await asyncio.gather(*[backend(calls, 3) for _ in range(2 * SIZE)], return_exceptions=True)

    with structlog.testing.capture_logs() as lines:
        answers = asyncio.run(scene())
    refused = [answer.kind for answer in answers if isinstance(answer, ServiceError)]
    assert refused == [OVERLOADED] * SIZE
    assert [line["event"] for line in lines] == ["no connection was free in time"]


def test_what_finds_a_wallet_held_waits_elsewhere(database: Database, administrator: psycopg.Connection) -> None:
    """So that wallets that are held, however many, take no connection from those that are not."""
    wait = "select $1::uuid, pg_advisory_xact_lock($2), $3::uuid"

    async def scene() -> None:
        async with opened(database, held=True) as patient, opened(database, patient=patient) as calls:
            for lock in range(SIZE):
                administrator.execute("select pg_advisory_lock(%s)", [lock])
            stuck = [asyncio.create_task(calls.row(wait, uuid4(), lock, uuid4())) for lock in range(SIZE)]
            async with asyncio.timeout(10):
                while patient.connections()["in_use"] < SIZE:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
            assert calls.connections()["in_use"] == 0
            administrator.execute("select pg_advisory_unlock_all()")
            await asyncio.gather(*stuck)

    asyncio.run(scene())


@pytest.mark.parametrize("busy", [False, True], ids=["alone", "beside others"])
def test_large_batches_of_one_user_come_one_by_one_and_leave_the_server_to_others(
    database: Database, busy: bool
) -> None:
    async def scene() -> None:
        async with opened(database, size=6) as calls, opened(database) as others:
            done: list[tuple[str, float, float]] = []

            async def batch(user: str) -> None:
                async def run(connection: Any) -> None:
                    began = time.monotonic()
                    await connection.fetchval("select pg_sleep(0.1)")
                    done.append((user, began, time.monotonic()))

                await calls.run(run, touches=(uuid4(), user), size=1000)

            other = asyncio.ensure_future(backend(others, 30)) if busy else None
            await asyncio.sleep(0)  # it has its turn at the other pool
            await asyncio.gather(batch("one"), batch("one"), batch("another"))
            assert other is None or not other.done()
            first, second = ((began, end) for user, began, end in sorted(done, key=itemgetter(1)) if user == "one")
            assert second[0] >= first[1] + (1.9 * (first[1] - first[0]) if busy else 0)
            assert next(began for user, began, _ in done if user == "another") < second[0]
            if other is not None:
                other.cancel()

    asyncio.run(scene())
