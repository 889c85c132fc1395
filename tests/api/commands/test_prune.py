"""`pgwallet prune`: what is old goes, step by step, in each database; a dry run only tells of it."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from api.cli import pgwallet
from api.commands import prune
from api.commands.prune import Old, remove
from api.errors import CommandError
from api.settings import Settings
from api.setup.deploy import migrate
from tests.database import Database

OLD = """
    insert into wallet.verifications (ended_at, seconds, violations)
    select clock_timestamp() - (500 - n) * interval '1 day', 1, 0 from generate_series(1, 6) n
"""
LEFT = "select count(*) from wallet.verifications"


def removed(*urls: str, dry_run: bool = False) -> list[Old]:
    return asyncio.run(remove(dict(enumerate(urls)), lambda _: None, dry_run=dry_run))


def one(found: list[Old], subject: str) -> Old:
    (row,) = (row for row in found if row.subject == subject)
    return row


def called(database: Database, *arguments: str) -> str:
    result = CliRunner().invoke(pgwallet, ["prune", *arguments], env={"DATABASE_URL": database.url})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_dry_run_tells_what_then_goes(
    database: Database, administrator: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator.execute(OLD)
    monkeypatch.setattr(prune, "STEP", 2)
    told = one(removed(database.url, dry_run=True), "verifications")
    assert (told.rows, told.keep_days) == (5, 400)
    assert administrator.execute(LEFT).fetchone() == (6,)
    gone = one(removed(database.url), "verifications")
    assert (gone.rows, gone.oldest, gone.newest) == (told.rows, told.oldest, told.newest)
    assert administrator.execute(LEFT).fetchone() == (1,)
    assert {row.rows for row in removed(database.url)} == {0}


def test_it_is_shown_to_people_and_programs(database: Database, administrator: psycopg.Connection) -> None:
    administrator.execute(OLD)
    rows: list[dict[str, Any]] = json.loads(called(database, "--dry-run", "--json"))
    assert list(rows[0]) == ["subject", "keep_days", "rows", "oldest", "newest"]
    assert {row["subject"]: row["rows"] for row in rows if row["rows"]} == {"verifications": 5}
    heading, *lines = called(database).splitlines()
    assert heading.split() == ["what", "kept", "rows", "oldest", "newest"]
    (line,) = (line for line in lines if line.startswith("verifications"))
    assert line.split()[1:4] == ["400", "days", "5"]
    assert any(line.startswith("audit") and "forever" in line for line in lines)


def test_all_databases_are_done(database: Database, administrator: psycopg.Connection) -> None:
    administrator.execute(OLD)
    found = removed(database.url, database.url)
    assert [(row.database, row.rows) for row in found if row.subject == "verifications"] == [(0, 5), (1, 0)]


def test_while_another_is_at_work_it_waits_and_then_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "PATIENCE", 2)
    monkeypatch.setattr(prune, "BUSY_SECONDS", 0)
    with database.connect() as other, other.transaction():
        other.execute("select wallet_prune(1)")
        with pytest.raises(CommandError, match="another prune is at work"):
            removed(database.url)
    removed(database.url)


def test_a_deploy_tells_the_database_what_is_set(database: Database, administrator: psycopg.Connection) -> None:
    settings = Settings.load({"PGWALLET_KEEP_LOOKS": "30d", "PGWALLET_KEEP_VERIFICATIONS": "forever"}, None)
    asyncio.run(migrate(database.url, password=None, retention=settings.retention))
    kept = administrator.execute("select subject, keep_days from wallet.retention").fetchall()
    assert dict(kept) == {"audit": None, "looks": 30, "key_uses": None, "verifications": None, "dead_letters": 400}
