"""A database without anything of ours, a copy of db/ that a test may change, and a picture of what a database holds."""

import asyncio
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.postgres import embedded
from api.setup import deploy
from tests.database import SERVICE_PASSWORD, Database, PostgresServer


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[Database]:
    """A new database; the server may know our roles already."""
    with postgres_server.database("postgres").connect() as administrator:
        administrator.execute("create database empty template template0")
        yield postgres_server.database("empty")
        administrator.execute("drop database empty with (force)")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A copy of db/."""
    return shutil.copytree(deploy.DB, tmp_path / "db")


@pytest.fixture
def apply(db: Path) -> Callable[[Database], None]:
    """Deploy the copy, as `pgwallet migrate` and `pgwallet seed` do."""

    def one(database: Database) -> None:
        asyncio.run(deploy.migrate(database.url, password=SERVICE_PASSWORD, seeds="*.sql", db=db))

    return one


def dump(database: Database, *options: str) -> str:
    """Return what pg_dump says of a database, without what differs from one dump to the next."""
    command = [str(embedded.binaries() / "pg_dump"), "--restrict-key=tests", *options, database.url]
    text = subprocess.run(command, check=True, capture_output=True, text=True, env=embedded.environment()).stdout
    return re.sub(r"^-- (Started|Completed) on .*$", "", text, flags=re.MULTILINE)


def dbmate(database: Database, command: str) -> subprocess.CompletedProcess[str]:
    """Run one command of dbmate, with the options that a deploy gives it."""
    options = ["--env", "TEST_URL", "--env-file", os.devnull, "--migrations-dir", str(deploy.DB / "migrations")]
    options += ["--migrations-table", deploy.MIGRATIONS_TABLE, "--no-dump-schema"]
    return subprocess.run(
        [str(Path(sysconfig.get_path("scripts")) / "dbmate"), *options, command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TEST_URL": f"{database.url}&sslmode=disable"},
    )
