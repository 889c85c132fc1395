"""A deploy touches nothing that it did not make: neither who else lives in the database nor another installation."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.postgres import embedded
from api.setup import deploy
from api.setup.deploy import DeployError
from tests.api.setup.conftest import dbmate, dump
from tests.api.setup.test_migrations import down
from tests.database import SERVICE_PASSWORD, Database, PostgresServer

ROLE = "wallet_api_second"
TOPUP = "public.wallet_topup(uuid,uuid,bigint,text,jsonb,timestamptz,uuid,uuid)"


@pytest.fixture
def second(postgres_server: PostgresServer) -> Iterator[Database]:
    """A database for a second installation in the server, with a role that is let in."""
    with postgres_server.role(ROLE), postgres_server.database("postgres").connect() as administrator:
        administrator.execute("create database second template template0")
        yield postgres_server.database("second")
        administrator.execute("drop database second with (force)")


def login(database: Database, role: str, password: str) -> psycopg.Connection:
    address = {"host": database.server.host, "port": database.server.port, "dbname": database.name}
    return psycopg.connect(**address, user=role, password=password, autocommit=True)  # type: ignore[arg-type]


def migrate(database: Database, password: str = "another one", role: str = "wallet_api") -> None:
    asyncio.run(deploy.migrate(database.url, password=password, seeds="01_*.sql", role=role))


def test_who_lives_in_the_database_can_still_log_in_and_work(
    postgres_server: PostgresServer, empty_database: Database
) -> None:
    with postgres_server.role("somebody") as name, empty_database.connect() as administrator:
        administrator.execute(f"create role {name} login password 'secret'")
        administrator.execute("grant create on schema public to public")
        with login(empty_database, name, "secret") as application:
            application.execute("create table public.theirs as select 1 as id")
            migrate(empty_database, SERVICE_PASSWORD)
            application.execute("insert into public.theirs values (2)")
        with login(empty_database, name, "secret") as application:
            assert application.execute("select count(*) from public.theirs").fetchone() == (2,)
            application.execute("create temporary table scratch (id integer)")
            # also the temporary one: a session that has ended may own it for a moment more
            application.execute("drop table public.theirs, pg_temp.scratch")


def test_a_database_that_we_make_is_ours(postgres_server: PostgresServer) -> None:
    ours = postgres_server.database("made_by_us")
    asyncio.run(deploy.create_database(ours.url))
    with postgres_server.database("postgres").connect() as administrator:
        try:
            sql = "select has_database_privilege('public', 'made_by_us', 'connect')"
            assert administrator.execute(sql).fetchone() == (False,)
        finally:
            administrator.execute("drop database made_by_us")


def test_another_installations_password_is_not_replaced(database: Database, second: Database) -> None:
    with second.connect() as administrator:
        before = administrator.execute("select * from pg_authid where rolname ^@ 'wallet_' order by 1").fetchall()
        with pytest.raises(
            DeployError,
            match=r"^role wallet_api is the login of database \w+, with another password: set PGWALLET_API_ROLE ",
        ) as caught:
            migrate(second)
        assert "\n" not in str(caught.value)
        assert (
            administrator.execute("select * from pg_authid where rolname ^@ 'wallet_' order by 1").fetchall() == before
        )
        assert administrator.execute(
            "select to_regnamespace('wallet'), to_regclass('pgwallet_migrations')"
        ).fetchone() == (None, None)
    database.connect(service=True).close()


def test_a_second_installation_has_a_role_of_its_own(database: Database, second: Database) -> None:
    migrate(second, "another one", ROLE)
    # and again, with another password: it is its own
    migrate(second, "a newer one", ROLE)
    with login(second, ROLE, "a newer one") as service:
        found = service.execute("select user_id, wallet_id from public.wallet_register('somebody', 'x')").fetchone()
        assert found is not None
        user_id, wallet_id = found
        topup = "select balance from public.wallet_topup(%s, %s, 5, p_actor => %s)"
        assert service.execute(topup, [wallet_id, uuid4(), user_id]).fetchone() == (1005,)
        with pytest.raises(psycopg.Error) as caught:
            service.execute(topup, [wallet_id, uuid4(), None])
        assert caught.value.sqlstate == "WA002"
        limits = "select name from pg_settings where name in ('lock_timeout', 'statement_timeout') and setting = '0'"
        assert service.execute(limits).fetchall() == []
    # neither may do anything at the other's
    can = "select has_function_privilege(%s, %s, 'execute')"
    with database.connect(service=True) as first:
        assert first.execute(can, [ROLE, TOPUP]).fetchone() == (False,)
        assert first.execute(can, ["wallet_api", TOPUP]).fetchone() == (True,)
    with second.connect() as administrator:
        assert administrator.execute(can, ["wallet_api", TOPUP]).fetchone() == (False,)


def test_a_second_installation_with_the_same_password_works_by_itself(database: Database, second: Database) -> None:
    migrate(second, SERVICE_PASSWORD)
    second.connect(service=True).close()
    database.connect(service=True).close()


def test_a_role_with_powers_is_left_alone(empty_database: Database) -> None:
    with pytest.raises(
        DeployError, match=r"^role postgres has powers that the service must not have: set PGWALLET_API_ROLE "
    ):
        migrate(empty_database, role="postgres")
    with empty_database.connect() as administrator:
        assert administrator.execute("select rolpassword from pg_authid where rolname = 'postgres'").fetchone() == (
            None,
        )


def test_a_dump_restored_without_owners_says_how_to_restore_it(
    database: Database, empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(dump(database, "--no-owner", "--no-privileges"))
    psql = [str(embedded.binaries() / "psql"), "-Xq1", "-v", "ON_ERROR_STOP=1", "-f", str(file), empty_database.url]
    subprocess.run(psql, check=True, env=embedded.environment(), stdout=subprocess.DEVNULL)
    ways: list[Callable[[], None]] = [
        lambda: migrate(empty_database, SERVICE_PASSWORD),
        lambda: asyncio.run(deploy.seed(empty_database.url)),
    ]
    for again in ways:
        with pytest.raises(
            DeployError, match=r"^schema wallet belongs to postgres, .* restore a dump with its owners"
        ) as caught:
            again()
        assert "\n" not in str(caught.value)


def test_migrations_can_be_rolled_back_under_the_functions(
    empty_database: Database, db: Path, apply: Callable[[Database], None]
) -> None:
    apply(empty_database)
    before = dump(empty_database, "--schema-only")
    # the newest, and then all there are
    assert dbmate(empty_database, "down").returncode == 0
    apply(empty_database)
    assert dump(empty_database, "--schema-only") == before
    assert down(empty_database) == len(list((db / "migrations").glob("*.sql")))
    with empty_database.connect() as administrator:
        assert administrator.execute("select to_regnamespace('wallet')").fetchone() == (None,)
        left = "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        assert administrator.execute(left).fetchall() == []


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused(postgres_server: PostgresServer, encoding: str) -> None:
    with postgres_server.database("postgres").connect() as administrator:
        administrator.execute(
            f"create database narrow template template0 encoding '{encoding}' locale 'C' locale_provider libc"
        )
        try:
            with pytest.raises(
                DeployError, match=rf"has the encoding {encoding}: create one with encoding 'UTF8'$"
            ) as caught:
                migrate(postgres_server.database("narrow"), SERVICE_PASSWORD)
            assert "\n" not in str(caught.value)
        finally:
            administrator.execute("drop database narrow with (force)")


def test_a_server_that_is_read_only_is_refused(database: Database) -> None:
    with database.connect() as administrator:
        administrator.execute(f"alter database {database.name} set default_transaction_read_only = on")
    with pytest.raises(DeployError, match=r"is read only: a standby, or default_transaction_read_only is on$"):
        migrate(database, SERVICE_PASSWORD)
