"""A standby says what was up to where it has replayed, and of what is later that it does not know yet."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.postgres import embedded
from api.postgres.os_account import server_account
from api.setup.deploy import connected
from api.setup.status import status
from api.urls import PORT
from tests.command import wait_until
from tests.database import Database, PostgresServer
from tests.system.backup.test_restore import tool

pytestmark = pytest.mark.long

BALANCE_AT = "select balance from wallet_balance_at(%s, %s)"
NOW = "select clock_timestamp()"


@contextlib.contextmanager
def standby_of(database: Database) -> Iterator[tuple[embedded.Server, Database]]:
    """A standby of the test server, and the database on it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as name:
        server = embedded.Server(Path(name))
        pgdata = Path(name) / "postgres"
        tool("pg_basebackup", "-D", str(pgdata), "-c", "fast", "-R", "-d", database.server.database("postgres").url)
        with (pgdata / "postgresql.auto.conf").open("a") as settings:
            settings.write("hot_standby = on\n")
        account = server_account(Path(database.server.host).parent / "postgres")
        for path in [Path(name), pgdata, *pgdata.rglob("*")]:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        try:
            # start() waits for a server that takes writes
            server.prepare()
            server.spawn()
            copy = PostgresServer(host=str(server.socket), port=PORT).database(database.name)
            wait_until(lambda: can_be_reached(copy))
            yield server, copy
        finally:
            server.stop(patience=5.0)


@pytest.fixture
def standby(database: Database) -> Iterator[psycopg.Connection]:
    """A connection to a standby of the test server, in the database of the test."""
    with standby_of(database) as (_, copy), copy.connect() as connection:
        yield connection


def can_be_reached(database: Database) -> bool:
    try:
        database.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def one(connection: psycopg.Connection, sql: str, *arguments: object) -> object:
    row = connection.execute(sql.encode(), arguments).fetchone()
    assert row is not None
    return row[0]


def test_it_answers_what_it_has_replayed_and_waits_for_unfinished_writers(
    administrator: psycopg.Connection, database: Database, standby: psycopg.Connection
) -> None:
    def caught_up() -> bool:
        end = one(administrator, "select pg_current_wal_flush_lsn()::text")
        return bool(one(standby, "select pg_last_wal_replay_lsn() >= %s::pg_lsn", end))

    wallet = one(administrator, "select wallet_id from wallet_register('dora', 'hash')")
    other = one(administrator, "select wallet_id from wallet_register('other', 'hash')")
    moment = one(administrator, NOW)
    administrator.execute("select wallet_topup(%s, %s, 5)", [other, uuid4()])
    wait_until(caught_up)
    standby.execute("set lock_timeout = '50ms'")
    assert one(standby, BALANCE_AT, wallet, moment) == 1000
    with pytest.raises(psycopg.Error) as refused:
        one(standby, BALANCE_AT, wallet, one(standby, NOW))
    assert refused.value.sqlstate == "WA036"
    assert "replayed_until" in str(refused.value.diag.message_detail)

    with database.connect() as writer:
        # as the savepoint of a function's exception block
        writer.execute("begin")
        writer.execute("savepoint a")
        writer.execute("select wallet_topup(%s, %s, 5)", [wallet, uuid4()])
        writer.execute("release a")
        moment = one(administrator, NOW)
        administrator.execute("select wallet_topup(%s, %s, 5)", [other, uuid4()])
        wait_until(caught_up)
        assert one(standby, BALANCE_AT, other, moment) == 1005
        with pytest.raises(psycopg.Error) as unfinished:
            one(standby, BALANCE_AT, wallet, moment)
        assert unfinished.value.sqlstate == "WA036"
        writer.execute("commit")
    wait_until(caught_up)
    assert one(standby, BALANCE_AT, wallet, moment) == 1005


def test_it_answers_reports(administrator: psycopg.Connection, standby: psycopg.Connection) -> None:
    wallet = one(administrator, "select wallet_id from wallet_register('reporter', 'hash')")
    administrator.execute("select wallet_hold(%s, gen_random_uuid(), 5)", [wallet])
    views = administrator.execute("select viewname::text from pg_views where schemaname = 'reporting'").fetchall()
    assert len(views) == 7
    end = one(administrator, "select pg_current_wal_flush_lsn()::text")
    wait_until(lambda: bool(one(standby, "select pg_last_wal_replay_lsn() >= %s::pg_lsn", end)))
    standby.execute("set role wallet_reader")
    try:
        for (view,) in views:
            sql = f"select r::text from reporting.{view} r order by 1".encode()
            assert standby.execute(sql).fetchall() == administrator.execute(sql).fetchall(), view
    finally:
        standby.execute("reset role")


def test_it_tells_its_status(database: Database, standby: psycopg.Connection) -> None:
    copy = PostgresServer(host=standby.info.host, port=PORT).database(database.name)
    found = asyncio.run(status(copy.url))
    assert (found.database.role, found.database.takes_writes) == ("standby", False)


def test_a_command_takes_the_server_that_can_write_and_else_the_one_that_is_there(
    database: Database, standby: psycopg.Connection
) -> None:
    async def in_recovery(*servers: tuple[str, int]) -> bool:
        where, ports = (",".join(str(part) for part in parts) for parts in zip(*servers, strict=True))
        async with connected(f"postgresql://postgres@/{database.name}?host={where}&port={ports}") as connection:
            return bool(await connection.fetchval("select pg_is_in_recovery()"))

    primary, copy = (database.server.host, database.server.port), (standby.info.host, PORT)
    assert asyncio.run(in_recovery(copy, primary)) is False
    assert asyncio.run(in_recovery(primary, copy)) is False
    assert asyncio.run(in_recovery(copy, copy)) is True
