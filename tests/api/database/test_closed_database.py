"""A database that lets nobody in, because it is being moved: calls wait for it, and go where it is then."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from api.database.pool import Pool
from api.errors import ServiceError
from api.settings import Settings
from tests.database import Database, PostgresServer, cloned, set_privileges

SIZE = 3
WHERE = "select current_database()"
FENCE = 'alter database "{}" allow_connections {}'
END = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"


@pytest.fixture
def copy(postgres_server: PostgresServer) -> Iterator[Database]:
    """Another database."""
    with cloned(postgres_server, f"copy_{uuid4().hex}") as found:
        set_privileges(found)
        yield found


@pytest.fixture
def server(postgres_server: PostgresServer, database: Database) -> Iterator[psycopg.Connection]:
    """A connection from which the database is closed; it is open again afterwards."""
    with postgres_server.database("postgres").connect() as connection:
        yield connection
        connection.execute(FENCE.format(database.name, "true").encode())


def close(server: psycopg.Connection, database: Database) -> None:
    server.execute(FENCE.format(database.name, "false").encode())
    server.execute(END, [database.name])


async def where(pool: Pool) -> str:
    return str((await pool.row(WHERE))[0])


def test_calls_wait_for_a_database_that_opens_again(database: Database, server: psycopg.Connection) -> None:
    async def calls() -> None:
        pool = Pool(Settings(api_url=database.api_url, acquire_timeout=30), SIZE)
        await pool.open()
        # every connection is there, and each of them is found out to be dead
        assert await asyncio.gather(*(where(pool) for _ in range(SIZE))) == [database.name] * SIZE
        close(server, database)
        waiting = [asyncio.create_task(where(pool)) for _ in range(2 * SIZE)]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert not done
        server.execute(FENCE.format(database.name, "true").encode())
        assert await asyncio.gather(*waiting) == [database.name] * 2 * SIZE
        await pool.close()

    asyncio.run(calls())


def test_who_waits_goes_where_the_database_is_now(
    copy: Database, database: Database, server: psycopg.Connection
) -> None:
    async def calls() -> None:
        settings = Settings(api_url=database.api_url, acquire_timeout=30)
        pool = Pool(settings, SIZE)
        await pool.open()
        assert await where(pool) == database.name
        close(server, database)
        waiting = [asyncio.create_task(where(pool)) for _ in range(2 * SIZE)]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert not done
        pool.redirect(replace(settings, api_url=copy.api_url))
        assert await asyncio.gather(*waiting) == [copy.name] * 2 * SIZE
        await pool.close()

    asyncio.run(calls())


def test_nobody_waits_longer_than_for_a_connection(database: Database, server: psycopg.Connection) -> None:
    async def calls() -> None:
        pool = Pool(Settings(api_url=database.api_url, acquire_timeout=0.2), SIZE)
        await pool.open()
        close(server, database)
        with pytest.raises(ServiceError) as answered:
            await where(pool)
        assert answered.value.kind.status == 503
        await pool.close()

    asyncio.run(calls())
