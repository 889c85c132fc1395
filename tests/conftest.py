"""The database of the tests: a server of their own, a migrated template on it, and a clone of that for each test."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.database import PREPARED, PROGRAMS, Database, PostgresServer, cloned, own_server, prepare, set_privileges

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
    parser.addoption("--long", action="store_true", help="also the tests that take long")
    parser.addoption(
        "--databases",
        type=int,
        default=1,
        metavar="COUNT",
        help="run what speaks HTTP to a service, and only that, on a cluster of so many databases",
    )
    parser.addoption("--postgres", type=Path, metavar="FOLDER", help="servers of another version, whose bin/ is there")
    parser.addoption("--pgtap", type=Path, metavar="FILE", help="pgTAP's own SQL file, in place of our subset of it")


def pytest_configure(config: pytest.Config) -> None:
    if programs := config.getoption("--postgres"):
        os.environ[PROGRAMS] = str(programs.resolve() / "bin")
    # before xdist starts its processes, which use it, too
    if PREPARED not in os.environ:
        prepare()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server that the service itself embeds, in a temporary folder; it is gone after the session."""
    # ended from outside, as timeout(1) does it, a session cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # a worker of autovacuum may hold the template just when it is cloned
    with own_server("autovacuum = off", number=0) as (_, database):
        yield database.server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    """A migrated and seeded database of the test's own."""
    with cloned(postgres_server, "test") as found:
        yield found


@pytest.fixture
def administrator(database: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection to `database`, in autocommit mode."""
    with database.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer) -> Iterator[Database]:
    """One clone for all tests that roll back what they do; nothing may be committed in it."""
    with cloned(postgres_server, "shared") as found:
        set_privileges(found)
        yield found


@pytest.fixture(scope="module")
def module_database(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A clone of the migrated template, which the tests of the module share."""
    with cloned(postgres_server, f"of_{request.module.__name__.rpartition('.')[2]}") as found:
        yield found
