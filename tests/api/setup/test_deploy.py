"""Deploys: what is applied, what is dropped, and that a failed one leaves nothing half done."""

import asyncio
import os
import shutil
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import psycopg
import pytest

from api.setup import deploy
from api.setup.deploy import DB, DeployError
from tests.command import wait_until
from tests.database import SERVICE_PASSWORD, Database, PostgresServer

FUNCTION = """
create or replace function {name}({arguments}) returns {result}
language sql
set search_path = pg_catalog, pg_temp
as $$ select 1 $$;
"""


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A copy of db/ to change."""
    return Path(shutil.copytree(DB, tmp_path / "db"))


def write(db: Path, name: str, arguments: str = "", result: str = "integer") -> None:
    schema = "public" if name.startswith("wallet_") else "wallet"
    text = FUNCTION.format(name=f"{schema}.{name}", arguments=arguments, result=result)
    (db / "functions" / f"{name}.sql").write_text(text)


def run(database: Database, db: Path, password: str | None = SERVICE_PASSWORD) -> None:
    asyncio.run(deploy.migrate(database.url, password=password, seeds="*.sql", db=db))


def signatures(administrator: psycopg.Connection, name: str) -> list[str]:
    rows = administrator.execute(
        "select oid::regprocedure::text from pg_proc where proname = %s order by 1", [name]
    ).fetchall()
    return [row[0] for row in rows]


def test_a_deploy_can_be_repeated(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    count = "select count(*), sum(length(prosrc)) from pg_proc where proowner = 'wallet_owner'::regrole"
    before = administrator.execute(count).fetchone()
    run(database, db)
    assert administrator.execute(count).fetchone() == before
    assert administrator.execute("select count(*) from wallet.users").fetchone() == (3,)


def test_a_function_without_a_file_is_dropped(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    for name in ("wallet_spare", "spare"):
        write(db, name)
    run(database, db)
    assert signatures(administrator, "wallet_spare") == ["wallet_spare()"]
    assert signatures(administrator, "spare") == ["wallet.spare()"]
    for name in ("wallet_spare", "spare"):
        (db / "functions" / f"{name}.sql").unlink()
    run(database, db)
    assert signatures(administrator, "wallet_spare") == signatures(administrator, "spare") == []


def test_other_peoples_functions_stay(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    administrator.execute("create function public.report() returns int language sql as 'select 1'")
    administrator.execute("create function public.wallet_report() returns int language sql as 'select 1'")
    run(database, db)
    assert signatures(administrator, "report") == ["report()"]
    assert signatures(administrator, "wallet_report") == ["wallet_report()"]


def test_a_changed_signature_leaves_no_overload(
    database: Database, administrator: psycopg.Connection, db: Path
) -> None:
    write(db, "wallet_spare", "p_a integer")
    run(database, db)
    write(db, "wallet_spare", "p_a integer, p_b text default null")
    run(database, db)
    assert signatures(administrator, "wallet_spare") == ["wallet_spare(integer,text)"]


@pytest.mark.parametrize(("arguments", "result"), [("p_b integer", "integer"), ("p_a integer", "bigint")])
def test_a_changed_name_or_result_replaces_the_function(
    database: Database, administrator: psycopg.Connection, db: Path, arguments: str, result: str
) -> None:
    write(db, "wallet_spare", "p_a integer")
    run(database, db)
    write(db, "wallet_spare", arguments, result)
    run(database, db)
    row = administrator.execute(
        "select pg_get_function_arguments(oid), pg_get_function_result(oid) from pg_proc where proname = 'wallet_spare'"
    ).fetchone()
    assert row == (arguments, result)


def test_a_faulty_file_is_named_and_nothing_is_applied(
    database: Database, administrator: psycopg.Connection, db: Path
) -> None:
    write(db, "spare")
    (db / "functions" / "wallet_wrong.sql").write_text("select 1;\nselct 2;\n")
    with pytest.raises(DeployError, match=r'functions/wallet_wrong\.sql:2: syntax error at or near "selct" \(42601\)'):
        run(database, db)
    assert signatures(administrator, "spare") == []


def test_a_function_in_use_is_not_dropped(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    write(db, "spare")
    run(database, db)
    administrator.execute("create view public.uses as select wallet.spare()")
    (db / "functions" / "spare.sql").unlink()
    with pytest.raises(DeployError, match=r"wallet\.spare\(\) left db/functions or changed, but is in use: view uses"):
        run(database, db)


def test_a_faulty_migration_is_named(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    (db / "migrations" / "29990101000000_wrong.sql").write_text(
        "-- migrate:up\ncreate table wallet.spare ();\nselct;\n"
    )
    with pytest.raises(DeployError, match="29990101000000_wrong"):
        run(database, db)
    assert administrator.execute("select to_regclass('wallet.spare')").fetchone() == (None,)


def test_a_deploy_waits_for_another_one(database: Database, administrator: psycopg.Connection, db: Path) -> None:
    waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
    write(db, "spare")
    administrator.execute("select pg_advisory_lock(%s::bigint)", [deploy.LOCK])
    second = threading.Thread(target=run, args=(database, db))
    second.start()
    try:
        wait_until(lambda: administrator.execute(waiting).fetchone() == (True,))
        assert signatures(administrator, "spare") == []
    finally:
        administrator.execute("select pg_advisory_unlock(%s::bigint)", [deploy.LOCK])
        second.join()
    assert signatures(administrator, "spare") == ["wallet.spare()"]


def test_deploys_of_several_databases_of_one_cluster(
    postgres_server: PostgresServer, administrator: psycopg.Connection
) -> None:
    names = [f"next_door_{number}" for number in range(3)]

    async def several() -> None:
        urls = [postgres_server.database(name).url for name in names]
        for url in urls:
            await deploy.create_database(url)
        await asyncio.gather(*[deploy.migrate(url, password=SERVICE_PASSWORD) for url in urls])

    try:
        asyncio.run(several())
    finally:
        for name in names:
            administrator.execute(f"drop database if exists {name} with (force)")


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def get_server_version(self) -> SimpleNamespace:
            return SimpleNamespace(major=15)

        async def close(self, **_: object) -> None:
            pass

    async def connect(*_: object, **__: object) -> Old:
        return Old()

    monkeypatch.setattr(asyncpg, "connect", connect)
    with pytest.raises(DeployError) as caught:
        asyncio.run(deploy.seed("postgresql://me:secret@db/wallet"))
    assert str(caught.value) == "PostgreSQL 16 or newer is needed; the server at postgresql://me@db/wallet is 15"


def test_a_server_that_falls_silent_is_told_as_what_it_kept_from_being_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "CONNECT_TIMEOUT", 0.2)
    frozen: list[int] = []

    async def freeze() -> None:
        async with deploy.connected(database.url) as connection:
            frozen.append(await connection.fetchval("select pg_backend_pid()"))
            os.kill(frozen[0], signal.SIGSTOP)
            await connection.fetchval("select 1", timeout=0.2)

    try:
        # closing the connection waits for the server, too
        with pytest.raises(DeployError):
            asyncio.run(freeze())
    finally:
        os.kill(frozen[0], signal.SIGCONT)
