"""Every SQL file parses, and the server accepts every function's body, which a deploy does not look at."""

from pathlib import Path

import pglast
import pytest

from tests.database import Database

DB = Path(__file__).resolve().parents[3] / "db"
FUNCTIONS = sorted((DB / "functions").rglob("[!_]*.sql"))


# bodies of db/proxy, to which `pgwallet proxy` makes the heads: make test-proxy has them in a server; and scripts for
# psql, which tests/docs/test_sql_examples.py runs
WHOLE = [file for file in sorted(DB.rglob("*.sql")) if file.parent.name not in ("proxy", "examples")]


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: str(file.relative_to(DB)))
def test_it_parses(file: Path) -> None:
    assert pglast.parse_sql(file.read_text())


def test_the_server_accepts_every_body(shared_database: Database) -> None:
    with shared_database.connect() as connection:
        connection.execute("begin")
        connection.execute("set local check_function_bodies = on")
        for file in FUNCTIONS:
            connection.execute(file.read_bytes())
        connection.execute("rollback")
