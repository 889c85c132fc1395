"""Every SQL file parses, and the server accepts every function's body, which a deploy does not look at."""

import re
from pathlib import Path

import pglast
import pytest

from tests.database import Database

DB = Path(__file__).resolve().parents[2] / "db"
FUNCTIONS = sorted((DB / "functions").rglob("[!_]*.sql"))


@pytest.mark.parametrize("file", sorted(DB.rglob("*.sql")), ids=lambda file: str(file.relative_to(DB)))
def test_it_parses(file: Path) -> None:
    assert pglast.parse_sql(file.read_text())


@pytest.mark.parametrize("file", FUNCTIONS, ids=lambda file: file.stem)
def test_a_file_holds_the_function_that_it_is_named_after(file: Path) -> None:
    [(schema, name)] = re.findall(r"^create or replace function (\w+)\.(\w+)", file.read_text(), re.MULTILINE)
    assert name == file.stem
    assert schema == ("public" if name.startswith("wallet_") else "wallet")


def test_the_server_accepts_every_body(shared_database: Database) -> None:
    with shared_database.connect() as connection:
        connection.execute("begin")
        connection.execute("set local check_function_bodies = on")
        for file in FUNCTIONS:
            connection.execute(file.read_bytes())
        connection.execute("rollback")
