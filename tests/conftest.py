"""The database of the tests: a server of their own, a migrated template on it, and a clone of that for each test."""

import logging
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from api.postgres import embedded
from api.urls import PORT
from tests.database import Database, PostgresServer, load_template

# a line for each request, written to wherever the service's log went when a test built it in this process
logging.getLogger("httpx").setLevel(logging.WARNING)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough",
        type=int,
        default=1,
        metavar="TIMES",
        help="so many times as many random examples, and other ones each time, where tests make their own",
    )
    parser.addoption(
        "--databases",
        type=int,
        default=1,
        metavar="COUNT",
        help="run what speaks HTTP to a service, and only that, on a cluster of so many databases",
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server that the service itself embeds, in a temporary folder; it is gone after the session."""
    # ended from outside, as timeout(1) does it, a session cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        server = embedded.Server(Path(folder))
        try:
            server.start()
            found = PostgresServer(host=str(server.socket), port=PORT)
            with found.database("postgres").connect() as administrator:
                # what the tests write need not survive a power cut
                administrator.execute("alter system set fsync = off")
                # a worker of it may hold the template just when it is cloned
                administrator.execute("alter system set autovacuum = off")
                administrator.execute("select pg_reload_conf()")
            yield found
        finally:
            server.stop(patience=5.0)


postgresql_noproc = factories.postgresql_noproc(depends_on="postgres_server", dbname="test", load=[load_template])
postgresql = factories.postgresql("postgresql_noproc")


@pytest.fixture
def database(postgres_server: PostgresServer, postgresql: psycopg.Connection) -> Database:
    """A migrated and seeded database of the test's own."""
    return postgres_server.database(postgresql.info.dbname)


@pytest.fixture
def administrator(database: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection to `database`, in autocommit mode."""
    with database.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer, postgresql_noproc: NoopExecutor) -> Iterator[Database]:
    """One clone for all tests that roll back what they do; nothing may be committed in it."""
    name = f"shared_{postgresql_noproc.dbname}"
    with postgres_server.database("postgres").connect() as administrator:
        administrator.execute(f"create database {name} template {postgresql_noproc.template_dbname}")
        database = postgres_server.database(name)
        # privileges on a database are not cloned with it
        database.migrate()
        yield database
        administrator.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def module_database(
    postgres_server: PostgresServer, postgresql_noproc: NoopExecutor, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A clone of the migrated template, which the tests of the module share."""
    name = f"{request.module.__name__.rpartition('.')[2]}_{postgresql_noproc.dbname}"
    with postgres_server.database("postgres").connect() as administrator:
        administrator.execute(f"create database {name} template {postgresql_noproc.template_dbname}")
        yield postgres_server.database(name)
        administrator.execute(f"drop database {name} with (force)")
